"""Where the edge meets what is read ahead: bodies that are awaited, answers that wait for slow clients."""
import base64
import hashlib
import os
import threading

import pytest
import zstandard
from hyperframe import frame as hf

import h2wire
from harness import basic_config
from slow import SIZE, SLOW, UPLOADS, h1_client, piece, still, tier
from wire import answer, chunks, request, wait_for

HTML = "Content-Type: text/html"
ZSTD = "Accept-Encoding: zstd"


@pytest.fixture(scope="module")
def noise():
    """It does not get smaller."""
    return os.urandom(SIZE)


def decoded(body):
    return zstandard.ZstdDecompressor().decompressobj().decompress(bytes(body))


def known(body):
    return answer(200, body, HTML)


def unknown(body):
    return answer(200, chunks(body), HTML, "Transfer-Encoding: chunked", length=False)


def copies(t, outcome):
    return t.metric("tidegate_service_mirrored_total", service="app", outcome=outcome)


# ---- compressed answers and slow clients

@SLOW
@pytest.mark.parametrize("framed", [known, unknown])
def test_a_compressed_answer_that_fits_frees_the_backend(tidegate, origin, slow, framed, noise):
    t = tidegate([origin(reply=lambda head, _: framed(noise))],
                 service={"compression": {}, "buffers": {"response": "16m"}})
    c = slow(t, ZSTD)
    wait_for(lambda: tier(t)["completed"] == 1)
    assert tier(t)["inflight"] == 0
    assert decoded(c.rest()) == noise
    c.peer.close()


@SLOW
def test_of_a_compressed_answer_the_length_that_its_service_said_counts(tidegate, origin, slow, noise):
    """The client is told none, and still a rest that does not fit is not begun."""
    t = tidegate([origin(reply=lambda head, _: known(noise * 2))],
                 service={"compression": {}, "buffers": {"response": "16m"}}, buffer_memory="64m")
    c = slow(t, ZSTD)
    wait_for(lambda: tier(t)["bytes_down"] > 0)
    assert still(lambda: tier(t)["bytes_down"]) < 8 << 20
    assert tier(t)["inflight"] == 1
    c.peer.close()
    wait_for(lambda: tier(t)["inflight"] == 0)


@SLOW
@pytest.mark.parametrize("framed", [known, unknown])
@pytest.mark.parametrize("settings", [{"response": 0}, {"response": "1m"}], ids=["none", "too little"])
def test_a_compressed_answer_that_does_not_fit_waits_for_its_client(tidegate, origin, slow, framed, settings, noise):
    t = tidegate([origin(reply=lambda head, _: framed(noise))], service={"compression": {}, "buffers": settings})
    c = slow(t, ZSTD)
    wait_for(lambda: tier(t)["bytes_down"] > 0)
    assert still(lambda: tier(t)["bytes_down"]) < SIZE
    assert tier(t)["inflight"] == 1
    assert decoded(c.rest()) == noise
    c.peer.close()
    wait_for(lambda: tier(t)["completed"] == 1)


@SLOW
def test_what_gets_small_goes_through_whatever_is_read_ahead(tidegate, origin, slow):
    """Bytes of the service's are counted, and these are many for the few that the client gets."""
    body = bytes(SIZE)
    t = tidegate([origin(reply=lambda head, _: known(body))], service={"compression": {}, "buffers": {"response": 0}})
    c = slow(t, ZSTD)
    wait_for(lambda: tier(t)["completed"] == 1)
    assert decoded(c.rest()) == body
    c.peer.close()


def test_a_page_frees_the_backend_whose_answer_it_covers(tidegate, origin, tmp_path):
    """Nothing of that answer is for the client: there is nothing to wait for."""
    (tmp_path / "sorry.html").write_bytes(page := os.urandom(64 * 1024))
    t = tidegate([origin(reply=lambda head, _: answer(500, bytes(SIZE)))], service={"buffers": {"response": 0}},
                 errors=[{"status": 500, "file": "sorry.html", "intercept": True}])
    with h2wire.client(t, windows=False, settings={h2wire.WINDOW: 1000}) as c:
        stream = c.request()
        wait_for(lambda: tier(t)["completed"] == 1)
        assert tier(t)["inflight"] == 0 and tier(t)["bytes_down"] == SIZE
        c.grow(0, 1 << 20)
        c.grow(stream, 1 << 20)
        assert c.answer(stream).body == page
    with h1_client(t) as c:
        c.send(request("GET", "/"))
        wait_for(lambda: tier(t)["completed"] == 2)
        assert c.answer().body == page


# ---- requests that are awaited, and who may send them

class Gatekeeper:
    """A service that is asked who may enter, and answers when it is told to."""

    def __init__(self, origin, status=200):
        self.asked, self.may = threading.Event(), threading.Event()
        self.status = status
        self.origin = origin(reply=self.reply)

    def reply(self, head, body):
        self.asked.set()
        assert self.may.wait(20)
        return answer(self.status, b"says the gate", "X-User: anna")

    def let(self):
        self.may.set()


@pytest.fixture
def guarded(tidegate, origin):
    """guarded(gatekeeper, shadow=None, **basic_config) -> (tidegate, origin) behind it"""
    def make(gate, shadow=None, **top):
        o = origin(reply=lambda head, body: answer(200, body))
        cfg = basic_config([o.url], **top)
        cfg["services"]["gate"] = {"pools": {"baseline": {"backends": [gate.origin.url]}}}
        cfg["routes"][0]["auth"] = {"forward": {"service": "gate", "response_headers": "X-User"}}
        if shadow is not None:
            cfg["services"]["shadow"] = {"pools": {"baseline": {"backends": [shadow.url]}}}
            cfg["routes"][0]["mirror"] = "shadow"
        return tidegate(config=cfg), o
    return make


