#!/usr/bin/python3
"""Plays the HTTP/1 corpus over other proxies too and says where they differ from tidegate.

By hand: tests/tools/http1_peers.py [--cases] [WORD]    --cases lists them; WORD: only those whose
name has it.  Needs build/tidegate; of the Debian packages haproxy, nginx-light, h2o and
nghttp2-proxy those that are there are asked.  What came of it is in docs/http-conformance.md.

A peer that differs lets through what tidegate refuses, refuses what tidegate lets through, or
passes on something else.  Not compared: what each adds of its own accord, and its wording.
"""
import collections
import concurrent.futures
import getpass
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "conformance"), str(ROOT / "tests" / "scenario")]

import http1_answers  # noqa: E402
import http1_requests  # noqa: E402
import play  # noqa: E402
from harness import free_port  # noqa: E402
from wire import Closed, Head, Peer, connect, wait_for  # noqa: E402

WAIT_S = 1  # for what does not come

# Each with as few settings of its own as will do: the Host is passed on, bodies are streamed,
# nothing is tried again, connections are kept on both sides.
TIDEGATE = """
workers: 1
listeners: [{{ bind: "127.0.0.1:{port}", h2: false }}]
services:
  app:
    pools: {{ baseline: {{ backends: [ "127.0.0.1:{origin}" ] }} }}
    ejection: {{ enabled: false }}
    retries: {{ attempts: 0 }}
routes: [{{ service: app }}]
store: {{ kind: memory }}
"""

HAPROXY = """
defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
    timeout http-request 5s
    retries 0
frontend front
    bind 127.0.0.1:{port}
    default_backend back
backend back
    server origin 127.0.0.1:{origin}
"""

NGINX = """
daemon off;
pid {folder}/pid;
error_log /dev/null;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    upstream back {{ server 127.0.0.1:{origin} max_fails=0; keepalive 4; }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 0;
        location / {{
            proxy_pass http://back;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_request_buffering off;
            proxy_buffering off;
            proxy_next_upstream off;
        }}
    }}
}}
"""

H2O = """
user: {user}
num-threads: 1
listen: {{ host: 127.0.0.1, port: {port} }}
error-log: /dev/null
pid-file: {folder}/pid
http1-request-timeout: 5
proxy.preserve-host: ON
proxy.timeout.io: 5000
hosts: {{ default: {{ paths: {{ "/": {{ proxy.reverse.url: "http://127.0.0.1:{origin}/" }} }} }} }}
"""

NGHTTPX = """
frontend=127.0.0.1,{port};no-tls
backend=127.0.0.1,{origin}
workers=1
single-process=yes
errorlog-file=/dev/null
log-level=FATAL
no-server-rewrite=yes
no-location-rewrite=yes
frontend-read-timeout=5s
backend-read-timeout=5s
"""

PROGRAMS = {
    "tidegate": (TIDEGATE, [str(ROOT / "build" / "tidegate"), "run", "-c"], "-V"),
    "HAProxy": (HAPROXY, ["haproxy", "-db", "-f"], "-v"),
    "nginx": (NGINX, ["nginx", "-c"], "-v"),
    "h2o": (H2O, ["h2o", "-m", "worker", "-c"], "-v"),
    "nghttpx": (NGHTTPX, ["nghttpx", "--conf"], "-v"),
}


class Recorder(play.Recorder):
    """Takes also what is no request, and keeps it as one."""

    def read(self, peer, started):
        try:
            return super().read(peer, started)
        except (ValueError, IndexError):
            with self.changed:
                self.requests.append((self.n, bytes(started) + bytes(peer.buf)))
            raise Closed from None


class Running:
    """One of the programs in front of a recorder of its own."""

    def __init__(self, name, folder):
        text, command, version = PROGRAMS[name]
        self.recorder = Recorder()
        self.address = ("127.0.0.1", free_port())
        folder = pathlib.Path(folder) / name
        folder.mkdir()
        file = folder / "conf"
        file.write_text(text.format(port=self.address[1], origin=self.recorder.url.split(":")[1], folder=folder,
                                    user=getpass.getuser()))
        said = subprocess.run([command[0], version], capture_output=True, text=True)
        self.version = re.search(r"[ /]v?(\d[\w.+~-]+)", said.stdout + said.stderr)[1]
        self.command = [*command, str(file)]
        self.last, self.fell = None, []  # the case before; those that ended the program
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.is_up)

    def ask(self, outcome, case):
        try:
            return outcome(case, self)
        except ConnectionRefusedError:
            self.process.wait(10)
            self.fell.append(self.last)
            self.start()
            return outcome(case, self)
        finally:
            self.last = case.name

    def is_up(self):
        assert self.process.poll() is None, self.command
        try:
            connect(self.address).close()
            return True
        except ConnectionError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.recorder.stop()


# ---- what of a message has to be the same, whoever passes it on

OWN = {"content-length", "transfer-encoding", "connection", "keep-alive", "host", "date", "server", "via", "forwarded",
       "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip", "x-request-id"}
NO_HTTP = (ValueError, AssertionError, IndexError)


def names_in(raw):
    """Of the fields that a case sends: only these are compared."""
    return {m.decode("latin-1").lower() for m in re.findall(rb"(?:^|\n)([^\s:]+)[ \t]*:", raw)} - OWN


