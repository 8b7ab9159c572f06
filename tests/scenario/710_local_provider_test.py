"""Instances as child processes: started, made ready, drained, and never left behind."""
import os
import signal
import time

from harness import SAMPLE, basic_config, free_port, trafficgen
from wire import wait_for


def config(tmp_path, sample, **scaling):
    """One baseline instance that is always there; predictive and burst from `local`."""
    first = free_port()
    return basic_config([sample.url], service={
        "pools": {"baseline": {"max_requests": 8},
                  "predictive": {"provider": "local", "max": 4, "max_requests": 8},
                  "burst": {"provider": "local", "max": 2, "reserve": 1, "max_requests": 8}},
        "providers": {"local": {
            "command": f"{SAMPLE} --port {{port}} --latency-ms 20 --cpu-us 50 --concurrency 8",
            "ready": "/healthz", "ports": f"{first}-{first + 40}", "stop_timeout": "2s"}},
        "scaling": {"instance_rps": 120, "lead": "60s", "hold_down": "60s", **scaling},
    }, clock={"speed": 60}, store={"kind": "lmdb", "path": str(tmp_path / "store")})


def ready(t, tier):
    return t.pool(tier)["states"]["ready"]


def children(t):
    return [pid for pid in t.family() if pid != t.process.pid]


def press(t, n=5_000):
    """More than one instance is planned to take, for some seconds."""
    return trafficgen("--bench", f"127.0.0.1:{t.port}", "-n", n, "-c", 24)


def test_the_reserve_is_ready_before_there_is_traffic(tidegate, sample, tmp_path):
    t = tidegate(config=config(tmp_path, sample(latency_ms=20, concurrency=8)))
    wait_for(lambda: ready(t, "burst") == 1)
    assert ready(t, "predictive") == 0
    assert len(children(t)) == 1


def test_load_starts_instances_and_its_end_stops_them(tidegate, sample, tmp_path):
    t = tidegate(config=config(tmp_path, sample(latency_ms=20, concurrency=8)))
    r = press(t)
    assert r["lost"] == 0 and set(r["status"]) == {"200"}, r
    assert ready(t, "predictive") >= 1
    assert t.service()["tiers"]["predictive"]["completed"] > 0
    reasons = t.api("decisions")["decisions"]
    assert reasons and all(d["reason"] for d in reasons)
    wait_for(lambda: ready(t, "predictive") == 0, within_s=40)
    wait_for(lambda: len(children(t)) == 1)


def test_no_request_is_lost_while_instances_come_and_go(tidegate, sample, tmp_path):
    t = tidegate(config=config(tmp_path, sample(latency_ms=20, concurrency=8)))
    for _ in range(2):
        assert press(t, n=2_500)["wrong"] == 0
        time.sleep(2)
    assert t.service()["responses"]["5xx"] == 0


def test_an_instance_that_dies_is_replaced(tidegate, sample, tmp_path):
    t = tidegate(config=config(tmp_path, sample(latency_ms=20, concurrency=8)))
    wait_for(lambda: ready(t, "burst") == 1)
    (victim,) = children(t)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: ready(t, "burst") == 1 and children(t) != [victim], within_s=20)


def test_a_normal_end_leaves_no_instance(tidegate, sample, tmp_path):
    t = tidegate(config=config(tmp_path, sample(latency_ms=20, concurrency=8)))
    wait_for(lambda: ready(t, "burst") == 1)
    assert t.stop() == 0
    assert t.family() == []


def test_after_a_kill_a_restart_adopts_or_ends_what_it_finds(tidegate, sample, tmp_path):
    t = tidegate(config=config(tmp_path, sample(latency_ms=20, concurrency=8)))
    wait_for(lambda: ready(t, "burst") == 1)
    t.kill()
    t.start()
    wait_for(lambda: ready(t, "burst") == 1)
    wait_for(lambda: len(children(t)) == 1)


def test_an_instance_that_never_gets_ready_is_not_sent_requests(tidegate, sample, tmp_path):
    cfg = config(tmp_path, sample(latency_ms=20, concurrency=8))
    local = cfg["services"]["app"]["providers"]["local"]
    local["command"] += " --start-ms 60000"
    local["start_timeout"] = "500ms"
    t = tidegate(config=cfg)
    assert press(t, n=1_000)["wrong"] == 0
    assert ready(t, "burst") == 0
    assert t.service()["tiers"]["burst"]["completed"] == 0
