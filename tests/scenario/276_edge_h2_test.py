"""The edge where HTTP/2 is spoken, on either side: streams are what counts, not connections."""
import base64
import hashlib
import os
import threading
import time
import zlib

import brotli
import pytest
import zstandard
from hyperframe import frame as hf

import h2wire
import ppwire
from h2wire import Reset, respond, serving
from harness import IS_ASAN, basic_config
from origin import is_open
from tokens import Key, jwks
from wire import answer, chunks, wait_for

WORDS = b"tide gate wave moon harbour pilot anchor " * 1000
HTML = ("content-type", "text/html")
GZIP = ("accept-encoding", "gzip")
SHA1 = "{SHA}" + base64.b64encode(hashlib.sha1(b"tide gate").digest()).decode()
PASSWORD = ("authorization", "Basic " + base64.b64encode(b"anna:tide gate").decode())
GRPC = ("content-type", "application/grpc+proto")


def pool(protocol, **more):
    return {"pools": {"baseline": dict(protocol=protocol, **more)}}


def decoded(m):
    name = m.get("content-encoding")
    if name == "gzip":
        return zlib.decompress(m.body, 31)
    if name == "br":
        return brotli.decompress(m.body)
    if name == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(m.body)
    return m.body


def denied(t, reason):
    return t.metric("tidegate_service_denied_total", reason=reason)


def h1_lines(fields):
    return [f"{n}: {v}" for n, v in fields]


@pytest.fixture
def backend(origin):
    """backend("h1" or "h2", fields, body, status=, trailers=, interim=) -> Origin that answers all alike

    `o.messages` has what came: fields in lower case, body, trailers."""
    def make(protocol="h2", fields=(HTML,), body=b"ok", status=200, trailers=None, interim=()):
        seen = []

        def h2(f, stream, m):
            seen.append((m.fields, m.body, m.trailers))
            for i in interim:
                f.headers(stream, [(":status", str(i[0])), *i[1]], end=False)
            method = m.get(":method")
            respond(f, stream, b"" if method == "HEAD" else body, *fields, status=status, trailers=trailers)

        def h1(peer, o):
            while True:
                head, data = o.read(peer)
                seen.append(([(n.lower(), v) for n, v in head.fields] + [(":method", head.method),
                                                                          (":path", head.target)], data, None))
                for i in interim:
                    peer.send(answer(i[0], b"", *h1_lines(i[1]), length=False))
                empty = head.method == "HEAD" or status in (204, 304)
                if trailers is None:
                    peer.send(answer(status, b"" if empty else body, *h1_lines(fields), length=not empty))
                    continue
                peer.send(answer(status, b"", *h1_lines(fields), "Transfer-Encoding: chunked", length=False))
                peer.send(chunks(body)[:-2] + "".join(f"{n}: {v}\r\n" for n, v in trailers).encode() + b"\r\n")

        o = origin(serving(h2) if protocol == "h2" else h1)
        o.messages = seen
        o.protocol = protocol
        return o
    return make


@pytest.fixture
def gate(tidegate):
    """gate(backend, route={}, service={}, others={name: backend}, ...) -> tidegate before it"""
    def make(o, route=None, service=None, others=None, **top):
        cfg = basic_config([o.url], service=dict(pool(o.protocol), **(service or {})), **top)
        for name, other in (others or {}).items():
            cfg["services"][name] = {"pools": {"baseline": {"backends": [other.url], "protocol": other.protocol}}}
        cfg["routes"][0].update(route or {})
        return tidegate(config=cfg)
    return make


BOTH = pytest.mark.parametrize("protocol", ["h1", "h2"])


# ---- compression

@BOTH
@pytest.mark.parametrize("algorithm", ["gzip", "br", "zstd"])
def test_an_answer_to_a_stream_is_compressed(gate, backend, protocol, algorithm):
    t = gate(backend(protocol, [HTML, ("etag", '"v1"'), ("accept-ranges", "bytes")], WORDS[:40_000]),
             service={"compression": {}})
    with h2wire.client(t) as c:
        streams = [c.request("GET", "/", ("accept-encoding", algorithm)) for _ in range(5)]
        for s in streams:
            m = c.answer(s)
            assert m.get("content-encoding") == algorithm and m.get("vary") == "Accept-Encoding"
            assert m.all("content-length") == [] and m.get("etag") == 'W/"v1"' and m.all("accept-ranges") == []
            assert decoded(m) == WORDS[:40_000] and len(m.body) < 10_000
        plain = c.get("/")
        assert plain.body == WORDS[:40_000] and plain.get("etag") == '"v1"'
        assert plain.get("vary") == "Accept-Encoding"


