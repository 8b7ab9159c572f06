"""Plays the cases of http1_requests.py and http1_answers.py over one running proxy.

A Recorder is the backend: it keeps the bytes of every request and of what was no whole one.
"""
import collections
import pathlib
import re
import socket
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scenario"))

from wire import Closed, Head, Peer, connect  # noqa: E402

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
AFTER = b"GET /after HTTP/1.1\r\nHost: x\r\n\r\n"

# What a client saw, and what the backend got: whole requests, and at the end of a
# connection what was no whole one.
Seen = collections.namedtuple("Seen", "statuses closed requests left")


class Recorder:
    """Answers every request with its target as the body, or as `script` says."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.script = None            # script(peer, raw): answers; False: and closes
        self.changed = threading.Condition()
        self.requests = []            # (connection, raw bytes), in the order they came
        self.left = []                # (connection, bytes that were no whole request)
        self.pending = 0              # bytes of requests that are not whole
        self.n = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def clear(self):
        with self.changed:
            self.requests, self.left, self.pending = [], [], 0

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.n += 1
            threading.Thread(target=self.serve, args=(Peer(sock), self.n), daemon=True).start()

    def stop(self):
        self.listener.close()

    def serve(self, peer, n):
        peer.sock.settimeout(60)
        while True:
            started = bytearray()
            try:
                raw = self.read(peer, started)
            except (Closed, OSError):
                with self.changed:
                    self.left.append((n, bytes(started) + bytes(peer.buf)))
                    self.changed.notify_all()
                peer.close()
                return
            with self.changed:
                self.requests.append((n, raw))
                self.changed.notify_all()
            try:
                if self.answer(peer, raw) is False:
                    peer.close()
                    return
            except OSError:
                pass

    def fill(self, peer):
        peer.fill()
        with self.changed:
            self.pending = len(peer.buf)
            self.changed.notify_all()

    def read(self, peer, started):
        """A whole request as it came.  `started` is what of it was taken from the buffer."""
        def upto(mark):
            while (at := peer.buf.find(mark)) < 0:
                self.fill(peer)
            started.extend(peer.take(at + len(mark)))
            return bytes(started)

        def exactly(k):
            while len(peer.buf) < k:
                self.fill(peer)
            started.extend(peer.take(k))

        head = Head(upto(b"\r\n\r\n"))
        if any("chunked" in v.lower() for v in head.all("Transfer-Encoding")):
            while True:
                at = len(started)
                upto(b"\r\n")
                size = int(started[at:].split(b";")[0].strip() or b"x", 16)
                if size == 0:
                    break
                exactly(size + 2)
            while not started.endswith(b"\r\n\r\n"):
                upto(b"\r\n")
        else:
            exactly(int((head.all("Content-Length") or ["0"])[0]))
        return bytes(started)

    def answer(self, peer, raw):
        target = raw.split(b" ")[1]
        if self.script is not None and target != b"/after":
            return self.script(peer, raw)
        body = b"" if raw.startswith(b"HEAD ") else target
        peer.send(b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: %d\r\n\r\n" % len(target) + body)
        return True

    def wait(self, what, within_s=5):
        """Until what() is true of what was recorded; False: it did not become so."""
        with self.changed:
            return self.changed.wait_for(what, within_s)


def read_statuses(c, methods, n):
    """Of up to n answers; fewer when the connection ends."""
    statuses = []
    for i in range(n):
        try:
            statuses.append(c.answer(methods[i] if i < len(methods) else "GET").status)
        except (Closed, OSError):
            break
    return statuses


def is_alive(c):
    """Does the connection still serve?"""
    try:
        c.send(AFTER)
        return c.answer().status == 200
    except (Closed, OSError, AssertionError, ValueError):
        return False


def play(case, address, recorder, wait_s=5):
    """Sends a case's bytes; behind what must be refused comes one request more."""
    recorder.clear()
    methods = [u.line.split(" ")[0] for u in case.ups] if case.left is None else []
    with connect(address) as c:
        c.sock.settimeout(wait_s)
        pieces = list(case.pieces)
        if case.closes:
            pieces[-1] += SMUGGLED
        c.send(pieces[0])
        for piece in pieces[1:]:
            recorder.wait(lambda: recorder.pending > 0 or recorder.requests, wait_s)
            c.send(piece)
        statuses = read_statuses(c, methods, len(case.statuses))
        closed = c.is_closed(wait_s) if case.closes else not is_alive(c)
        if case.left is not None:
            recorder.wait(lambda: recorder.left, wait_s)
    with recorder.changed:
        whole = [raw for _, raw in recorder.requests if b" /after HTTP" not in raw]
        left = [raw for _, raw in recorder.left if raw]
    return Seen(statuses, closed, whole, left)


# What a client got of an answer, to the byte (its date apart); whether its connection ended in
# order or broke off; whether the backend's connection served the next request.
SeenAnswer = collections.namedtuple("SeenAnswer", "down closed broke reuse after")


def without_date(raw):
    """Our own date, which is any."""
    return re.sub(rb"\r\nDate: \w{3}, \d\d \w{3} 2\d{3} \d\d:\d\d:\d\d GMT\r\n", b"\r\nDate: <date>\r\n", raw)


def receive(c, n):
    """(bytes, "open", "closed" or "broken"): at least n of them, unless there are no more."""
    try:
        while len(c.buf) < n:
            c.fill()
        return bytes(c.buf), "open"
    except Closed:
        return bytes(c.buf), "closed"
    except TimeoutError:
        return bytes(c.buf), "open"
    except OSError:
        return bytes(c.buf), "broken"


def play_answer(case, address, recorder, wait_s=5):
    def script(peer, raw):
        peer.send(case.raw)
        return not case.ends

    recorder.clear()
    recorder.script = script
    expected = len(case.down) + 23 * case.down.count(b"Date: <date>")
    with connect(address) as c:
        c.sock.settimeout(wait_s)
        c.send(case.sent)
        raw, state = receive(c, expected)
        if state == "open" and (case.closes or case.torn):
            raw, state = receive(c, 1 << 30)
        c.buf.clear()
        after = is_alive(c) if state == "open" else None
    if not after:
        with connect(address) as c:
            is_alive(c)
    with recorder.changed:
        used = [n for n, _ in recorder.requests]
    reuse = len(used) == 2 and used[0] == used[1]
    return SeenAnswer(without_date(raw), state == "closed", state == "broken", reuse, after)
