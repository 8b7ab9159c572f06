"""No slow reader makes memory grow: a hundred transfers at once, in each direction, over every version."""
import contextlib
import ssl
import threading
import time

import pytest
from hyperframe import frame as hf

import h2wire
import pki
from harness import IS_ASAN
from wire import Closed, request, wait_for

STREAMS = 100
SIZE = 10_000_000
PIECE = b"m" * 16_384
# Held of one transfer at most: what its window lets come, and what was read before the other side
# was found to be slow (16 KiB and one read of 64, in blocks of 16 that are not all full); then what
# keeps count of it.
WINDOW_KIB, READ_KIB, KEPT_KIB = 64, 112, 16
TLS_KIB = 48  # of one connection over TLS

LARGEST = 2**31 - 1


class Load:
    """What all of a test's threads send; `over` ends them."""

    def __init__(self):
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.sent = 0
        self.began = 0

    def add(self, n):
        with self.lock:
            self.sent += n

    def begin(self):
        with self.lock:
            self.began += 1

    def stand(self):
        """Waits until nothing more goes out for half a second."""
        seen = [0, 0]

        def stands():
            if self.sent != seen[0]:
                seen[:] = self.sent, time.monotonic()
            return self.sent > 0 and time.monotonic() - seen[1] > 0.5

        wait_for(stands, within_s=60)


# ---- backends: they send all they can, or take nothing

def h1_backend(load):
    def serve(peer, o):
        head = o.read_head(peer)
        load.begin()
        if head.method == "POST":
            load.over.wait(60)
            return
        peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n")
        peer.sock.settimeout(0.5)
        left = SIZE
        with contextlib.suppress(ssl.SSLEOFError):
            while left > 0 and not load.over.is_set():
                with contextlib.suppress(TimeoutError, ssl.SSLWantWriteError):
                    n = peer.sock.send(PIECE[:left])
                    left -= n
                    load.add(n)
        load.over.wait(60)
    return serve


def h2_backend(load):
    def serve(peer, o):
        assert peer.exactly(24) == h2wire.PREFACE
        f = h2wire.Frames(peer, client=False, settings={h2wire.MAX_CONCURRENT: STREAMS}, windows=False)
        left, gets = {0: 65_535}, []
        while True:
            x = f.frame()
            if isinstance(x, hf.WindowUpdateFrame):
                left[x.stream_id] = left.get(x.stream_id, 0) + x.window_increment
            elif isinstance(x, hf.SettingsFrame):
                initial = x.settings.get(h2wire.WINDOW, 65_535)
            elif isinstance(x, hf.HeadersFrame):
                load.begin()
                left[x.stream_id] = initial
                if dict(f.streams[x.stream_id].fields)[":method"] == "GET":
                    gets.append(x.stream_id)
                    f.headers(x.stream_id, [(":status", "200"), ("content-length", str(SIZE))], end=False)
            for s in gets:
                while (n := min(len(PIECE), left[s], left[0])) > 0:
                    f.data(s, PIECE[:n])
                    left[s], left[0] = left[s] - n, left[0] - n
                    load.add(n)
    return serve


# ---- clients: they take nothing, or send all they can

class H1Clients:
    def __init__(self, connect, load):
        self.peers = [connect(None) for _ in range(STREAMS)]
        self.load = load

    def download(self):
        for p in self.peers:
            p.send(request("GET", "/"))

    def upload(self):
        for p in self.peers:
            p.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n")
            p.sock.settimeout(0)

        def push():
            while not self.load.over.is_set():
                for p in self.peers:
                    with contextlib.suppress(BlockingIOError, ssl.SSLWantWriteError):
                        self.load.add(p.sock.send(PIECE))
                self.load.over.wait(0.01)

        self.thread = threading.Thread(target=push)
        self.thread.start()

    def close(self):
        if hasattr(self, "thread"):
            self.thread.join()
        for p in self.peers:
            p.reset()  # what is on its way need not arrive


