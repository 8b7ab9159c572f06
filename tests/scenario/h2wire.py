"""HTTP/2 as frames on a socket, for clients and origins that tests play themselves.

A Frames is one end of a connection.  It does nothing by itself but keep the compression
state, answer SETTINGS and (unless told not to) give back windows: every rule of the
protocol can be broken with it.
"""
import collections
import threading

import hpack
from hyperframe import frame as hf

import wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM = 4, 5, 6, 7
CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = 8, 9, 10, 11

MAX_CONCURRENT, WINDOW, MAX_FRAME, MAX_LIST, CONNECT_PROTOCOL = 3, 4, 5, 6, 8


class Goaway(Exception):
    def __init__(self, frame):
        super().__init__(f"GOAWAY {frame.error_code} after {frame.last_stream_id}: {frame.additional_data!r}")
        self.error, self.last = frame.error_code, frame.last_stream_id


class Reset(Exception):
    def __init__(self, stream, error):
        super().__init__(f"stream {stream} was reset: {error}")
        self.stream, self.error = stream, error


class Message:
    """What came on one stream."""

    def __init__(self):
        self.interim, self.fields, self.trailers = [], None, None
        self.body, self.ended, self.error = b"", False, None

    def all(self, name):
        return [v for n, v in self.fields or [] if n == name]

    def get(self, name, default=None):
        found = self.all(name)
        assert len(found) <= 1, f"{name} comes {len(found)} times"
        return found[0] if found else default

    @property
    def status(self):
        return int(self.get(":status"))


