"""Access logs over HTTP/2: a line for each stream, and how it ended."""
import re
import socket
import threading
import time

import pytest
from hyperframe import frame as hf

import h2wire
from access import lines_of, log, objects, read
from h2wire import CANCEL, PROTOCOL_ERROR, respond, serving
from wire import answer, request, wait_for

POST = [(":method", "POST"), (":scheme", "http"), (":path", "/p"), (":authority", "test.example")]
GET = [(":method", "GET"), (":scheme", "http"), (":path", "/g"), (":authority", "test.example")]
JSON = log(format="json")
ENDING = log(format="{path} {status} {ending} {state}")


class Gate:
    """An origin's `serve`: a head and `begin` bytes of 1000 come down, the rest when it is opened."""

    def __init__(self, begin=None):
        self.begin, self.open = begin, threading.Event()

    def __call__(self, peer, o):
        o.read(peer)
        if self.begin is not None:
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x" * self.begin)
        self.open.wait(20)
        peer.send(answer(200, b"done") if self.begin is None else b"x" * (1000 - self.begin))
        peer.until_close()


def by_path(file, n):
    return {o["path"]: o for o in objects(file, n)}


def test_a_request_has_a_line_that_says_all(tidegate, origin, tmp_path):
    o = origin(reply=lambda h, b: answer(200, b"x" * 100))
    t = tidegate([o], access_log=JSON, listener={"name": "front"})
    with h2wire.client(t) as c:
        c.ask("POST", "/a/b?x=1", ("user-agent", "me"), ("referer", "http://r/"), body=b"hello", trailers=[("x-sum", "1")])
        port = c.peer.sock.getsockname()[1]
    [got] = objects(tmp_path / "access.log")
    want = {"client": "127.0.0.1", "client_port": port, "listener": "front", "method": "POST", "host": "test.example",
            "path": "/a/b", "query": "x=1", "protocol": "HTTP/2.0", "status": 200, "bytes_in": 5, "bytes_out": 100,
            "service": "app", "backend": o.url, "backend_protocol": "HTTP/1.1", "attempts": 1, "ending": "complete",
            "state": "----", "fault": None, "request": None, "user_agent": "me", "referer": "http://r/",
            "tls_version": None, "tls_cipher": None, "tls_name": None, "tls_subject": None}
    assert {k: got[k] for k in want} == want
    assert got["request_id"] == o.heads[0].get("X-Request-Id")
    assert 0 == got["head_ms"] <= got["connect_ms"] <= got["first_byte_ms"] <= got["total_ms"] < 5000
    # head and body, before compression
    assert 100 + len(":status200" "content-length100" "date") + 29 <= got["bytes_sent"] < 400


@pytest.mark.parametrize("format, line", [
    ("common", r'127\.0\.0\.1 - - \[.*\] "GET /a\?b=c HTTP/2\.0" 200 2'),
    ("httplog", r'127\.0\.0\.1:\d+ \[.*\] front app/127\.0\.0\.1:\d+ 0/0/\d+/\d+/\d+ 200 \d+ - - ---- '
                r'\d+/\d+/\d+/\d+/0 0/0 "GET /a\?b=c HTTP/2\.0"'),
])
def test_request_lines(tidegate, origin, tmp_path, format, line):
    t = tidegate([origin()], access_log=log(format=format), listener={"name": "front"})
    with h2wire.client(t) as c:
        c.get("/a?b=c")
    assert re.fullmatch(line, read(tmp_path / "access.log")[0])


def test_each_of_many_at_once_has_one(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=log(format="{path} {protocol} {ending}"))
    with h2wire.client(t) as c:
        streams = [c.request("GET", f"/{i}") for i in range(60)]
        for s in streams:
            assert c.answer(s).status == 200
    assert sorted(read(tmp_path / "access.log", 60)) == sorted(f"/{i} HTTP/2.0 complete" for i in range(60))


def test_the_time_of_a_head_is_that_of_its_own_frame(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=JSON)
    with h2wire.client(t) as c:
        slow = hf.HeadersFrame(c.fresh(), c.block(GET), flags=["END_HEADERS", "END_STREAM"]).serialize()
        c.peer.send(slow[:12])
        time.sleep(0.3)
        quick = hf.HeadersFrame(c.fresh(), c.block(POST), flags=["END_HEADERS", "END_STREAM"]).serialize()
        c.peer.send(slow[12:] + quick)
        c.answer(1), c.answer(3)
    got = by_path(tmp_path / "access.log", 2)
    assert 250 < got["/g"]["head_ms"] <= got["/g"]["first_byte_ms"] <= got["/g"]["total_ms"]
    assert got["/p"]["head_ms"] == 0


