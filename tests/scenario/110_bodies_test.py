"""Bodies both ways, in every framing, and answers that have none."""
import os

import pytest

from wire import answer, chunks, request


@pytest.mark.parametrize("size", [0, 1, 1000, 65536, 3_000_000])
def test_a_body_of_known_length_arrives_whole_both_ways(tidegate, origin, size):
    data = os.urandom(size)
    o = origin(reply=lambda head, body: answer(200, body))
    t = tidegate([o])
    with t.client() as c:
        assert c.ask("POST", "/", body=data).body == data
        assert c.ask("POST", "/again", body=data).body == data
    assert o.heads[0].get("Content-Length") == str(size)


def test_chunked_bodies_arrive_whole_both_ways(tidegate, origin):
    data = os.urandom(700_000)
    pieces = [data[i:i + 50_000] for i in range(0, len(data), 50_000)]
    o = origin(reply=lambda head, body: answer(200, b"", "Transfer-Encoding: chunked", length=False)
               + chunks(*[body[i:i + 9_999] for i in range(0, len(body), 9_999)]))
    t = tidegate([o])
    with t.client() as c:
        for _ in range(2):
            c.send(request("PUT", "/", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b""))
            c.send(chunks(*pieces))
            assert c.answer().body == data
    assert o.heads[0].get("Transfer-Encoding") == "chunked"
    assert o.heads[0].all("Content-Length") == []


def test_chunks_pass_on_before_the_body_is_complete(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send(answer(200, b"", "Transfer-Encoding: chunked", length=False))
        peer.send(b"5\r\nfirst\r\n")
        assert peer.is_silent(0.2)
        peer.send(b"4\r\nlast\r\n0\r\n\r\n")

    t = tidegate([origin(serve)])
    with t.client() as c:
        c.send(request("GET", "/"))
        c.head()
        assert b"first" in c.until(b"first")
        assert c.until(b"0\r\n\r\n")


def test_a_chunk_extension_and_a_trailer_do_not_disturb(tidegate, origin):
    o = origin(reply=lambda head, body: answer(200, body))
    t = tidegate([o])
    with t.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3;a=b\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n")
        assert c.answer().body == b"abc"
        assert c.get().status == 200


def test_a_trailer_does_not_become_a_field(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with t.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nabc\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\nContent-Length: 99\r\n\r\n")
        assert c.answer().status == 200
    assert "6.6.6.6" not in o.heads[0].raw.decode()


def read_with_trailers(peer, o):
    head = o.read_head(peer)
    return head, *peer.chunked()


CHUNKED_WITH_TRAILERS = ("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "3\r\nabc\r\n0\r\nX-Sum: 900150983cd24fb0\r\nContent-Length: 99\r\nX-Late: 1\r\n\r\n")


@pytest.mark.parametrize("connection", ["new", "kept", "lost"])
def test_trailers_of_a_request_go_up_whatever_the_connection(tidegate, origin, connection):
    """A new one is not there yet when the request is complete; a lost one is replaced."""
    def serve(peer, o):
        while True:
            head, body, trailers = read_with_trailers(peer, o)
            if connection == "lost" and len(o.heads) == 1:
                peer.reset()
            peer.send(answer(200, body + b"|" + trailers))

    t = tidegate([origin(serve)], workers=1)
    with t.client() as c:
        for _ in range(2 if connection == "kept" else 1):
            c.send(CHUNKED_WITH_TRAILERS)
            a = c.answer("PUT")
            assert a.body == b"abc|X-Sum: 900150983cd24fb0\r\nX-Late: 1\r\n"


def test_trailers_of_an_answer_come_down(tidegate, origin):
    o = origin(reply=lambda head, body: answer(200, b"", "Transfer-Encoding: chunked", "Trailer: X-Sum", length=False)
               + b"3\r\nabc\r\n0\r\nX-Sum: 9\r\nSet-Cookie: a=b\r\nTransfer-Encoding: x\r\n\r\n")
    t = tidegate([o])
    with t.client() as c:
        for _ in range(2):
            a = c.get()
            assert (a.body, a.trailers) == (b"abc", b"X-Sum: 9\r\n")
            assert a.head.get("Trailer") == "X-Sum"
        c.send("GET / HTTP/1.0\r\n\r\n")
        assert c.answer().body == b"abc"


def test_the_answer_to_head_has_a_length_and_no_body(tidegate, origin):
    def serve(peer, o):
        while True:
            head, _ = o.read(peer)
            peer.send(answer(200, b"0123456789" if head.method != "HEAD" else b"",
                             *(["Content-Length: 10"] if head.method == "HEAD" else []),
                             length=head.method != "HEAD"))

    t = tidegate([origin(serve)])
    with t.client() as c:
        for _ in range(3):
            a = c.ask("HEAD", "/")
            assert a.head.get("Content-Length") == "10"
            assert c.get().body == b"0123456789"


@pytest.mark.parametrize("status, fields", [
    (204, []), (304, ["Content-Length: 10", 'ETag: "x"']), (304, []),
])
def test_an_answer_that_has_no_body_by_its_status_ends_with_its_head(tidegate, origin, status, fields):
    def serve(peer, o):
        while True:
            head, _ = o.read(peer)
            peer.send(answer(status, b"", *fields, length=False) if head.target == "/none"
                      else answer(200, b"next"))

    t = tidegate([origin(serve)], workers=1)
    with t.client() as c:
        assert c.get("/none").status == status
        assert c.get("/").body == b"next"


def test_an_answer_that_ends_with_the_connection_arrives_whole(tidegate, origin):
    data = os.urandom(300_000)

    def serve(peer, o):
        o.read(peer)
        peer.send(answer(200, b"", length=False), data)

    t = tidegate([origin(serve)])
    assert t.get().body == data


def test_an_http_1_0_client_is_sent_no_chunks(tidegate, origin):
    o = origin(reply=lambda head, body: answer(200, b"", "Transfer-Encoding: chunked", length=False)
               + chunks(b"abc", b"defg"))
    t = tidegate([o])
    with t.client() as c:
        c.send("GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        a = c.answer()
        assert a.head.all("Transfer-Encoding") == []
        assert a.body == b"abcdefg"


def test_bytes_behind_an_answer_are_not_the_next_answer(tidegate, origin):
    def serve(peer, o):
        while True:
            head, _ = o.read(peer)
            extra = answer(200, b"stolen") if head.target == "/first" else b""
            peer.send(answer(200, head.target.encode()) + extra)

    t = tidegate([origin(serve)], workers=1)
    with t.client() as c:
        assert c.get("/first").body == b"/first"
        for i in range(5):
            assert c.get(f"/{i}").body == b"/%d" % i


def test_an_origin_with_a_malformed_length_is_a_bad_gateway(tidegate, origin):
    o = origin(reply=lambda head, body: answer(200, b"abc", "Content-Length: +3", length=False))
    t = tidegate([o])
    assert t.get().status == 502


def test_an_empty_chunked_body_has_an_end(tidegate, origin):
    """Also when it was complete before there was a connection to send it on."""
    o = origin()
    t = tidegate([o])
    for _ in range(3):
        with t.client() as c:
            c.send("POST /empty HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            assert c.answer("POST").status == 200
