"""Clients that others wrote, each as a process or a library of its own."""
import asyncio
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import threading

import httpx
import pytest
import websockets
from cryptography.hazmat.primitives import serialization

import pki
from harness import free_port
from wire import answer, chunks, wait_for

HERE = pathlib.Path(__file__).parent
BIG = bytes(range(256)) * 8000  # 2 MB
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

# How curl is told, the scheme, and what it says it spoke.
CURL = {"h1": (["--http1.1"], "http", b"1.1"), "h2c": (["--http2-prior-knowledge"], "http", b"2"),
        "h1s": (["--http1.1"], "https", b"1.1"), "h2s": (["--http2"], "https", b"2")}


@pytest.fixture
def front(tidegate, tmp_path):
    """front(backends) -> Tidegate with a plain and a TLS listener; `base` has the URLs of both"""
    def make(backends, **kwargs):
        ca = pki.Authority(tmp_path)
        pair = ca.issue("localhost", "127.0.0.1")
        binds = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        t = tidegate(backends, listeners=[{"bind": binds[0]},
                                          {"bind": binds[1], "tls": {"certificates": [pair.entry]}}], **kwargs)
        t.ca, t.pair = ca, pair
        t.base = {"http": f"http://{binds[0]}", "https": f"https://{binds[1]}"}
        return t
    return make


def echo(head, body):
    return answer(200, body or b"page " + head.target.encode())


def run(*command, say=b"", within_s=60, env=None):
    done = subprocess.run(list(map(str, command)), input=say, capture_output=True, timeout=within_s,
                          env=dict(os.environ, **(env or {})))
    assert done.returncode == 0, (command, done.returncode, done.stdout[-1000:], done.stderr[-2000:])
    return done.stdout


# ---- curl

def curl(t, how, *options, path="/", say=b""):
    """(output, version spoken)"""
    options_of, scheme, version = CURL[how]
    out = run("curl", "-sS", "--max-time", "50", "--cacert", t.ca.file, *options_of, "-w", "\n%{http_version}",
              *options, t.base[scheme] + path, say=say)
    body, spoken = out.rsplit(b"\n", 1)
    assert spoken == version
    return body


@pytest.mark.parametrize("how", CURL)
def test_curl_fetches_and_uploads(front, origin, how):
    t = front([origin(reply=lambda head, body: answer(200, body or BIG))])
    assert curl(t, how) == BIG
    assert curl(t, how, "--data-binary", "@-", "-H", "Expect:", say=BIG) == BIG
    assert curl(t, how, "-T", "-", "-H", "Expect:", say=BIG) == BIG  # of a length it does not know
    assert b"content-length: %d" % len(BIG) in curl(t, how, "-I").lower()


@pytest.mark.parametrize("how", CURL)
def test_curl_waits_for_leave_to_go_on_and_sees_hints_and_trailers(front, origin, how):
    def serve(peer, o):
        head = o.read_head(peer)
        assert head.get("expect") == "100-continue"
        peer.send("HTTP/1.1 100 Continue\r\n\r\n")
        body = peer.body(head)
        peer.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n",
                  chunks(body)[:-2], b"X-Sum: %d\r\n\r\n" % len(body))
        peer.is_closed()

    t = front([origin(serve)])
    got = curl(t, how, "-D", "-", "--data-binary", "@-", "-H", "Expect: 100-continue", "--expect100-timeout", "40",
               say=b"body").lower()
    assert b" 100" in got and b" 103" in got and b"link: </a.css>" in got
    assert b"x-sum: 4" in got and b"body" in got


@pytest.mark.parametrize("how", ["h1", "h1s", "h2s"])  # 7.88 fails at its second request over h2c, whoever serves
def test_curl_fetches_many_at_once(front, sample, how):
    options, scheme, version = CURL[how]
    t = front([sample(latency_ms=0, cpu_us=0)])
    out = run("curl", "-sS", "-Z", "--parallel-max", "50", "--max-time", "50", "--cacert", t.ca.file, *options,
              "-w", "%{stderr}%{http_code} %{http_version}\n", "-o", "/dev/null", t.base[scheme] + "/[1-200]")
    assert out == b""
    assert t.metric("tidegate_requests_total") == 200
    if version == b"2":
        assert t.metric("tidegate_h2_requests_total") == 200
        assert t.metric("tidegate_connections_total") == 1


# ---- nghttp2's own

