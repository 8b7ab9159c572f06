"""`tidegate learn`: its options, what it says, and whom it does not disturb."""
import contextlib
import os
import pty
import re
import subprocess

import pytest
import yaml

from harness import BINARY, basic_config

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"
SUMMARY = re.compile(r"learned (\d+) of (\d+) lines \((\d+) damaged, (\d+) without a route\), (\d+) users, ")


def tsv(n, path="/cart", user="u"):
    return "".join(f"{1785000000 + i}\t{user}{i % 5}\tGET\t{path}\t200\t100\t{AGENT}\n" for i in range(n))


def combined(n):
    return "".join(f'192.0.2.{i} - - [20/Jul/2026:10:00:{i:02} +0000] "GET /cart HTTP/1.1" 200 100 "-" "{AGENT}"\n'
                   for i in range(n))


@pytest.fixture
def place(tmp_path):
    """A folder with a configuration of two services, of which the routes know but /cart and /pay."""
    pools = {"pools": {"baseline": {"backends": ["127.0.0.1:9"]}}}
    cfg = basic_config([], store={"kind": "lmdb", "path": str(tmp_path / "store")},
                       profiler={"identity": ["header:x-user-id"]}, clock={"start": "2026-07-26T00:00:00Z"})
    cfg["services"] = {"shop": pools, "payment": pools}
    cfg["routes"] = [{"path": "/cart", "service": "shop"}, {"path": "/pay", "service": "payment"}]
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(cfg))
    (tmp_path / "log").write_text(tsv(20))
    return tmp_path


def command(place, *args):
    return [BINARY, "learn", "-c", place / "t.yaml", *args]


def learn(place, *args, text=None):
    return subprocess.run(command(place, *args), input=text, capture_output=True, text=True, timeout=60)


def figures(done):
    """(learned, of, damaged, unrouted, users)"""
    assert done.returncode == 0, done.stderr
    return tuple(int(n) for n in SUMMARY.match(done.stderr).groups())


@contextlib.contextmanager
def learning_from_a_pipe(place, **kwargs):
    """A learn that has the store open, and ends when the pipe is closed."""
    os.mkfifo(place / "pipe")
    p = subprocess.Popen(command(place, place / "pipe"), **kwargs)
    try:
        with open(place / "pipe", "w") as pipe:  # opens when learn does, which has the store then
            yield p, pipe
        p.wait(20)
    finally:
        p.kill()
        p.wait()


