"""Nobody is waited for without an end."""
import socket
import time

import pytest

from wire import answer, request, wait_for


def test_a_head_that_takes_too_long_is_408(tidegate, origin):
    t = tidegate([origin()], listener={"timeouts": {"head": "300ms"}})
    with t.client() as c:
        c.send("GET / HTTP/1.1\r\nHost:")
        begun = time.monotonic()
        assert c.answer().status == 408
        assert 0.2 < time.monotonic() - begun < 2
        assert c.is_closed()


def test_a_head_that_trickles_is_408_too(tidegate, origin):
    t = tidegate([origin()], listener={"timeouts": {"head": "400ms"}})
    with t.client() as c:
        begun = time.monotonic()
        c.sock.settimeout(0.05)
        for byte in b"GET / HTTP/1.1\r\n" + b"X-Slow: 1\r\n" * 20:
            try:
                c.send(bytes([byte]))
                c.fill()
                break
            except TimeoutError:
                continue
        assert c.answer().status == 408
        assert time.monotonic() - begun < 2


def test_a_body_that_pauses_too_long_is_408(tidegate, origin):
    t = tidegate([origin()], listener={"timeouts": {"body": "300ms"}})
    with t.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        assert c.answer("POST").status == 408
        assert c.is_closed()


def trickle(c, data, every_s):
    """Sends byte by byte until it is answered; returns how many."""
    c.sock.settimeout(every_s)
    for n, byte in enumerate(data, 1):
        try:
            c.send(bytes([byte]))
            c.fill()
            break
        except TimeoutError:
            continue
    c.sock.settimeout(10)
    return n


@pytest.mark.parametrize("rate, served", [("1k", False), (0, True)])
def test_a_body_that_trickles_is_408_unless_any_rate_will_do(tidegate, origin, rate, served):
    t = tidegate([origin(reply=lambda head, body: answer(200, body))], listener={
        "timeouts": {"body": "500ms"}, "limits": {"body_rate": rate}})
    with t.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n")
        assert (trickle(c, b"x" * 30, 0.05) == 30) == served
        assert c.answer("POST").status == (200 if served else 408)
    assert t.metric("tidegate_requests_refused_total", reason="timeout") == (not served)


def test_a_body_at_the_rate_may_take_as_long_as_it_likes(tidegate, origin):
    t = tidegate([origin(reply=lambda head, body: answer(200, body))], listener={
        "timeouts": {"body": "500ms"}, "limits": {"body_rate": 20}})
    with t.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(15):
            c.send("5\r\nabcde\r\n")
            assert c.is_silent(0.1)
        c.send("0\r\n\r\n")
        assert c.answer("POST").body == b"abcde" * 15


def test_an_idle_connection_is_closed_without_a_word(tidegate, origin):
    t = tidegate([origin()], listener={"timeouts": {"idle": "300ms"}})
    with t.client() as c:
        c.get()
        assert c.is_closed(within_s=4)


def test_an_origin_that_does_not_answer_is_504(tidegate, origin):
    t = tidegate([origin(serve=lambda peer, o: peer.until_close())],
                 service={"timeouts": {"response": "300ms"}, "retries": {"attempts": 0}})
    begun = time.monotonic()
    assert t.get().status == 504
    assert 0.2 < time.monotonic() - begun < 3


def test_an_origin_that_cannot_be_reached_in_time_is_504(tidegate):
    with socket.socket() as full:  # its queue is full: the kernel answers no further SYN
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for f in fillers:
            f.setblocking(False)
            f.connect_ex(full.getsockname())
        t = tidegate([f"127.0.0.1:{full.getsockname()[1]}"],
                     service={"timeouts": {"connect": "300ms"}, "retries": {"attempts": 0}})
        begun = time.monotonic()
        assert t.get().status == 504
        assert time.monotonic() - begun < 3
        for f in fillers:
            f.close()


def test_a_client_that_takes_nothing_is_cut(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send(answer(200, b"w" * 30_000_000))

    o = origin(serve)
    t = tidegate([o], listener={"timeouts": {"write": "400ms"}})
    with t.client() as c:
        c.send(request("GET", "/"))
        deadline = time.monotonic() + 8
        while t.figures()["connections"] > 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
