"""Logs beside the peers' own: the same clients and the same origin before both.

What has to differ (ports, times, sizes of heads) is masked; a server is an address here and
a name there.  Where tidegate answers otherwise the case says so, and docs/logging.md too.
"""
import re
import shutil
import socket
import subprocess
import time

import pytest

from harness import free_port
from wire import Closed, answer, chunks, connect, wait_for

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")

TIMEOUTS = {"client": 3000, "server": 3000, "connect": 3000, "http-request": 3000, "queue": 3000}

LINE = re.compile(
    r"(?P<client>[\w.]+:\d+) \[(?P<time>[^]]+)\] (?P<front>\S+) (?P<back>[^/ ]+)/(?P<server>\S+) "
    r"(?P<TR>-?\d+)/(?P<Tw>-?\d+)/(?P<Tc>-?\d+)/(?P<Tr>-?\d+)/(?P<Ta>\d+) (?P<status>-?\d+) (?P<bytes>\d+) "
    r"(?P<cookies>- -) (?P<state>\S{4}) (?P<ac>\d+)/(?P<fc>\d+)/(?P<bc>\d+)/(?P<sc>\d+)/(?P<rc>\+?\d+) "
    r"(?P<sq>\d+)/(?P<bq>\d+)(?P<headers>( \{[^}]*\}){0,2}) \"(?P<request>.*)\"")


def facts(line):
    """What both must say alike."""
    m = LINE.fullmatch(line)
    assert m, line
    out = {k: m[k] for k in ("back", "status", "state", "rc", "sq", "bq", "headers", "request")}
    out["server"] = m["server"] if m["server"] == "<NOSRV>" else "a server"
    out["waits"] = {t: m[t] if m[t] == "-1" else "some" for t in ("TR", "Tw", "Tc", "Tr", "Ta")}
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3}", m["time"]), line
    return out


class Haproxy:
    def __init__(self, folder, backends, timeouts, front=(), back=(), server=""):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = self.listening.getsockname()
        fd = self.listening.fileno()
        times = [f" timeout {k} {v}ms" for k, v in timeouts.items()]
        servers = [f" server s{i} {b} {server}" for i, b in enumerate(backends)]
        file = folder / "haproxy.cfg"
        file.write_text("\n".join(
            ["global", " log stdout format raw local0", " maxconn 100",
             "defaults", " mode http", " log global", " option httplog", " retries 0", *times,
             "frontend fe", f" bind fd@{fd}", " default_backend app", *front,
             "backend app", *back, *servers, ""]))
        self.out = folder / "haproxy.log"
        self.process = subprocess.Popen(["haproxy", "-db", "-f", file], stdout=open(self.out, "wb"),
                                        stderr=subprocess.DEVNULL, pass_fds=(fd,))

    def client(self):
        return connect(self.address)

    def lines(self, n):
        def there():
            found = [l for l in self.out.read_text().splitlines() if LINE.fullmatch(l)]
            return found if len(found) >= n else None
        return wait_for(there)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.listening.close()


@pytest.fixture
def both(tmp_path, tidegate):
    """both(play, origins, ...) -> (tidegate's lines, HAProxy's lines) of the same play."""
    started = []
    if shutil.which("haproxy") is None:
        pytest.skip("needs haproxy")

    def run(play, backends, lines=1, timeouts=None, service=None, listener=None, log=None, **haproxy):
        t = TIMEOUTS | (timeouts or {})
        peer = Haproxy(tmp_path, backends, t, **haproxy)
        started.append(peer)
        ours = tidegate(
            backends, workers=1,
            listener={"name": "fe", "timeouts": {"head": f"{t['http-request']}ms", "idle": f"{t['http-request']}ms",
                                                 "body": f"{t['client']}ms", "write": f"{t['client']}ms"},
                      **(listener or {})},
            service={"retries": {"attempts": 0}, "queue": {"timeout": f"{t['queue']}ms"},
                     "timeouts": {"connect": f"{t['connect']}ms", "response": f"{t['server']}ms"},
                     **(service or {})},
            access_log={"path": "http.log", "format": "httplog", "flush": "0s", **(log or {})})
        file = tmp_path / "http.log"
        for side in (ours, peer):
            play(side)
        wait_for(lambda: file.read_text().count("\n") >= lines)
        return [facts(l) for l in file.read_text().splitlines()], [facts(l) for l in peer.lines(lines)]

    yield run
    for p in started:
        p.stop()


