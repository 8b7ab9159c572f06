"""HTTP/2 to backends: many requests on few connections, what ends them, and who tries again."""
import threading

import pytest
from hyperframe import frame as hf

import h2wire
from h2wire import NO_ERROR, PREFACE, REFUSED_STREAM, respond, serving
from origin import is_open
from wire import Closed, answer, connect, wait_for

H2 = {"pools": {"baseline": {"protocol": "h2"}}}
BROKEN = {
    "capitals": [(":status", "200"), ("X-A", "1")],
    "connection": [(":status", "200"), ("connection", "close")],
    "no status": [("x-a", "1")],
    "a status that is none": [(":status", "20")],
    "101": [(":status", "101")],
    "an end with 103": [(":status", "103")],
    "a pseudo-field of requests": [(":status", "200"), (":path", "/")],
    "a line end in a value": [(":status", "200"), ("x-a", "1\r\nb: 2")],
    "a NUL in a value": [(":status", "200"), ("x-a", "1\0")],
    "a space behind a value": [(":status", "200"), ("x-a", "1 ")],
    "a space in a name": [(":status", "200"), ("x a", "1")],
    "a colon in a name": [(":status", "200"), ("x:a", "1")],
    "a line end in a name": [(":status", "200"), ("x-a: 1\r\nb", "2")],
    "a line end in the status": [(":status", "200 OK\r\nx-a: 1")],
    "a coding": [(":status", "200"), ("transfer-encoding", "chunked")],
    "two lengths": [(":status", "200"), ("content-length", "0"), ("content-length", "0")],
    "a pseudo-field behind a field": [("x-a", "1"), (":status", "200")],
    "two statuses": [(":status", "200"), (":status", "200")],
    "a head beyond 64 KiB": [(":status", "200"), *[(f"x-{i}", "a" * 15_000) for i in range(5)]],
    "a table that unpacks to more": [(":status", "200"), ("x-a", "a" * 3000), *[("x-a", "a" * 3000)] * 25],
}


def with_pool(**pool):
    return {"pools": {"baseline": dict(protocol="h2", **pool)}}


def test_many_requests_share_one_connection(tidegate, origin):
    waiting = []
    lock = threading.Lock()

    def reply(f, stream, m):
        with lock:
            waiting.append((f, stream))
            if len(waiting) == 50:
                for f, stream in reversed(waiting):
                    respond(f, stream, b"%d" % stream)

    o = origin(serving(reply))
    t = tidegate([o], service=H2, workers=1)
    with h2wire.client(t) as c:
        streams = [c.request() for _ in range(50)]
        bodies = {c.answer(s).body for s in streams}
    assert len(bodies) == 50
    assert t.figures()["upstream_opened"] == 1 and o.open_max == 1
    assert t.backend(o.url)["connections"] == 1
    assert t.metric("tidegate_h2_upstream_connections") == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_kept_connection_that_is_gone_is_replaced_for_who_may_ask_twice(tidegate, origin, method):
    """Whatever the budget: it is no failure of the backend's."""
    connections = []

    def reply(f, stream, m):
        if f not in connections:
            connections.append(f)
        elif f is connections[0]:
            f.peer.close()
            return
        respond(f, stream, b"%d" % len(connections))

    t = tidegate([origin(serving(reply))], service={**H2, "retries": {"attempts": 0}}, workers=1)
    with t.client() as c:
        assert c.get().body == b"1"
        assert c.ask(method, "/", body=b"").status == (200 if method == "GET" else 502)
    assert t.metric("tidegate_upstream_connections_stale_total") == (method == "GET")


def test_the_backend_says_how_many_streams_it_takes(tidegate, origin):
    """Beyond that another connection is opened, up to the limit, and then requests wait."""
    most, lock, done = {}, threading.Lock(), threading.Event()

    def reply(f, stream, m):
        with lock:
            most.setdefault(f, []).append(stream)
        if done.is_set():
            respond(f, stream)

    o = origin(serving(reply, settings={h2wire.MAX_CONCURRENT: 3}))
    t = tidegate([o], service=with_pool(max_connections=2), workers=1)
    with h2wire.client(t) as c:
        assert_first = c.request()
        wait_for(lambda: most)
        streams = [c.request() for _ in range(9)]
        wait_for(lambda: t.service()["queued"] == 4)
        wait_for(lambda: sorted(len(s) for s in most.values()) == [3, 3])
        done.set()
        for f, waiting in list(most.items()):
            for stream in list(waiting):
                respond(f, stream)
        for s in [assert_first, *streams]:
            assert c.answer(s).status == 200
    assert o.open_max == 2


