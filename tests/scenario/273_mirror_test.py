"""Copies of requests, which nobody may notice."""
import time

import pytest

from harness import basic_config
from wire import answer, chunks, request, wait_for


@pytest.fixture
def mirrored(tidegate, origin):
    """mirrored(mirror={}, shadow=serve or reply) -> (tidegate, origin, shadow)"""
    def make(mirror=None, serve=None, reply=None, shadow=None, auth=None, **top):
        o, s = origin(), origin(serve, reply=reply)
        cfg = basic_config([o.url], **top)
        cfg["services"]["shadow"] = dict({"pools": {"baseline": {"backends": [s.url]}}}, **(shadow or {}))
        cfg["routes"][0]["mirror"] = dict({"service": "shadow"}, **(mirror or {}))
        return tidegate(config=cfg), o, s
    return make


def outcomes(t):
    names = ("sent", "answered", "failed", "busy", "too_large")
    return {n: int(t.metric("tidegate_service_mirrored_total", service="app", outcome=n)) for n in names}


def test_a_copy_goes_to_another_service_and_its_answer_nowhere(mirrored):
    t, o, s = mirrored(reply=lambda head, body: answer(500, b"shadow's own" * 10_000))
    with t.client() as c:
        for i in range(5):
            assert c.get(f"/x{i}?q=1", "Cookie: a=b").body == b"ok"
    wait_for(lambda: outcomes(t)["answered"] == 5)
    by_path = lambda origin: sorted(origin.heads, key=lambda h: h.first)  # copies may overtake each other
    assert [h.first for h in by_path(s)] == [h.first for h in by_path(o)]
    real, copy = by_path(o)[0], by_path(s)[0]
    for name in ("Host", "Cookie", "X-Forwarded-For", "X-Request-Id", "Via"):
        assert copy.get(name) == real.get(name), name
    assert outcomes(t) == {"sent": 5, "answered": 5, "failed": 0, "busy": 0, "too_large": 0}


def test_copies_are_load_of_the_mirrored_service_and_of_no_user(mirrored):
    t, o, s = mirrored(profiler={"identity": "header:x-id"})
    for _ in range(4):
        t.get("/", "X-Id: anna")
    wait_for(lambda: outcomes(t)["answered"] == 4)
    assert t.service("shadow")["arrivals"] == 4 and t.service("app")["arrivals"] == 4
    assert t.service("shadow")["responses"]["2xx"] == 4
    observed = lambda: t.metric("tidegate_profiler_observations_total")
    wait_for(lambda: observed() == 4)
    assert t.service("shadow")["client_retries"] == 0


