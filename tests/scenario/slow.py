"""Clients that send or take slowly, in either version, as lists of parameters for tests."""
import contextlib
import socket

import pytest

import h2wire
import wire
from wire import wait_for


def piece(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def tier(t):
    return t.service()["tiers"]["baseline"]


def named(lines):
    """Lines of HTTP/1.1 as fields of HTTP/2."""
    return [(n.lower(), v) for n, v in (line.split(": ", 1) for line in lines)]


@contextlib.contextmanager
def h1_upload(t, size, *fields):
    with t.client() as c:
        c.send("POST / HTTP/1.1\r\nHost: x\r\n" + "".join(f + "\r\n" for f in fields) +
               (f"Content-Length: {size}\r\n\r\n" if size else "Transfer-Encoding: chunked\r\n\r\n"))

        def put(data, last=False):
            c.send(data if size else piece(data) + (b"0\r\n\r\n" if last else b""))

        yield c, put, lambda: c.answer("POST")


@contextlib.contextmanager
def h2_upload(t, size, *fields):
    with h2wire.client(t) as c:
        stream = c.fresh()
        c.headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a"),
                           *named(fields),
                           *([("content-length", str(size))] if size else [])], end=False)
        yield c, lambda data, last=False: c.data(stream, data, end=last), lambda: c.answer(stream)


UPLOADS = pytest.mark.parametrize("upload", [h1_upload, h2_upload], ids=["h1", "h2"])


def h1_client(t):
    """With little room in the kernel on its side."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(t.address)
    return wire.Peer(s)


class H1Slow:
    def __init__(self, t, *fields):
        self.peer = h1_client(t)
        self.peer.send(wire.request("GET", "/", *fields))

    def rest(self):
        return self.peer.answer("GET").body


class H2Slow:
    """Takes no more than the window that every stream begins with."""

    def __init__(self, t, *fields):
        self.frames = h2wire.client(t, windows=False)
        self.peer = self.frames.peer
        self.stream = self.frames.request("GET", "/", *named(fields))

    def rest(self):
        m = self.frames.streams[self.stream]
        m.body = bytearray(m.body)  # grows in place
        self.frames.grow(0, 1 << 30)
        self.frames.grow(self.stream, 1 << 30)
        return self.frames.answer(self.stream).body


SIZE = 12_000_000  # more than kernels hold
SLOW = pytest.mark.parametrize("slow", [H1Slow, H2Slow], ids=["h1", "h2"])


def still(look):
    """What `look` shows when it has been the same for fifty looks."""
    seen = []

    def stands():
        seen.append(look())
        return len(seen) > 50 and seen[-50] == seen[-1]

    wait_for(stands)
    return seen[-1]
