"""One of three backends is killed again and again under load."""
import subprocess
import threading
import time

import pytest

from harness import TRAFFICGEN

CLIENTS = 64


def killing(samples, seconds):
    """Kills them in turn for 1.5 s every 3 s; returns how many kills."""
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        victim = samples[n % len(samples)]
        victim.kill()
        time.sleep(1.5)
        victim.start()
        time.sleep(1.5)
        n += 1
    return n


def load_during_kills(t, samples, seconds, *args):
    import json
    bench = subprocess.Popen([TRAFFICGEN, "--bench", f"127.0.0.1:{t.port}", "-c", str(CLIENTS),
                              "-n", "100000000", *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    kills = killing(samples, seconds)
    bench.terminate()
    return kills, json.loads(bench.communicate(timeout=20)[0])


@pytest.fixture
def pool_of_three(tidegate, sample):
    samples = [sample(latency_ms=4, cpu_us=20) for _ in range(3)]
    return tidegate([s.url for s in samples]), samples


@pytest.fixture
def seconds(full_length):
    return 60 if full_length else 9


def test_no_get_fails(pool_of_three, seconds):
    t, samples = pool_of_three
    _, r = load_during_kills(t, samples, seconds)
    assert r["sent"] > 1000 * seconds
    assert r["lost"] == 0 and set(r["status"]) == {"200"}, r


def test_of_the_posts_only_those_in_flight_on_the_killed_one_fail(pool_of_three, seconds):
    t, samples = pool_of_three
    kills, r = load_during_kills(t, samples, seconds, "--method", "POST", "--path", "/cart",
                                 "--body-bytes", "100")
    failed = r["sent"] - r["status"]["200"]
    assert r["lost"] == 0, r
    assert failed <= kills * CLIENTS, r