@BOTH
def test_what_follows_a_body_follows_it_compressed_but_no_sum_over_it(gate, backend, protocol):
    t = gate(backend(protocol, [HTML], WORDS[:5000], trailers=[("x-after", "1"), ("content-digest", "sha-256=:AAAA:"),
                                                               ("repr-digest", "sha-256=:AAAA:")]),
             service={"compression": {}})
    with h2wire.client(t) as c:
        m = c.get("/", GZIP, ("te", "trailers"))
        assert m.get("content-encoding") == "gzip" and decoded(m) == WORDS[:5000]
        assert m.trailers == [("x-after", "1")]
        plain = c.get("/", ("te", "trailers"))
        assert ("content-digest", "sha-256=:AAAA:") in plain.trailers


@BOTH
def test_a_sum_that_is_announced_keeps_the_body_as_it_is(gate, backend, protocol):
    t = gate(backend(protocol, [HTML, ("trailer", "X-A, Content-Digest")], WORDS[:5000],
                     trailers=[("content-digest", "sha-256=:AAAA:")]), service={"compression": {}})
    with h2wire.client(t) as c:
        m = c.get("/", GZIP, ("te", "trailers"))
        assert m.body == WORDS[:5000] and m.all("content-encoding") == []
        assert m.trailers == [("content-digest", "sha-256=:AAAA:")]
    assert t.metric("tidegate_service_compression_bypassed_total", reason="digest") == 1


@BOTH
@pytest.mark.parametrize("kind", ["application/grpc", "application/grpc+proto", "Application/GRPC-Web+proto"])
def test_grpc_is_neither_compressed_nor_covered(gate, backend, protocol, kind, tmp_path):
    (tmp_path / "page.html").write_text("a page")
    message = b"\0" + len(WORDS[:5000]).to_bytes(4, "big") + WORDS[:5000]
    t = gate(backend(protocol, [("content-type", kind)], message, status=503,
                     trailers=[("grpc-status", "14"), ("grpc-message", "not now")]),
             service={"compression": {"types": ["application/*", "application/grpc", "application/grpc+proto",
                                                "application/grpc-web+proto"], "min_size": 1}},
             route={"errors": [{"status": 503, "file": "page.html", "intercept": True}]})
    with h2wire.client(t) as c:
        m = c.ask("POST", "/t.Echo/Unary", ("accept-encoding", "gzip, br, zstd"), ("te", "trailers"), GRPC, body=b"x")
        assert m.status == 503 and m.body == message and m.all("content-encoding") == [] and m.all("vary") == []
        assert m.trailers == [("grpc-status", "14"), ("grpc-message", "not now")]


@BOTH
@pytest.mark.parametrize("who", ["client", "service"])
def test_no_transform_is_obeyed(gate, backend, protocol, who):
    asks = ("cache-control", "no-cache, No-Transform")
    t = gate(backend(protocol, [HTML] + [asks] * (who == "service"), WORDS[:5000]), service={"compression": {}})
    with h2wire.client(t) as c:
        m = c.get("/", GZIP, *[asks] * (who == "client"))
        assert m.body == WORDS[:5000] and m.all("content-encoding") == []
        assert m.all("vary") == (["Accept-Encoding"] if who == "client" else [])
    assert t.metric("tidegate_service_compression_bypassed_total", reason="no_transform") == 1