# ---- how it ended

@pytest.mark.parametrize("begin, line", [(None, "/g 499 client_abort CH--"), (400, "/g 200 client_abort CD--")])
def test_a_stream_that_its_client_resets(tidegate, origin, tmp_path, begin, line):
    gate = Gate(begin)
    o = origin(gate)
    t = tidegate([o], access_log=ENDING)
    with h2wire.client(t) as c:
        c.headers(1, GET)
        if begin is not None:
            c.until(lambda f: isinstance(f, hf.DataFrame))
        wait_for(lambda: o.heads)
        c.reset(1, CANCEL)
        assert read(tmp_path / "access.log") == [line]
        assert c.alive()
    gate.open.set()


@pytest.mark.parametrize("fields, state", [([], "CD--"), ([("content-length", "10")], "CR--")])
def test_a_client_that_leaves_its_own_body(tidegate, origin, tmp_path, fields, state):
    """A short one is awaited before a backend is taken."""
    o = origin(Gate())
    t = tidegate([o], access_log=ENDING)
    with h2wire.client(t) as c:
        c.headers(1, POST + fields, end=False)
        c.data(1, b"half")
        assert c.alive()
        if not fields:
            wait_for(lambda: o.peers)
        c.reset(1, CANCEL)
        assert read(tmp_path / "access.log") == [f"/p 499 client_abort {state}"]


def test_a_connection_that_is_closed_ends_all_its_streams(tidegate, origin, tmp_path):
    gate = Gate()
    t = tidegate([origin(gate)], access_log=ENDING)
    with h2wire.client(t) as c:
        for _ in range(3):
            c.request("GET", "/g")
        wait_for(lambda: t.service()["tiers"]["baseline"]["inflight"] == 3)
    assert read(tmp_path / "access.log", 3) == ["/g 499 client_abort CH--"] * 3
    gate.open.set()


def test_a_goaway_of_the_clients_ends_nothing(tidegate, origin, tmp_path):
    gate = Gate()
    o = origin(gate)
    t = tidegate([o], access_log=ENDING)
    with h2wire.client(t) as c:
        c.request("GET", "/g")
        c.send(hf.GoAwayFrame(0, 0, 0))
        wait_for(lambda: o.heads)
        gate.open.set()
        assert c.answer(1).status == 200
    assert read(tmp_path / "access.log") == ["/g 200 complete ----"]


def test_a_protocol_error_of_the_client_breaks_its_streams(tidegate, origin, tmp_path):
    gate = Gate()
    o = origin(gate)
    t = tidegate([o], access_log=ENDING)
    with h2wire.client(t) as c:
        c.request("GET", "/g")
        wait_for(lambda: o.heads)
        c.raw(0, 0, 0, b"DATA on no stream")
        assert c.goaway().error_code == PROTOCOL_ERROR
    assert read(tmp_path / "access.log") == ["/g 000 bad_body PH--"]
    gate.open.set()


@pytest.mark.parametrize("pieces", [[b"abcd"], [b"a", b"b"]])
def test_a_body_of_another_length_is_a_bad_one(tidegate, origin, tmp_path, pieces):
    t = tidegate([origin()], access_log=log(format="{path} {ending}"))
    with h2wire.client(t) as c:
        c.headers(1, POST + [("content-length", "3")], end=False)
        for p in pieces:
            c.data(1, p, end=p is pieces[-1])
        assert c.error_of(1) == PROTOCOL_ERROR
    assert read(tmp_path / "access.log") == ["/p bad_body"]


def test_bad_trailers_are_a_bad_body(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=log(format="{path} {ending}"))
    with h2wire.client(t) as c:
        c.headers(1, POST, end=False)
        c.headers(1, [(":path", "/")])
        assert c.error_of(1) == PROTOCOL_ERROR
    assert read(tmp_path / "access.log") == ["/p bad_body"]


