"""Every combination of versions, client to proxy and proxy to backend: the same message arrives."""
import datetime
import email.utils

import pytest
from hyperframe import frame as hf

import h2wire
import pki
import wire

# With an s: over TLS, where ALPN decides.
VERSIONS = ["h1", "h2", "h1s", "h2s"]
LARGE = bytes(range(256)) * 4000  # 1 MB


class Seen:
    """A message as either version carries it."""

    def __init__(self, status=None, method=None, path=None, fields=(), body=b"", trailers=(), interim=()):
        self.status, self.method, self.path = status, method, path
        self.fields = [(n.lower(), v) for n, v in fields]
        self.body, self.trailers, self.interim = body, [(n.lower(), v) for n, v in trailers], list(interim)

    def get(self, name):
        found = [v for n, v in self.fields if n == name]
        assert len(found) <= 1
        return found[0] if found else None


def lines(fields):
    return "".join(f"{n}: {v}\r\n" for n, v in fields)


def read_trailers(text):
    return [tuple(l.split(": ", 1)) for l in text.decode().split("\r\n") if l]


def grown(f, stream):
    """By how much the other side has opened a window."""
    return sum(w.window_increment for w in f.seen
               if isinstance(w, hf.WindowUpdateFrame) and w.stream_id == stream)


# ---- clients

def connect(t, ca, version):
    if not version.endswith("s"):
        return t.client()
    alpn = {"h1s": ["http/1.1"], "h2s": ["h2", "http/1.1"]}[version]
    peer = pki.connect(t.address, pki.client_context(ca, alpn=alpn), "localhost")
    assert peer.sock.selected_alpn_protocol() == alpn[0]
    return peer


class H1Client:
    def __init__(self, peer):
        self.peer = peer

    def ask(self, method="GET", path="/", fields=(), body=None, length=True, trailers=()):
        head = f"{method} {path} HTTP/1.1\r\nHost: test.example\r\n{lines(fields)}"
        if body is None:
            self.peer.send(head + "\r\n")
        elif length and not trailers:
            self.peer.send(head + f"Content-Length: {len(body)}\r\n\r\n", body)
        else:
            self.peer.send(head + "Transfer-Encoding: chunked\r\n\r\n")
            for i in range(0, len(body), 10_000):
                piece = body[i:i + 10_000]
                self.peer.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.peer.send("0\r\n" + lines(trailers) + "\r\n")
        a = self.peer.answer(method)
        return Seen(a.status, fields=a.head.fields, body=a.body, trailers=read_trailers(a.trailers),
                    interim=[i.status for i in a.interim])

    def close(self):
        self.peer.close()


class H2Client:
    def __init__(self, peer):
        self.f = h2wire.Frames(peer, settings={h2wire.WINDOW: 1 << 20})
        self.f.grow(0, 1 << 20)
        self.sent = 0

    def ask(self, method="GET", path="/", fields=(), body=None, length=True, trailers=()):
        f = self.f
        stream = f.fresh()
        head = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "test.example"), *fields]
        if body is not None and length and not trailers:
            head.append(("content-length", str(len(body))))
        f.headers(stream, head, end=body is None)
        if body is not None:
            self.push(stream, body, end=not trailers)
            if trailers:
                f.headers(stream, trailers)
        m = f.answer(stream)
        return Seen(m.status, fields=m.fields, body=m.body, trailers=m.trailers or (),
                    interim=[int(dict(i)[":status"]) for i in m.interim])

    def push(self, stream, body, end):
        if not body:
            self.f.data(stream, b"", end=end)
        sent = 0
        while sent < len(body):
            n = min(16_384, len(body) - sent, 65_535 + grown(self.f, 0) - self.sent, 65_535 + grown(self.f, stream) - sent)
            if n == 0:
                self.f.frame()
                continue
            self.f.data(stream, body[sent:sent + n], end=end and sent + n == len(body))
            self.sent, sent = self.sent + n, sent + n

    def close(self):
        self.f.close()


# ---- backends

class Reply:
    def __init__(self, status=200, fields=(), body=b"", length=True, trailers=(), interim=(), link="</a>"):
        self.status, self.fields, self.body, self.length = status, fields, body, length
        self.trailers, self.interim, self.link = trailers, interim, link


