"""Requests over HTTP/2 towards an HTTP/1.1 backend: bodies, trailers, tunnels, ends, time."""
import signal
import subprocess
import threading
import time

import pytest
from hyperframe import frame as hf

import h2wire
from harness import IS_ASAN
from h2wire import CANCEL, INTERNAL_ERROR, NO_ERROR, Reset
from wire import answer, chunks, wait_for


def hold(o_until):
    """An origin that reads a request and then waits."""
    def serve(peer, o):
        o.read(peer)
        o_until.wait(20)
        peer.send(answer(200, b"done"))
        peer.is_closed(20)
    return serve


def test_the_backend_sees_an_http_1_request(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with h2wire.client(t) as c:
        c.ask("POST", "/a?b=c", ("x-one", "1"), ("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers"), body=b"body")
    head = o.heads[0]
    assert head.first == "POST /a?b=c HTTP/1.1"
    assert head.get("Host") == "test.example"
    assert head.get("cookie") == "a=1; b=2"
    assert head.get("TE") == "trailers"
    assert head.get("Via").startswith("2 ")
    assert head.get("Transfer-Encoding") == "chunked" and head.get("Content-Length") is None
    assert o.bodies == [b"body"]


def test_a_body_with_a_length_keeps_it(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with h2wire.client(t) as c:
        assert c.ask("PUT", "/", ("content-length", "4"), body=b"body").status == 200
        assert c.ask("POST", "/", ("content-length", "0")).status == 200
    assert o.heads[0].get("Content-Length") == "4" and o.heads[0].get("Transfer-Encoding") is None
    assert o.heads[1].get("Content-Length") == "0"


@pytest.mark.parametrize("method, reply, status, body, length", [
    ("GET", answer(200, b"hello"), 200, b"hello", "5"),
    ("HEAD", answer(200, b"hello").split(b"\r\n\r\n")[0] + b"\r\n\r\n", 200, b"", "5"),
    ("GET", answer(204), 204, b"", None),
    ("GET", b"HTTP/1.1 304 X\r\nContent-Length: 77\r\n\r\n", 304, b"", "77"),
    ("GET", b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(b"ab", b"c"), 200, b"abc", None),
    ("GET", b"HTTP/1.1 200 X\r\nConnection: close\r\nX-A: 1\r\n\r\n", 200, b"", None),
])
def test_answers_of_every_framing(tidegate, origin, method, reply, status, body, length):
    def serve(peer, o):
        o.read(peer)
        peer.send(reply)
        peer.close()

    t = tidegate([origin(serve)])
    with h2wire.client(t) as c:
        m = c.ask(method)
        assert (m.status, m.body, m.get("content-length")) == (status, body, length)
        assert not m.all("connection") and not m.all("transfer-encoding")


def test_informational_answers_and_trailers_come_through(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n", "HTTP/1.1 103 Early\r\nLink: </b>\r\n\r\n",
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n",
                  "3\r\nabc\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\n\r\n")

    t = tidegate([origin(serve)])
    with h2wire.client(t) as c:
        m = c.get()
        assert [dict(i)["link"] for i in m.interim] == ["</a>", "</b>"]
        assert m.body == b"abc" and m.trailers == [("x-sum", "7")]


def test_request_trailers_go_up(tidegate, origin):
    seen = []

    def serve(peer, o):
        o.read_head(peer)
        seen.append(peer.chunked())
        peer.send(answer())

    t = tidegate([origin(serve)])
    with h2wire.client(t) as c:
        stream = c.fresh()
        c.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")], end=False)
        c.data(stream, b"abc")
        wait_for(lambda: t.figures()["upstream_connections"] == 1)
        c.headers(stream, [("x-sum", "7"), ("content-length", "3"), ("host", "b")])
        assert c.answer(stream).status == 200
    assert seen == [(b"abc", b"x-sum: 7\r\n")]


def test_expect_is_answered_by_the_backend(tidegate, origin):
    def serve(peer, o):
        head = o.read_head(peer)
        assert head.get("expect") == "100-continue"
        peer.send("HTTP/1.1 100 Continue\r\n\r\n")
        assert peer.body(head) == b"body"
        peer.send(answer())

    t = tidegate([origin(serve)])
    with h2wire.client(t) as c:
        stream = c.fresh()
        c.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a"),
                           ("expect", "100-continue"), ("content-length", "4")], end=False)
        while not c.streams[stream].interim:
            c.frame()
        c.data(stream, b"body", end=True)
        assert c.answer(stream).status == 200


