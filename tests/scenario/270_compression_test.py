"""Answers compressed on their way: for whom, which, and that nothing else changes."""
import os
import random
import zlib

import brotli
import pytest
import zstandard

from harness import IS_ASAN, basic_config, merge
from wire import answer, chunks, request, wait_for

WORDS = " ".join(random.Random(1).choices("tide gate wave moon harbour pilot anchor".split(), k=3000)).encode()
HTML = "Content-Type: text/html; charset=utf-8"
DECODERS = {
    "gzip": lambda: zlib.decompressobj(31),
    "br": brotli.Decompressor,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
}


def decoder(name):
    d = DECODERS[name]()
    return d.process if name == "br" else d.decompress


def decoded(a):
    name = a.head.get("Content-Encoding")
    return decoder(name)(a.body) if name else a.body


def page(body=WORDS, *fields, status=200, **kwargs):
    return answer(status, body, *(fields or [HTML]), **kwargs)


@pytest.fixture
def gate(tidegate, origin):
    """gate(reply, compression={...}, **basic_config) -> a tidegate before an origin that replies so"""
    def make(reply, compression=None, **top):
        reply = reply if callable(reply) else (lambda head, body, r=reply: r)
        o = origin(reply=reply)
        return tidegate([o], service={"compression": compression or {}}, **top)
    return make


# ---- what is compressed

@pytest.mark.parametrize("algorithm", DECODERS)
@pytest.mark.parametrize("size", [1024, 17_000, 400_000])
def test_a_client_gets_the_coding_it_asks_for(gate, algorithm, size):
    body = (WORDS * 30)[:size]
    t = gate(page(body))
    coded = 0
    with t.client() as c:
        for _ in range(3):
            a = c.get("/", f"Accept-Encoding: {algorithm}")
            assert a.head.get("Content-Encoding") == algorithm
            assert a.head.all("Content-Length") == []
            assert a.head.get("Transfer-Encoding") == "chunked"
            assert a.head.get("Vary") == "Accept-Encoding"
            assert len(a.body) < size // 2
            assert decoded(a) == body
            coded += len(a.body)
    assert t.metric("tidegate_service_compressed_total", algorithm=algorithm) == 3
    assert t.metric("tidegate_service_compression_input_bytes_total") == 3 * size
    assert t.metric("tidegate_service_compression_output_bytes_total") == coded


@pytest.mark.parametrize("accept, want", [
    ("gzip, deflate, br, zstd", "zstd"), ("gzip, deflate, br", "br"), ("gzip;q=1, br;q=0.5", "gzip"),
    ("*", "zstd"), ("zstd;q=0, *", "br"), ("deflate", None), ("identity", None), ("gzip;q=0", None),
    ("gzip;q=0.5, identity", None), (None, None), ("", None),
])
def test_the_best_liked_coding_and_of_equals_the_first_configured(gate, accept, want):
    t = gate(page())
    a = t.get("/", *([f"Accept-Encoding: {accept}"] if accept is not None else []))
    assert a.head.get("Content-Encoding") == want
    assert decoded(a) == WORDS
    assert a.head.get("Vary") == "Accept-Encoding", "it could have been compressed"
    assert (a.head.get("Content-Length") is None) == (want is not None)


def test_the_configured_order_counts(gate):
    t = gate(page(), {"algorithms": ["gzip", "br"]})
    assert t.get("/", "Accept-Encoding: br, zstd, gzip").head.get("Content-Encoding") == "gzip"
    assert t.get("/", "Accept-Encoding: zstd").head.get("Content-Encoding") is None


def test_it_is_off_unless_asked_for_and_a_route_goes_before_its_service(tidegate, origin):
    o = origin(reply=lambda head, body: page())
    cfg = basic_config([o.url])
    cfg["services"]["app"]["compression"] = {"min_size": 1}
    cfg["services"]["plain"] = {"pools": {"baseline": {"backends": [o.url]}}}
    cfg["routes"] += [{"path": "/off", "service": "app", "compression": "off"},
                      {"path": "/large", "service": "app", "compression": {"min_size": "1m"}},
                      {"path": "/plain", "service": "plain"},
                      {"path": "/plain/on", "service": "plain", "compression": {}}]
    t = tidegate(config=cfg)
    coded = {path: t.get(path, "Accept-Encoding: gzip").head.get("Content-Encoding")
             for path in ("/", "/off", "/large", "/plain", "/plain/on")}
    assert coded == {"/": "gzip", "/off": None, "/large": None, "/plain": None, "/plain/on": "gzip"}