@BOTH
def test_heads_without_a_body(gate, backend, protocol):
    """HEAD has the fields of GET; 204 is left alone, 206 as well, and 103 goes before all of it."""
    hints = (103, [("link", "</a.css>; rel=preload")])
    o = backend(protocol, [HTML, ("etag", '"v1"')], WORDS[:5000], interim=[hints])
    t = gate(o, service={"compression": {}})
    with h2wire.client(t) as c:
        m, get = c.ask("HEAD", "/", GZIP), c.get("/", GZIP)
        keep = {"date", "x-request-id"}
        assert [f for f in m.fields if f[0] not in keep] == [f for f in get.fields if f[0] not in keep]
        assert m.get("content-encoding") == "gzip" and m.body == b"" and decoded(get) == WORDS[:5000]
        assert dict(m.interim[0])[":status"] == dict(get.interim[0])[":status"] == "103"


@BOTH
@pytest.mark.parametrize("status, extra, body", [(204, (), b""), (206, (("content-range", "bytes 0-4999/9999"),),
                                                                  WORDS[:5000])])
def test_what_is_no_whole_answer_passes_as_it_is(gate, backend, protocol, status, extra, body):
    t = gate(backend(protocol, [HTML, ("etag", '"v1"'), *extra], body, status=status), service={"compression": {}})
    with h2wire.client(t) as c:
        m = c.get("/", GZIP)
        assert (m.status, m.body, m.get("etag")) == (status, body, '"v1"')
        assert m.all("content-encoding") == [] and m.all("vary") == []


@BOTH
@pytest.mark.parametrize("asked, want", [('W/"v1"', 'W/"v1"'), ('"a", W/"v1" , "b"', 'W/"v1"'), ('"v1"', '"v1"'),
                                         ('W/"v2"', '"v1"'), ("*", '"v1"'), ('W/"xv1"', '"v1"')])
def test_what_a_client_has_compressed_is_confirmed_by_its_tag(gate, backend, protocol, asked, want):
    t = gate(backend(protocol, [("etag", '"v1"')], b"", status=304), service={"compression": {}})
    with h2wire.client(t) as c:
        m = c.get("/", GZIP, ("if-none-match", asked))
        assert m.status == 304 and m.get("etag") == want
        assert m.all("vary") == (["Accept-Encoding"] if want != '"v1"' else [])


@BOTH
def test_a_long_answer_goes_through_the_compressor_and_not_from_socket_to_socket(gate, backend, protocol):
    """To HTTP/1.1 the rest of a long body would be spliced."""
    body = os.urandom(50_000) * 40 if protocol == "h1" else os.urandom(50_000)
    t = gate(backend(protocol, [HTML], body), service={"compression": {"algorithms": "zstd"}})
    a = t.get("/", "Accept-Encoding: zstd")
    assert a.head.get("Content-Encoding") == "zstd"
    assert zstandard.ZstdDecompressor().decompressobj().decompress(a.body) == body
    assert t.metric("tidegate_service_compression_input_bytes_total") == len(body)
    assert t.get("/").body == body


def noisy(total, sent):
    """`serve`: any number of answers of `total` bytes that do not get smaller."""
    def serve(peer, o):
        o.read(peer)
        peer.send(answer(200, b"", "Content-Type: text/html", f"Content-Length: {total}", length=False))
        for _ in range(total >> 16):
            peer.send(os.urandom(1 << 16))
            with o.lock:
                sent[0] += 1 << 16
    return serve


def settled(sent):
    last = [-1, time.monotonic()]

    def still():
        if sent[0] != last[0]:
            last[:] = sent[0], time.monotonic()
        return sent[0] > 0 and time.monotonic() - last[1] > 0.5

    wait_for(still, within_s=60)