def test_an_answer_before_the_request_has_ended_ends_it_without_error(tidegate, origin):
    def serve(peer, o):
        o.read_head(peer)
        peer.send(answer(403, b"no"))
        peer.is_closed()

    t = tidegate([origin(serve)])
    with h2wire.client(t) as c:
        stream = c.fresh()
        c.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")], end=False)
        m = c.answer(stream)
        assert (m.status, m.body) == (403, b"no")
        assert c.error_of(stream) == NO_ERROR
        ends = [f for f in c.seen if f.stream_id == stream and "END_STREAM" in f.flags]
        assert len(ends) == 1
        c.data(stream, b"late")
        assert c.alive()


UPLOAD = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")]


def begin_upload(c, body, *fields):
    """All of a body with its length, but not END_STREAM."""
    stream = c.fresh()
    c.headers(stream, [*UPLOAD, ("content-length", str(len(body))), *fields], end=False)
    if body:
        c.data(stream, body)
    return stream


@pytest.mark.parametrize("body", [b"", b"body"])
@pytest.mark.parametrize("version", ["h1", "h2"])
def test_a_body_of_known_length_is_whole_before_its_stream_ends(tidegate, origin, version, body):
    """Some clients end the stream in a frame of its own: the answer before it is no early one."""
    bodies = []

    def serve(f, stream, m):
        bodies.append(m.body)
        h2wire.respond(f, stream)

    o = origin() if version == "h1" else origin(h2wire.serving(serve))
    t = tidegate([o], service={"pools": {"baseline": {"protocol": version}}}, workers=1)
    with h2wire.client(t) as c:
        for _ in range(5):
            stream = begin_upload(c, body)
            assert c.answer(stream).status == 200
            assert c.alive() and c.streams[stream].error is None
            c.data(stream, b"", end=True)
        late = begin_upload(c, body)
        c.answer(late)
        c.headers(late, [("x-sum", "1")])
        assert c.alive()
    assert (bodies or o.bodies) == [body] * 6
    assert t.figures()["upstream_opened"] == 1


def test_trailers_that_were_announced_are_waited_for(tidegate, origin):
    seen = []

    def serve(f, stream, m):
        seen.append(m)
        h2wire.respond(f, stream)

    t = tidegate([origin(h2wire.serving(serve))], service={"pools": {"baseline": {"protocol": "h2"}}}, workers=1)
    with h2wire.client(t) as c:
        stream = begin_upload(c, b"body", ("trailer", "x-sum"))
        assert c.alive()
        c.headers(stream, [("x-sum", "7")])
        assert c.answer(stream).status == 200
    assert seen[0].body == b"body" and seen[0].trailers == [("x-sum", "7")]


def test_a_stream_that_never_ends_is_reset_after_its_answer(tidegate, origin):
    t = tidegate([origin()], listener={"timeouts": {"body": "300ms"}})
    with h2wire.client(t) as c:
        for body in (b"", b"body"):
            stream = begin_upload(c, body)
            assert c.answer(stream).status == 200
            assert c.error_of(stream) == CANCEL
        assert c.alive()


def test_a_slow_answer_to_a_whole_body_is_waited_for(tidegate, origin):
    """It is the backend that takes longer than a client's body may."""
    go = threading.Event()
    t = tidegate([origin(hold(go))], listener={"timeouts": {"body": "200ms"}})
    with h2wire.client(t) as c:
        stream = begin_upload(c, b"body")
        threading.Timer(0.6, go.set).start()
        assert c.answer(stream).status == 200