@pytest.mark.parametrize("reply, reason, varies", [
    (page(b"x" * 1023), "small", False),
    (page(WORDS, "Content-Type: image/png"), "type", False),
    (page(WORDS, "X-No: type"), "type", False),
    (page(WORDS, "Content-Type: text/event-stream"), "type", False),
    (page(WORDS, HTML, "Content-Encoding: gzip"), "encoded", False),
    (page(WORDS, HTML, "Cache-Control: public, No-Transform"), "no_transform", False),
    (page(WORDS, HTML, "Cache-Control: public", "Cache-Control: no-transform"), "no_transform", False),
    (page(WORDS, HTML, "Content-Range: bytes 0-9/10", status=206), "range", False),
    (page(WORDS, HTML, "Content-Range: bytes */10", status=416), "range", False),
    (page(WORDS, HTML, "Content-Digest: sha-256=:AAAA:"), "digest", False),
    (page(WORDS, HTML, "Content-MD5: AAAA"), "digest", False),
])
def test_what_must_not_be_compressed_passes_as_it_is(gate, reply, reason, varies):
    t = gate(reply)
    a = t.get("/", "Accept-Encoding: gzip")
    body = reply.split(b"\r\n\r\n", 1)[1]
    assert a.body == body and a.head.get("Content-Length") == str(len(body))
    assert bool(a.head.all("Vary")) == varies
    assert t.metric("tidegate_service_compression_bypassed_total", reason=reason) == 1
    assert t.metric("tidegate_service_compression_bypassed_total") == 1


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_is_none_to_compress(gate, status):
    t = gate(answer(status, b"", HTML, 'ETag: "a"'))
    a = t.get("/", "Accept-Encoding: gzip")
    assert a.status == status and a.head.all("Content-Encoding") == [] and a.head.get("ETag") == '"a"'


@pytest.mark.parametrize("status", [200, 404, 500])
def test_errors_are_compressed_like_all_else(gate, status):
    t = gate(page(status=status))
    a = t.get("/", "Accept-Encoding: gzip")
    assert a.status == status and decoded(a) == WORDS and a.head.get("Content-Encoding") == "gzip"


def test_content_encoding_identity_is_none(gate):
    t = gate(page(WORDS, HTML, "Content-Encoding: identity"))
    a = t.get("/", "Accept-Encoding: gzip")
    assert a.head.get("Content-Encoding") == "gzip" and decoded(a) == WORDS


def test_types_are_those_configured(gate):
    replies = {"/a": "application/x-own", "/b": "text/html", "/c": "TEXT/Weird;x=y"}
    t = gate(lambda head, body: page(WORDS, f"Content-Type: {replies[head.target]}"),
             {"types": ["application/x-own", "text/weird"]})
    got = {p: t.get(p, "Accept-Encoding: gzip").head.get("Content-Encoding") for p in replies}
    assert got == {"/a": "gzip", "/b": None, "/c": "gzip"}


# ---- the head

def test_fields_that_no_longer_hold_are_changed(gate):
    t = gate(page(WORDS, HTML, 'ETag: "v1"', "Accept-Ranges: bytes", "X-Own: stays",
                  "Last-Modified: Tue, 24 Nov 2026 10:00:00 GMT"))
    a = t.get("/", "Accept-Encoding: gzip")
    assert a.head.get("ETag") == 'W/"v1"'
    assert a.head.all("Accept-Ranges") == []
    assert a.head.get("X-Own") == "stays" and a.head.get("Last-Modified").startswith("Tue")
    plain = t.get("/")
    assert plain.head.get("ETag") == '"v1"' and plain.head.get("Accept-Ranges") == "bytes"


def test_a_weak_etag_stays_one(gate):
    t = gate(page(WORDS, HTML, 'ETag: W/"v1"'))
    assert t.get("/", "Accept-Encoding: gzip").head.get("ETag") == 'W/"v1"'