class Frames:
    def __init__(self, peer, client=True, settings=None, windows=True, begin=PREFACE):
        self.peer, self.client, self.windows = peer, client, windows
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.streams = collections.defaultdict(Message)
        self.seen = []              # all frames, in the order they came
        self.settings = None        # the other side's first
        self.acked = 0
        self.next_id = 1
        self.lock = threading.Lock()
        if client:
            peer.send(begin)
        self.send(hf.SettingsFrame(0, settings=settings or {}))

    # ---- out

    def send(self, *frames):
        self.peer.send(b"".join(f.serialize() for f in frames))

    def raw(self, type_, flags, stream, payload=b"", length=None):
        n = len(payload) if length is None else length
        self.peer.send(n.to_bytes(3, "big") + bytes([type_, flags]) + stream.to_bytes(4, "big") + payload)

    def block(self, fields):
        return self.encoder.encode([(n, v) for n, v in fields], huffman=False)

    def headers(self, stream, fields, end=True, **kw):
        f = hf.HeadersFrame(stream, self.block(fields), **kw)
        f.flags.add("END_HEADERS")
        if end:
            f.flags.add("END_STREAM")
        self.send(f)

    def data(self, stream, body=b"", end=False):
        f = hf.DataFrame(stream, body)
        if end:
            f.flags.add("END_STREAM")
        self.send(f)

    def pieces(self, stream, body, end=False):
        """In frames as long as they may be."""
        last = max(0, len(body) - 1) // 16_384 * 16_384
        for at in range(0, last + 1, 16_384):
            self.data(stream, body[at:at + 16_384], end=end and at == last)

    def reset(self, stream, error=CANCEL):
        self.send(hf.RstStreamFrame(stream, error))

    def ping(self, payload=b"12345678"):
        self.send(hf.PingFrame(0, payload))

    def grow(self, stream, n):
        self.send(hf.WindowUpdateFrame(stream, n))

    def fresh(self):
        self.next_id += 2
        return self.next_id - 2

    # ---- in

    def frame(self):
        """The next frame, after its effect on this side."""
        head, length = hf.Frame.parse_frame_header(memoryview(self.peer.exactly(9)))
        head.parse_body(memoryview(self.peer.exactly(length)))
        self.seen.append(head)
        self.take(head)
        return head

    def take(self, f):
        m = self.streams[f.stream_id]
        if isinstance(f, hf.SettingsFrame):
            if "ACK" in f.flags:
                self.acked += 1
            else:
                self.settings = self.settings or dict(f.settings)
                self.encoder.header_table_size = f.settings.get(1, 4096)
                self.send(hf.SettingsFrame(0, flags=["ACK"]))
        elif isinstance(f, hf.HeadersFrame):
            self.take_block(m, f)
        elif isinstance(f, hf.DataFrame):
            m.body += f.data
            n = f.flow_controlled_length
            if self.windows and n > 0:
                self.send(hf.WindowUpdateFrame(0, n))
                if "END_STREAM" not in f.flags:
                    self.send(hf.WindowUpdateFrame(f.stream_id, n))
        elif isinstance(f, hf.PingFrame) and "ACK" not in f.flags:
            self.send(hf.PingFrame(0, f.opaque_data, flags=["ACK"]))
        elif isinstance(f, hf.RstStreamFrame):
            m.error = f.error_code
        if "END_STREAM" in f.flags:
            m.ended = True

    def take_block(self, m, f):
        data = f.data
        while "END_HEADERS" not in f.flags:
            more, length = hf.Frame.parse_frame_header(memoryview(self.peer.exactly(9)))
            more.parse_body(memoryview(self.peer.exactly(length)))
            assert isinstance(more, hf.ContinuationFrame)
            data += more.data
            if "END_HEADERS" in more.flags:
                break
        fields = [(str(n), str(v)) for n, v in self.decoder.decode(data)]
        first = dict(fields).get(":status", "")
        if first.startswith("1"):
            m.interim.append(fields)
        elif m.fields is None:
            m.fields = fields
        else:
            m.trailers = fields

    def until(self, what):
        """Reads frames until `what(frame)` is true; a GOAWAY with an error is raised."""
        while True:
            f = self.frame()
            if what(f):
                return f
            if isinstance(f, hf.GoAwayFrame) and f.error_code != NO_ERROR:
                raise Goaway(f)

    def answer(self, stream):
        """The whole message on a stream."""
        m = self.streams[stream]
        while not m.ended:
            if m.error is not None:
                raise Reset(stream, m.error)
            self.until(lambda f: f.stream_id == stream)
        return m

    def head(self, stream):
        m = self.streams[stream]
        while m.fields is None:
            if m.error is not None:
                raise Reset(stream, m.error)
            self.until(lambda f: f.stream_id == stream)
        return m

    def error_of(self, stream):
        """The code with which a stream is reset."""
        m = self.streams[stream]
        while m.error is None:
            self.until(lambda f: f.stream_id == stream)
        return m.error

    def goaway(self):
        """The GOAWAY that ends the connection, which is closed then."""
        f = self.until(lambda f: isinstance(f, hf.GoAwayFrame))
        try:
            while True:
                later = self.frame()
                if isinstance(later, hf.GoAwayFrame):
                    f = later
        except (wire.Closed, ConnectionError):
            return f

    def alive(self):
        """A PING comes back."""
        self.ping(b"areyouup")
        self.until(lambda f: isinstance(f, hf.PingFrame) and "ACK" in f.flags
                   and f.opaque_data == b"areyouup")
        return True

    # ---- whole messages

    def request(self, method="GET", path="/", *fields, body=None, trailers=None, authority="test.example"):
        """Sends one; returns its stream."""
        stream = self.fresh()
        head = [(":method", method), (":scheme", "http"), (":path", path), (":authority", authority)]
        self.headers(stream, head + list(fields), end=body is None and trailers is None)
        if body is not None:
            self.pieces(stream, body, end=trailers is None)
        if trailers is not None:
            self.headers(stream, trailers)
        return stream

    def ask(self, *args, **kw):
        return self.answer(self.request(*args, **kw))

    def get(self, path="/", *fields):
        return self.ask("GET", path, *fields)

    def close(self):
        self.peer.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def client(t, **kw):
    """A client of a running tidegate, its settings read."""
    c = Frames(t.client(), **kw)
    c.until(lambda f: isinstance(f, hf.SettingsFrame) and "ACK" in f.flags)
    return c


def serving(reply, settings=None):
    """`serve` of an Origin that speaks HTTP/2: reply(frames, stream, message) for each whole request."""
    def serve(peer, o):
        assert peer.exactly(len(PREFACE)) == PREFACE
        f = Frames(peer, client=False, settings=settings)
        with o.lock:
            o.frames = getattr(o, "frames", []) + [f]
        while True:
            stream = f.frame().stream_id
            m = f.streams[stream]
            if stream and m.ended and not getattr(m, "given", False):
                m.given = True
                reply(f, stream, m)
    return serve


def respond(f, stream, body=b"ok", *fields, status=200, trailers=None):
    """A whole answer that fits the windows."""
    f.headers(stream, [(":status", str(status)), *fields], end=not body and trailers is None)
    if body:
        f.pieces(stream, body, end=trailers is None)
    if trailers is not None:
        f.headers(stream, trailers)
