"""Access logs when files move, disks are full, readers stop: traffic goes on, lines stay whole, losses are counted."""
import importlib
import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time

import pytest
import yaml

from harness import BINARY, IS_ASAN, basic_config, stopped_thread, trafficgen
from wire import connect, wait_for

LINE = re.compile(rb'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /size/10 HTTP/1\.1" 200 10')
BENCH = ("-c", 8, "--path", "/size/10")


def bench(t, n):
    r = trafficgen("--bench", f"127.0.0.1:{t.port}", "-n", n, *BENCH)
    assert r["answered"] == n and r["wrong"] == 0, r


def whole_lines(*files):
    lines = []
    for f in files:
        data = f.read_bytes()
        assert not data or data.endswith(b"\n"), f
        lines += data.splitlines()
    torn = [l for l in lines if not LINE.fullmatch(l)]
    assert not torn, torn[:3]
    return lines


@pytest.mark.parametrize("how", ["signal", "admin"])
def test_rotated_under_load_no_line_is_lost_or_torn(tidegate, sample, tmp_path, how):
    t = tidegate([sample(latency_ms=0, cpu_us=0, concurrency=100)],
                 access_log={"path": "access.log", "format": "common", "buffer": "4k"})
    file, n, rounds = tmp_path / "access.log", 4000, 5
    load = threading.Thread(target=bench, args=(t, n * rounds))
    load.start()
    rotated = []
    while load.is_alive():
        if file.exists() and file.stat().st_size > 10_000:
            rotated.append(tmp_path / f"access.log.{len(rotated)}")
            file.rename(rotated[-1])
            if how == "signal":
                t.signal(signal.SIGUSR1)
            else:
                assert t.post("reopen_logs").status == 200
            wait_for(file.exists)
        time.sleep(0.01)
    load.join()
    assert t.stop() == 0
    assert len(rotated) >= 3
    assert len(whole_lines(file, *rotated)) == n * rounds


def test_lines_are_there_within_two_seconds(tidegate, sample, tmp_path):
    t = tidegate([sample()], access_log={"path": "access.log", "format": "common"})
    t.get("/size/10")
    begun = time.monotonic()
    wait_for(lambda: (tmp_path / "access.log").stat().st_size > 0)
    assert time.monotonic() - begun < 2


def test_a_full_buffer_does_not_wait_for_its_time(tidegate, sample, tmp_path):
    t = tidegate([sample(latency_ms=0, cpu_us=0, concurrency=100)],
                 access_log={"path": "access.log", "format": "common", "buffer": "1k", "flush": "1m"})
    bench(t, 100)
    wait_for(lambda: (tmp_path / "access.log").stat().st_size > 1000, within_s=5)


def test_the_end_of_the_process_writes_what_is_left(tidegate, sample, tmp_path):
    t = tidegate([sample(latency_ms=0, cpu_us=0, concurrency=100)],
                 access_log={"path": "access.log", "format": "common", "buffer": "1m", "flush": "1m"})
    bench(t, 500)
    assert (tmp_path / "access.log").stat().st_size == 0
    assert t.stop() == 0
    assert len(whole_lines(tmp_path / "access.log")) == 500


def test_a_name_that_cannot_be_opened_again_keeps_the_old_file(tidegate, sample, tmp_path):
    (tmp_path / "logs").mkdir()
    t = tidegate([sample()], access_log={"path": "logs/access.log", "format": "common", "flush": "0s"})
    ok = lambda: t.metric("tidegate_access_log_ok", log="logs/access.log")
    assert ok() == 1
    (tmp_path / "logs").rename(tmp_path / "moved")
    t.signal(signal.SIGUSR1)
    wait_for(lambda: ok() == 0)
    assert "cannot open logs/access.log again, the old one stays: No such file" in t.stderr()
    t.get("/size/10")
    wait_for(lambda: len(whole_lines(tmp_path / "moved" / "access.log")) == 1)
    (tmp_path / "logs").mkdir()
    t.signal(signal.SIGUSR1)
    wait_for(lambda: ok() == 1)
    t.get("/size/10")
    wait_for(lambda: len(whole_lines(tmp_path / "logs" / "access.log")) == 1)