def test_streams_whose_windows_are_full_stop_their_backends(tidegate, origin):
    """Twenty of them are held up, each by itself, and none of what else the connection does."""
    sent, total, n = [0], 16 << 20, 20
    o = origin(noisy(total, sent))
    quick = origin(reply=lambda head, body: answer(200, WORDS[:5000], "Content-Type: text/html"))
    cfg = basic_config([o.url], service={"compression": {"algorithms": "zstd"}}, workers=1)
    cfg["services"]["quick"] = {"pools": {"baseline": {"backends": [quick.url]}}, "compression": {}}
    cfg["routes"].append({"path": "/quick", "service": "quick"})
    t = tidegate(config=cfg)
    before = t.rss_kib()
    with h2wire.client(t, windows=False, settings={h2wire.WINDOW: 1000}) as c:
        c.grow(0, 1 << 30)
        streams = [c.request("GET", "/", ("accept-encoding", "zstd")) for _ in range(n)]
        for s in streams:
            assert c.head(s).get("content-encoding") == "zstd"
        settled(sent)
        assert sent[0] < n * (8 << 20), "what the sockets between take is not held here"
        # a compressor of 1.8 MB, and what HTTP/2 keeps of a stream at most
        assert IS_ASAN or t.rss_kib() - before < n * (1790 + 300)
        m = c.get("/quick", GZIP)
        assert decoded(m) == WORDS[:5000]
        one = streams[0]
        c.streams[one].body = bytearray(c.streams[one].body)  # grows in place
        c.grow(one, 1 << 30)
        while not c.streams[one].ended:
            c.frame()
        assert len(decoded(c.streams[one])) == total
        for s in streams[1:]:
            c.reset(s)
        wait_for(lambda: t.figures()["exchanges"] == 0)


def test_an_answer_that_breaks_off_resets_its_stream(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send(answer(200, b"", "Content-Type: text/html", "Content-Length: 50000", length=False), WORDS[:20_000])
        peer.reset()

    t = tidegate([origin(serve)], service={"compression": {}})
    with h2wire.client(t) as c:
        for accept in ("gzip", "br", "zstd"):
            with pytest.raises(Reset):
                c.get("/", ("accept-encoding", accept))
        assert c.alive()


def test_a_stream_that_is_reset_in_the_middle_of_its_answer_is_over(tidegate, origin):
    sent = [0]
    t = tidegate([origin(noisy(64 << 20, sent))], service={"compression": {}}, workers=1)
    with h2wire.client(t) as c:
        for accept in ("gzip", "br", "zstd"):
            s = c.request("GET", "/", ("accept-encoding", accept))
            while len(c.streams[s].body) < 100_000:
                c.frame()
            c.reset(s)
            wait_for(lambda: t.figures()["exchanges"] == 0)
        assert c.alive()


def test_what_has_come_is_on_the_stream_before_the_next_comes(tidegate, origin):
    events = [b"data: %d\n\n" % i for i in range(5)]
    seen = []

    def reply(f, stream, m):
        f.headers(stream, [(":status", "200"), ("content-type", "text/event-stream")], end=False)
        for i, e in enumerate(events):
            f.data(stream, e)
            wait_for(lambda: len(seen) > i)
        f.data(stream, b"", end=True)

    t = tidegate([origin(serving(reply))], service=dict(pool("h2"), compression={"types": "text/event-stream"}))
    decode = zlib.decompressobj(31)
    with h2wire.client(t) as c:
        s = c.request("GET", "/", GZIP)
        for e in events:
            got, at = b"", 0
            while len(got) < len(e):
                c.until(lambda f: isinstance(f, hf.DataFrame) and f.stream_id == s)
                got = decode.decompress(c.streams[s].body[sum(seen):])
            seen.append(len(c.streams[s].body) - sum(seen))
            assert got == e
        assert c.answer(s).ended


# ---- tunnels

def websocket(c, *fields):
    s = c.fresh()
    c.headers(s, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat"),
                  (":authority", "test.example"), ("sec-websocket-version", "13"), *fields], end=False)
    return s


def echo_tunnel(peer, o):
    head = o.read_head(peer)
    if "upgrade" not in {n.lower() for n, _ in head.fields}:
        peer.send(answer())
        return
    key = head.get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              f"Content-Type: text/html\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")
    with peer.sock.makefile("rb", buffering=0) as f:
        while data := peer.take(len(peer.buf)) if peer.buf else f.read(4096):
            peer.send(data)