def h1_backend(reply, seen):
    def serve(peer, o):
        while True:
            head = o.read_head(peer)
            if "chunked" in (head.get("Transfer-Encoding") or ""):
                body, trailers = peer.chunked()
            else:
                body, trailers = peer.body(head), b""
            s = Seen(None, head.method, head.target, head.fields, body, read_trailers(trailers))
            seen.append(s)
            r = reply(s)
            for status in r.interim:
                peer.send(f"HTTP/1.1 {status} X\r\nlink: {r.link}\r\n\r\n")
            first = f"HTTP/1.1 {r.status} X\r\n{lines(r.fields)}"
            if head.method == "HEAD" or r.status in (204, 304):
                peer.send(first + (f"Content-Length: {len(r.body)}\r\n" if r.status != 204 else "") + "\r\n")
            elif r.length and not r.trailers:
                peer.send(first + f"Content-Length: {len(r.body)}\r\n\r\n", r.body)
            else:
                peer.send(first + "Transfer-Encoding: chunked\r\n\r\n")
                for i in range(0, len(r.body), 10_000):
                    piece = r.body[i:i + 10_000]
                    peer.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                peer.send("0\r\n" + lines(r.trailers) + "\r\n")
    return serve


def h2_backend(reply, seen):
    def answer(f, stream, m):
        s = Seen(None, dict(m.fields)[":method"], dict(m.fields)[":path"],
                 [(n, v) for n, v in m.fields], m.body, m.trailers or ())
        seen.append(s)
        r = reply(s)
        for status in r.interim:
            f.headers(stream, [(":status", str(status)), ("link", r.link)], end=False)
        head = [(":status", str(r.status)), *r.fields]
        none = s.method == "HEAD" or r.status in (204, 304)
        if (r.length and not r.trailers and r.status != 204) or (s.method == "HEAD"):
            head.append(("content-length", str(len(r.body))))
        f.headers(stream, head, end=none or (not r.body and not r.trailers))
        if none:
            return
        push(f, stream, r)

    def push(f, stream, r):
        sent = 0
        while sent < len(r.body):
            n = min(16_384, len(r.body) - sent)
            if sent + n > min(65_536 + grown(f, stream), 65_535 + grown(f, 0)):
                f.frame()
                continue
            f.data(stream, r.body[sent:sent + n], end=sent + n == len(r.body) and not r.trailers)
            sent += n
        if r.trailers:
            f.headers(stream, r.trailers)

    return h2wire.serving(answer)


@pytest.fixture(params=[(d, u) for d in VERSIONS for u in VERSIONS], ids=lambda p: f"{p[0]}-{p[1]}")
def through(request, tidegate, origin, tmp_path):
    """through(reply) -> (client, messages the backend saw)"""
    down, up = request.param
    ca = pki.Authority(tmp_path)
    clients = []

    def make(reply):
        seen = []
        serve = (h1_backend if up.startswith("h1") else h2_backend)(reply, seen)
        pool, listener = {"protocol": up}, {}
        if up.endswith("s"):
            o = origin(ca.issue("localhost", "127.0.0.1"), serve, kind=pki.TlsOrigin,
                       alpn=["h2", "http/1.1"] if up == "h2s" else ["http/1.1"])
            pool = {"tls": {"ca": ca.file}}
        else:
            o = origin(serve)
        if down.endswith("s"):
            listener = {"tls": {"certificates": [ca.issue("localhost").entry]}}
        t = tidegate([o], service={"pools": {"baseline": pool}}, listener=listener)
        clients.append((H1Client if down.startswith("h1") else H2Client)(connect(t, ca, down)))
        clients[-1].t = t
        return clients[-1], seen

    yield make
    for c in clients:
        c.close()


def test_a_request_and_its_answer(through):
    c, seen = through(lambda s: Reply(200, [("x-b", "2")], b"hello"))
    for _ in range(3):
        a = c.ask("GET", "/p?q=1", [("x-a", "1")])
        assert (a.status, a.body, a.get("x-b"), a.get("content-length")) == (200, b"hello", "2", "5")
    s = seen[0]
    assert (s.method, s.path, s.get("x-a"), s.body) == ("GET", "/p?q=1", "1", b"")
    assert (s.get("host") or s.get(":authority")) == "test.example"


@pytest.mark.parametrize("through", [(d, u) for d in ("h1", "h1s") for u in VERSIONS], indirect=True)
def test_a_client_of_1_0_need_not_name_a_host(through):
    c, seen = through(lambda s: Reply(200, (), b"hello"))
    c.peer.send("GET / HTTP/1.0\r\n\r\n")
    assert c.peer.answer("GET").body == b"hello"
    assert (seen[0].get("host") or seen[0].get(":authority")).startswith("127.0.0.1:")


@pytest.mark.parametrize("through", [(d, u) for d in ("h1", "h1s") for u in VERSIONS], indirect=True)
def test_a_client_of_1_0_gets_no_informational_answer(through):
    c, _ = through(lambda s: Reply(200, (), b"hello", interim=[103, 103]))
    c.peer.send("GET / HTTP/1.0\r\nHost: test.example\r\n\r\n")
    a = c.peer.answer("GET")
    assert (a.status, a.interim, a.body) == (200, [], b"hello")


