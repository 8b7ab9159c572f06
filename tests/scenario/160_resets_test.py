"""A reset in each state of a request, from either side."""
import pytest

from wire import Closed, answer, request, wait_for

BIG = 5_000_000


def talk(peer, o):
    """Answers /slow never, /big with much, everything else at once."""
    while True:
        head, _ = o.read(peer)
        if head.target == "/slow":
            peer.until_close()
        elif head.target == "/big":
            peer.send(answer(200, b"b" * BIG))
        else:
            peer.send(answer(200, b"fine"))


CLIENT_STATES = {
    "before the first byte": b"",
    "in the request line": b"GET /",
    "in the fields": b"GET / HTTP/1.1\r\nHost: x\r\nX-",
    "in a body of known length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc",
    "in a chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
    "while it waits": request("GET", "/slow"),
    "in the answer": request("GET", "/big"),
    "in a pipeline": request("GET", "/big") + request("GET", "/") * 3,
}


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("sent", CLIENT_STATES.values(), ids=CLIENT_STATES)
def test_a_client_that_vanishes_leaves_nothing_behind(tidegate, origin, sent, how):
    o = origin(talk)
    t = tidegate([o])
    for _ in range(5):
        c = t.client()
        c.send(sent)
        if b"/big" in sent:
            c.fill()
        elif b"/slow" in sent:
            before = len(o.heads)
            wait_for(lambda: len(o.heads) >= before or o.heads)
        getattr(c, how)()
    wait_for(lambda: t.figures()["connections"] == 0)
    wait_for(lambda: t.figures()["exchanges"] == 0)
    assert t.get().body == b"fine"


def test_a_client_that_leaves_while_it_waits_frees_the_origin(tidegate, origin):
    o = origin(talk)
    t = tidegate([o])
    c = t.client()
    c.send(request("GET", "/slow"))
    wait_for(lambda: o.heads)
    c.close()
    wait_for(lambda: o.open_now == 0)


ORIGIN_STATES = {
    "at accept": lambda peer, o: peer.reset(),
    "after the request": lambda peer, o: (o.read(peer), peer.reset()),
    "in its status line": lambda peer, o: (o.read(peer), peer.send(b"HTTP/1.1 2"), peer.reset()),
    "in its fields": lambda peer, o: (o.read(peer), peer.send(b"HTTP/1.1 200 OK\r\nX-"), peer.reset()),
}


@pytest.mark.parametrize("serve", ORIGIN_STATES.values(), ids=ORIGIN_STATES)
def test_an_origin_that_resets_before_its_answer_is_a_bad_gateway(tidegate, origin, serve):
    o = origin(serve)
    t = tidegate([o], service={"ejection": {"enabled": False}})
    with t.client() as c:
        for _ in range(5):
            assert c.ask("POST", "/", body=b"x").status == 502
        assert c.get().status == 502
    assert t.figures()["exchanges"] == 0


def test_an_origin_that_resets_in_its_answer_resets_the_client(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send(answer(200, b"", "Content-Length: 100", length=False), b"half")
        peer.reset()

    t = tidegate([origin(serve)])
    for _ in range(5):
        with t.client() as c:
            c.send(request("GET", "/"))
            with pytest.raises((Closed, ConnectionResetError)):
                c.answer()
    wait_for(lambda: t.figures()["connections"] == 0)


def test_an_origin_that_resets_during_an_upload_is_a_bad_gateway(tidegate, origin):
    def serve(peer, o):
        o.read_head(peer)
        peer.reset()

    t = tidegate([origin(serve)])
    with t.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc")
        assert c.answer("POST").status == 502