@pytest.mark.parametrize("side", ["h1", "h2"])
def test_a_websocket_is_asked_for_at_the_edge_and_then_untouched(tidegate, origin, side):
    o, shadow = origin(echo_tunnel), origin()
    cfg = basic_config([o.url], service={"compression": {"types": "text/*", "min_size": 1}})
    cfg["services"]["shadow"] = {"pools": {"baseline": {"backends": [shadow.url]}}}
    cfg["routes"][0].update(auth={"basic": f"anna:{SHA1}"}, mirror="shadow", rate_limit={"rate": "1/h", "burst": 2})
    t = tidegate(config=cfg)
    data = WORDS[:3000]
    if side == "h2":
        with h2wire.client(t) as c:
            assert c.head(websocket(c)).status == 401
            s = websocket(c, PASSWORD, GZIP)
            m = c.head(s)
            assert m.status == 200 and m.all("content-encoding") == [] and m.all("vary") == []
            c.data(s, data)
            while len(c.streams[s].body) < len(data):
                c.frame()
            assert c.streams[s].body == data
            assert c.head(websocket(c, PASSWORD)).status == 429
    else:
        ask = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Accept-Encoding: gzip"]
        assert t.get("/chat", *ask).status == 401
        with t.client() as c:
            c.send("GET /chat HTTP/1.1\r\nHost: test.example\r\n" + "\r\n".join(ask)
                   + "\r\nAuthorization: " + PASSWORD[1] + "\r\n\r\n")
            assert c.head().status == 101
            c.send(data)
            assert c.exactly(len(data)) == data
        assert t.get("/chat", *ask, "Authorization: " + PASSWORD[1]).status == 429
    assert not shadow.heads


# ---- authentication

@BOTH
def test_passwords_are_asked_of_each_stream(gate, backend, protocol):
    o = backend(protocol)
    t = gate(o, route={"auth": {"basic": f"anna:{SHA1}", "user_header": "X-User", "remove_authorization": True}})
    with h2wire.client(t) as c:
        m = c.ask("POST", "/", body=b"x" * 1000)
        assert m.status == 401 and m.get("www-authenticate") == 'Basic realm="tidegate", charset="UTF-8"'
        assert m.body == b"unauthorized\n"
        assert c.get("/", PASSWORD, ("x-user", "root"), ("x_user", "root")).status == 200
        m = c.ask("HEAD", "/")
        assert m.status == 401 and m.body == b"" and m.get("content-length") == "13"
        assert c.ask("POST", "/", PASSWORD, body=b"x" * 50_000).status == 200
        assert c.ask("POST", "/", PASSWORD, body=b"x", trailers=[("x-user", "root"), ("x-last", "1")]).status == 200
    for fields, _, trailers in o.messages:
        names = dict(fields)
        assert names["x-user"] == "anna" and "x_user" not in names and "authorization" not in names
        assert not trailers or trailers == [("x-last", "1")]
    assert [len(body) for _, body, _ in o.messages] == [0, 50_000, 1]
    assert denied(t, "no_credentials") == 2


@BOTH
def test_slow_hashes_hold_up_no_other_stream(gate, backend, protocol):
    """Their bodies wait, within their windows."""
    bcrypt = "$2b$04$BtK6UrRcJXKNKrvEJz0M8OinN..5msP1pV2xHseKLPB.l5q35Y5yC"
    o = backend(protocol)
    t = gate(o, route={"auth": {"basic": [f"anna:{bcrypt}"]}})
    with h2wire.client(t) as c:
        wrong = ("authorization", "Basic " + base64.b64encode(b"anna:tide").decode())
        streams = [c.request("POST", "/", PASSWORD if i % 2 else wrong, body=b"%d" % i * 100) for i in range(20)]
        assert [c.answer(s).status for s in streams] == [200 if i % 2 else 401 for i in range(20)]
    assert sorted(body for _, body, _ in o.messages) == sorted(b"%d" % i * 100 for i in range(1, 20, 2))


def test_tokens_come_in_fields_or_in_cookies_that_were_split(gate, backend, tmp_path):
    k = Key("ES256", "k1")
    (tmp_path / "jwks.json").write_text(jwks(k))
    o = backend("h2")
    t = gate(o, route={"auth": {"jwt": {"keys": "jwks.json", "from": ["header:authorization", "cookie:token"],
                                        "forward": {"sub": "X-Sub"}}}})
    token = k.token(sub="anna")
    with h2wire.client(t) as c:
        assert c.get("/", ("authorization", f"Bearer {token}"), ("x-sub", "root")).status == 200
        assert c.get("/", ("cookie", "a=b"), ("cookie", f"token={token}"), ("cookie", "c=d")).status == 200
        m = c.get("/", ("authorization", f"Bearer {token[:-4]}AAAA"))
        assert m.status == 401 and m.get("www-authenticate") == 'Bearer realm="tidegate", error="invalid_token"'
        assert c.get("/", ("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")).status == 401
    assert [dict(f)["x-sub"] for f, _, _ in o.messages] == ["anna", "anna"]