def test_a_target_goes_on_as_it_came(through):
    targets = ["//", "///a//b?c", "/a/./b/../c", "/a%2Fb", "/%2e/%61", "/a;b=c/..;/d", "/%c0%ae",
               "/a|b\\\"<>{}^`", "/?", "/a?b=%zz&c=//../"]
    c, seen = through(lambda s: Reply(200, (), b"ok"))
    assert [c.ask("GET", target).status for target in targets] == [200] * len(targets)
    assert [s.path for s in seen] == targets


def test_max_forwards_is_counted_down_and_ends_here(through):
    c, seen = through(lambda s: Reply(200, (), b"ok"))
    assert c.ask("OPTIONS", "/", [("max-forwards", "2")]).status == 200
    assert c.ask("OPTIONS", "/", [("max-forwards", "0")]).status == 204
    assert c.ask("TRACE", "/", [("max-forwards", "0")]).status == 405
    assert c.ask("GET", "/", [("max-forwards", "0")]).status == 200
    assert [(s.method, s.get("max-forwards")) for s in seen] == [("OPTIONS", "1"), ("GET", "0")]


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("size", [0, 1, 5000, len(LARGE)])
def test_bodies_both_ways(through, length, size):
    body = LARGE[:size]
    c, seen = through(lambda s: Reply(200, (), s.body, length=length))
    for _ in range(2):
        a = c.ask("POST", "/", (), body, length=length)
        assert (a.status, len(a.body)) == (200, size) and a.body == body
    assert all(s.body == body for s in seen)
    assert seen[0].get("content-length") == (str(size) if length else None)


def test_trailers_both_ways(through):
    c, seen = through(lambda s: Reply(200, [("trailer", "x-sum")], b"abc", trailers=[("x-sum", "7"), ("age", "1")]))
    c.ask("GET", "/")  # the connection to the backend is there now
    a = c.ask("POST", "/", [("te", "trailers"), ("connection", "TE")] if isinstance(c, H1Client) else [("te", "trailers")],
              b"xyz", trailers=[("x-end", "8"), ("age", "2")])
    assert a.body == b"abc" and a.trailers == [("x-sum", "7")]
    assert seen[1].trailers == [("x-end", "8")] and seen[1].get("te") == "trailers"


def test_informational_answers(through):
    c, _ = through(lambda s: Reply(200, (), b"ok", interim=[103, 103]))
    a = c.ask("GET", "/")
    assert (a.status, a.body, a.interim) == (200, b"ok", [103, 103])


def test_informational_answers_without_end_are_a_bad_gateway(through):
    """They are not held back by flow control, so together they have a limit."""
    link = "/" + 4000 * "a"
    c, _ = through(lambda s: Reply(200, (), b"ok", interim=int(s.path[1:]) * [103], link=link))
    few = c.ask("GET", "/10")
    assert (few.status, few.interim) == (200, 10 * [103])
    many = c.ask("GET", "/40")
    assert many.status == 502 and 10 < len(many.interim) < 20


def test_an_answer_without_a_date_gets_one(through):
    dated = "Sun, 06 Nov 1994 08:49:37 GMT"
    c, _ = through(lambda s: Reply(200, [("date", dated)] if s.path == "/dated" else (), b"ok"))
    assert c.ask("GET", "/dated").get("date") == dated
    now = email.utils.parsedate_to_datetime(c.ask("GET", "/").get("date"))
    assert abs((datetime.datetime.now(datetime.timezone.utc) - now).total_seconds()) < 3


@pytest.mark.parametrize("status", [204, 304, 404, 500])
def test_statuses(through, status):
    c, _ = through(lambda s: Reply(status, (), b"" if status in (204, 304) else b"text"))
    for _ in range(2):
        a = c.ask("GET", "/")
        assert (a.status, a.body) == (status, b"" if status in (204, 304) else b"text")


def test_head_has_the_length_and_no_body(through):
    c, _ = through(lambda s: Reply(200, (), b"0123456789"))
    for _ in range(3):
        a = c.ask("HEAD", "/")
        assert (a.status, a.body, a.get("content-length")) == (200, b"", "10")
    assert c.ask("GET", "/").body == b"0123456789"


def test_cookies_are_one_field(through):
    c, seen = through(lambda s: Reply(200, [("set-cookie", "x=1"), ("set-cookie", "y=2")], b"ok"))
    fields = [("cookie", "a=1; b=2")] if isinstance(c, H1Client) else [("cookie", "a=1"), ("cookie", "b=2")]
    a = c.ask("GET", "/", fields)
    assert seen[0].get("cookie") == "a=1; b=2"
    assert [v for n, v in a.fields if n == "set-cookie"] == ["x=1", "y=2"]


def test_many_in_turn_use_one_connection(through):
    c, seen = through(lambda s: Reply(200, (), s.path.encode()))
    for i in range(100):
        assert c.ask("GET", f"/{i}").body == f"/{i}".encode()
    assert c.t.figures()["upstream_opened"] <= 2
