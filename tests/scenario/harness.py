"""A running tidegate: start, ask, stop, and what must be true when it has ended."""
import contextlib
import ctypes
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time
import uuid

import yaml

import schema
import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
BINARY = pathlib.Path(os.environ.get("TIDEGATE", BUILD / "tidegate")).resolve()
SAMPLE = BUILD / "sample-service"
TRAFFICGEN = BUILD / "trafficgen"
IS_ASAN = "asan" in str(BINARY)

FAULTS = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|check failed", re.I)


given_ports = set()


def free_port():
    """Below the ephemeral range, so that no outgoing connection takes it meanwhile."""
    while True:
        port = random.randint(10000, 30000)
        if port in given_ports:
            continue
        given_ports.add(port)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def merge(into, more):
    """Maps are merged, everything else is replaced."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
    return into


def basic_config(backends, service=None, listener=None, **top):
    """One service `app` behind one listener; the arguments are merged over it."""
    cfg = {
        "workers": 2,
        "listeners": [merge({"bind": f"127.0.0.1:{free_port()}"}, listener or {})],
        "services": {"app": merge({"pools": {"baseline": {"backends": list(backends)}}}, service or {})},
        "routes": [{"path": "/", "service": "app"}],
        "admin": {"bind": f"127.0.0.1:{free_port()}"},
        "store": {"kind": "memory"},
    }
    return merge(cfg, top)


class Tidegate:
    def __init__(self, cfg, folder, env=None):
        self.cfg, self.folder = cfg, pathlib.Path(folder)
        self.file = self.folder / "tidegate.yaml"
        self.stderr_file = self.folder / f"stderr.{uuid.uuid4().hex[:6]}"
        self.mark = uuid.uuid4().hex
        self.env = dict(os.environ, TIDEGATE_SCENARIO=self.mark, **(env or {}))
        self.process = None
        self.write(cfg)

    def write(self, cfg):
        self.cfg = cfg
        text = cfg if isinstance(cfg, str) else yaml.safe_dump(cfg, sort_keys=False)
        self.file.write_text(text)

    # ---- life

    def start(self, ready=True):
        self.process = subprocess.Popen(
            [BINARY, "run", "-c", self.file], cwd=self.folder, env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.stderr_file, "wb"), start_new_session=True)
        if ready:
            wire.wait_for(self.is_ready, within_s=20)
            wrong = schema.faults(self.file.read_text())
            assert not wrong, f"tidegate takes what the schema refuses: {wrong}"
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.stderr()}"
        try:
            return self.admin("/readyz").status == 200
        except (ConnectionError, FileNotFoundError, wire.Closed):
            return False

    def stderr(self):
        return self.stderr_file.read_text(errors="replace")

    def signal(self, sig):
        self.process.send_signal(sig)

    def wait(self, within_s=20):
        return self.process.wait(within_s)

    def stop(self, within_s=20):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait(within_s)

    def kill(self):
        """As the kernel does; leftovers are then the test's business."""
        self.process.kill()
        self.process.wait()

    def family(self):
        """Pids of all processes that it, or a child of it, started and that still run."""
        pids = []
        for proc in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                mine = f"TIDEGATE_SCENARIO={self.mark}".encode() in (proc / "environ").read_bytes()
                state = (proc / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if mine and state != "Z":
                pids.append(int(proc.name))
        return pids

    def end_leftovers(self):
        for pid in self.family():
            os.kill(pid, signal.SIGKILL)

    def check_end(self):
        """What must be true after every scenario."""
        killed = self.process.returncode == -signal.SIGKILL
        code = self.stop()
        leftovers = self.family()
        self.end_leftovers()
        text = self.stderr()
        assert killed or code == 0, f"exit code {code}\n{text}"
        assert not FAULTS.search(text), text
        assert killed or not leftovers, f"still running: {leftovers}"

    # ---- traffic

    def place(self, bind):
        """Where a bind text says, as wire.connect() takes it."""
        if bind.startswith("unix:"):
            return str(self.folder / bind[5:])
        host, port = bind.rsplit(":", 1)
        return host.strip("[]"), int(port)

    @property
    def address(self):
        return self.place(self.cfg["listeners"][0]["bind"])

    @property
    def port(self):
        return self.address[1]

    def client(self):
        return wire.connect(self.address)

    def get(self, target="/", *fields):
        with self.client() as c:
            return c.get(target, *fields)

    # ---- admin

    def admin(self, target, method="GET", *fields, body=b""):
        with wire.connect(self.place(self.cfg["admin"]["bind"])) as c:
            return c.ask(method, target, "Host: localhost", "Connection: close", *fields, body=body)

    def api(self, path):
        a = self.admin("/api/v1/" + path)
        assert a.status == 200, f"{path}: {a.status} {a.body!r}"
        return json.loads(a.body)

    def metrics(self):
        """{(name, frozenset of labels): value}"""
        out = {}
        for line in self.admin("/metrics").body.decode().splitlines():
            m = re.fullmatch(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)', line)
            if m:
                labels = frozenset(re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', m[2] or ""))
                out[m[1], labels] = float(m[3])
        return out

    def metric(self, name, **labels):
        """The sum of all series of that name that carry these labels."""
        want = set(labels.items())
        return sum(v for (n, l), v in self.metrics().items() if n == name and want <= l)

    def service(self, name="app"):
        """The counters of a service since the process started."""
        return next(s for s in self.api("services")["services"] if s["name"] == name)

    def figures(self):
        """Connections, requests and bytes of the whole process."""
        return self.api("listeners")["process"]

    def pool(self, tier, service="app"):
        return next(p for p in self.api("pools")["pools"]
                    if p["service"] == service and p["tier"] == tier)

    def backend(self, url, tier="baseline", service="app"):
        return next(b for b in self.pool(tier, service)["backends"] if b["address"] == url)

    def post(self, path, *fields, **body):
        """A change; the keywords are its JSON."""
        return self.admin("/api/v1/" + path, "POST", "Content-Type: application/json", *fields,
                          body=json.dumps(body).encode())

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


@contextlib.contextmanager
def stopped_thread(t, name):
    """One thread of a running process stands still (ptrace), the others go on."""
    PTRACE_ATTACH, PTRACE_DETACH = 16, 17
    libc = ctypes.CDLL(None, use_errno=True)
    tids = [int(task.name) for task in pathlib.Path(f"/proc/{t.process.pid}/task").iterdir()
            if (task / "comm").read_text().strip() == name]
    assert len(tids) == 1, f"{len(tids)} threads are called {name}"
    assert libc.ptrace(PTRACE_ATTACH, tids[0], None, None) == 0, os.strerror(ctypes.get_errno())
    os.waitpid(tids[0], 0x40000000)  # __WALL: also for a thread
    try:
        yield
    finally:
        libc.ptrace(PTRACE_DETACH, tids[0], None, None)


def trafficgen(*args, within_s=120):
    """Runs the generator; its summary as a dict, with its exit status as `rc`."""
    done = subprocess.run([TRAFFICGEN, *map(str, args)], capture_output=True, text=True, timeout=within_s)
    assert done.stdout.startswith("{"), done.stderr
    return dict(json.loads(done.stdout), rc=done.returncode)


def check_config(text, folder, *options):
    """`tidegate check`: (exit status, stdout, stderr)."""
    file = pathlib.Path(folder) / "checked.yaml"
    file.write_text(text)
    done = subprocess.run([BINARY, *(options or ("check",)), "-c", file.name], cwd=folder,
                          capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout, done.stderr


class Sample:
    """The sample web service as a process of its own, which can be killed."""

    def __init__(self, port=None, **options):
        self.port = port or free_port()
        self.options = options
        self.start()

    def start(self):
        args = [f"--{k.replace('_', '-')}={v}" for k, v in self.options.items()]
        self.process = subprocess.Popen([SAMPLE, f"--port={self.port}", *args])
        wire.wait_for(self.is_up)

    def is_up(self):
        assert self.process.poll() is None
        try:
            return self.ask("/healthz").status == 200
        except ConnectionError:
            return False

    def ask(self, target):
        with wire.connect(("127.0.0.1", self.port)) as c:
            return c.get(target)

    def stats(self):
        return json.loads(self.ask("/stats").body)

    @property
    def url(self):
        return f"127.0.0.1:{self.port}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)


def sleep_until(t):
    time.sleep(max(0, t - time.monotonic()))