def test_help_tells_the_options():
    done = subprocess.run([BINARY, "learn", "--help"], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(o in done.stdout for o in ("--config FILE", "--format NAME", "--service NAME", "common, combined, tsv or json"))


@pytest.mark.parametrize("args, error", [
    (["--format", "combned"],
     "'combned' is none of the formats auto, common, combined, tsv, json; did you mean 'combined'?"),
    (["--format", "xml"], "'xml' is none of the formats auto, common, combined, tsv, json"),
    (["--service", "paymnet"], "no service is named 'paymnet'; did you mean 'payment'?"),
    (["--service", "mail"], "no service is named 'mail'"),
])
def test_a_name_that_is_not_known_changes_nothing_and_the_nearest_is_told(place, args, error):
    done = learn(place, *args, place / "log")
    assert (done.returncode, done.stderr) == (2, f"tidegate: learn: {error}\n")
    assert not (place / "store").exists()


def test_without_a_log_or_with_an_option_that_lacks_its_name_the_usage_is_told(place):
    assert learn(place).returncode == 2
    done = learn(place, place / "log", "--format")
    assert done.returncode == 2 and "usage: tidegate learn [-c FILE] [--format NAME] [--service NAME] LOG" in done.stderr


def test_a_log_that_is_missing_is_an_error(place):
    done = learn(place, place / "nothing")
    assert done.returncode == 1 and f"tidegate: {place}/nothing: No such file" in done.stderr


def test_a_format_that_was_given_is_not_guessed(place):
    (place / "log").write_text(combined(7))
    assert figures(learn(place, place / "log"))[:3] == (7, 7, 0)
    assert figures(learn(place, "--format", "combined", place / "log"))[:3] == (7, 7, 0)
    assert figures(learn(place, "--format=tsv", place / "log"))[:3] == (0, 0, 7)


def test_lines_go_to_the_given_service_and_not_by_the_routes(place, tidegate):
    (place / "log").write_text(tsv(20, "/elsewhere"))
    assert figures(learn(place, place / "log")) == (0, 20, 0, 20, 0)
    assert figures(learn(place, "--service", "payment", place / "log")) == (20, 20, 0, 0, 5)
    t = tidegate(config=yaml.safe_load((place / "t.yaml").read_text()))
    user = t.api("users/header:x-user-id=u0")
    assert list(user["services"]) == ["payment"]


def test_what_a_log_says_of_a_users_device_is_learned(place, tidegate):
    assert figures(learn(place, place / "log"))[0] == 20
    t = tidegate(config=yaml.safe_load((place / "t.yaml").read_text()))
    assert t.api("users/header:x-user-id=u0")["device"] == "desktop"


def test_the_standard_input_is_a_log_too(place):
    assert figures(learn(place, "-", text=tsv(9)))[0] == 9


def test_a_store_that_is_in_use_is_left_alone(place, tidegate):
    cfg = yaml.safe_load((place / "t.yaml").read_text())
    t = tidegate(config=cfg)
    done = learn(place, place / "log")
    assert done.returncode == 1
    assert done.stderr == (f"tidegate: learn: store: {place}/store is open in another process; "
                           "is tidegate running? Stop it first\n")
    assert t.stop() == 0
    assert figures(learn(place, place / "log"))[0] == 20


def test_a_killed_tidegate_does_not_keep_the_store(place, tidegate):
    t = tidegate(config=yaml.safe_load((place / "t.yaml").read_text()))
    t.kill()
    assert figures(learn(place, place / "log"))[0] == 20


def test_two_at_once_do_not_learn_into_one_store(place):
    with learning_from_a_pipe(place, stderr=subprocess.DEVNULL) as (first, pipe):
        done = learn(place, place / "log")
        assert done.returncode == 1 and "open in another process" in done.stderr
        pipe.write(tsv(3))
    assert first.returncode == 0


def test_a_tidegate_that_starts_meanwhile_serves_without_the_store(place, tidegate):
    cfg = yaml.safe_load((place / "t.yaml").read_text())
    with learning_from_a_pipe(place, stderr=subprocess.DEVNULL):
        t = tidegate(config=cfg)
        assert "open in another process; going on without" in t.stderr()
        assert t.api("overview")["state"]["store_ok"] is False


def test_without_a_terminal_there_is_the_summary_only(place):
    done = learn(place, place / "log")
    assert SUMMARY.match(done.stderr) and done.stderr.count("\n") == 1 and "\r" not in done.stderr


def read_all(fd):
    text = b""
    with contextlib.suppress(OSError):  # EIO: nobody has the other side any more
        while more := os.read(fd, 4096):
            text += more
    return text.decode()


def test_on_a_terminal_there_is_a_line_of_progress(place):
    (place / "log").write_text(tsv(20) + "damaged\n")
    ours, theirs = pty.openpty()
    p = subprocess.Popen(command(place, place / "log"), stderr=theirs)
    os.close(theirs)
    text = read_all(ours)
    os.close(ours)
    assert p.wait(20) == 0
    drawn = text.split("\r\x1b[K")
    assert re.fullmatch(r"100 %  20 lines  \d+ lines/s  1 damaged  log", drawn[-2])
    assert SUMMARY.match(drawn[-1])


def test_of_a_pipe_the_share_is_not_known(place):
    ours, theirs = pty.openpty()
    with learning_from_a_pipe(place, stderr=theirs) as (_, pipe):
        os.close(theirs)
        pipe.write(tsv(3))
    assert re.search(r"  \? %  3 lines  \d+ lines/s  0 damaged  pipe", read_all(ours))
    os.close(ours)


@pytest.mark.parametrize("format", ["common", "combined", "json"])
def test_what_the_access_log_wrote_is_read(place, tidegate, origin, format):
    o = origin()
    t = tidegate([o], access_log={"path": "access.log", "format": format})
    with t.client() as c:
        for i in range(40):
            c.get(f"/cart/{i}?x=\"\\{i}", f"X-User-Id: u{i % 4}", f"User-Agent: {AGENT} \"é\\", "Referer: http://r/\"")
        c.send("garbage\r\n\r\n")
        c.until_close()
    assert t.stop() == 0
    learned, of, damaged, unrouted, users = figures(learn(place, t.folder / "access.log"))
    assert (learned, of, unrouted) == (40, 40, 0)
    assert damaged == (0 if format == "json" else 1)  # the garbage is a line, and no request


def test_a_json_line_finds_the_profile_that_live_traffic_made(place, tidegate, origin):
    profiler = {"identity": ["header:x-user-id"], "key": "0123456789abcdef-secret"}
    t = tidegate([origin()], access_log={"path": "access.log", "format": "json"}, profiler=profiler)
    with t.client() as c:
        for i in range(30):
            c.get(f"/cart/{i}", f"X-User-Id: u{i % 4}")
    assert t.stop() == 0
    cfg = yaml.safe_load((place / "t.yaml").read_text())
    (place / "t.yaml").write_text(yaml.safe_dump({**cfg, "profiler": profiler, "clock": {"start": "2035-01-01T00:00:00Z"}}))
    # four people by their keys; three of them, by their names and later, are nobody new
    names = "".join(f"{1900000000 + i}\tu{i % 3}\tGET\t/cart\t200\t1\t-\n" for i in range(30))
    assert figures(learn(place, t.folder / "access.log", "-", text=names)) == (60, 60, 0, 0, 4)
