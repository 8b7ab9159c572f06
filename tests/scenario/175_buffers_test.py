"""A slow client does not hold a place at a backend: bodies are read ahead of it, within limits."""
import threading
import time

import pytest

from slow import SIZE, SLOW, UPLOADS, h1_upload, piece, still, tier
from wire import answer, chunks, wait_for


# ---- requests

@UPLOADS
def test_a_short_body_is_awaited_before_a_backend_is_taken(tidegate, origin, upload):
    o = origin(reply=lambda head, body: answer(200, body))
    t = tidegate([o], service={"pools": {"baseline": {"backends": [o.url], "max_requests": 1}}})
    with upload(t, 1000) as (_, put, reply):
        put(b"a" * 500)
        assert t.get().status == 200  # there is a place, and nobody before us
        assert [h.method for h in o.heads] == ["GET"]
        put(b"b" * 500, last=True)
        assert reply().body == b"a" * 500 + b"b" * 500
    assert o.heads[1].get("Content-Length") == "1000"


@UPLOADS
@pytest.mark.parametrize("size, limit", [(None, "16k"), (17_000, "16k"), (1000, 0)],
                         ids=["of unknown length", "above the limit", "without a limit"])
def test_another_body_goes_up_as_it_comes(tidegate, origin, upload, size, limit):
    begun = threading.Event()

    def serve(peer, o):
        head = o.read_head(peer)
        begun.set()
        peer.send(answer(200, peer.body(head)))
        peer.is_closed(10)

    t = tidegate([origin(serve)], service={"buffers": {"request": limit}})
    with upload(t, size) as (_, put, reply):
        put(b"a" * 900)
        assert begun.wait(10)
        put(b"b" * ((size or 1000) - 900), last=True)
        assert len(reply().body) == (size or 1000)


def test_a_body_that_is_asked_for_is_not_awaited(tidegate, origin):
    """The backend is who says that it may come."""
    def serve(peer, o):
        head = o.read_head(peer)
        peer.send("HTTP/1.1 100 Continue\r\n\r\n")
        peer.send(answer(200, peer.body(head)))
        peer.is_closed(10)

    t = tidegate([origin(serve)])
    with h1_upload(t, 4, "Expect: 100-continue") as (c, put, reply):
        assert c.head().status == 100
        put(b"body")
        assert reply().body == b"body"


@UPLOADS
def test_a_body_that_is_awaited_in_vain_reaches_nobody(tidegate, origin, upload):
    o = origin()
    t = tidegate([o], listener={"timeouts": {"body": "300ms"}})
    with upload(t, 1000) as (_, put, reply):
        put(b"a" * 500)
        assert reply().status == 408
    assert o.heads == []
    assert t.figures()["exchanges"] == 0
    with upload(t, 1000) as (c, put, _):
        put(b"a" * 500)
        wait_for(lambda: t.figures()["exchanges"] == 1)
    wait_for(lambda: t.figures()["exchanges"] == 0)
    assert o.heads == []


# ---- answers

def known(body):
    return answer(200, body)


def unknown(body):
    return answer(200, chunks(body), "Transfer-Encoding: chunked", length=False)


@SLOW
@pytest.mark.parametrize("framed", [known, unknown])
def test_an_answer_that_fits_frees_the_backend_before_the_client_has_it(tidegate, origin, slow, framed):
    body = bytes(range(250)) * (SIZE // 250)
    t = tidegate([origin(reply=lambda head, _: framed(body))], service={"buffers": {"response": "16m"}})
    c = slow(t)
    wait_for(lambda: tier(t)["completed"] == 1)
    assert tier(t)["inflight"] == 0
    assert c.rest() == body
    c.peer.close()


@SLOW
@pytest.mark.parametrize("settings", [{"service": {"buffers": {"response": 0}}},
                                      {"service": {"buffers": {"response": "1m"}}},
                                      {"service": {"buffers": {"response": "16m"}}, "buffer_memory": "1m"}],
                         ids=["none", "too little", "too little for all"])
def test_an_answer_that_does_not_fit_waits_for_its_client(tidegate, origin, slow, settings):
    sent = [0]

    def serve(peer, o):
        o.read(peer)
        peer.send(answer(200, b"", "Transfer-Encoding: chunked", length=False))
        data = piece(b"x" * 100_000)
        peer.sock.settimeout(20)
        for _ in range(SIZE // 100_000):
            peer.send(data)
            sent[0] += 100_000
        peer.send(b"0\r\n\r\n")
        peer.is_closed(10)

    t = tidegate([origin(serve)], **settings)
    c = slow(t)
    wait_for(lambda: sent[0] > 0)
    assert still(lambda: sent[0]) < SIZE
    assert tier(t)["inflight"] == 1
    assert c.rest() == b"x" * SIZE
    c.peer.close()


@SLOW
def test_the_time_that_a_client_takes_is_not_the_backend_s(tidegate, origin, slow):
    body = b"x" * SIZE
    o = origin(reply=lambda head, _: known(body))
    t = tidegate([o], service={"buffers": {"response": 0}})
    c = slow(t)
    wait_for(lambda: tier(t)["inflight"] == 1 and tier(t)["bytes_down"] > 0)
    still(lambda: tier(t)["bytes_down"])
    busy = tier(t)["busy_s"]
    time.sleep(1)  # it is time itself that must not count
    assert tier(t)["busy_s"] - busy < 0.1
    assert c.rest() == body
    c.peer.close()
    wait_for(lambda: tier(t)["completed"] == 1)
    assert tier(t)["latency_ms"]["mean"] < 900 and 0 < busy <= tier(t)["busy_s"] < 20
    assert t.backend(o.url)["latency_ms"] < 900
