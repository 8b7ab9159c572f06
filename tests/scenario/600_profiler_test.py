"""Users are told apart, their ways are learned, and their names are not kept."""
import json
import subprocess

from harness import TRAFFICGEN, basic_config, trafficgen
from wire import wait_for

IDENTITY = {"identity": ["header:x-user-id"]}
START = "2026-11-23T08:00:00Z"


def play(t, *args):
    r = trafficgen("--live", f"127.0.0.1:{t.port}", "--admin", t.cfg["admin"]["bind"], "--hours", 1,
                   "--users", 200, "--sessions", 12, *args)
    assert r["lost"] == 0 and set(r["status"]) == {"200"}, r
    return r


def busiest(t):
    return t.api("users")["users"]


def test_each_user_gets_a_profile_with_the_requests_that_were_sent(tidegate, sample):
    t = tidegate([sample(latency_ms=1, cpu_us=0)], profiler=IDENTITY,
                 clock={"speed": 600, "start": START})
    r = play(t)
    wait_for(lambda: t.metric("tidegate_profiler_observations_total") >= r["sent"])
    users = busiest(t)
    assert len(users) > 20
    assert users[0]["requests"] >= users[-1]["requests"] > 0


def test_product_pages_of_many_users_become_one_template(tidegate, sample):
    t = tidegate([sample(latency_ms=1, cpu_us=0)], profiler=IDENTITY,
                 clock={"speed": 600, "start": START})
    play(t)
    wait_for(lambda: "/product/" in json.dumps(t.api("templates")))
    text = json.dumps(t.api("templates"))
    assert "/product/1" not in text, "single products are listed"


def test_no_identifier_is_shown_or_logged(tidegate, sample, tmp_path):
    t = tidegate([sample(latency_ms=1, cpu_us=0)], profiler=IDENTITY, log={"level": "debug"})
    for _ in range(30):
        t.get("/cart", "X-User-Id: verysecretname")
    wait_for(lambda: t.metric("tidegate_profiler_observations_total") >= 30)
    shown = json.dumps(busiest(t)) + t.admin("/metrics").body.decode() + t.stderr()
    assert "verysecretname" not in shown


def test_a_user_is_found_by_the_identifier(tidegate, sample):
    t = tidegate([sample(latency_ms=1, cpu_us=0)], profiler=IDENTITY)
    for _ in range(5):
        t.get("/cart", "X-User-Id: alice")
    wait_for(lambda: t.metric("tidegate_profiler_observations_total") >= 5)
    assert wait_for(lambda: t.admin("/api/v1/users/header:x-user-id=alice").status == 200, 5)
    assert t.admin("/api/v1/users/header:x-user-id=nobody").status == 404


def test_who_asks_not_to_be_profiled_is_not(tidegate, sample):
    t = tidegate([sample(latency_ms=1, cpu_us=0)], profiler=IDENTITY)
    for _ in range(5):
        t.get("/cart", "X-User-Id: shy", "Sec-GPC: 1")
        t.get("/cart", "X-User-Id: bold")
    wait_for(lambda: t.admin("/api/v1/users/header:x-user-id=bold").status == 200)
    assert t.admin("/api/v1/users/header:x-user-id=shy").status == 404


def test_profiles_outlive_the_process(tidegate, sample, tmp_path):
    cfg = basic_config([sample(latency_ms=1, cpu_us=0).url], profiler=IDENTITY,
                       store={"kind": "lmdb", "path": str(tmp_path / "store")})
    t = tidegate(config=cfg)
    for _ in range(5):
        t.get("/cart", "X-User-Id: alice")
    wait_for(lambda: t.admin("/api/v1/users/header:x-user-id=alice").status == 200)
    assert t.stop() == 0
    t.start()
    assert t.admin("/api/v1/users/header:x-user-id=alice").status == 200


def test_a_log_is_learned_without_a_socket(tidegate, sample, tmp_path):
    from harness import BINARY
    cfg = basic_config([sample(latency_ms=1, cpu_us=0).url], profiler=IDENTITY,
                       store={"kind": "lmdb", "path": str(tmp_path / "store")},
                       clock={"speed": 1, "start": START})
    r = trafficgen("--write-log", tmp_path / "log.tsv", "--start", "2026-11-20T08:00:00Z", "--hours", 72,
                   "--users", 50)
    t = tidegate(config=cfg)
    assert t.stop() == 0
    done = subprocess.run([BINARY, "learn", "-c", t.file, tmp_path / "log.tsv"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    t.start()
    assert r["sent"] > 500
    assert len(busiest(t)) >= 40


def test_who_has_not_come_for_long_is_forgotten(tidegate, sample, tmp_path):
    cfg = basic_config([sample(latency_ms=1, cpu_us=0).url], profiler=dict(IDENTITY, keep="10d"),
                       store={"kind": "lmdb", "path": str(tmp_path / "store")}, clock={"start": START})
    t = tidegate(config=cfg)
    for name in ("alice", "bob"):
        t.get("/cart", f"X-User-Id: {name}")
    wait_for(lambda: len(busiest(t)) == 2)
    assert t.stop() == 0
    t.write(dict(cfg, clock={"start": "2026-12-02T08:00:00Z"}))  # 9 days later
    t.start()
    t.get("/cart", "X-User-Id: bob")
    wait_for(lambda: t.api("users/header:x-user-id=bob")["requests"] == 2)
    assert t.stop() == 0
    t.write(dict(cfg, clock={"start": "2026-12-03T09:00:00Z"}))  # 10 days and an hour
    t.start()
    wait_for(lambda: t.admin("/api/v1/users/header:x-user-id=alice").status == 404, 5)
    assert t.metric("tidegate_profiler_expired_total") == 1
    assert t.api("users/header:x-user-id=bob")["requests"] == 2
    assert t.stop() == 0
    t.start()
    assert t.admin("/api/v1/users/header:x-user-id=alice").status == 404
    assert t.admin("/api/v1/users/header:x-user-id=bob").status == 200