def fields_of(head, names):
    return sorted((k.lower(), v) for k, v in head.fields if k.lower() in names)


def trailers_of(raw, names=None):
    pairs = [line.partition(":") for line in raw.decode("latin-1").split("\r\n") if line]
    return sorted((k.lower(), v.strip()) for k, _, v in pairs if names is None or k.lower() in names)


class Bytes(Peer):
    """Reads a message that is there already."""

    def __init__(self, raw):
        self.buf = bytearray(raw)

    def fill(self):
        raise Closed(bytes(self.buf))


def request_sense(raw, names):
    try:
        p = Bytes(raw)
        head = p.head()
        host = re.sub(r"^127\.0\.0\.1:\d+$", "<own>", ",".join(head.all("Host")))
        codings = ",".join(head.all("Transfer-Encoding")).lower()
        body, trailers = p.chunked() if "chunked" in codings else (bytes(p.buf), b"")
        sense = [head.method, head.target, host, body, trailers_of(trailers), *fields_of(head, names)]
        return sense + [codings] * (codings not in ("", "chunked"))
    except (*NO_HTTP, Closed):
        return ["no request", raw]


def request_outcome(case, running):
    """(passed on or not, what was)."""
    try:
        play.play(case, running.address, running.recorder, WAIT_S)
    except NO_HTTP:
        pass  # the answer was none; what was passed on counts
    names = names_in(b"".join(case.pieces))
    with running.recorder.changed:
        up = [request_sense(raw, names) for _, raw in running.recorder.requests if b" /after HTTP" not in raw]
    return bool(up), up


class Listening(Peer):
    """Knows whether anything came at all."""

    heard = False

    def fill(self):
        super().fill()
        self.heard = True


def answer_outcome(case, running):
    running.recorder.clear()
    running.recorder.script = lambda peer, raw: (peer.send(case.raw), not case.ends)[1]
    names = names_in(case.raw)
    with connect(running.address) as c:
        c = Listening(c.sock)
        c.sock.settimeout(WAIT_S)
        c.send(case.sent)
        try:
            a = c.answer(case.sent.split(b" ")[0].decode())
        except TimeoutError:
            return c.heard, "without an end"
        except (Closed, OSError):
            return c.heard, "broken off"
        except NO_HTTP:
            return True, "no answer of HTTP"
        interim = [h.status for h in a.interim]
        if a.status >= 500 and not case.raw.startswith(b"HTTP/1.1 5"):
            return False, interim
        return True, [interim, a.status, *fields_of(a.head, names), a.body, *trailers_of(a.trailers)]


# ---- the comparison

LETS, REFUSES, OTHERWISE = "lets through", "refuses", "passes on otherwise"


def difference(mine, other):
    if mine == other or (not mine[0] and not other[0]):
        return None
    return OTHERWISE if mine[0] and other[0] else LETS if other[0] else REFUSES


def compare(cases, outcome, running, word):
    """(cases by rule, what tidegate refuses by rule, {(rule, program, difference): [(name, what)]})"""
    total, refused, found = collections.Counter(), collections.Counter(), collections.defaultdict(list)
    with concurrent.futures.ThreadPoolExecutor(len(running)) as at_once:
        for case in cases:
            if word not in case.name:
                continue
            rule, name = case.name.split(":", 1)
            did = dict(zip(running, at_once.map(lambda r: r.ask(outcome, case), running.values())))
            mine = did.pop("tidegate")
            total[rule] += 1
            refused[rule] += not mine[0]
            for program, other in did.items():
                d = difference(mine, other)
                if d is not None:
                    found[rule, program, d].append((name.strip(), other[1]))
    return total, refused, found


def show(title, running, total, refused, found, cases):
    """A row for each rule; of each peer: lets through / refuses / passes on otherwise."""
    peers = [p for p in running if p != "tidegate"]
    print(f"\n| {title} | cases | tidegate refuses | {' | '.join(peers)} |\n|---|---|---|{'---|' * len(peers)}")
    rules = [*sorted(total), None]
    for rule in rules:
        counts = [" / ".join(str(sum(len(v) for (r, p, d), v in found.items() if rule in (r, None) and (p, d) == (peer, what)))
                             for what in (LETS, REFUSES, OTHERWISE)) for peer in peers]
        n, no = (total[rule], refused[rule]) if rule else (sum(total.values()), sum(refused.values()))
        print(f"| {rule or 'all'} | {n} | {no} | {' | '.join(counts)} |")
    for (rule, program, what), listed in sorted(found.items()) if cases else ():
        print(f"\n{rule}: {program} {what} ({len(listed)})")
        for name, detail in listed:
            print(f"    {name[:80]}   {str(detail)[:160]}")


def main(args):
    word = next((a for a in args if a != "--cases"), "")
    with tempfile.TemporaryDirectory() as folder:
        running = {name: Running(name, folder) for name, (_, command, _) in PROGRAMS.items() if shutil.which(command[0])}
        try:
            print(", ".join(f"{name} {r.version}" for name, r in running.items()))
            for title, cases, outcome in (("requests", http1_requests.cases(), request_outcome),
                                          ("answers", http1_answers.cases(), answer_outcome)):
                show(title, running, *compare(cases, outcome, running, word), "--cases" in args)
            for name, r in running.items():
                print(*(f"\n{name} ended itself at {case}" for case in r.fell), end="")
        finally:
            for r in running.values():
                r.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