@pytest.mark.parametrize("vary, want", [
    ("Cookie", ["Cookie", "Accept-Encoding"]), ("accept-encoding", ["accept-encoding"]),
    ("Cookie, Accept-Encoding", ["Cookie, Accept-Encoding"]), ("*", ["*"]),
])
def test_vary_is_said_once(gate, vary, want):
    t = gate(page(WORDS, HTML, f"Vary: {vary}"))
    for accept in ("gzip", "identity"):
        assert t.get("/", f"Accept-Encoding: {accept}").head.all("Vary") == want


def test_head_has_the_fields_that_get_has(gate):
    def reply(head, body):
        r = page(WORDS, HTML, 'ETag: "v1"')
        return r if head.method == "GET" else r.split(b"\r\n\r\n")[0] + b"\r\n\r\n"

    t = gate(reply)
    hop = {"transfer-encoding", "connection", "content-length"}
    with t.client() as c:
        for accept in ("gzip", "br", "identity"):
            get, head = (c.ask(m, "/", f"Accept-Encoding: {accept}") for m in ("GET", "HEAD"))
            same = [[(k.lower(), v) for k, v in a.head.fields if k.lower() not in hop] for a in (get, head)]
            assert same[0] == same[1]
            assert (head.head.get("Content-Length") is None) == (accept != "identity")
            assert head.body == b""


def test_a_client_of_http_1_0_gets_it_plain(gate):
    t = gate(page())
    with t.client() as c:
        c.send("GET / HTTP/1.0\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n")
        a = c.answer()
        assert a.head.all("Content-Encoding") == [] and a.body == WORDS


# ---- framing and time

@pytest.mark.parametrize("algorithm", DECODERS)
def test_bodies_of_every_framing_arrive_whole(tidegate, origin, algorithm):
    body = WORDS * 30

    def serve(peer, o):
        head = o.read(peer)[0]
        if head.target == "/chunked":
            peer.send(page(b"", HTML, "Transfer-Encoding: chunked", length=False),
                      chunks(*[body[i:i + 4999] for i in range(0, len(body), 4999)]))
        elif head.target == "/close":
            peer.send(page(b"", HTML, length=False), body)
        else:
            peer.send(page(body))

    t = tidegate([origin(serve)], service={"compression": {}})
    for target in ("/chunked", "/close", "/length"):
        a = t.get(target, f"Accept-Encoding: {algorithm}")
        assert a.head.get("Content-Encoding") == algorithm and decoded(a) == body, target