@UPLOADS
def test_who_may_enter_is_asked_before_the_body_is_awaited(guarded, origin, upload):
    """And without it."""
    gate = Gatekeeper(origin)
    t, o = guarded(gate)
    gate.let()
    with upload(t, 1000) as (_, put, reply):
        put(b"a" * 500)
        assert gate.asked.wait(10)
        wait_for(lambda: t.service()["arrivals"] == 1)
        assert tier(t)["inflight"] == 0 and o.heads == []
        put(b"b" * 500, last=True)
        assert reply().body == b"a" * 500 + b"b" * 500
    head, question = o.heads[0], gate.origin.heads[0]
    assert head.get("X-User") == "anna" and head.get("Content-Length") == "1000"
    assert question.method == "GET" and question.all("Content-Length") == [] and gate.origin.bodies == [b""]


@UPLOADS
def test_a_body_that_is_there_waits_for_who_decides(guarded, origin, upload):
    gate = Gatekeeper(origin)
    t, o = guarded(gate)
    with upload(t, 1000) as (_, put, reply):
        put(b"a" * 1000, last=True)
        assert gate.asked.wait(10)
        assert t.service()["arrivals"] == 0 and o.heads == []
        gate.let()
        assert reply().body == b"a" * 1000
    assert [h.get("X-User") for h in o.heads] == ["anna"] and gate.origin.bodies == [b""]


@UPLOADS
def test_a_body_that_was_stopped_by_who_decides_is_awaited_further(guarded, origin, upload):
    """What comes of it while nobody was let in is little; then all of it is wanted."""
    gate = Gatekeeper(origin)
    t, o = guarded(gate, service={"buffers": {"request": "1m"}})
    data = os.urandom(100_000)
    with upload(t, len(data)) as (c, put, reply):
        for at in range(0, 60_000, 15_000):
            put(data[at:at + 15_000])
        assert gate.asked.wait(10)
        still(lambda: t.figures()["bytes_in"])
        gate.let()
        if isinstance(c, h2wire.Frames):
            c.until(lambda f: isinstance(f, hf.WindowUpdateFrame) and f.stream_id != 0)
        wait_for(lambda: t.service()["arrivals"] == 1 and t.figures()["bytes_in"] > 60_000)
        assert o.heads == []
        for at in range(60_000, len(data), 10_000):
            put(data[at:at + 10_000], last=at + 10_000 == len(data))
        assert reply().body == data
    assert o.heads[0].get("Content-Length") == str(len(data)) and o.bodies == [data]


DENIALS = {
    "address": ({"deny": "127.0.0.0/8"}, 403),
    "rate": ({"rate_limit": {"rate": "1/m", "burst": 1}}, 429),
    "password": ({"auth": {"basic": "anna:{SHA}" + base64.b64encode(hashlib.sha1(b"x").digest()).decode()}}, 401),
}


@UPLOADS
@pytest.mark.parametrize("rules, status", DENIALS.values(), ids=DENIALS)
def test_who_may_not_enter_hears_it_before_the_body_is_there(tidegate, origin, upload, rules, status):
    o = origin()
    cfg = basic_config([o.url])
    cfg["routes"][0].update(rules)
    t = tidegate(config=cfg)
    if status == 429:
        assert t.get().status == 200
    n = len(o.heads)
    with upload(t, 1000) as (_, put, reply):
        put(b"a" * 500)
        assert reply().status == status
    assert len(o.heads) == n and t.service()["arrivals"] == n
    wait_for(lambda: t.figures()["exchanges"] == 0)


@UPLOADS
def test_who_is_not_let_in_hears_it_before_the_body_is_there(guarded, origin, upload):
    gate = Gatekeeper(origin, status=403)
    t, o = guarded(gate)
    with upload(t, 1000) as (_, put, reply):
        put(b"a" * 500)
        assert gate.asked.wait(10)
        gate.let()
        a = reply()
        assert a.status == 403 and a.body == b"says the gate"
    assert o.heads == [] and gate.origin.bodies == [b""] and t.service()["arrivals"] == 0
    wait_for(lambda: t.figures()["exchanges"] == 0)


# ---- requests that are awaited, and their copies

@UPLOADS
def test_a_copy_goes_when_the_body_that_was_awaited_is_there(guarded, origin, upload):
    gate, shadow = Gatekeeper(origin), origin()
    t, o = guarded(gate, shadow)
    gate.let()
    with upload(t, 1000) as (_, put, reply):
        put(b"a" * 500)
        wait_for(lambda: t.service()["arrivals"] == 1)
        assert o.heads == [] and shadow.heads == []
        put(b"b" * 500, last=True)
        assert reply().body == b"a" * 500 + b"b" * 500
    wait_for(lambda: copies(t, "answered") == 1)
    assert shadow.bodies == o.bodies == [b"a" * 500 + b"b" * 500]
    for head in (shadow.heads[0], o.heads[0]):
        assert head.get("X-User") == "anna" and head.get("Content-Length") == "1000"
    assert t.service("shadow")["arrivals"] == 1


@UPLOADS
def test_what_is_awaited_in_vain_is_not_copied(guarded, origin, upload):
    gate, shadow = Gatekeeper(origin), origin()
    t, o = guarded(gate, shadow)
    gate.let()
    with upload(t, 1000) as (c, put, _):
        put(b"a" * 500)
        wait_for(lambda: t.service()["arrivals"] == 1)
        c.close()
        wait_for(lambda: t.figures()["exchanges"] == 0)
    assert o.heads == [] and shadow.heads == []
    assert copies(t, "sent") == 0