def test_a_refused_stream_is_tried_elsewhere_even_a_post(tidegate, origin):
    seen = []

    def refuse(f, stream, m):
        seen.append(stream)
        f.reset(stream, REFUSED_STREAM)

    a, b = origin(serving(refuse)), origin(serving(lambda f, s, m: respond(f, s, m.body)))
    t = tidegate([a, b], service=H2, workers=1)
    with h2wire.client(t) as c:
        for _ in range(10):
            m = c.ask("POST", "/", body=b"payload")
            assert (m.status, m.body) == (200, b"payload")
    assert seen, "none went there at first"


def test_a_stream_that_was_reset_is_not_sent_again_unless_idempotent(tidegate, origin):
    a = origin(serving(lambda f, s, m: f.reset(s, h2wire.INTERNAL_ERROR)))
    t = tidegate([a], service=H2, workers=1)
    with h2wire.client(t) as c:
        assert c.ask("POST", "/", body=b"x").status == 502
        assert t.service()["proxy_retries"] == 0
        assert c.get().status == 502
        assert t.service()["proxy_retries"] == 1


def test_what_a_goaway_leaves_out_is_sent_again(tidegate, origin):
    """The first connection takes two of ten streams and says so; none is lost, none is sent twice, none was
    a failure that a budget is for."""
    bodies, first = [], []

    def reply(f, stream, m):
        if not first:
            first.append(f)
        if f is first[0]:
            if stream == 19:
                f.send(hf.GoAwayFrame(0, 3, NO_ERROR))
                for s in (1, 3):
                    bodies.append(f.streams[s].body)
                    respond(f, s)
            return
        bodies.append(m.body)
        respond(f, stream)

    o = origin(serving(reply))
    t = tidegate([o], service=dict(H2, retries={"attempts": 0}), workers=1)
    with h2wire.client(t) as c:
        streams = [c.request("POST", "/", body=b"%d" % i) for i in range(10)]
        for s in streams:
            assert c.answer(s).status == 200
    assert sorted(bodies) == [b"%d" % i for i in range(10)]
    wait_for(lambda: t.figures()["upstream_connections"] <= 1)


def test_a_lost_connection_loses_only_what_was_on_it(tidegate, origin):
    def reply(f, stream, m):
        if dict(m.fields)[":path"] == "/kill":
            f.peer.close()
        elif dict(m.fields)[":path"] != "/wait":
            respond(f, stream)

    t = tidegate([origin(serving(reply))], service=dict(H2, retries={"attempts": 0}), workers=1)
    with h2wire.client(t) as c:
        waits = c.request("GET", "/wait")
        wait_for(lambda: t.figures()["exchanges"] == 1)
        assert c.get("/kill").status == 502
        assert c.answer(waits).status == 502
        assert c.get("/").status == 200
    assert t.figures()["upstream_opened"] == 2


def test_a_backend_that_does_not_speak_it_is_502(tidegate, origin):
    def serve(peer, o):
        peer.exactly(24)
        peer.send(answer(400, b"what?"))
        peer.is_closed()

    t = tidegate([origin(serve)], service=H2)
    assert t.get().status == 502


def test_a_backend_that_says_nothing_is_504(tidegate, origin):
    t = tidegate([origin(serve=lambda peer, o: peer.until_close())], service=dict(H2, timeouts={"connect": "300ms"}))
    assert t.get().status == 504


def test_an_answer_that_does_not_come_is_504_and_cancelled(tidegate, origin):
    o = origin(serving(lambda f, s, m: None))
    t = tidegate([o], service=dict(H2, timeouts={"response": "300ms"}, retries={"attempts": 0}))
    assert t.get().status == 504
    wait_for(lambda: any(isinstance(f, hf.RstStreamFrame) and f.error_code == h2wire.CANCEL
                         for f in o.frames[0].seen))


@pytest.mark.parametrize("what", BROKEN)
def test_a_malformed_answer_is_502(tidegate, origin, what):
    t = tidegate([origin(serving(lambda f, s, m: f.headers(s, BROKEN[what])))], service=H2)
    with h2wire.client(t) as c:
        assert c.get().status == 502
    assert t.get().status == 502


