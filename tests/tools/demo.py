#!/usr/bin/python3
"""The demo: learns seven virtual days of a shop, then plays two hours of it at 60 x.

Starts tidegate on conf/demo.yaml and the traffic generator, and ends with
everything it started, whether it is finished, interrupted, terminated or killed.
"""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
CONFIG = ROOT / "conf/demo.yaml"

LEARN_FROM, START, FLASH = "2026-11-16T07:00:00Z", "2026-11-23T07:00:00Z", "2026-11-23T08:30:00Z"
PEOPLE = ["--users", "2500", "--sessions", "2", "--seed", "1"]
REPORT_S = 5


class Stopped(Exception):
    pass


def on_signal(signum, _):
    raise Stopped(signal.Signals(signum).name)


def die_with_parent():
    """A child is terminated even when this process is killed (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def start(*args, env, **kwargs):
    # In a session of its own: an interrupt from the terminal reaches only this process.
    return subprocess.Popen(args, cwd=ROOT, env=env, start_new_session=True,
                            preexec_fn=die_with_parent, stdin=subprocess.DEVNULL, **kwargs)


def run(*args, env):
    child = start(*args, env=env, stdout=subprocess.PIPE, text=True)
    try:
        out, _ = child.communicate()
    except Stopped:
        end(child)
        raise
    if child.returncode != 0:
        sys.exit(f"demo: {args[0]} failed")
    return out


def end(child):
    if child is not None and child.poll() is None:
        child.terminate()
        child.wait()


def pick_port(preferred):
    for port in (preferred, 0):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return s.getsockname()[1]
            except OSError:
                continue


class Demo:
    def __init__(self, folder):
        self.port, self.admin = pick_port(8080), pick_port(9900)
        self.log = folder / "week.tsv"
        self.env = dict(os.environ, DEMO_PORT=str(self.port), DEMO_ADMIN_PORT=str(self.admin),
                        DEMO_STORE=str(folder / "store"), DEMO_START=START)
        self.tidegate = self.visitors = None

    def say_hello(self):
        print(f"page      http://127.0.0.1:{self.admin}/\n"
              f"shop      http://127.0.0.1:{self.port}/\n"
              f"metrics   http://127.0.0.1:{self.admin}/metrics\n"
              f"decisions http://127.0.0.1:{self.admin}/api/v1/decisions\n"
              f"Two hours of a Monday morning are played in two minutes; Ctrl-C ends it.\n", flush=True)

    def learn(self):
        begun = time.monotonic()
        out = run(BUILD / "trafficgen", "--write-log", self.log, "--start", LEARN_FROM, *PEOPLE, env=self.env)
        run(BUILD / "tidegate", "learn", "-c", CONFIG, self.log, env=self.env)
        rows = json.loads(out)["sent"]
        print(f"demo: learned seven days, {rows} requests, in {time.monotonic() - begun:.1f} s", flush=True)

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=5) as answer:
            return json.load(answer)

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/readyz", timeout=5):
                return True
        except OSError:
            return False

    def begin(self):
        self.tidegate = start(BUILD / "tidegate", "run", "-c", CONFIG, env=self.env)
        while not self.is_ready():
            if self.tidegate.poll() is not None:
                sys.exit("demo: tidegate did not start")
            time.sleep(0.05)
        self.visitors = start(
            BUILD / "trafficgen", "--live", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{self.admin}",
            "--hours", "2", "--flash-at", FLASH, "--flash-users", "220", "--patience-ms", "4000",
            "--retries", "1", *PEOPLE, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def report(self):
        """One line of what the page shows as a picture."""
        forecast = self.ask("/api/v1/forecast")
        shop = forecast["services"][0]
        pools = {p["tier"]: p["states"] for p in self.ask("/api/v1/pools")["pools"]}
        sizes = " ".join(f"{tier}={s['ready']}" + (f"+{s['starting']}" if s["starting"] else "")
                         for tier, s in pools.items())
        clock = time.strftime("%a %H:%M", time.gmtime(forecast["now_ms"] / 1000))
        median = shop["horizons"]["5m"]["median"] or 0
        print(f"demo: {clock}  now {60 * shop['now_rps']:.0f}/min, in 5 min {60 * median:.0f}/min  {sizes}",
              flush=True)

    def play(self):
        self.begin()
        while self.visitors.poll() is None and self.tidegate.poll() is None:
            try:
                self.visitors.wait(REPORT_S)
            except subprocess.TimeoutExpired:
                self.report()
        print("demo: visitors' summary:", self.visitors.stdout.read().strip(), flush=True)

    def stay(self):
        print("demo: the two hours are over; the page stays until Ctrl-C", flush=True)
        self.tidegate.wait()

    def finish(self):
        end(self.visitors)
        end(self.tidegate)


def main():
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, on_signal)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-demo-"))
    demo = Demo(folder)
    try:
        demo.say_hello()
        demo.learn()
        demo.play()
        if "--once" not in sys.argv:
            demo.stay()
    except Stopped:
        pass
    finally:
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, signal.SIG_IGN)
        demo.finish()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