@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nghttp_multiplexes(front, sample, scheme):
    t = front([sample(latency_ms=1)])
    out = run("nghttp", "-n", "-s", "-y", "-m", "200", t.base[scheme] + "/a").decode()
    assert len(re.findall(r"^ *\d+ .* 200 .* /a$", out, re.M)) == 200, out
    assert t.metric("tidegate_h2_requests_total") == 200 and t.metric("tidegate_connections_total") == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nghttp_uploads_with_trailers_and_small_windows(front, origin, tmp_path, scheme):
    seen = []

    def serve(peer, o):
        while True:
            o.read_head(peer)
            body, trailers = peer.chunked()
            seen.append(trailers)
            peer.send(answer(200, body))

    t = front([origin(serve)])
    (tmp_path / "body").write_bytes(BIG)
    out = run("nghttp", "-y", "--no-content-length", "-d", tmp_path / "body", "--trailer", "x-sum: 7", "-w", "12",
              "-W", "14", "-b", "200", t.base[scheme] + "/")
    assert out == BIG and seen == [b"x-sum: 7\r\n"]


@pytest.mark.parametrize("how", ["http", "https", "h1", "h1s"])
def test_h2load_loses_nothing(front, sample, how):
    t = front([sample(latency_ms=0, cpu_us=0)])
    base = t.base["https" if how.endswith("s") else "http"]
    out = run("h2load", *(["--h1"] if how.startswith("h1") else ["-m", "20"]), "-n", "2000", "-c", "10", "-t", "1",
              base + "/").decode()
    assert "2000 succeeded, 0 failed, 0 errored, 0 timeout" in out and "2000 2xx" in out, out
    assert t.metric("tidegate_requests_total") == 2000
    assert t.metric("tidegate_h2_requests_total") == (0 if how.startswith("h1") else 2000)


# ---- Python

@pytest.mark.parametrize("scheme, http2", [("http", False), ("http", True), ("https", False), ("https", True)])
def test_httpx_asks_a_hundred_times_at_once(front, origin, scheme, http2):
    t = front([origin(reply=echo)])

    async def all_of_them():
        async with httpx.AsyncClient(http1=not http2, http2=http2, verify=t.ca.file, timeout=50,
                                     trust_env=False) as client:
            return await asyncio.gather(*[
                client.post(f"{t.base[scheme]}/{i}", content=b"%d" % i * 3000) if i % 2 else
                client.get(f"{t.base[scheme]}/{i}") for i in range(100)])

    for i, got in enumerate(asyncio.run(all_of_them())):
        assert got.status_code == 200 and got.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
        assert got.content == (b"%d" % i * 3000 if i % 2 else b"page /%d" % i)