def test_a_client_that_takes_nothing(tidegate, origin, tmp_path):
    o = origin(reply=lambda h, b: answer(200, b"x" * 10_000_000))
    t = tidegate([o], access_log=log(format="json"), listener={"timeouts": {"write": "300ms"}},
                 service={"buffers": {"response": "0"}})
    with h2wire.client(t, windows=False) as c:
        c.request("GET", "/g")
        [got] = objects(tmp_path / "access.log")
        taken = sum(len(f.data) for f in c.seen if isinstance(f, hf.DataFrame))
        while taken < 65535:
            f = c.frame()
            taken += len(f.data) if isinstance(f, hf.DataFrame) else 0
        assert c.error_of(1) == CANCEL
    assert (got["ending"], got["state"], got["bytes_out"]) == ("client_timeout", "cD--", 65535)


def test_a_connection_that_takes_nothing(tidegate, origin, tmp_path):
    """Windows without end, and a socket nobody reads."""
    t = tidegate([origin(reply=lambda h, b: answer(200, b"x" * 100_000_000))], access_log=ENDING,
                 listener={"timeouts": {"write": "300ms"}})
    with h2wire.client(t, settings={h2wire.WINDOW: 2**31 - 1}) as c:
        c.grow(0, 2**30)
        c.request("GET", "/g")
        assert read(tmp_path / "access.log") == ["/g 200 client_timeout cD--"]


def test_a_connection_that_takes_nothing_ends_those_that_wait_too(tidegate, origin, tmp_path):
    gate = Gate()

    def serve(peer, o):
        head = o.read_head(peer)
        if head.target == "/g":
            gate.open.wait(20)
            return
        peer.send(answer(200, b"x" * 100_000_000))

    o = origin(serve)
    t = tidegate([o], access_log=ENDING, listener={"timeouts": {"write": "300ms"}})
    with h2wire.client(t, settings={h2wire.WINDOW: 2**31 - 1}) as c:
        c.grow(0, 2**30)
        c.request("GET", "/g")
        wait_for(lambda: o.heads)
        c.request("GET", "/big")
        assert sorted(read(tmp_path / "access.log", 2)) == ["/big 200 client_timeout cD--", "/g 499 client_timeout cH--"]
    gate.open.set()


def test_a_reset_counts_what_was_sent(tidegate, origin, tmp_path):
    t = tidegate([origin(reply=lambda h, b: answer(200, b"x" * 10_000_000))], access_log=log(format="{bytes_out} {ending}"))
    with h2wire.client(t, windows=False) as c:
        c.request("GET", "/g")
        while sum(len(f.data) for f in c.seen if isinstance(f, hf.DataFrame)) < 65535:
            c.frame()
        c.reset(1, CANCEL)
        assert read(tmp_path / "access.log") == ["65535 client_abort"]


@pytest.mark.parametrize("version", [1, 2])
def test_what_a_drain_cuts_is_killed(tidegate, origin, tmp_path, version):
    gate = Gate()
    o = origin(gate)
    t = tidegate([o], access_log=ENDING, drain_timeout="200ms")
    with h2wire.client(t) if version == 2 else t.client() as c:
        c.request("GET", "/g") if version == 2 else c.send(request("GET", "/g"))
        wait_for(lambda: o.heads)
        assert t.stop() == 0
    assert lines_of(tmp_path / "access.log") == ["/g 000 killed KH--"]
    gate.open.set()


def test_a_backend_that_breaks_off(tidegate, origin, tmp_path):
    seen = threading.Event()

    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x" * 40)
        seen.wait(20)

    t = tidegate([origin(serve)], access_log=log(format="{bytes_out} {ending} {state}"))
    with h2wire.client(t) as c:
        c.request("GET", "/g")
        c.until(lambda f: isinstance(f, hf.DataFrame))
        seen.set()
        c.error_of(1)
        assert len(c.streams[1].body) == 40
    assert read(tmp_path / "access.log") == ["40 backend_abort SD--"]


# ---- what is refused

