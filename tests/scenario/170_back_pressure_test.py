"""A slow side slows the fast one; memory does not grow."""
import threading
import time

import pytest

from harness import IS_ASAN
from wire import answer, request

SIZE = 100_000_000
RATE = 1_000_000
PIECE = 32_768
PAIRS = 8


def trickle(peer, until):
    """Reads a transfer at RATE; returns how much."""
    got, begun = len(peer.buf), time.monotonic()
    while got < SIZE and time.monotonic() < until:
        if got <= RATE * (time.monotonic() - begun):
            got += len(peer.sock.recv(PIECE))
        else:
            time.sleep(0.01)
    return got


class Load:
    """8 uploads to an origin and 8 downloads by clients that take 1 MB/s."""

    def __init__(self, seconds):
        self.until = time.monotonic() + seconds
        self.sent_up = self.sent_down = self.got_up = self.got_down = 0
        self.lock = threading.Lock()

    def add(self, counter, n):
        with self.lock:
            setattr(self, counter, getattr(self, counter) + n)

    def push(self, peer, counter):
        data = b"p" * PIECE
        left = SIZE
        peer.sock.settimeout(0.2)
        while left > 0 and time.monotonic() < self.until:
            try:
                n = peer.sock.send(data[:min(left, PIECE)])
            except TimeoutError:
                continue
            left -= n
            self.add(counter, n)

    def serve(self, peer, o):
        head = o.read_head(peer)
        if head.method == "POST":
            self.add("got_up", trickle(peer, self.until))
            return
        peer.send(answer(200, b"", f"Content-Length: {SIZE}", length=False))
        self.push(peer, "sent_down")

    def upload(self, t):
        with t.client() as c:
            c.send(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {SIZE}\r\n\r\n")
            self.push(c, "sent_up")

    def download(self, t):
        with t.client() as c:
            c.send(request("GET", "/"))
            c.head()
            self.add("got_down", trickle(c, self.until))


@pytest.mark.skipif(IS_ASAN, reason="the sanitizer's own memory grows")
def test_slow_peers_do_not_make_memory_grow(tidegate, origin, full_length):
    """In six seconds a part of each transfer, at full length all of it."""
    load = Load(seconds=SIZE / RATE + 10 if full_length else 6)
    t = tidegate([origin(load.serve)])
    before = t.rss_kib()
    threads = [threading.Thread(target=f, args=(t,)) for f in [load.upload, load.download] * PAIRS]
    for th in threads:
        th.start()
    most = before
    while any(th.is_alive() for th in threads):
        most = max(most, t.rss_kib())
        time.sleep(0.1)
    if full_length:
        assert load.got_up == load.got_down == PAIRS * SIZE
    else:
        assert load.sent_up > PAIRS * RATE and load.sent_down > PAIRS * RATE
        assert load.sent_up < PAIRS * SIZE / 2 and load.sent_down < PAIRS * SIZE / 2, "nobody was held back"
    assert most - before <= 4096, f"{most - before} KiB more"