class WebSocketEcho:
    """A server of messages as they came, in a loop and a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.heads = []
        self.server = self.call(self.begin())
        self.url = "127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    async def begin(self):
        return await websockets.serve(self.serve, "127.0.0.1", 0, max_size=1 << 24)

    async def serve(self, ws):
        self.heads.append(ws.request_headers)
        async for message in ws:
            await ws.send(message)

    async def end(self):
        self.server.close()
        await self.server.wait_closed()

    def stop(self):
        self.call(self.end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)


@pytest.fixture
def ws_echo():
    server = WebSocketEcho()
    yield server
    server.stop()


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_websockets_echo(front, ws_echo, scheme):
    """Texts, fragments, a large message, compressed and not, a ping, and the code of the end."""
    t = front([ws_echo.url])
    tls = pki.client_context(t.ca) if scheme == "wss" else None

    async def talk(compression):
        url = t.base["https" if tls else "http"].replace("http", "ws", 1) + "/chat"
        async with websockets.connect(url, ssl=tls, compression=compression, max_size=1 << 24) as ws:
            for message in ("hello", "", "ü" * 1000, b"\0\1\2", BIG, os.urandom(70_000)):
                await ws.send(message)
                assert await ws.recv() == message
            await ws.send(iter(["in ", "three ", "pieces"]))
            assert await ws.recv() == "in three pieces"
            await asyncio.wait_for(await ws.ping(b"alive"), 20)
            await ws.close(4002, "enough")
            assert (ws.close_code, ws.close_reason) == (4002, "enough")

    for compression in ("deflate", None):
        asyncio.run(asyncio.wait_for(talk(compression), 50))
    wait_for(lambda: t.figures()["exchanges"] == 0)


def test_many_websockets_at_once(front, ws_echo):
    t = front([ws_echo.url])
    tls = pki.client_context(t.ca)

    async def one(i):
        url = t.base["https" if i % 2 else "http"].replace("http", "ws", 1)
        async with websockets.connect(url, ssl=tls if i % 2 else None) as ws:
            for n in range(20):
                await ws.send(f"{i} {n}")
                assert await ws.recv() == f"{i} {n}"

    async def all_of_them():
        await asyncio.gather(*[one(i) for i in range(50)])

    asyncio.run(asyncio.wait_for(all_of_them(), 50))
    wait_for(lambda: t.figures()["exchanges"] == 0)


# ---- Node

NODE_ENV = {"NODE_PATH": "/usr/share/nodejs"}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_node_has_200_streams_with_bodies_both_ways(front, origin, scheme):
    def serve(peer, o):
        while True:
            o.read_head(peer)
            body, trailers = peer.chunked()
            peer.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunks(body)[:-2], trailers, b"\r\n")

    t = front([origin(serve)])
    got = json.loads(run("node", HERE / "node_client.js", t.base[scheme], t.ca.file, 200))
    assert got == {"right": 200, "wrong": [], "trailers": 200, "early": 200}
    assert t.metric("tidegate_h2_requests_total") == 200 and t.metric("tidegate_connections_total") == 1


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_node_speaks_websocket(front, ws_echo, scheme):
    t = front([ws_echo.url])
    url = t.base["https" if scheme == "wss" else "http"].replace("http", "ws", 1)
    assert run("node", HERE / "node_websocket.js", url, t.ca.file, env=NODE_ENV) == b"done\n"


# ---- Chromium

PAGE = """<!doctype html><title>page</title>
<script>
addEventListener('load', () => {
  const ws = new WebSocket(`wss://${location.host}/chat`);
  const timings = performance.getEntriesByType('resource');
  const protocols = {};
  for (const t of timings) protocols[t.nextHopProtocol] = (protocols[t.nextHopProtocol] || 0) + 1;
  const tell = (said) => fetch('/result', {method: 'POST', body: JSON.stringify(
    {loads: timings.length, protocols, said, scripts: window.ran, wide: getComputedStyle(document.body).width})});
  ws.onopen = () => ws.send('hello');
  ws.onmessage = (m) => tell(m.data);
  ws.onerror = () => tell('an error');
});
</script>
""" + "".join(f"<link rel=stylesheet href=/{i}.css>\n" for i in range(30)) + "<body>\n" + \
    "".join(f"<script src=/{i}.js></script>\n" for i in range(30)) + \
    "".join(f"<img src=/{i}.gif>\n" for i in range(40))


class Site:
    """What the page is made of, and what it tells."""

    def __init__(self):
        self.result = None

    def reply(self, head, body):
        kind = head.target.rsplit(".", 1)[-1]
        if head.target == "/result":
            self.result = json.loads(body)
            return answer(204)
        kinds = {"css": ("text/css", b"body { width: 123px }"), "gif": ("image/gif", GIF),
                 "js": ("text/javascript", b"window.ran = (window.ran || 0) + 1;")}
        mime, text = kinds.get(kind, ("text/html", PAGE.encode()))
        return answer(200, text, f"Content-Type: {mime}", "Cache-Control: no-store")


def spki(pair):
    public = pair.key.public_key().public_bytes(serialization.Encoding.DER,
                                                serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


@contextlib.contextmanager
def chromium(folder, url, *options):
    """Ends with everything it started; it talks to nobody but this machine."""
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
               "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
               f"--user-data-dir={folder}", "--remote-debugging-port=0", *options, url]
    with open(folder.with_suffix(".log"), "wb") as log:
        browser = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        yield browser
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait(20)


def test_chromium_loads_a_page_of_a_hundred_parts_over_one_connection(front, origin, ws_echo, tmp_path):
    """Its WebSocket is a stream of that connection, too."""
    site = Site()
    t = front([origin(reply=site.reply)],
              services={"chat": {"pools": {"baseline": {"backends": [ws_echo.url]}}}},
              routes=[{"path": "/chat", "service": "chat"}, {"path": "/", "service": "app"}])
    with chromium(tmp_path / "profile", t.base["https"] + "/", f"--ignore-certificate-errors-spki-list={spki(t.pair)}"):
        wait_for(lambda: site.result, within_s=60)
        open_now = t.metric("tidegate_h2_connections")
    assert site.result == {"loads": 100, "protocols": {"h2": 100}, "said": "hello", "scripts": 30, "wide": "123px"}
    assert open_now == 1  # how many it opens ahead, and drops, is its own affair
    assert t.metric("tidegate_h2_requests_total") >= 103
    assert ws_echo.heads[0]["via"].startswith("2 ")
