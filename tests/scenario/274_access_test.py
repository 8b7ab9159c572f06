"""Addresses that may ask, and how often."""
import time

import pytest

from harness import basic_config
from wire import answer, wait_for

TRUSTED = {"trusted_proxies": ["127.0.0.1"]}


def from_ip(ip):
    return f"X-Forwarded-For: {ip}"


def denied(t, reason):
    return t.metric("tidegate_service_denied_total", reason=reason)


@pytest.fixture
def gate(tidegate, origin):
    """gate(route={}, service={}) -> (tidegate, origin); the client may say where it is from"""
    def make(route=None, service=None, **top):
        o = origin()
        cfg = basic_config([o.url], service=service, listener=TRUSTED, **top)
        cfg["routes"][0].update(route or {})
        return tidegate(config=cfg), o
    return make


# ---- addresses

@pytest.mark.parametrize("where", ["route", "service"])
@pytest.mark.parametrize("rules, allowed, refused", [
    ({"deny": "192.0.2.0/24"}, ["192.0.3.1", "2001:db8::1"], ["192.0.2.1", "192.0.2.255", "::ffff:192.0.2.9"]),
    ({"allow": ["10.0.0.0/8", "fd00::/8"]}, ["10.1.2.3", "fd00::7"], ["11.0.0.1", "2001:db8::1", "192.0.2.1"]),
    ({"allow": "10.0.0.0/8", "deny": "10.9.0.0/16"}, ["10.1.0.1"], ["10.9.0.1", "11.0.0.1"]),
])
def test_a_client_may_ask_from_where_it_is_allowed(gate, where, rules, allowed, refused):
    t, o = gate(**{where: rules})
    for ip in allowed:
        assert t.get("/", from_ip(ip)).status == 200, ip
    for ip in refused:
        a = t.get("/", from_ip(ip))
        assert a.status == 403 and a.body == b"forbidden\n", ip
    assert denied(t, "address") == len(refused) and len(o.heads) == len(allowed)


def test_the_address_counts_that_is_believed(tidegate, origin):
    o = origin()
    t = tidegate([o], service={"allow": "10.0.0.0/8"})  # nobody is trusted
    assert t.get("/", from_ip("10.0.0.1")).status == 403


def test_a_request_passes_both_its_services_and_its_routes(tidegate, origin):
    o = origin()
    cfg = basic_config([o.url], service={"deny": "10.1.0.0/16"}, listener=TRUSTED)
    cfg["routes"].append({"path": "/r", "service": "app", "deny": "10.2.0.0/16"})
    t = tidegate(config=cfg)
    status = {(p, ip): t.get(p, from_ip(ip)).status for p in ("/", "/r") for ip in ("10.1.0.1", "10.2.0.1", "10.3.0.1")}
    assert status == {("/", "10.1.0.1"): 403, ("/", "10.2.0.1"): 200, ("/", "10.3.0.1"): 200,
                      ("/r", "10.1.0.1"): 403, ("/r", "10.2.0.1"): 403, ("/r", "10.3.0.1"): 200}


def test_who_may_not_ask_is_no_demand(gate):
    t, o = gate({"deny": "10.0.0.0/8"})
    for _ in range(5):
        t.get("/", from_ip("10.0.0.1"))
    t.get("/", from_ip("11.0.0.1"))
    wait_for(lambda: t.service()["responses"]["4xx"] == 5)
    s = t.service()
    assert s["arrivals"] == 1 and s["client_retries"] == 0


# ---- rates

def statuses(c, n, *fields):
    return [c.get("/", *fields).status for _ in range(n)]


def test_a_burst_passes_and_then_the_rate_holds(gate):
    t, o = gate({"rate_limit": {"rate": "2/s", "burst": 5}})
    with t.client() as c:
        got = statuses(c, 8)
        assert got[:5] == [200] * 5 and got.count(429) >= 2
        a = c.get("/")
        assert a.status == 429 and a.body == b"too many requests\n" and a.head.get("Retry-After") == "1"
        refused = got.count(429) + 1
        assert denied(t, "rate") == refused
        begun = time.monotonic()
        wait_for(lambda: c.get("/").status == 200, every_s=0.05)
        assert time.monotonic() - begun < 1.5
    assert t.service()["arrivals"] == len(o.heads)


def test_retry_after_says_when(gate):
    t, _ = gate({"rate_limit": {"rate": "2/m", "burst": 1}})
    assert t.get().status == 200
    assert 28 <= int(t.get().head.get("Retry-After")) <= 30