def test_trailers_follow(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send(page(b"", HTML, "Transfer-Encoding: chunked", "Trailer: X-Sum", length=False))
        peer.send(b"5\r\nabcde\r\n0\r\nX-Sum: 7\r\n\r\n")

    t = tidegate([origin(serve)], service={"compression": {}})
    a = t.get("/", "Accept-Encoding: gzip")
    assert decoded(a) == b"abcde" and a.trailers == b"X-Sum: 7\r\n"


@pytest.mark.parametrize("algorithm", DECODERS)
def test_what_has_come_is_passed_on_before_the_next_comes(tidegate, origin, algorithm):
    """An event stream: every event is there before the origin goes on."""
    events = [b"data: %d %s\n\n" % (i, WORDS[i:i + 40]) for i in range(5)]
    seen = []

    def serve(peer, o):
        o.read(peer)
        peer.send(page(b"", "Content-Type: text/event-stream", "Transfer-Encoding: chunked", length=False))
        for i, e in enumerate(events):
            peer.send(b"%x\r\n%s\r\n" % (len(e), e))
            wait_for(lambda: len(seen) > i)
        peer.send(b"0\r\n\r\n")

    t = tidegate([origin(serve)], service={"compression": {"types": "text/event-stream"}})
    decode = decoder(algorithm)
    with t.client() as c:
        c.send(request("GET", "/", f"Accept-Encoding: {algorithm}"))
        assert c.head().get("Content-Encoding") == algorithm
        for e in events:
            got = b""
            while len(got) < len(e):
                size = int(c.until(b"\r\n"), 16)
                got += decode(c.exactly(size))
                c.exactly(2)
            assert got == e
            seen.append(e)
        assert c.until(b"0\r\n\r\n")


# ---- pressure and endings

def noise():
    return os.urandom(1 << 16)  # anew each time: a window would find it again


def flood(piece, total):
    """An origin that sends `total` bytes of piece(), and says how many were taken."""
    sent = [0]

    def serve(peer, o):
        o.read(peer)
        peer.send(page(b"", HTML, f"Content-Length: {total}", length=False))
        while sent[0] < total:
            data = piece()
            peer.send(data)
            sent[0] += len(data)

    return serve, sent


@pytest.mark.parametrize("algorithm", DECODERS)
@pytest.mark.parametrize("what", ["noise", "sparse"])
def test_a_client_that_does_not_read_stops_the_origin(tidegate, origin, algorithm, what):
    """Also when all that comes in a turn is little once it is compressed."""
    total = (48 if what == "noise" else 512) << 20
    serve, sent = flood(noise if what == "noise" else lambda: os.urandom(4096) + bytes(61440), total)
    t = tidegate([origin(serve)], service={"compression": {}}, workers=1)
    before = t.rss_kib()
    with t.client() as c:
        c.send(request("GET", "/", f"Accept-Encoding: {algorithm}"))
        c.head()
        decode, got = decoder(algorithm), 0
        settled(sent)
        assert sent[0] < total // 2
        assert IS_ASAN or t.rss_kib() - before < 8192
        while got < total:
            size = int(c.until(b"\r\n"), 16)
            got += len(decode(c.exactly(size)))
            c.exactly(2)
        assert got == total and c.until(b"0\r\n\r\n")
    assert IS_ASAN or t.rss_kib() - before < 10240


def settled(sent):
    """Until nothing more was taken for as long as 20 looks take."""
    last = [-1, 0]

    def still():
        last[1] = last[1] + 1 if sent[0] == last[0] and sent[0] > 0 else 0
        last[0] = sent[0]
        return last[1] > 20

    wait_for(still, within_s=30, every_s=0.02)


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(tidegate, origin):
    serve, sent = flood(noise, 64 << 20)
    o = origin(serve)
    t = tidegate([o], service={"compression": {}}, workers=1)
    for algorithm in DECODERS:
        sent[0] = 0
        with t.client() as c:
            c.send(request("GET", "/", f"Accept-Encoding: {algorithm}"))
            c.head()
            c.exactly(100_000)
            c.reset()
        wait_for(lambda: t.figures()["exchanges"] == 0)
    assert t.service()["errors"]["client_abort"] == 3


def test_an_answer_that_breaks_off_does_not_look_whole(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send(page(b"", HTML, f"Content-Length: {len(WORDS)}", length=False), WORDS[:5000])
        peer.reset()

    t = tidegate([origin(serve)], service={"compression": {}})
    with t.client() as c:
        c.send(request("GET", "/", "Accept-Encoding: gzip"))
        try:
            rest = c.until_close()
        except ConnectionResetError:
            rest = c.take(len(c.buf))
        assert not rest.endswith(b"0\r\n\r\n")


def test_without_memory_an_answer_goes_plain_and_what_is_free_is_used_again(tidegate, origin):
    held = []

    def serve(peer, o):
        o.read(peer)
        peer.send(page(b"", HTML, "Transfer-Encoding: chunked", length=False), b"5\r\nfirst\r\n")
        held.append(peer)
        peer.until(b"never")

    t = tidegate([origin(serve)], workers=1, compression_memory="1m",
                 service={"compression": {"algorithms": "gzip"}})
    clients = [t.client() for _ in range(4)]
    for c in clients:
        c.send(request("GET", "/", "Accept-Encoding: gzip"))
        head = c.head()
        assert (head.get("Content-Encoding") == "gzip") == (c is not clients[3])
        assert head.get("Vary") == "Accept-Encoding"
    assert t.metric("tidegate_service_compression_bypassed_total", reason="memory") == 1
    clients[0].close()
    wait_for(lambda: t.figures()["exchanges"] == 3)
    with t.client() as c:
        c.send(request("GET", "/", "Accept-Encoding: gzip"))
        assert c.head().get("Content-Encoding") == "gzip"
    for c in clients[1:]:
        c.close()
