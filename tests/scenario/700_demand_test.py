"""Demand is counted, not inferred."""
import threading
import time

from harness import stopped_thread, trafficgen
from wire import wait_for


RING = 65_536  # observations of one worker


def arrivals(t):
    return t.service()["arrivals"]


def test_demand_is_exact_while_the_profiler_is_off(tidegate, sample):
    t = tidegate([sample(latency_ms=1, cpu_us=0)], workers=4, profiler={"enabled": False})
    r = trafficgen("--bench", f"127.0.0.1:{t.port}", "-n", 20_000, "-c", 32)
    assert r["answered"] == 20_000
    assert arrivals(t) == 20_000


def test_demand_is_exact_while_the_profilers_rings_overflow(tidegate, sample):
    t = tidegate([sample(latency_ms=0, cpu_us=0)], workers=1)
    with stopped_thread(t, "profiler"):
        r = trafficgen("--bench", f"127.0.0.1:{t.port}", "-n", RING + 5_000, "-c", 64)
        assert r["answered"] == RING + 5_000
        assert t.metric("tidegate_profiler_observations_dropped_total") >= 4_000
        assert arrivals(t) == RING + 5_000


def test_every_arrival_has_one_fate(tidegate, sample):
    # 48 clients: four are served, as many wait as may and for too short, the rest is shed.
    t = tidegate([sample(latency_ms=200, cpu_us=0)], service={
        "pools": {"baseline": {"max_requests": 4}}, "queue": {"size": 8, "timeout": "50ms"},
        "client_retry": "0s"})
    trafficgen("--bench", f"127.0.0.1:{t.port}", "-n", 3_000, "-c", 48)
    s = t.service()
    fates = s["shed"] + s["timed_out"] + s["refused"] + s["left"] + s["queued"]
    assert s["shed"] > 0 and s["timed_out"] > 0
    assert s["arrivals"] == 3_000
    assert s["arrivals"] == fates + sum(tier["admitted"] for tier in s["tiers"].values())


def test_clients_that_ask_again_do_not_raise_demand(tidegate, sample, full_length):
    """All backends are down for a while and every client asks five times more."""
    down_s = 60 if full_length else 6
    backend = sample(latency_ms=1, cpu_us=0)
    t = tidegate([backend.url], service={"ejection": {"enabled": False}, "retries": {"attempts": 0}},
                 profiler={"identity": ["header:x-user-id"]},
                 clock={"speed": 60, "start": "2026-11-23T09:00:00Z"})
    result = {}

    def play():
        result.update(trafficgen("--live", f"127.0.0.1:{t.port}", "--admin", t.cfg["admin"]["bind"],
                                 "--hours", (down_s + 9) / 60, "--users", 15000, "--sessions", 4,
                                 "--retries", 5, "--backoff-ms", 100))

    player = threading.Thread(target=play)
    player.start()
    time.sleep(3)
    backend.kill()
    time.sleep(down_s)
    backend.start()
    player.join()
    assert result["retries"] > 0.3 * result["sent"], result
    s = t.service()
    assert abs(s["arrivals"] - result["sent"]) <= 0.05 * result["sent"], (s, result)
