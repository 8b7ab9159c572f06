#!/usr/bin/python3
"""Plays a recorded day of a real site through a running tidegate and prints the figures.

usage: replay_day.py [SPEED]     TIDEGATE_DATA: the folder of traces
"""
import os
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/scenario"))

import harness  # noqa: E402
import real_day  # noqa: E402

TRACE = pathlib.Path(os.environ.get("TIDEGATE_DATA", ROOT.parent / "shared/data")) / "A/nasa_19950801.tsv.gz"
BUSIEST = 5


def print_day(day):
    r = day.result
    print(f"requests  sent {r['sent']}, answered {r['answered']}, lost {r['lost']}, "
          f"another status than the origin's {r['wrong']}")
    print(f"statuses  {', '.join(f'{s}: {n}' for s, n in sorted(r['status'].items()))}")
    print(f"latency   median {r['p50_ms']:.1f} ms, 99th percentile {r['p99_ms']:.1f} ms")
    print("predictive pool, ready instances every 5 minutes of the day:")
    print("  " + " ".join(map(str, day.sizes)))


def print_decisions(day):
    print(f"decisions  {len(day.decisions)}, oldest first:")
    for d in reversed(day.decisions):
        at = time.strftime("%a %H:%M", time.gmtime(d["at_ms"] / 1000))
        print(f"  {at}  {d['tier']} {d['from']} -> {d['to']}  {d['rule']}: {d['reason']}")


def print_users(day):
    print(f"the {BUSIEST} busiest of the users (/api/v1/users), and what follows what (/api/v1/users/ID):")
    for user, detail in zip(day.users, day.details):
        print(f"  {user['user']}  {user['requests']} requests, {user['sessions']} sessions")
        for step in detail["transitions"][:BUSIEST]:
            print(f"    {step['from']['resource']} -> {step['to']['resource']}  {step['share']:.0%}")


def main():
    speed = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    if not TRACE.exists():
        missing = f"replay: {TRACE} is not here; give the folder of traces as DATA=dir"
        sys.exit(missing if "CI" in os.environ else print(missing))
    started = []

    def start(config):
        started.append(harness.Tidegate(config, folder))
        return started[-1].start()

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        print(f"replaying {TRACE.name} at {speed} x, about {13 * 3600 // speed} s", flush=True)
        try:
            day = real_day.play_day(start, folder, TRACE, speed, busiest=BUSIEST)
        finally:
            for t in started:
                t.check_end()
    print_day(day)
    print_decisions(day)
    print_users(day)
    return day.result["rc"]


if __name__ == "__main__":
    sys.exit(main())
