"""What a request and a connection cost, counted."""
import re
import resource
import signal
import struct
import subprocess
import time

import pytest

import h2wire
import pki
import wire
from harness import BUILD, IS_ASAN, basic_config, trafficgen
from wire import wait_for

pytestmark = pytest.mark.skipif(IS_ASAN, reason="the sanitizer has costs of its own")

N = 2000
IDLE = 4000


@pytest.fixture
def warm(tidegate, sample):
    """One worker; connections, buffers and exchanges are there already."""
    def make(env=None):
        s = sample(latency_ms=0, cpu_us=0, concurrency=1000)
        t = tidegate(config=basic_config([s.url], workers=1), env=env)
        bench(t, 2000)
        return t
    return make


def bench(t, n):
    r = trafficgen("--bench", f"127.0.0.1:{t.port}", "-n", n, "-c", 16, "--path", "/size/100")
    assert r["answered"] == n and r["wrong"] == 0, r


def syscalls(t, work):
    trace = subprocess.Popen(["strace", "-f", "-c", "-p", str(t.process.pid)], stderr=subprocess.PIPE, text=True)
    wait_for(lambda: "TracerPid:\t0" not in open(f"/proc/{t.process.pid}/status").read())
    time.sleep(0.2)  # every thread is attached a little later
    work()
    trace.send_signal(signal.SIGINT)
    report = trace.communicate(timeout=20)[1]
    return {m[2]: int(m[1]) for m in re.finditer(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", report, re.M)}


def test_a_kept_alive_request_is_two_reads_and_two_writes_and_no_epoll_ctl(warm):
    t = warm()
    calls = syscalls(t, lambda: bench(t, N))
    moves = sum(calls.get(name, 0) for name in ("read", "readv", "recvfrom", "recvmsg", "write", "writev",
                                                "sendto", "sendmsg"))
    assert moves <= 4 * N * 1.05, calls
    # 16 clients connect and leave; nothing else is registered or forgotten
    assert calls.get("epoll_ctl", 0) <= 4 * 16, calls


def allocations(file):
    data = file.read_bytes()
    slots = [struct.unpack_from("16sQ", data, at) for at in range(0, len(data), 24)]
    return {name.rstrip(b"\0").decode(): count for name, count in slots if name.strip(b"\0")}


def test_a_worker_allocates_nothing_in_steady_state(warm, tmp_path):
    file = tmp_path / "allocations"
    t = warm(env={"LD_PRELOAD": str(BUILD / "countalloc.so"), "COUNTALLOC_FILE": str(file)})
    before = allocations(file)
    workers = [name for name in before if name.startswith("worker")]
    assert workers, before
    bench(t, 20_000)
    after = allocations(file)
    made = sum(after[w] - before[w] for w in workers)
    assert made <= 32, f"{made} allocations for 20,000 requests"  # 16 connections came and went


def anonymous_kib(t):
    """Memory of its own: pages of programs, which it touches once, are not."""
    for line in open(f"/proc/{t.process.pid}/smaps_rollup"):
        if line.startswith("Anonymous:"):
            return int(line.split()[1])


def test_an_idle_http_2_connection_packs_what_it_keeps(tidegate, sample, ca):
    """A session of the library alone has 25 kB.  It goes on where it was."""
    t = tidegate([sample(latency_ms=0, cpu_us=0)], workers=1,
                 listener={"tls": {"certificates": [ca.issue("a.example").entry]}})
    context = pki.client_context(ca, alpn=["h2"])

    def open_one():
        c = h2wire.Frames(pki.connect(t.address, context, "a.example"))
        assert c.get("/size/10", ("x-name", "some value")).status == 200
        return c

    first = [open_one() for _ in range(50)]
    before = anonymous_kib(t)
    more = [open_one() for _ in range(400)]
    wait_for(lambda: (anonymous_kib(t) - before) * 1024 < 400 * 19_000)
    for c in first + more:
        assert c.get("/size/10", ("x-name", "some value")).status == 200
        c.peer.close()


def test_an_idle_connection_costs_at_most_700_bytes(tidegate, sample):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * IDLE), hard))
    s = sample(latency_ms=0, cpu_us=0)
    t = tidegate([s], workers=1)
    first = [t.client() for _ in range(100)]
    for c in first:
        c.get()
    before = anonymous_kib(t)
    more = [t.client() for _ in range(IDLE)]
    for c in more:
        assert c.get("/size/10").status == 200
    cost = (anonymous_kib(t) - before) * 1024 / IDLE
    for c in first + more:
        c.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert cost <= 700, f"{cost:.0f} bytes"