def test_answers_in_order(both, origin):
    def play(side):
        with side.client() as c:
            c.get("/a?x=1")
            c.ask("POST", "/p", body=b"hello")
            c.ask("HEAD", "/h")
            c.ask("BREW", "/odd")
        with side.client() as c:
            c.send("GET /ten HTTP/1.0\r\n\r\n")
            c.answer()
        with side.client() as c:
            c.send("GET http://h.ost/abs?q HTTP/1.1\r\nHost: h.ost\r\n\r\n")
            c.answer()

    ours, peers = both(play, [origin().url], lines=6)
    assert ours == peers
    assert {f["state"] for f in ours} == {"----"}


def test_all_kinds_of_framing(both, origin):
    def serve(peer, o):
        head, _ = o.read(peer)
        if head.target == "/chunked":
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(b"abc", b"defg"))
        elif head.target == "/continue":
            peer.send("HTTP/1.1 100 Continue\r\n\r\n", answer())
        elif head.target == "/empty":
            peer.send("HTTP/1.1 204 No Content\r\n\r\n")
        else:
            peer.send("HTTP/1.1 200 OK\r\n\r\nuntil the end")
    def play(side):
        for target in ("/chunked", "/continue", "/empty", "/close"):
            with side.client() as c:
                c.get(target)

    ours, peers = both(play, [origin(serve).url], lines=4)
    assert ours == peers