def test_clients_are_counted_apart_and_over_all_workers(gate):
    t, _ = gate({"rate_limit": {"rate": "1/h", "burst": 10}}, workers=4)
    for ip in ("10.0.0.1", "10.0.0.2", "2001:db8:0:1::1"):
        got = []
        for _ in range(15):  # a connection each, so that all workers have some
            got.append(t.get("/", from_ip(ip)).status)
        assert got == [200] * 10 + [429] * 5, ip


def test_of_an_ipv6_address_its_network_counts(gate):
    t, _ = gate({"rate_limit": {"rate": "1/h", "burst": 2}})
    got = [t.get("/", from_ip(ip)).status for ip in
           ("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff::3", "2001:db8:0:2::1")]
    assert got == [200, 200, 429, 200]


def test_a_field_or_a_cookie_may_be_the_key(gate):
    for key, field in (("header:X-Api-Key", "x-api-key: {}"), ("cookie:sid", "Cookie: a=b; sid={}")):
        t, _ = gate({"rate_limit": {"rate": "1/h", "burst": 2, "key": key, "status": 503}})
        for value in ("one", "two"):
            assert [t.get("/", field.format(value)).status for _ in range(3)] == [200, 200, 503]
        assert [t.get("/").status for _ in range(3)] == [200, 200, 503], "those without share one"
        t.stop()


def test_all_limits_hold(gate):
    t, _ = gate({"rate_limit": {"rate": "1/h", "burst": 4}},
                {"rate_limit": [{"rate": "1/h", "burst": 8}, {"rate": "1/h", "burst": 6, "key": "header:x"}]})
    assert [t.get("/", from_ip("10.0.0.1")).status for _ in range(5)] == [200] * 4 + [429]
    # by then the one by field has 2 left, whoever asks; what was refused took a token too
    assert [t.get("/", from_ip("10.0.0.2")).status for _ in range(2)] == [200, 429]


def test_a_services_limit_is_over_all_its_routes(tidegate, origin):
    cfg = basic_config([origin().url], service={"rate_limit": {"rate": "1/h", "burst": 4}})
    cfg["routes"].append({"path": "/r", "service": "app"})
    t = tidegate(config=cfg)
    assert [t.get(p).status for p in ("/", "/r", "/", "/r", "/", "/r")] == [200] * 4 + [429] * 2


def test_a_user_is_counted_whatever_the_address(gate):
    import base64
    import hashlib
    sha = "{SHA}" + base64.b64encode(hashlib.sha1(b"p").digest()).decode()
    t, o = gate({"auth": {"basic": [f"anna:{sha}", f"ben:{sha}"]},
                 "rate_limit": {"rate": "1/h", "burst": 2, "key": "user"}})
    who = lambda n: "Authorization: Basic " + base64.b64encode(f"{n}:p".encode()).decode()
    assert [t.get("/", who("anna"), from_ip(f"10.0.0.{i}")).status for i in range(4)] == [200, 200, 429, 429]
    assert t.get("/", who("ben")).status == 200
    assert t.get("/").status == 401 and len(o.heads) == 3


def test_a_limit_comes_before_a_password(gate):
    t, _ = gate({"auth": {"basic": "anna:{SHA}AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "rate_limit": {"rate": "1/h", "burst": 2}})
    assert [t.get("/").status for _ in range(3)] == [401, 401, 429]


def test_buckets_stay_over_a_reload(gate):
    t, _ = gate({"rate_limit": {"rate": "1/h", "burst": 3}})
    assert [t.get("/").status for _ in range(4)] == [200, 200, 200, 429]
    cfg = t.cfg
    cfg["services"]["app"]["queue"] = 7
    t.write(cfg)
    assert t.post("reload").status == 200
    assert [t.get("/").status for _ in range(3)] == [429] * 3
    cfg["routes"][0]["rate_limit"]["burst"] = 5
    t.write(cfg)
    assert t.post("reload").status == 200
    wait_for(lambda: t.get("/").status == 200)


def test_very_many_clients_are_kept_apart_in_bounded_memory(gate):
    t, _ = gate({"rate_limit": {"rate": "1000/s", "burst": 2, "clients": 1024}}, workers=1,
                profiler={"enabled": False})  # whose users are memory too
    with t.client() as c:
        c.get("/", from_ip("10.0.0.1"))
        before = t.rss_kib()
        for i in range(5000):
            assert c.get("/", from_ip(f"10.1.{i >> 8}.{i & 255}")).status == 200
    assert t.rss_kib() - before < 256