def test_a_body_over_the_limit_is_413(tidegate, origin):
    t = tidegate([origin(serve=lambda peer, o: (o.read_head(peer), peer.is_closed()))],
                 listener={"limits": {"body": "1k"}})
    with h2wire.client(t) as c:
        assert c.ask("POST", "/", ("content-length", "1025"), body=b"x" * 1025).status == 413
        stream = c.fresh()
        c.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")], end=False)
        c.data(stream, b"x" * 1025)
        assert c.answer(stream).status == 413
        assert c.error_of(stream) == NO_ERROR


def test_a_broken_off_answer_resets_its_stream_alone(tidegate, origin):
    def serve(peer, o):
        head, _ = o.read(peer)
        if head.target == "/cut":
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            peer.close()
        else:
            peer.send(answer())

    t = tidegate([origin(serve)])
    with h2wire.client(t) as c:
        with pytest.raises(Reset) as e:
            c.get("/cut")
        assert e.value.error == INTERNAL_ERROR
        assert c.get("/").status == 200


def test_a_reset_ends_the_work_at_the_backend(tidegate, origin):
    began, ended = threading.Event(), threading.Event()

    def serve(peer, o):
        o.read(peer)
        began.set()
        if peer.is_closed(10):
            ended.set()

    t = tidegate([origin(serve)])
    with h2wire.client(t) as c:
        stream = c.request()
        assert began.wait(5)
        c.reset(stream)
        assert ended.wait(5)
        assert c.alive()
    wait_for(lambda: t.service()["left"] + t.figures()["exchanges"] >= 0 and t.figures()["exchanges"] == 0)


def test_many_requests_at_once_are_answered_out_of_order(tidegate, origin):
    gates = {f"/{i}": threading.Event() for i in range(50)}

    def serve(peer, o):
        head, _ = o.read(peer)
        gates[head.target].wait(10)
        peer.send(answer(200, head.target.encode()))

    t = tidegate([origin(serve)])
    with h2wire.client(t) as c:
        streams = {i: c.request("GET", f"/{i}") for i in range(50)}
        for i in reversed(range(50)):
            gates[f"/{i}"].set()
            assert c.answer(streams[i]).body == f"/{i}".encode()


# ---- websocket

def tunnel(tidegate, origin, serve):
    t = tidegate([origin(serve)])
    c = h2wire.client(t)
    assert c.settings[h2wire.CONNECT_PROTOCOL] == 1
    stream = c.fresh()
    c.headers(stream, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat"),
                       (":authority", "test.example"), ("sec-websocket-version", "13")], end=False)
    return t, c, stream


def switch(peer, o):
    head = o.read_head(peer)
    assert head.first == "GET /chat HTTP/1.1" and head.get("Upgrade") == "websocket"
    assert head.get("Connection") == "upgrade" and len(head.get("sec-websocket-key")) == 24
    peer.send("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
              "Sec-WebSocket-Accept: x\r\nX-A: 1\r\n\r\n")


def test_a_websocket_is_a_tunnel_both_ways(tidegate, origin):
    def serve(peer, o):
        switch(peer, o)
        while True:
            peer.fill()
            peer.send(peer.take(len(peer.buf)).upper())

    t, c, stream = tunnel(tidegate, origin, serve)
    with c:
        c.data(stream, b"early ")
        m = c.head(stream)
        assert m.status == 200 and not m.all("upgrade") and not m.all("sec-websocket-accept")
        assert m.get("x-a") == "1"
        c.data(stream, b"and late")
        while len(m.body) < 14:
            c.frame()
        assert m.body == b"EARLY AND LATE"
        big = b"x" * 60_000
        for i in range(0, len(big), 15_000):
            c.data(stream, big[i:i + 15_000])
        while len(m.body) < 14 + len(big):
            c.frame()
        c.data(stream, b"", end=True)
        assert c.answer(stream).ended
    wait_for(lambda: t.figures()["exchanges"] == 0)