HEADS = {
    "a path that is none": ([*GET[:2], (":path", "a"), GET[3]], "GET", "a", 0),
    "capitals": ([*GET, ("X-A", "1")], "GET", "/g", 0),
    "no path": ([*GET[:2], GET[3]], None, None, 0),
    "no method": (GET[1:], None, None, 0),
    "connection": ([*GET, ("connection", "close")], "GET", "/g", 0),
    "an unknown pseudo-field": ([*GET, (":unknown", "1")], "GET", "/g", 0),
    "a length and no body": ([*GET, ("content-length", "1")], "GET", "/g", 0),
    "two hosts": ([*GET, ("host", "other.example")], "GET", "/g", 0),
    "userinfo": ([*GET[:3], (":authority", "user@test.example")], "GET", "/g", 0),
    "too many fields": ([*GET, *[(f"x-{i}", "1") for i in range(101)]], "GET", "/g", 431),
    "a target too long": ([*GET[:2], (":path", "/" + "a" * 9000), GET[3]], None, None, 414),
    "no such scheme": ([GET[0], (":scheme", "gopher"), *GET[2:]], "GET", "/g", 400),
}


@pytest.mark.parametrize("what", HEADS)
def test_a_request_that_makes_no_sense_has_a_line(tidegate, origin, tmp_path, what):
    fields, method, path, status = HEADS[what]
    t = tidegate([origin()], access_log=[JSON, log("h.log", format="httplog")])
    with h2wire.client(t) as c:
        c.headers(1, fields)
        if status:
            assert c.answer(1).status == status
        else:
            assert c.error_of(1) == PROTOCOL_ERROR
        c.headers(3, GET)
        assert c.answer(3).status == 200
    got, after = objects(tmp_path / "access.log", 2)
    assert (got["method"], got["path"], got["status"]) == (method, path, status)
    assert (got["ending"], got["state"], got["protocol"]) == ("bad_request", "PR--", "HTTP/2.0" if method else None)
    assert got["fault"] and got["backend"] is None and got["backend_protocol"] is None
    assert after["ending"] == "complete"
    line = read(tmp_path / "h.log", 2)[0]
    assert f" {status or -1} {got['bytes_sent']} - - PR-- " in line
    assert line.endswith(f'"{method} {path} HTTP/2.0"' if method else '"<BADREQ>"')


@pytest.mark.parametrize("fields, status", [
    ([(":method", "TRACE"), *GET[1:]], 405),
    ([*GET[:2], (":path", "/%zz"), GET[3]], 400),
    (POST + [("content-length", "2000")], 413),
])
def test_a_refusal_by_a_rule(tidegate, origin, tmp_path, fields, status):
    t = tidegate([origin()], access_log=ENDING, listener={"limits": {"body": 1000}})
    with h2wire.client(t) as c:
        c.headers(1, fields, end="content-length" not in dict(fields))
        assert c.answer(1).status == status
    assert read(tmp_path / "access.log") == [f"{dict(fields)[':path']} {status} refused PR--"]


def test_a_body_that_grows_too_large(tidegate, origin, tmp_path):
    o = origin(Gate())
    t = tidegate([o], access_log=ENDING, listener={"limits": {"body": 1000}})
    with h2wire.client(t) as c:
        c.headers(1, POST, end=False)
        wait_for(lambda: o.peers)
        c.data(1, b"x" * 2000)
        assert c.head(1).status == 413
    assert read(tmp_path / "access.log") == ["/p 413 body_too_large PH--"]


# ---- tunnels

