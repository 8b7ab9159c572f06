"""An answer that comes before the request has ended."""
import threading

from wire import Closed, answer, request


def test_an_early_413_reaches_a_client_that_is_still_sending(tidegate, origin):
    def serve(peer, o):
        o.read_head(peer)
        peer.send(answer(413, b"too much", "Connection: close"))
        peer.half_close()
        peer.until_close()

    o = origin(serve)
    t = tidegate([o])
    for _ in range(5):
        with t.client() as c:
            c.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
            sender = threading.Thread(target=send_all, args=(c, 50_000_000))
            sender.start()
            a = c.answer("POST")
            assert a.status == 413 and a.body == b"too much"
            assert a.head.get("Connection", "").lower() == "close"
            sender.join(10)
            assert not sender.is_alive()


def send_all(peer, n):
    try:
        while n > 0:
            peer.send(b"u" * min(n, 65536))
            n -= 65536
    except OSError:
        pass


def test_the_upstream_connection_of_an_early_answer_is_not_used_again(tidegate, origin):
    def serve(peer, o):
        while True:
            head = o.read_head(peer)
            peer.send(answer(401 if head.method == "POST" else 200, head.target.encode()))

    o = origin(serve)
    t = tidegate([o], workers=1)
    with t.client() as c:
        c.send("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc")
        assert c.answer("POST").status == 401
    assert t.get("/next").body == b"/next"
    assert len(o.peers) == 2


def test_a_body_over_the_limit_is_refused_at_its_head(tidegate, origin):
    o = origin()
    t = tidegate([o], listener={"limits": {"body": "1k"}})
    with t.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n")
        assert c.answer("POST").status == 413
        assert c.is_closed()
    assert o.heads == []
    assert t.get().status == 200


def test_a_chunked_body_over_the_limit_is_refused_on_the_way(tidegate, origin):
    def serve(peer, o):
        try:
            o.read(peer)
        except Closed:
            o.cut = True

    o = origin(serve)
    t = tidegate([o], listener={"limits": {"body": "1k"}})
    with t.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        c.send(b"200\r\n" + b"a" * 512 + b"\r\n")
        assert c.is_silent(0.1)
        c.send(b"400\r\n" + b"a" * 1024 + b"\r\n")
        assert c.answer("POST").status == 413


def test_a_whole_request_behind_an_early_answer_is_not_served(tidegate, origin):
    def serve(peer, o):
        o.read_head(peer)
        peer.send(answer(403, b"no"))
        peer.until_close()

    t = tidegate([origin(serve)], service={"buffers": {"request": 0}})
    with t.client() as c:
        c.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        assert c.answer("POST").status == 403
        try:
            c.send(b"0123456789" + request("GET", "/smuggled"))
        except OSError:
            pass
        assert c.is_closed()