def test_a_tunnel(both, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        peer.send(peer.exactly(5))
        peer.until_close()
    def play(side):
        with side.client() as c:
            c.send("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            c.head()
            c.send("hello")
            c.exactly(5)

    ours, peers = both(play, [origin(serve).url])
    assert ours == peers and ours[0]["status"] == "101"


def test_escaping(both, origin):
    def play(side):
        with side.client() as c:
            c.get("/q\"u'o\\t<e>{|}~^`")

    ours, peers = both(play, [origin().url], front=[" option accept-invalid-http-request"])
    assert ours == peers
    assert ours[0]["request"] == "GET /q#22u'o\\t<e>{|}~^` HTTP/1.1"


def test_fields_in_braces(both, origin):
    def play(side):
        with side.client() as c:
            c.get("/", "User-Agent: a b|c{d}\"#e\\", "X-Long: " + "x" * 30)
            c.get("/")

    ours, peers = both(
        play, [origin(reply=lambda h, b: answer(200, b"ok", "Server: me")).url], lines=2,
        front=[" capture request header User-Agent len 200", " capture request header X-None len 200",
               " capture response header Server len 200"],
        log={"request_headers": ["User-Agent", "X-None"], "response_headers": "Server"})
    assert ours == peers
    assert ours[0]["headers"] == " {a b#7Cc#7Bd#7D#22#23e\\|} {me}"


# ---- the backend's faults

def asks(target="/"):
    def play(side):
        with side.client() as c:
            try:
                c.get(target)
            except Closed:
                pass
    return play


def test_a_backend_that_refuses(both):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{s.getsockname()[1]}"
        ours, peers = both(asks(), [nobody])
    assert (ours[0].pop("status"), peers[0].pop("status")) == ("502", "503")
    assert ours == peers and ours[0]["state"] == "SC--" and ours[0]["waits"]["Tc"] == "-1"


def test_a_backend_that_cannot_be_reached_in_time(both):
    with socket.socket() as full:  # its queue is full: the kernel answers no further SYN
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(full.getsockname())
        ours, peers = both(asks(), [f"127.0.0.1:{full.getsockname()[1]}"], timeouts={"connect": 300})
        for s in waiting:
            s.close()
    assert (ours[0].pop("status"), peers[0].pop("status")) == ("504", "503")
    assert ours == peers and ours[0]["state"] == "sC--"


def test_a_backend_that_closes_instead_of_answering(both, origin):
    ours, peers = both(asks(), [origin(serve=lambda p, o: o.read(p)).url])
    assert ours == peers and ours[0]["state"] == "SH--" and ours[0]["waits"]["Tr"] == "-1"


def test_a_backend_that_does_not_answer(both, origin):
    ours, peers = both(asks(), [origin(serve=lambda p, o: p.until_close()).url], timeouts={"server": 300})
    assert ours == peers and ours[0]["state"] == "sH--"


def test_a_backend_that_talks_nonsense(both, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("garbage\r\n\r\n")
        peer.until_close()
    ours, peers = both(asks(), [origin(serve).url])
    assert ours == peers and ours[0]["state"] == "PH--"


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_backend_that_breaks_off(both, origin, end):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        time.sleep(0.1)  # the head is with the client before the end comes
        getattr(peer, end)()
    ours, peers = both(asks(), [origin(serve).url])
    assert ours == peers and ours[0]["state"] == "SD--"


def test_a_backend_that_stops_in_the_middle(both, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        peer.until_close()
    ours, peers = both(asks(), [origin(serve).url], timeouts={"server": 300})
    assert ours == peers and ours[0]["state"] == "sD--"


def test_an_answer_whose_framing_breaks_late(both, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        time.sleep(0.1)
        peer.send("zz\r\n")
        peer.until_close()
    ours, peers = both(asks(), [origin(serve).url])
    # as HAProxy's manual has it; 2.6 itself takes it for the server's abort
    assert (ours[0].pop("state"), peers[0].pop("state")) == ("PD--", "SD--")
    assert ours == peers


def test_no_backend_is_up(both):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{s.getsockname()[1]}"

        def play(side):
            def refused():
                with side.client() as c:
                    return c.get("/").status == 503
            wait_for(refused)

        ours, peers = both(play, [nobody], server="check inter 50ms fall 1",
                           service={"health": {"path": "/h", "interval": "100ms", "timeout": "100ms", "fall": 1}})
    assert ours[-1] == peers[-1]
    assert ours[-1]["state"] == "SC--" and ours[-1]["server"] == "<NOSRV>" and ours[-1]["waits"]["Tw"] == "-1"


# ---- the client's faults

def test_a_head_that_cannot_be_read(both, origin):
    def play(side):
        for raw in (b"garbage\r\n\r\n", b"GET /a b HTTP/1.1\r\n\r\n", b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"):
            with side.client() as c:
                c.send(raw)
                c.until_close()

    ours, peers = both(play, [origin().url], lines=4)
    assert ours == peers
    assert {(f["state"], f["request"], f["back"]) for f in ours} == {("PR--", "<BADREQ>", "fe")}


def test_a_head_that_is_not_finished(both, origin):
    def play(side):
        with side.client() as c:
            c.send("GET /part HTTP/1.1\r\nHos")
            time.sleep(0.05)
        with side.client() as c:
            c.send("GET /part HTTP/1.1\r\nHos")
            c.until_close()

    ours, peers = both(play, [origin().url], lines=2, timeouts={"http-request": 300})
    assert ours == peers
    assert [(f["status"], f["state"]) for f in ours] == [("400", "CR--"), ("408", "cR--")]


def test_connections_without_a_byte(both, origin):
    def play(side):
        with side.client():
            time.sleep(0.05)
        with side.client() as c:
            c.until_close()
        with side.client() as c:  # an idle one is none of them
            c.get("/once")
            time.sleep(0.5)

    ours, peers = both(play, [origin().url], lines=3, log={"empty_connections": True},
                       timeouts={"http-request": 300, "http-keep-alive": 200})
    assert ours == peers
    assert [(f["status"], f["state"]) for f in ours] == [("400", "CR--"), ("408", "cR--"), ("200", "----")]


def test_connections_without_a_byte_are_left_out_as_with_dontlognull(both, origin):
    def play(side):
        with side.client():
            time.sleep(0.05)
        with side.client() as c:
            c.get("/after")

    ours, peers = both(play, [origin().url], front=[" option dontlognull"])
    assert ours == peers and len(ours) == 1


def test_a_client_that_leaves_its_body_unfinished(both, origin):
    def play(side):
        with side.client() as c:
            c.send("POST /gone HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            time.sleep(0.1)

    def serve(peer, o):
        o.read_head(peer)
        peer.until_close()

    ours, peers = both(play, [origin(serve).url], service={"buffers": {"request": 0}})
    # now and then HAProxy sees its own end of the server's connection first
    assert ours[0].pop("state") == "CD--" and peers[0].pop("state") in ("CD--", "CL--")
    assert ours == peers and ours[0]["status"] == "-1"


def test_a_body_whose_framing_breaks(both, origin):
    def play(side):
        with side.client() as c:
            c.send("POST /late HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            time.sleep(0.1)
            c.send("zz\r\n")
            c.until_close()

    def serve(peer, o):
        o.read_head(peer)
        peer.until_close()

    ours, peers = both(play, [origin(serve).url])
    assert ours == peers and ours[0]["state"] == "PH--" and ours[0]["status"] == "400"


def endless(peer, o):
    o.read(peer)
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    while True:
        peer.send(b"x" * 100_000)


def test_a_client_that_resets_in_the_answer(both, origin):
    def play(side):
        c = side.client()
        c.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        c.fill()
        c.reset()

    ours, peers = both(play, [origin(endless).url])
    assert ours == peers and ours[0]["state"] == "CD--"


def test_a_client_that_takes_nothing(both, origin):
    def play(side):
        with side.client() as c:
            c.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
            c.fill()
            time.sleep(1)

    ours, peers = both(play, [origin(endless).url], timeouts={"client": 300})
    assert ours == peers and ours[0]["state"] == "cD--"


def test_a_client_that_closes_its_side_is_served_where_that_is_wished(both, origin):
    def play(side):
        with side.client() as c:
            c.send("GET /leave HTTP/1.1\r\nHost: x\r\n\r\n")
            c.half_close()
            c.until_close()

    def serve(peer, o):
        o.read(peer)
        time.sleep(0.2)
        peer.send(answer())

    ours, peers = both(play, [origin(serve).url], listener={"half_close": "serve"})
    assert ours == peers and ours[0]["state"] == "----"


# ---- the queue

def slow(peer, o):
    while True:
        o.read(peer)
        time.sleep(0.4)
        peer.send(answer())


ONE = {"pools": {"baseline": {"max_requests": 1}}}


def two(side):
    with side.client() as first, side.client() as second:
        first.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.1)
        second.send("GET /second HTTP/1.1\r\nHost: x\r\n\r\n")
        first.answer()
        second.answer()


def test_a_request_that_waited(both, origin):
    url = origin(slow).url
    ours, peers = both(two, [url], lines=2, server="maxconn 1",
                       service={"pools": {"baseline": {"backends": [url], "max_requests": 1}}})
    assert ours == peers
    assert [f["bq"] for f in ours] == ["0", "1"]


def test_a_request_that_waited_in_vain(both, origin):
    url = origin(slow).url
    ours, peers = both(two, [url], lines=2, server="maxconn 1", timeouts={"queue": 200},
                       service={"pools": {"baseline": {"backends": [url], "max_requests": 1}}})
    key = lambda f: f["request"]
    assert sorted(ours, key=key) == sorted(peers, key=key)
    failed = next(f for f in ours if f["status"] == "503")
    assert failed["state"] == "sQ--" and failed["server"] == "<NOSRV>" and failed["bq"] == "1"


# ---- our own answers

def test_what_a_rule_refuses(both, origin):
    def play(side):
        with side.client() as c:
            c.ask("TRACE", "/denied")

    ours, peers = both(play, [origin().url], front=[" http-request deny deny_status 405 if { method TRACE }"])
    assert (ours[0].pop("status"), peers[0].pop("status")) == ("405", "405")
    assert ours == peers and ours[0]["state"] == "PR--" and ours[0]["back"] == "fe"


# ---- nginx

NGINX = """
daemon off; master_process off; pid {d}/nginx.pid; error_log {d}/nginx.err;
events {{}}
http {{
  access_log {d}/nginx.log combined;
  client_body_temp_path {d}/b; proxy_temp_path {d}/p; fastcgi_temp_path {d}/f; uwsgi_temp_path {d}/u;
  scgi_temp_path {d}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_http_version 1.1; proxy_pass http://{origin}; }} }}
}}
"""


@needs_nginx
def test_combined_is_nginxs(tidegate, origin, tmp_path):
    def reply(head, body):
        if head.target == "/chunked":
            return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(b"abcdefg")  # one: it joins them
        body = b"" if head.method == "HEAD" else b"x" * 1000
        return answer(404 if head.target == "/none" else 200, body)

    def play(one):
        with one() as c:
            c.get("/a?b=c", "User-Agent: a\"b\\c\xe4d", "Referer: http://r/")
            c.get("/chunked")
            c.get("/none", "Authorization: Basic YWxpY2U6c2VjcmV0")
            c.ask("HEAD", "/h", "Authorization: Basic nonsense")
            c.ask("POST", "/p", "User-Agent: x", body=b"hello")
        for raw in ("GET http://h.ost/abs?q HTTP/1.1\r\nHost: h.ost\r\nConnection: close\r\n\r\n",
                    "GET /ten HTTP/1.0\r\n\r\n"):
            with one() as c:
                c.send(raw)
                c.until_close()
        with one() as c:
            c.send("GET /part HTTP/1.1\r\nHos")
            time.sleep(0.05)

    def lines(file):
        wait_for(lambda: file.exists() and file.read_text().count("\n") == 8)
        return [re.sub(r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]", "[time]", line)
                for line in file.read_text().splitlines()]

    o = origin(reply=reply)
    t = tidegate([o], workers=1, access_log={"path": "access.log", "flush": "0s"})
    port = free_port()
    (tmp_path / "nginx.conf").write_text(NGINX.format(d=tmp_path, port=port, origin=o.url))
    p = subprocess.Popen(["nginx", "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        def up():
            try:
                connect(("127.0.0.1", port)).close()
                return True
            except ConnectionError:
                return False
        wait_for(up)
        play(lambda: connect(("127.0.0.1", port)))
        play(t.client)
        ours, peers = lines(tmp_path / "access.log"), lines(tmp_path / "nginx.log")
    finally:
        p.terminate()
        p.wait(10)
    assert ours == peers