def switch(peer, o):
    o.read_head(peer)
    peer.send("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
    got = peer.exactly(5)
    peer.send(got * 3)
    peer.until_close()


WEBSOCKET = [(":method", "CONNECT"), (":protocol", "websocket"), *GET[1:], ("sec-websocket-version", "13")]


def test_a_websocket_over_http_2(tidegate, origin, tmp_path):
    t = tidegate([origin(switch)], access_log=JSON)
    with h2wire.client(t) as c:
        c.headers(1, WEBSOCKET, end=False)
        assert c.head(1).status == 200
        c.data(1, b"hello")
        while len(c.streams[1].body) < 15:
            c.frame()
        time.sleep(0.2)
        assert lines_of(tmp_path / "access.log") == []
        c.data(1, b"", end=True)
        c.answer(1)
    [got] = objects(tmp_path / "access.log")
    assert (got["method"], got["path"], got["protocol"], got["status"]) == ("CONNECT", "/g", "HTTP/2.0", 200)
    assert (got["bytes_in"], got["bytes_out"], got["ending"]) == (5, 15, "complete")
    assert got["total_ms"] > 200 > got["first_byte_ms"]


def test_a_websocket_over_http_1(tidegate, origin, tmp_path):
    t = tidegate([origin(switch)], access_log=JSON)
    with t.client() as c:
        c.send("GET /g HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert c.head().status == 101
        c.send("hello")
        assert c.exactly(15) == b"hello" * 3
        time.sleep(0.2)
        c.half_close()
        c.until_close()
    [got] = objects(tmp_path / "access.log")
    assert (got["method"], got["status"], got["protocol"]) == ("GET", 101, "HTTP/1.1")
    assert (got["bytes_in"], got["bytes_out"], got["ending"]) == (5, 15, "complete")
    assert got["total_ms"] > 200 > got["first_byte_ms"]


@pytest.mark.parametrize("version", [1, 2])
def test_a_tunnel_in_which_nothing_is_said(tidegate, origin, tmp_path, version):
    t = tidegate([origin(switch)], access_log=log(format="{ending} {state}"),
                 listener={"timeouts": {"tunnel": "1s"}})
    if version == 2:
        with h2wire.client(t) as c:
            c.headers(1, WEBSOCKET, end=False)
            assert c.head(1).status == 200
            assert c.error_of(1) == CANCEL
    else:
        with t.client() as c:
            c.send("GET /g HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            assert c.head().status == 101
            c.until_close()
    assert read(tmp_path / "access.log") == ["client_timeout cD--"]


# ---- HTTP/2 to backends

H2 = {"pools": {"baseline": {"protocol": "h2"}}}


@pytest.mark.parametrize("version", [1, 2])
def test_what_was_spoken_with_the_backend(tidegate, origin, tmp_path, version):
    t = tidegate([origin(serving(lambda f, s, m: respond(f, s, b"hello")))], service=H2, access_log=JSON)
    for _ in range(2):
        if version == 2:
            with h2wire.client(t) as c:
                c.get("/g")
        else:
            t.get("/g")
    for got in objects(tmp_path / "access.log", 2):
        assert (got["backend_protocol"], got["protocol"]) == ("HTTP/2.0", "HTTP/2.0" if version == 2 else "HTTP/1.1")
        body = 5 if version == 2 else len("5\r\nhello\r\n0\r\n\r\n")
        assert (got["status"], got["bytes_out"], got["ending"]) == (200, body, "complete")


@pytest.mark.parametrize("protocol", ["h1", "h2"])
def test_a_kept_connection_that_was_gone_is_no_attempt(tidegate, origin, tmp_path, protocol):
    """It is replaced, and nothing went wrong."""
    connections = []

    def reply(f, stream, m):
        if f not in connections:
            connections.append(f)
        elif f is connections[0]:
            f.peer.close()
            return
        respond(f, stream)

    def serve(peer, o):
        o.read(peer)
        connections.append(peer)
        peer.send(answer())
        o.read(peer)
        if peer is connections[0]:
            return
        peer.send(answer())

    o = origin(serving(reply) if protocol == "h2" else serve)
    t = tidegate([o], service={"pools": {"baseline": {"protocol": protocol}}}, workers=1,
                 access_log=[log(format="{attempts} {ending}"), log("errors.log", only="errors")])
    with t.client() as c:
        assert c.get().status == c.get().status == 200
    assert len(connections) == 2
    assert t.stop() == 0
    assert lines_of(tmp_path / "access.log") == ["1 complete"] * 2
    assert lines_of(tmp_path / "errors.log") == []


def test_a_backend_that_resets_the_stream(tidegate, origin, tmp_path):
    def reply(f, stream, m):
        f.headers(stream, [(":status", "200")], end=False)
        f.data(stream, b"x" * 40)
        f.reset(stream, h2wire.INTERNAL_ERROR)

    t = tidegate([origin(serving(reply))], service=H2, access_log=log(format="{bytes_out} {ending} {state}"))
    with t.client() as c:
        c.send(request("GET", "/"))
        c.until_close()
    assert read(tmp_path / "access.log") == [f"{len('28') + 2 + 40 + 2} backend_abort SD--"]


def test_nobody_there(tidegate, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        t = tidegate([f"127.0.0.1:{s.getsockname()[1]}"], service={**H2, "ejection": False}, access_log=JSON)
        with h2wire.client(t) as c:
            assert c.get().status == 502
    [got] = objects(tmp_path / "access.log")
    assert (got["ending"], got["state"], got["backend_protocol"]) == ("connect_failed", "SC--", None)