@BOTH
def test_another_service_is_asked_for_each_stream(gate, backend, protocol):
    g = backend(protocol, [("x-user", "anna"), ("x-group", "a"), ("x-group", "b")], b"")
    o = backend("h2")
    t = gate(o, others={"gate": g}, route={"auth": {"forward": {
        "service": "gate", "path": "/verify", "response_headers": ["X-User", "X-Group"], "user_from": "X-User"}}})
    body = b"y" * 30_000
    with h2wire.client(t) as c:
        streams = [c.request("POST", f"/p{i}?q=1", ("x-user", "root"), ("cookie", "sid=7"), ("te", "trailers"),
                             ("content-type", "text/x"), body=body, trailers=[("x-user", "root"), ("x-last", "1")])
                   for i in range(3)]
        assert [c.answer(s).status for s in streams] == [200] * 3
    for fields, data, trailers in o.messages:
        assert dict(fields)["x-user"] == "anna" and [v for n, v in fields if n == "x-group"] == ["a", "b"]
        assert data == body and trailers == [("x-last", "1")]
    for fields, data, _ in g.messages:
        f = dict(fields)
        assert (f[":method"], f[":path"], data) == ("GET", "/verify", b"")
        assert f["x-forwarded-method"] == "POST" and f["x-forwarded-uri"].startswith("/p")
        assert f["x-forwarded-host"] == "test.example" and f["cookie"] == "sid=7"
        assert f.get("host", f.get(":authority")) == "test.example"
        assert "content-type" not in f and "te" not in f and "content-length" not in f and "x-user" not in f


@BOTH
def test_what_the_other_service_answers_is_given_to_the_stream(gate, backend, protocol):
    g = backend(protocol, [("location", "/login"), HTML], b"log in first" * 500, status=302)
    o = backend("h2")
    t = gate(o, others={"gate": g}, route={"auth": {"forward": {"service": "gate", "path": "/verify"}}})
    with h2wire.client(t) as c:
        m = c.ask("POST", "/", body=b"z" * 20_000)
        assert m.status == 302 and m.get("location") == "/login" and m.body == b"log in first" * 500
        assert m.get("content-length") == "6000"
        assert c.ask("HEAD", "/").body == b""
        assert c.alive()
    assert not o.messages and denied(t, "auth_service") == 2


def test_a_stream_that_is_reset_while_it_is_asked_about_asks_no_more(tidegate, origin):
    asked = []

    def ask(peer, o):
        o.read(peer)
        asked.append(peer)
        wait_for(lambda: not is_open(peer))

    o, g = origin(), origin(ask)
    cfg = basic_config([o.url])
    cfg["services"]["gate"] = {"pools": {"baseline": {"backends": [g.url]}}}
    cfg["routes"][0]["auth"] = {"forward": {"service": "gate", "path": "/"}}
    t = tidegate(config=cfg)
    with h2wire.client(t) as c:
        s = c.request("POST", "/", body=b"x" * 1000)
        wait_for(lambda: asked)
        c.reset(s)
        wait_for(lambda: t.figures()["exchanges"] == 0)
        assert c.alive()
    assert not o.heads and t.service()["arrivals"] == 0


# ---- error pages

@pytest.fixture
def pages(tmp_path):
    (tmp_path / "sorry.html").write_text("<p>sorry")
    (tmp_path / "sorry.json").write_text("{}")
    return [{"status": ["4xx", "5xx"], "file": f"sorry.{k}", "intercept": True} for k in ("html", "json")]