def test_the_backend_may_end_a_websocket_first(tidegate, origin):
    def serve(peer, o):
        switch(peer, o)
        peer.send("bye")
        peer.half_close()
        peer.until_close()

    t, c, stream = tunnel(tidegate, origin, serve)
    with c:
        assert c.answer(stream).body == b"bye"
        c.data(stream, b"", end=True)
        assert c.alive()
    wait_for(lambda: t.figures()["exchanges"] == 0)


def test_a_websocket_that_is_refused_is_an_answer(tidegate, origin):
    t, c, stream = tunnel(tidegate, origin, lambda peer, o: (o.read_head(peer), peer.send(answer(403, b"no"))))
    with c:
        c.data(stream, b"early")
        m = c.answer(stream)
        assert (m.status, m.body) == (403, b"no")
        assert c.error_of(stream) == NO_ERROR
        assert c.alive()


# ---- windows, back-pressure, memory

def test_a_body_larger_than_every_window_comes_whole(tidegate, origin):
    body = bytes(range(256)) * 12_000  # 3 MB
    t = tidegate([origin(reply=lambda head, sent: answer(200, sent or body))])
    with h2wire.client(t) as c:
        assert c.get().body == body
        stream = c.fresh()
        c.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")], end=False)
        room = {0: 1 << 20, stream: 65536}
        sent = 0
        while sent < len(body):
            n = min(16_384, len(body) - sent, room[stream], room[0])
            if n == 0:
                f = c.frame()
                if isinstance(f, hf.WindowUpdateFrame):
                    room[f.stream_id] += f.window_increment
                continue
            c.data(stream, body[sent:sent + n], end=sent + n == len(body))
            sent, room[stream], room[0] = sent + n, room[stream] - n, room[0] - n
        assert c.answer(stream).body == body


def endless(peer, o):
    o.read(peer)
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    peer.sock.settimeout(0.2)
    until = time.monotonic() + 3
    while time.monotonic() < until:
        try:
            n = peer.sock.send(b"z" * 65536)
            with o.lock:
                o.sent += n
        except TimeoutError:
            pass


def test_slow_readers_do_not_grow_memory(tidegate, origin):
    """100 streams of one connection whose client opens no window, and one that is read."""
    o = origin(endless)
    o.sent = 0
    t = tidegate([o], workers=1)
    with h2wire.client(t, windows=False) as c:
        before = t.rss_kib()
        for _ in range(100):
            c.request()
        wait_for(lambda: t.figures()["exchanges"] == 100)
        sent = [0]

        def stands():  # for as long as fifty looks
            sent.append(o.sent)
            return len(sent) > 50 and sent[-50] == sent[-1]

        wait_for(stands)
        c.alive()
        grown = t.rss_kib() - before
        assert IS_ASAN or grown < 100 * 160, f"{grown} KiB"
        assert o.sent < 100 * 12_000_000


def test_a_slow_stream_does_not_hold_up_another(tidegate, origin):
    def serve(peer, o):
        head, _ = o.read(peer)
        peer.send(answer(200, b"s" * (1_000_000 if head.target == "/slow" else 50_000)))
        peer.is_closed(20)

    t = tidegate([origin(serve)])
    with h2wire.client(t, windows=False) as c:
        c.grow(0, 10_000_000)
        slow = c.request("GET", "/slow")
        while len(c.streams[slow].body) < 65535:
            c.frame()
        for _ in range(5):
            assert len(c.get("/fast").body) == 50_000
        c.grow(slow, 1_000_000)
        assert len(c.answer(slow).body) == 1_000_000


def test_an_upload_nobody_takes_stops_at_its_window(tidegate, origin):
    go = threading.Event()

    def serve(peer, o):
        o.read_head(peer)
        go.wait(20)
        peer.send(answer(200, b"%d" % len(peer.chunked()[0])))

    t = tidegate([origin(serve)], listener={"h2": {"stream_window": "64k"}})
    with h2wire.client(t) as c:
        stream = c.fresh()
        c.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")], end=False)
        sent, room = 0, 65536
        c.peer.sock.settimeout(0.5)
        try:  # until nothing comes back any more: the kernels' buffers and ours are full
            while True:
                while room >= 16_384:
                    c.data(stream, b"u" * 16_384)
                    sent, room = sent + 16_384, room - 16_384
                f = c.frame()
                if isinstance(f, hf.WindowUpdateFrame) and f.stream_id == stream:
                    room += f.window_increment
        except TimeoutError:
            pass
        c.peer.sock.settimeout(10)
        assert room < 16_384 and sent < 20_000_000
        go.set()
        c.data(stream, b"", end=True)
        assert c.answer(stream).body == b"%d" % sent