@pytest.mark.parametrize("trailers", [[(":status", "200")], [("X-A", "1")], [("connection", "close")], [("x-a", "1\r\nb: 2")]])
def test_an_answer_with_malformed_trailers_is_broken_off(tidegate, origin, trailers):
    def reply(f, s, m):
        f.headers(s, [(":status", "200")], end=False)
        f.data(s, b"abc")
        f.headers(s, trailers)

    t = tidegate([origin(serving(reply))], service=H2)
    with h2wire.client(t) as c:
        with pytest.raises(h2wire.Reset):
            c.get()
        assert c.alive()
    with connect(t.address) as c, pytest.raises((Closed, ConnectionError)):
        c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        c.answer()


@pytest.mark.parametrize("body", [b"abc", b"abcde"])
def test_an_answer_that_is_not_as_long_as_it_says_is_broken_off(tidegate, origin, body):
    def reply(f, s, m):
        f.headers(s, [(":status", "200"), ("content-length", "4")], end=False)
        f.data(s, body, end=True)

    t = tidegate([origin(serving(reply))], service=H2)
    with h2wire.client(t) as c:
        with pytest.raises(h2wire.Reset):
            c.get()
        assert c.alive()


def test_a_client_that_leaves_cancels_its_stream_only(tidegate, origin):
    o = origin(serving(lambda f, s, m: respond(f, s) if dict(m.fields)[":path"] == "/now" else None))
    t = tidegate([o], service=H2, workers=1)
    with h2wire.client(t) as c:
        stream = c.request("GET", "/later")
        wait_for(lambda: getattr(o, "frames", []) and o.frames[0].streams[1].ended)
        c.reset(stream)
        wait_for(lambda: o.frames[0].streams[1].error == h2wire.CANCEL)
        assert c.get("/now").status == 200
    assert t.figures()["upstream_opened"] == 1


def test_an_answer_before_the_request_has_ended(tidegate, origin):
    def serve(peer, o):
        assert peer.exactly(24) == PREFACE
        f = h2wire.Frames(peer, client=False)
        f.until(lambda x: isinstance(x, hf.HeadersFrame))
        respond(f, 1, b"no", status=403)
        f.reset(1, NO_ERROR)
        peer.is_closed()

    t = tidegate([origin(serve)], service=H2)
    with h2wire.client(t) as c:
        stream = c.fresh()
        c.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")], end=False)
        m = c.answer(stream)
        assert (m.status, m.body) == (403, b"no")
        assert c.error_of(stream) == NO_ERROR


def test_an_idle_connection_ends_with_a_goaway(tidegate, origin):
    o = origin(serving(lambda f, s, m: respond(f, s)))
    t = tidegate([o], service=dict(H2, timeouts={"idle": "200ms"}))
    assert t.get().status == 200
    wait_for(lambda: t.figures()["upstream_connections"] == 0)
    wait_for(lambda: any(isinstance(f, hf.GoAwayFrame) and f.error_code == NO_ERROR for f in o.frames[0].seen))


def test_a_silent_connection_is_asked_for_a_sign_of_life(tidegate, origin):
    """One that answers PINGs goes on; one that does not is given up."""
    hold = threading.Event()
    pings = []

    def serve(peer, o):
        assert peer.exactly(24) == PREFACE
        f = h2wire.Frames(peer, client=False)
        while len(pings) < 3:
            x = f.frame()
            pings.extend([x] * isinstance(x, hf.PingFrame))
        hold.wait(20)  # deaf from now on

    t = tidegate([origin(serve)], service=dict(with_pool(ping="100ms"), retries={"attempts": 0}))
    assert t.get().status == 504
    assert len(pings) == 3
    hold.set()


def test_a_connection_without_ping_is_not_asked(tidegate, origin):
    o = origin(serving(lambda f, s, m: respond(f, s)))
    t = tidegate([o], service=H2)
    assert t.get().status == 200
    assert not any(isinstance(f, hf.PingFrame) for f in o.frames[0].seen)