class H2Client:
    """One connection.  `deaf`: its windows are as open as can be, but it reads nothing."""

    def __init__(self, connect, load, deaf=False):
        self.f = h2wire.Frames(connect(["h2"]), windows=False,
                               settings={h2wire.WINDOW: LARGEST if deaf else 0})
        self.load = load
        if deaf:
            self.f.grow(0, LARGEST - 65_535)
        self.f.until(lambda x: isinstance(x, hf.SettingsFrame) and "ACK" in x.flags)

    def download(self):
        for _ in range(STREAMS):
            self.f.request()

    def upload(self):
        f = self.f
        streams = [f.fresh() for _ in range(STREAMS)]
        left = {s: f.settings[h2wire.WINDOW] for s in streams}
        for s in streams:
            f.headers(s, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")], end=False)

        def push():
            counted, room = 0, 65_535
            with contextlib.suppress(Closed, OSError):
                while not self.load.over.is_set():
                    f.alive()  # whatever came before it has been seen
                    for w in f.seen[counted:]:
                        if isinstance(w, hf.WindowUpdateFrame):
                            room += w.window_increment * (w.stream_id == 0)
                            if w.stream_id:
                                left[w.stream_id] += w.window_increment
                    counted = len(f.seen)
                    for s in streams:
                        while (n := min(len(PIECE), left[s], room)) > 0:
                            f.data(s, PIECE[:n])
                            left[s], room = left[s] - n, room - n
                            self.load.add(n)

        self.thread = threading.Thread(target=push)
        self.thread.start()

    def close(self):
        if hasattr(self, "thread"):
            self.thread.join()
        self.f.close()


PAIRS = [("h1", "h1"), ("h1", "h2"), ("h2", "h1"), ("h2", "h2"), ("h2 deaf", "h1"),
         ("h1s", "h1s"), ("h1s", "h2s"), ("h2s", "h1s"), ("h2s", "h2s"), ("h2s deaf", "h2s")]


@pytest.fixture(params=PAIRS, ids=lambda p: f"{p[0]}-{p[1]}")
def sides(request, tidegate, origin, tmp_path):
    """(tidegate, clients, load, KiB that may be held)"""
    down, up = request.param
    ca, load = pki.Authority(tmp_path), Load()
    serve = (h2_backend if "h2" in up else h1_backend)(load)
    pool, listener = {"protocol": up[:2]}, {"h2": {"control": 0}}
    if "s" in up:
        o = origin(ca.issue("127.0.0.1"), serve, kind=pki.TlsOrigin, alpn=["h2", "http/1.1"])
        pool["tls"] = {"ca": ca.file}
    else:
        o = origin(serve)
    if "s" in down:
        listener["tls"] = {"certificates": [ca.issue("localhost").entry]}
    t = tidegate([o], service={"pools": {"baseline": pool}}, listener=listener, workers=1)

    def connect(alpn):
        if "s" in down:
            return pki.connect(t.address, pki.client_context(ca, alpn=alpn), "localhost")
        return t.client()

    before = t.rss_kib()
    kib = STREAMS * (READ_KIB + KEPT_KIB + WINDOW_KIB * ("h2" in up or "h2" in down))
    kib += STREAMS * TLS_KIB * (("h1s" in down) + ("h1s" in up))
    client = H1Clients(connect, load) if "h1" in down else H2Client(connect, load, "deaf" in down)
    yield t, client, load, lambda: t.rss_kib() - before, kib
    load.over.set()
    client.close()


@pytest.mark.skipif(IS_ASAN, reason="the sanitizer's own memory grows")
@pytest.mark.parametrize("way", ["download", "upload"])
def test_what_nobody_takes_is_not_kept(sides, way):
    t, client, load, grown, kib = sides
    getattr(client, way)()
    wait_for(lambda: load.began == STREAMS, within_s=30)
    load.stand()
    more = grown()
    assert more <= kib, f"{more} KiB, {load.sent} bytes were sent"
    assert t.figures()["exchanges"] == STREAMS and load.sent < STREAMS * SIZE