# ---- time

@pytest.mark.parametrize("rate, served", [("1k", False), (0, True)])
def test_a_body_that_trickles_is_408_unless_any_rate_will_do(tidegate, origin, rate, served):
    t = tidegate([origin(reply=lambda head, body: answer(200, body))],
                 listener={"timeouts": {"body": "500ms"}, "limits": {"body_rate": rate}})
    with h2wire.client(t) as c:
        stream = c.fresh()
        c.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")], end=False)
        c.peer.sock.settimeout(0.05)
        for _ in range(30):
            try:
                while c.streams[stream].fields is None:
                    c.frame()
                break
            except TimeoutError:
                c.data(stream, b"x")
        if served:
            c.data(stream, b"", end=True)
        c.peer.sock.settimeout(10)
        assert c.answer(stream).status == (200 if served else 408)


@pytest.mark.parametrize("what", ["silence", "half a frame"])
def test_an_idle_connection_is_ended_with_a_goaway(tidegate, origin, what):
    t = tidegate([origin()], listener={"timeouts": {"idle": "300ms", "head": "300ms"}})
    with h2wire.client(t) as c:
        assert c.get().status == 200
        if what == "half a frame":
            c.raw(1, 5, 3, b"abc", length=100)
        f = c.goaway()
        assert f.error_code == NO_ERROR


def test_pings_do_not_keep_an_idle_connection(tidegate, origin):
    t = tidegate([origin()], listener={"timeouts": {"idle": "500ms"}})
    with h2wire.client(t) as c:
        begun = time.monotonic()
        with pytest.raises(Exception):
            while time.monotonic() < begun + 5:
                c.alive()
        assert time.monotonic() < begun + 3


def test_a_body_that_does_not_come_is_408(tidegate, origin):
    t = tidegate([origin(serve=lambda peer, o: (o.read_head(peer), peer.is_closed()))],
                 listener={"timeouts": {"body": "300ms"}})
    with h2wire.client(t) as c:
        stream = c.fresh()
        c.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")], end=False)
        c.data(stream, b"x")
        assert c.answer(stream).status == 408


def test_a_client_that_opens_no_window_loses_its_stream(tidegate, origin):
    t = tidegate([origin(reply=lambda head, body: answer(200, b"x" * 1000))], listener={"timeouts": {"write": "300ms"}})
    with h2wire.client(t, settings={h2wire.WINDOW: 0}) as c:
        stream = c.request()
        assert c.error_of(stream) == CANCEL
        assert c.alive()


# ---- draining

def test_a_drain_is_two_goaways_and_loses_nothing(tidegate, origin):
    go = threading.Event()
    o = origin(hold(go))
    t = tidegate([o], workers=1)
    c = h2wire.client(t)
    first = c.request()
    wait_for(lambda: o.heads)
    t.signal(signal.SIGTERM)
    f = c.until(lambda f: isinstance(f, hf.GoAwayFrame))
    assert (f.error_code, f.last_stream_id) == (NO_ERROR, 2**31 - 1)
    second = c.request()  # crosses the first GOAWAY, before we answered its PING
    last = c.until(lambda f: isinstance(f, hf.GoAwayFrame))
    go.set()
    assert c.answer(first).body == b"done"
    if second <= last.last_stream_id:
        assert c.answer(second).body == b"done"
    c.peer.until_close()
    assert t.wait() == 0


