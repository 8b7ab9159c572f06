"""Plays a recorded trace through a tidegate whose pools are sample services on `local`.

Used by a scenario and by `make replay`, which prints the figures.
"""
import dataclasses
import datetime
import gzip
import threading
import time

from harness import SAMPLE, basic_config, free_port, trafficgen

# What one instance is planned to take, in requests per second of the trace's time:
# the day's mean is 0.67, its busiest minute 2.7.  The configuration wants real time.
INSTANCE_RPS = 0.5
LEAD_IN_S = 3  # real time: the clock starts that long before the trace


@dataclasses.dataclass
class Day:
    result: dict     # trafficgen's summary
    sizes: list      # ready instances of the predictive pool, at even steps
    decisions: list  # newest first
    users: list      # the busiest
    details: list    # of some of these
    service: dict    # counters


def first_second(trace):
    with gzip.open(trace, "rt") as f:
        f.readline()
        return float(f.readline().split("\t")[0])


def day_config(folder, trace, speed):
    start = first_second(trace) - LEAD_IN_S * speed
    ports = free_port()
    local = {"command": f"{SAMPLE} --port {{port}} --latency-ms 3 --cpu-us 20 --concurrency 16",
             "ready": "/healthz", "ports": f"{ports}-{ports + 60}", "stop_timeout": "3s"}
    return basic_config([], service={
        "pools": {"baseline": {"backends": [], "provider": "local", "min": 1, "max": 1, "max_requests": 16},
                  "predictive": {"provider": "local", "max": 7, "max_requests": 16},
                  "burst": {"provider": "local", "max": 2, "max_requests": 16}},
        "providers": {"local": local},
        "scaling": {"instance_rps": INSTANCE_RPS * speed, "lead": "10m", "hold_down": "15m"},
        "queue": {"size": 4096, "timeout": "20s"},
        "time_zone": "America/New_York",
    }, profiler={"identity": ["header:x-user-id"]},
        clock={"speed": speed,
               "start": datetime.datetime.fromtimestamp(start, datetime.timezone.utc)
               .strftime("%Y-%m-%dT%H:%M:%SZ")},
        store={"kind": "lmdb", "path": str(folder / "store")})


def play_day(start_tidegate, folder, trace, speed, busiest=1):
    t = start_tidegate(config=day_config(folder, trace, speed))
    sizes, done = [], threading.Event()

    def look():
        while not done.wait(300 / speed):  # five minutes of the day
            sizes.append(t.pool("predictive")["states"]["ready"])

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        result = trafficgen("--replay", trace, "--to", f"127.0.0.1:{t.port}", "--admin",
                            t.cfg["admin"]["bind"], "--connections", 64, "--max-bytes", 16384,
                            within_s=12 * 3600 / speed + 120)
    finally:
        done.set()
        watcher.join()
    users = t.api("users")["users"]
    details = [t.api("users/" + u["user"]) for u in users[:busiest]]
    return Day(result, sizes, t.api("decisions?limit=1000")["decisions"], users, details, t.service())
