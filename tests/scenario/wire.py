"""HTTP/1.1 as bytes on a socket, for clients and origins that tests play themselves.

Nothing here is tolerant: what is read must be exactly framed, or the test fails.
"""
import socket
import ssl
import struct
import time

TIMEOUT_S = 10


class Closed(Exception):
    """The other side closed; `rest` is what had come by then."""

    def __init__(self, rest=b""):
        super().__init__(f"closed after {rest!r}")
        self.rest = rest


class Head:
    """A request's or an answer's first line and fields, and its exact bytes."""

    def __init__(self, raw):
        self.raw = raw
        lines = raw.decode("latin-1").split("\r\n")
        self.first = lines[0]
        self.fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if line]

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        found = self.all(name)
        assert len(found) <= 1, f"{name} comes {len(found)} times"
        return found[0] if found else default

    @property
    def method(self):
        return self.first.split(" ")[0]

    @property
    def target(self):
        return self.first.split(" ")[1]

    @property
    def status(self):
        return int(self.first.split(" ")[1])


class Answer:
    def __init__(self, head, body, interim=(), trailers=b""):
        self.head, self.body, self.interim, self.trailers = head, body, list(interim), trailers

    @property
    def status(self):
        return self.head.status


class Peer:
    """One connection, either side.  Reads are buffered, writes are not."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(TIMEOUT_S)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = bytearray()  # what came and was not read yet

    # ---- bytes

    def send(self, *pieces):
        for piece in pieces:
            try:
                self.sock.sendall(piece.encode("latin-1") if isinstance(piece, str) else piece)
            except ssl.SSLEOFError as e:  # TLS calls it so when nobody reads any more
                raise BrokenPipeError from e

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed(bytes(self.buf))
        self.buf += data

    def take(self, n):
        data = bytes(self.buf[:n])
        del self.buf[:n]
        return data

    def until(self, mark):
        while (at := self.buf.find(mark)) < 0:
            self.fill()
        return self.take(at + len(mark))

    def exactly(self, n):
        while len(self.buf) < n:
            self.fill()
        return self.take(n)

    def until_close(self):
        try:
            while True:
                self.fill()
        except Closed:
            return self.take(len(self.buf))

    def is_closed(self, within_s=TIMEOUT_S):
        """True when the other side closes without another byte."""
        self.sock.settimeout(within_s)
        try:
            self.fill()
        except (Closed, ConnectionResetError):
            return True
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(TIMEOUT_S)
        return False

    def is_silent(self, for_s):
        """True when nothing comes for that long, neither bytes nor an end."""
        self.sock.settimeout(for_s)
        try:
            self.fill()
        except TimeoutError:
            return True
        except (Closed, ConnectionResetError):
            return False
        finally:
            self.sock.settimeout(TIMEOUT_S)
        return False

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def end(self):
        """Both ways, and at once even if another thread is reading."""
        self.sock.shutdown(socket.SHUT_RDWR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # ---- messages

    def head(self):
        return Head(self.until(b"\r\n\r\n"))

    def chunked(self):
        """(payload, trailer bytes)"""
        body = b""
        while True:
            size = int(self.until(b"\r\n").split(b";")[0].strip(), 16)
            if size == 0:
                break
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        trailers = b""
        while (line := self.until(b"\r\n")) != b"\r\n":
            trailers += line
        return body, trailers

    def body(self, head):
        """Of a request."""
        if "chunked" in (head.get("Transfer-Encoding") or ""):
            return self.chunked()[0]
        return self.exactly(int(head.get("Content-Length", 0)))

    def answer(self, method="GET"):
        interim = []
        while (head := self.head()).status // 100 == 1 and head.status != 101:
            interim.append(head)
        trailers = b""
        if method == "HEAD" or head.status in (101, 204, 304):
            body = b""
        elif "chunked" in (head.get("Transfer-Encoding") or ""):
            body, trailers = self.chunked()
        elif head.get("Content-Length") is not None:
            body = self.exactly(int(head.get("Content-Length")))
        else:
            body = self.until_close()
        return Answer(head, body, interim, trailers)

    def ask(self, method, target, *fields, body=b""):
        """Sends a whole request and reads the answer."""
        self.send(request(method, target, *fields, body=body))
        return self.answer(method)

    def get(self, target="/", *fields):
        return self.ask("GET", target, *fields)


def request(method, target, *fields, body=b""):
    host = [] if any(f.startswith("Host:") for f in fields) else ["Host: test.example"]
    lines = [f"{method} {target} HTTP/1.1", *host, *fields]
    if body or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def answer(status=200, body=b"ok", *fields, length=True):
    lines = [f"HTTP/1.1 {status} X", *fields]
    if length and status // 100 != 1 and status not in (204, 304):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body if status not in (204, 304) else b"")


def chunks(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def connect(address):
    """("127.0.0.1", port), ("::1", port) or a path."""
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(TIMEOUT_S)
        sock.connect(address)
        return Peer(sock)
    return Peer(socket.create_connection(address, timeout=TIMEOUT_S))


def wait_for(what, within_s=TIMEOUT_S, every_s=0.01):
    """Polls until `what()` is true, and returns it."""
    end = time.monotonic() + within_s
    while not (got := what()):
        assert time.monotonic() < end, f"not within {within_s} s: {getattr(what, '__name__', what)}"
        time.sleep(every_s)
    return got