def test_a_file_at_its_limit_never_stops_traffic_and_goes_on_where_it_was(tidegate, sample, tmp_path):
    t = tidegate([sample(latency_ms=0, cpu_us=0, concurrency=100)],
                 access_log={"path": "access.log", "format": "common", "buffer": "4k"})
    figure = lambda name: t.metric(f"tidegate_access_log_{name}", log="access.log")
    soft, hard = resource.prlimit(t.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(t.process.pid, resource.RLIMIT_FSIZE, (30_000, hard))  # in the middle of a line
    bench(t, 1000)
    wait_for(lambda: figure("ok") == 0)
    assert (tmp_path / "access.log").stat().st_size == 30_000
    assert t.stderr().count("cannot write access.log: File too large") == 1
    resource.prlimit(t.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
    wait_for(lambda: figure("ok") == 1)
    assert t.stop() == 0
    assert "access.log is written again" in t.stderr()
    assert len(whole_lines(tmp_path / "access.log")) == 1000


def test_half_a_line_in_a_full_file_does_not_begin_the_next_one(tidegate, sample, tmp_path):
    t = tidegate([sample(latency_ms=0, cpu_us=0, concurrency=100)],
                 access_log={"path": "access.log", "format": "common", "buffer": "4k"})
    soft, hard = resource.prlimit(t.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(t.process.pid, resource.RLIMIT_FSIZE, (30_000, hard))
    bench(t, 1000)
    wait_for(lambda: t.metric("tidegate_access_log_ok") == 0)
    (tmp_path / "access.log").rename(tmp_path / "full.log")
    t.signal(signal.SIGUSR1)
    wait_for(lambda: (tmp_path / "access.log").exists())
    wait_for(lambda: (tmp_path / "access.log").stat().st_size > 0)
    resource.prlimit(t.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
    wait_for(lambda: t.metric("tidegate_access_log_ok") == 1)
    assert t.metric("tidegate_access_log_dropped_total") == 1  # the one that was cut
    assert t.stop() == 0
    in_full = (tmp_path / "full.log").read_bytes().splitlines()
    assert len(whole_lines(tmp_path / "access.log")) + len(in_full) == 1000
    assert all(LINE.fullmatch(l) for l in in_full[:-1]) and not LINE.fullmatch(in_full[-1])


@pytest.mark.skipif(IS_ASAN, reason="many requests")
def test_a_disk_that_stays_full_drops_whole_lines_and_counts_them(tidegate, sample):
    t = tidegate([sample(latency_ms=0, cpu_us=0, concurrency=100)],
                 access_log={"path": "/dev/full", "format": "json", "buffer": "4k"})
    bench(t, 6000)  # more than the backlog of a mebibyte
    wait_for(lambda: t.metric("tidegate_access_log_dropped_total", log="/dev/full") > 0)
    assert t.metric("tidegate_access_log_ok") == 0
    assert t.metric("tidegate_access_log_lines_total") == 0
    assert t.stderr().count("cannot write /dev/full") == 1
    bench(t, 100)


def reader_of(path):
    """Opens a pipe for reading as soon as there is a writer, without waiting for one."""
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


def read_all(fd, into):
    try:
        while data := os.read(fd, 65536):
            into += data
    except BlockingIOError:
        pass
    return into


@pytest.mark.skipif(IS_ASAN, reason="many requests")
def test_a_pipe_whose_reader_stops_never_stops_traffic(tidegate, sample, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    t = tidegate([sample(latency_ms=0, cpu_us=0, concurrency=100)], access_log=[
        {"path": "pipe", "format": "common", "buffer": "4k"}, {"path": "access.log", "format": "common", "buffer": "4k"}])
    figure = lambda name, log="pipe": t.metric(f"tidegate_access_log_{name}", log=log)
    fd, got, n = reader_of(tmp_path / "pipe"), bytearray(), 20_000  # 76 bytes each: past pipe and backlog
    bench(t, n)
    wait_for(lambda: figure("dropped_total") > 0)
    wait_for(lambda: figure("lines_total", "access.log") == n)  # the other one does not wait for it
    assert figure("ok") == 1  # slow is no fault
    wait_for(lambda: read_all(fd, got) and figure("lines_total") + figure("dropped_total") == n)
    read_all(fd, got)
    os.close(fd)
    assert all(LINE.fullmatch(l) for l in bytes(got).splitlines())
    assert len(got.splitlines()) == figure("lines_total")


def test_a_pipe_without_a_reader_is_no_fault(tidegate, sample, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    t = tidegate([sample()], access_log={"path": "pipe", "format": "common", "flush": "0s"})
    t.get("/size/10")
    wait_for(lambda: t.metric("tidegate_access_log_lines_total") == 1)
    fd = reader_of(tmp_path / "pipe")
    assert LINE.fullmatch(os.read(fd, 1000).rstrip())
    os.close(fd)
    t.get("/size/10")


def test_stdout_that_nobody_reads(sample, tmp_path):
    cfg = basic_config([sample(latency_ms=0, cpu_us=0, concurrency=100).url],
                       access_log={"path": "stdout", "format": "common", "buffer": "0"})
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(cfg))
    p = subprocess.Popen([BINARY, "run", "-c", tmp_path / "t.yaml"], cwd=tmp_path, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    port = int(cfg["listeners"][0]["bind"].rsplit(":", 1)[1])

    def up():
        try:
            with connect(("127.0.0.1", port)) as c:
                return c.get("/size/10").status == 200
        except ConnectionError:
            return False
    wait_for(up)
    r = trafficgen("--bench", f"127.0.0.1:{port}", "-n", 3000, *BENCH)
    assert r["answered"] == 3000
    begun = time.monotonic()
    p.terminate()
    assert p.wait(20) == 0  # a reader that never comes holds it up for a second, no longer
    assert time.monotonic() - begun < 5
    got = p.stdout.read().splitlines()
    assert 100 < len(got) < 3000 and all(LINE.fullmatch(l) for l in got)


def test_a_syslog_daemon_that_is_not_there_yet(tidegate, sample, tmp_path):
    t = tidegate([sample()], access_log={"path": "syslog:unix:log", "format": "{target}", "flush": "0s"})
    ok = lambda: t.metric("tidegate_access_log_ok")
    assert ok() == 0
    t.get("/size/1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        daemon.settimeout(10)
        assert daemon.recv(1000).endswith(b": /size/1")
        wait_for(lambda: ok() == 1)
    os.unlink(tmp_path / "log")
    t.get("/size/2")
    wait_for(lambda: ok() == 0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        daemon.settimeout(10)
        assert daemon.recv(1000).endswith(b": /size/2")


@pytest.mark.skipif(IS_ASAN, reason="ptrace beside the sanitizer")
def test_a_full_ring_loses_records_and_counts_them_and_traffic_goes_on(tidegate, sample, tmp_path):
    t = tidegate([sample(latency_ms=0, cpu_us=0, concurrency=100)], workers=1,
                 access_log={"path": "access.log", "format": "common", "buffer": "4k"})
    n = 12_000
    with stopped_thread(t, "access-log"):
        bench(t, n)
        lost = t.metric("tidegate_access_log_lost_total")
        assert 0 < lost < n
    wait_for(lambda: t.metric("tidegate_access_log_lines_total") == n - lost)
    assert len(whole_lines(tmp_path / "access.log")) == n - lost


@pytest.mark.skipif(IS_ASAN, reason="counts of a busy process")
def test_a_worker_makes_no_system_call_for_it(tidegate, sample):
    costs = importlib.import_module("190_costs_test")
    t = tidegate([sample(latency_ms=0, cpu_us=0, concurrency=100)], workers=1,
                 access_log={"path": "access.log", "format": "json"})
    bench(t, 1000)
    calls = costs.syscalls(t, lambda: bench(t, 2000))
    moves = sum(calls.get(name, 0) for name in ("recvfrom", "recvmsg", "sendto", "sendmsg"))
    assert moves <= 4 * 2000 * 1.05, calls
    # the thread's own: a look each 50 ms (poll), a write of 64 KiB at a time, and what the loop needs
    assert calls.get("write", 0) + calls.get("writev", 0) <= 60, calls