@BOTH
def test_pages_stand_for_answers_of_the_service(gate, backend, pages, protocol):
    o = backend(protocol, [("content-type", "text/plain"), ("etag", '"a"'), ("x-own", "1")], b"long" * 10_000,
                status=404, trailers=[("x-after", "1")])
    t = gate(o, route={"errors": pages}, service={"compression": {"min_size": 1}})
    with h2wire.client(t) as c:
        m = c.get("/", GZIP)
        assert (m.status, m.body, m.get("content-length")) == (404, b"<p>sorry", "8")
        assert m.get("content-type") == "text/html; charset=utf-8"
        assert m.get("x-own") == "1" and m.all("etag") == [] and m.trailers is None
        assert c.get("/", ("accept", "application/json")).body == b"{}"
        m = c.ask("HEAD", "/")
        assert (m.status, m.body, m.get("content-length")) == (404, b"", "8")
        m = c.ask("POST", "/", body=b"x" * 10_000)
        assert m.body == b"<p>sorry"
        assert c.alive()
    assert t.metric("tidegate_service_error_pages_total") == 4


def test_what_a_page_covers_goes_not_from_socket_to_socket_either(gate, backend, pages):
    t = gate(backend("h1", [HTML], os.urandom(2 << 20), status=500), route={"errors": pages})
    with t.client() as c:
        for _ in range(3):
            a = c.get()
            assert a.status == 500 and a.body == b"<p>sorry"


def test_pages_stand_for_answers_of_ours(tidegate, origin, pages):
    gone = origin()
    gone.stop()
    cfg = basic_config([gone.url], errors=pages)
    cfg["routes"][0]["path"] = "/here"
    t = tidegate(config=cfg)
    with h2wire.client(t) as c:
        for path, status in (("/nowhere", 404), ("/here", 502)):
            m = c.ask("POST", path, ("accept", "text/html;q=0.5, application/json"), body=b"x" * 1000)
            assert (m.status, m.body, m.get("content-type")) == (status, b"{}", "application/json")
        assert c.alive()


def test_a_long_page_waits_for_the_windows(tidegate, origin, tmp_path):
    (tmp_path / "sorry.html").write_bytes(page := os.urandom(64 * 1024))
    cfg = basic_config([origin().url], errors=[{"status": 404, "file": "sorry.html"}])
    cfg["routes"][0]["path"] = "/here"
    t = tidegate(config=cfg)
    with h2wire.client(t, windows=False, settings={h2wire.WINDOW: 1000}) as c:
        c.grow(0, 1 << 30)
        streams = [c.request() for _ in range(50)]
        for s in streams:
            while len(c.streams[s].body) < 1000:
                c.frame()
        for s in streams:
            c.grow(s, 1 << 20)
            assert c.answer(s).body == page


# ---- mirrors

@BOTH
def test_requests_of_streams_are_copied(gate, backend, protocol):
    o, shadow = backend("h2"), backend(protocol, [HTML], b"nobody reads this" * 1000, status=500)
    t = gate(o, others={"shadow": shadow}, route={"mirror": {"service": "shadow"}})
    outcome = lambda name: t.metric("tidegate_service_mirrored_total", service="app", outcome=name)
    with h2wire.client(t) as c:
        streams = [c.request("POST", f"/{i}", ("te", "trailers"), GRPC, body=b"%d" % i * 10_000,
                             trailers=[("x-last", "1")]) for i in range(6)]
        streams += [c.request("GET", "/6")]
        assert [c.answer(s).body for s in streams] == [b"ok"] * 7
        wait_for(lambda: outcome("answered") == 7)
    assert outcome("sent") == 7 and outcome("failed") == 0
    key = lambda m: dict(m[0])[":path"]
    for real, copy in zip(sorted(o.messages, key=key), sorted(shadow.messages, key=key)):
        assert copy[1] == real[1] and copy[2] is None
        a, b = dict(real[0]), dict(copy[0])
        for name in (":method", ":path", "te", "content-type", "x-forwarded-for", "x-request-id", "via"):
            assert protocol == "h1" and name == "te" or a.get(name) == b.get(name), name
        assert b.get("host", b.get(":authority")) == "test.example"
        assert b.get("content-length") == (str(len(real[1])) if real[1] else None)


# ---- what comes and goes by the PROXY protocol

PP = {"proxy_protocol": True}