def begin_drain(t, c):
    """Up to the first GOAWAY and its PING, whose answer (returned) is kept back."""
    kept = []
    send, c.peer.send = c.peer.send, kept.append
    t.signal(signal.SIGTERM)
    c.until(lambda f: {hf.PingFrame, hf.GoAwayFrame} <= {type(f) for f in c.seen})
    c.peer.send = send
    return b"".join(kept)


def test_what_crosses_the_first_goaway_is_answered(tidegate, origin):
    t = tidegate([origin()], workers=1)
    with h2wire.client(t) as c:
        assert c.get().status == 200
        pong = begin_drain(t, c)
        crossing = c.request()
        assert c.answer(crossing).status == 200
        c.peer.send(pong)
        assert c.goaway().last_stream_id == crossing
    assert t.wait() == 0


def test_what_the_last_goaway_leaves_out_does_not_reach_the_backend(tidegate, origin):
    """A request right behind the answer to the PING that the last GOAWAY waits for."""
    go, both = threading.Event(), threading.Barrier(2)

    def serve(peer, o):
        while True:
            head, _ = o.read(peer)
            if head.target == "/both":
                both.wait(10)
            if head.target == "/first":
                go.wait(10)
            peer.send(answer(200, b"done"))

    o = origin(serve)
    t = tidegate([o], workers=1)
    with h2wire.client(t) as c:
        for stream in [c.request("GET", "/both") for _ in range(2)]:
            c.answer(stream)  # two connections to the backend are open
        first = c.request("GET", "/first")
        wait_for(lambda: len(o.heads) == 3)
        pong = begin_drain(t, c)
        second = c.fresh()
        block = c.block([(":method", "GET"), (":scheme", "http"), (":path", "/second"), (":authority", "a")])
        c.peer.send(pong + hf.HeadersFrame(second, block, flags=["END_HEADERS", "END_STREAM"]).serialize())
        last = c.until(lambda f: isinstance(f, hf.GoAwayFrame))
        assert last.last_stream_id == first < second
        go.set()
        assert c.answer(first).body == b"done"
        c.peer.until_close()
    assert t.wait() == 0
    assert [h.target for h in o.heads] == ["/both", "/both", "/first"]


def test_an_idle_connection_does_not_hold_up_the_end(tidegate, origin):
    t = tidegate([origin()])
    c = h2wire.client(t)
    assert c.get().status == 200
    t.signal(signal.SIGTERM)
    assert c.goaway().error_code == NO_ERROR
    assert t.wait() == 0


def test_a_reload_goes_on_with_open_connections(tidegate, origin):
    t = tidegate([origin()])
    with h2wire.client(t) as c:
        assert c.get().status == 200
        t.post("reload")
        assert c.get().status == 200


# ---- clients of others

def test_curl_speaks_it(tidegate, origin):
    t = tidegate([origin(reply=lambda head, body: answer(200, body or b"hello"))])
    url = f"http://127.0.0.1:{t.port}/"
    got = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "-w", " %{http_version}", url],
                         capture_output=True, timeout=20)
    assert got.stdout == b"hello 2", got
    got = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "--data-binary", "@-", url], input=b"u" * 3_000_000,
                         capture_output=True, timeout=20)
    assert got.stdout == b"u" * 3_000_000


def test_h2load_loses_nothing(tidegate, sample):
    t = tidegate([sample(latency_ms=0)], workers=1)
    got = subprocess.run(["h2load", "-n", "5000", "-c", "10", "-m", "20", f"http://127.0.0.1:{t.port}/"],
                         capture_output=True, text=True, timeout=60)
    assert "5000 succeeded, 0 failed, 0 errored" in got.stdout, got.stdout
    assert t.metric("tidegate_h2_requests_total") == 5000


def test_nghttp_gets_many_at_once(tidegate, origin):
    t = tidegate([origin(reply=lambda head, body: answer(200, b"n" * 100_000))])
    url = f"http://127.0.0.1:{t.port}/"
    got = subprocess.run(["nghttp", *[url + str(i) for i in range(20)]], capture_output=True, timeout=30)
    assert len(got.stdout) == 20 * 100_000, got.stderr