@pytest.mark.parametrize("size", [1, 10_000, 65_536])
def test_a_body_is_copied_up_to_the_limit(mirrored, size):
    t, o, s = mirrored()
    data = bytes(i % 251 for i in range(size))
    assert t.client().ask("POST", "/", "Expect: 100-continue", body=data).status == 200
    with t.client() as c:
        c.send(request("PUT", "/c", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b""))
        c.send(chunks(data[: size // 2], data[size // 2:]) if size > 1 else chunks(data))
        assert c.answer().status == 200
    wait_for(lambda: outcomes(t)["answered"] == 2)
    assert sorted(s.bodies) == sorted([data, data])
    for head in s.heads:
        assert head.get("Content-Length") == str(size) and head.all("Expect") == []
        assert head.all("Transfer-Encoding") == []


def test_a_longer_body_is_not_copied(mirrored):
    t, o, s = mirrored({"max_body": "1k"})
    data = b"x" * 1025
    with t.client() as c:
        assert c.ask("POST", "/", body=data).status == 200
        c.send(request("POST", "/", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b""))
        c.send(b"201\r\n" + b"x" * 513 + b"\r\n")
        c.send(b"201\r\n" + b"x" * 513 + b"\r\n0\r\n\r\n")
        assert c.answer().status == 200
        assert c.ask("POST", "/", body=b"x" * 1024).status == 200
    wait_for(lambda: outcomes(t)["answered"] == 1)
    assert outcomes(t)["too_large"] == 2 and s.bodies == [b"x" * 1024]
    assert [len(b) for b in o.bodies] == [1025, 1026, 1024]


def test_a_share_of_the_requests_is_copied(mirrored):
    t, o, s = mirrored({"share": "25%"})
    with t.client() as c:
        for _ in range(400):
            c.get()
    wait_for(lambda: outcomes(t)["answered"] == outcomes(t)["sent"])
    assert 55 <= outcomes(t)["sent"] <= 150 and len(s.heads) == outcomes(t)["sent"]


def test_a_share_of_nothing_is_nothing(mirrored):
    t, o, s = mirrored({"share": "0%"})
    assert t.get().status == 200
    assert outcomes(t)["sent"] == 0 and not s.heads


def test_a_mirror_that_is_dead_or_silent_delays_and_fails_nobody(mirrored):
    t, o, s = mirrored({"max_requests": 8}, serve=lambda peer, o: (o.read(peer), peer.until(b"never")), workers=1)
    begun = time.monotonic()
    with t.client() as c:
        for _ in range(50):
            assert c.get().body == b"ok"
    assert time.monotonic() - begun < 5
    assert outcomes(t)["sent"] == 8 and outcomes(t)["busy"] == 42
    s.stop()
    wait_for(lambda: outcomes(t)["failed"] == 8)
    with t.client() as c:
        for _ in range(20):
            assert c.get().body == b"ok"
    wait_for(lambda: outcomes(t)["failed"] == outcomes(t)["sent"])
    assert t.figures()["exchanges"] == 0
    assert t.service("app")["responses"]["5xx"] == 0


def test_a_copy_does_not_wait_for_a_slot(mirrored):
    t, o, s = mirrored(serve=lambda peer, o: (o.read(peer), peer.until(b"never")), workers=1,
                       shadow={"queue": {"size": 100, "timeout": "30s"}})
    cfg = t.cfg
    cfg["services"]["shadow"]["pools"]["baseline"]["max_requests"] = 2
    t.write(cfg)
    assert t.post("reload").status == 200
    time.sleep(0)
    for _ in range(6):
        assert t.get().status == 200
    wait_for(lambda: outcomes(t)["failed"] >= 4)
    assert t.service("shadow")["queued"] == 0 and t.service("shadow")["shed"] >= 4


def test_a_request_that_is_not_complete_is_not_copied(mirrored):
    t, o, s = mirrored(workers=1)
    c = t.client()
    c.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    wait_for(lambda: t.figures()["exchanges"] == 1)
    c.close()
    wait_for(lambda: t.figures()["exchanges"] == 0)
    assert outcomes(t) == dict.fromkeys(outcomes(t), 0) and not s.heads


def test_a_tunnel_is_not_copied(mirrored):
    def serve(peer, o):
        o.read(peer)
        peer.send(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        peer.send(peer.exactly(4))

    t, o, s = mirrored()
    o.serve = serve
    with t.client() as c:
        c.send(request("GET", "/", "Connection: upgrade", "Upgrade: x"))
        assert c.head().status == 101
        c.send(b"ping")
        assert c.exactly(4) == b"ping"
    assert outcomes(t)["sent"] == 0 and not s.heads


def test_a_body_that_came_during_authentication_is_copied_too(tidegate, origin):
    o, s, g = origin(), origin(), origin()
    cfg = basic_config([o.url])
    for name, x in {"shadow": s, "gate": g}.items():
        cfg["services"][name] = {"pools": {"baseline": {"backends": [x.url]}}}
    cfg["routes"][0].update(mirror="shadow", auth={"forward": {"service": "gate", "response_headers": "X-User"}})
    g.reply = lambda head, body: answer(200, b"", "X-User: anna")
    t = tidegate(config=cfg)
    data = bytes(range(256)) * 60
    with t.client() as c:
        for _ in range(3):
            assert c.ask("POST", "/", "X-User: evil", body=data).status == 200
    wait_for(lambda: outcomes(t)["answered"] == 3)
    assert s.bodies == [data] * 3 and o.bodies == [data] * 3
    assert [h.all("x-user") for h in s.heads] == [["anna"]] * 3


def test_it_ends_while_copies_are_under_way(mirrored):
    t, o, s = mirrored(serve=lambda peer, o: (o.read(peer), peer.until(b"never")))
    for _ in range(5):
        t.get()
    wait_for(lambda: len(s.heads) == 5)
    assert t.stop() == 0


def test_a_reload_does_not_lose_count(mirrored):
    t, o, s = mirrored(serve=lambda peer, o: (o.read(peer), peer.until(b"never")))
    for _ in range(3):
        t.get()
    wait_for(lambda: len(s.heads) == 3)
    assert t.post("reload").status == 200
    for _ in range(3):
        t.get()
    wait_for(lambda: len(s.heads) == 6)
    s.stop()
    wait_for(lambda: outcomes(t)["failed"] == 6)
    assert t.figures()["exchanges"] == 0