def test_rates_and_addresses_are_those_of_the_header_and_of_streams(tidegate, origin):
    o = origin()
    cfg = basic_config([o.url], listener=PP, service={"deny": "192.0.2.66"})
    cfg["routes"][0]["rate_limit"] = {"rate": "1/h", "burst": 3}
    t = tidegate(config=cfg)

    def statuses(address, n):
        peer = ppwire.from_(t, ppwire.v2(address, "2001:db8::99" if ":" in address else "198.51.100.1"))
        with h2wire.Frames(peer) as c:
            streams = [c.request() for _ in range(n)]
            answers = [c.answer(s) for s in streams]
            assert all(int(m.get("retry-after")) > 0 for m in answers if m.status == 429)
            assert c.alive()
            return [m.status for m in answers]

    assert statuses("192.0.2.1", 5) == [200] * 3 + [429] * 2
    assert statuses("192.0.2.2", 2) == [200] * 2
    assert statuses("192.0.2.1", 1) == [429], "it is no other client for having connected again"
    assert statuses("192.0.2.2", 2) == [200, 429]
    assert statuses("192.0.2.66", 2) == [403] * 2
    assert statuses("2001:db8::1", 2) + statuses("2001:db8::2", 2) == [200] * 3 + [429], "of one /64"
    assert denied(t, "rate") == 5 and denied(t, "address") == 2
    with ppwire.from_(t, ppwire.v1("192.0.2.1", "198.51.100.1")) as c:
        assert c.get().status == 429


def test_requests_of_our_own_are_announced_as_the_clients(tidegate, origin):
    """The copy may be sent, and sent again, when the client has gone."""
    asked, go = [], threading.Event()

    def serve(peer, o):
        o.read(peer)
        asked.append(peer)
        go.wait(20)
        if len(asked) <= 2:
            peer.reset()
        else:
            peer.send(answer())

    o, g = origin(), origin(ppwire.reading())
    shadow = origin(ppwire.reading(serve))
    cfg = basic_config([o.url], listener=PP)  # each of the two is sent again, within the budget
    for name, other in (("gate", g), ("shadow", shadow)):
        cfg["services"][name] = {"pools": {"baseline": {"backends": [other.url], "proxy_protocol": "v2"}}}
    cfg["routes"][0].update(auth={"forward": {"service": "gate", "path": "/"}}, mirror="shadow")
    t = tidegate(config=cfg)
    with h2wire.Frames(ppwire.from_(t, ppwire.v2("192.0.2.7", "198.51.100.1"))) as c:
        for i in range(2):
            assert c.get().status == 200
            wait_for(lambda: len(asked) == i + 1)
    wait_for(lambda: t.figures()["connections"] == 0)
    assert t.metric("tidegate_service_mirrored_total", outcome="answered") == 0
    go.set()
    outcome = lambda name: t.metric("tidegate_service_mirrored_total", outcome=name)
    wait_for(lambda: outcome("answered") + outcome("failed") == 2 and outcome("answered") >= 1)
    assert [p.source[0] for p in g.told] == ["192.0.2.7"], "one connection serves one client again"
    assert [p.source[0] for p in shadow.told] == ["192.0.2.7"] * len(asked) and len(asked) >= 3
    wait_for(lambda: t.figures()["upstream_connections"] <= 1)


@BOTH
def test_the_longest_heads_fit_with_what_is_added(gate, backend, protocol):
    """255 fields each way, and more of ours: a compressor's, a user's, a hop's."""
    own = [(f"x-{i}", str(i)) for i in range(250)]
    o = backend(protocol, [HTML, ("etag", '"v1"'), *own], WORDS[:5000])
    t = gate(o, route={"auth": {"basic": f"anna:{SHA1}", "user_header": "X-User"}}, service={"compression": {}},
             listener={"limits": {"fields": 256, "head": "64k"}})
    with h2wire.client(t) as c:
        m = c.get("/", GZIP, PASSWORD, *own)
        assert m.status == 200 and m.get("x-249") == "249" and decoded(m) == WORDS[:5000]
    assert dict(o.messages[0][0])["x-249"] == "249" and dict(o.messages[0][0])["x-user"] == "anna"