def test_slow_clients_do_not_grow_memory(tidegate, origin):
    """Fifty streams on one connection from a backend that sends all its windows allow."""
    sent = [0]

    def serve(peer, o):
        assert peer.exactly(24) == PREFACE
        f = h2wire.Frames(peer, client=False)
        left = {0: 65_535}
        while True:
            x = f.frame()
            if isinstance(x, hf.WindowUpdateFrame):
                left[x.stream_id] = left.get(x.stream_id, 0) + x.window_increment
            elif isinstance(x, hf.HeadersFrame):
                left[x.stream_id] = 65_536
                f.headers(x.stream_id, [(":status", "200")], end=False)
            for s in left:
                while s and left[s] > 0 and left[0] > 0:
                    n = min(16_384, left[s], left[0])
                    f.data(s, b"z" * n)
                    left[s] -= n
                    left[0] -= n
                    sent[0] += n

    t = tidegate([origin(serve)], service=dict(H2, buffers={"response": "64k"}), workers=1)
    with h2wire.client(t, windows=False) as c:
        before = t.rss_kib()
        for _ in range(50):
            c.request()
        history = []

        def stands():
            history.append(sent[0])
            return len(history) > 50 and sent[0] > 1_000_000 and history[-50] == history[-1]

        wait_for(stands)
        assert sent[0] < 50 * 300_000
        assert t.rss_kib() - before < 50 * 400


def test_http_1_clients_get_a_websocket_over_it(tidegate, origin):
    def serve(peer, o):
        assert peer.exactly(24) == PREFACE
        f = h2wire.Frames(peer, client=False, settings={h2wire.CONNECT_PROTOCOL: 1})
        f.until(lambda x: isinstance(x, hf.HeadersFrame))
        head = dict(f.streams[1].fields)
        assert (head[":method"], head[":protocol"], head[":path"]) == ("CONNECT", "websocket", "/chat")
        assert "sec-websocket-key" not in head and head["sec-websocket-version"] == "13"
        f.headers(1, [(":status", "200")], end=False)
        while not f.streams[1].ended:
            f.until(lambda x: isinstance(x, hf.DataFrame))
            f.data(1, f.streams[1].body[-5:].upper(), end=f.streams[1].ended)

    t = tidegate([origin(serve)], service=H2)
    with t.client() as c:
        c.send("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        head = c.head()
        assert head.status == 101 and head.get("Upgrade") == "websocket"
        assert head.get("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        c.send("hello")
        assert c.exactly(5) == b"HELLO"
        c.half_close()
        c.until_close()
    wait_for(lambda: t.figures()["exchanges"] == 0)


def test_a_tunnel_the_backend_does_not_take_is_502(tidegate, origin):
    t = tidegate([origin(serving(lambda f, s, m: respond(f, s)))], service=H2)
    with t.client() as c:
        c.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert c.answer().status == 502
    assert t.get().status == 200


def test_a_websocket_over_http_2_all_the_way(tidegate, origin):
    def serve(peer, o):
        assert peer.exactly(24) == PREFACE
        f = h2wire.Frames(peer, client=False, settings={h2wire.CONNECT_PROTOCOL: 1})
        f.until(lambda x: isinstance(x, hf.HeadersFrame))
        f.headers(1, [(":status", "200"), ("x-a", "1")], end=False)
        f.until(lambda x: isinstance(x, hf.DataFrame))
        f.data(1, f.streams[1].body.upper(), end=True)
        peer.is_closed()

    t = tidegate([origin(serve)], service=H2)
    with h2wire.client(t) as c:
        stream = c.fresh()
        c.headers(stream, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/"),
                           (":authority", "a"), ("sec-websocket-version", "13")], end=False)
        m = c.head(stream)
        assert m.status == 200 and m.get("x-a") == "1" and not m.all("sec-websocket-accept")
        c.data(stream, b"hello", end=True)
        assert c.answer(stream).body == b"HELLO"


def test_a_reload_that_takes_a_backend_away_ends_its_connections(tidegate, origin):
    a, b = (origin(serving(lambda f, s, m: respond(f, s))) for _ in range(2))
    t = tidegate([a], service=H2, workers=1)
    assert t.get().status == 200
    cfg = dict(t.cfg)
    cfg["services"]["app"]["pools"]["baseline"]["backends"] = [b.url]
    t.write(cfg)
    t.post("reload")
    assert t.get().status == 200
    wait_for(lambda: not any(is_open(p) for p in a.peers))
