"""Pages of one's own in place of short texts, and before answers of the service."""
import json

import pytest

from harness import basic_config, check_config
from wire import answer, chunks, request, wait_for

SORRY, JSON, MISSING = b"<h1>sorry</h1>\n", b'{"error": "sorry"}\n', b"<h1>nothing here</h1>\n"


@pytest.fixture
def paged(tidegate, tmp_path):
    """paged(backends, errors, **basic_config): the pages' files are there"""
    for name, text in {"sorry.html": SORRY, "sorry.json": JSON, "missing.html": MISSING}.items():
        (tmp_path / name).write_bytes(text)

    def make(backends, errors, **top):
        return tidegate(backends, service={"errors": errors}, **top)
    return make


def dead(origin):
    o = origin()
    o.stop()
    return o


def pages(t):
    return t.metric("tidegate_service_error_pages_total")


def test_an_error_of_ours_has_a_page(paged, origin):
    t = paged([dead(origin)], [{"status": [502, 503], "file": "sorry.html"}])
    with t.client() as c:
        a = c.get("/")
        assert a.status == 502 and a.body == SORRY
        assert a.head.get("Content-Type") == "text/html; charset=utf-8"
        assert a.head.get("Content-Length") == str(len(SORRY)) and a.head.get("Cache-Control") == "no-store"
        a = c.ask("HEAD", "/")
        assert a.head.get("Content-Length") == str(len(SORRY)) and a.body == b""
        assert c.ask("POST", "/", body=b"x" * 100).body == SORRY
    assert pages(t) == 3


def test_other_statuses_keep_the_short_text(paged, origin):
    t = paged([dead(origin)], [{"status": "4xx", "file": "sorry.html"}])
    a = t.get()
    assert a.status == 502 and a.head.get("Content-Type") == "text/plain" and b"sorry" not in a.body


def test_retry_after_stays_with_the_page(paged):
    t = paged(["127.0.0.1:1"], [{"status": "5xx", "file": "sorry.html"}],
              ready=True)
    t.post("drain", service="app", backend="127.0.0.1:1", drain=True)
    a = wait_for(lambda: (a := t.get()).status == 503 and a)
    assert a.body == SORRY and int(a.head.get("Retry-After")) >= 1


def test_the_nearest_page_is_taken(tidegate, origin, tmp_path):
    for name in ("route", "service", "top"):
        (tmp_path / f"{name}.txt").write_text(name)
    cfg = basic_config([dead(origin).url], errors=[{"status": "4xx", "file": "top.txt"},
                                                   {"status": "5xx", "file": "top.txt"}])
    cfg["services"]["app"]["errors"] = {"status": 502, "file": "service.txt"}
    cfg["services"]["bare"] = {"pools": {"baseline": {"backends": [dead(origin).url]}}}
    cfg["routes"] = [{"path": "/a", "service": "app", "errors": {"status": "502", "file": "route.txt"}},
                     {"path": "/b", "service": "app", "errors": {"status": "404", "file": "route.txt"}},
                     {"path": "/c", "service": "bare"}]
    t = tidegate(config=cfg)
    got = {p: t.get(p).body for p in ("/a", "/b", "/c", "/nowhere")}
    assert got == {"/a": b"route", "/b": b"service", "/c": b"top", "/nowhere": b"top"}
    assert t.get("/nowhere").status == 404


@pytest.mark.parametrize("accept, want", [
    (None, SORRY), ("*/*", SORRY), ("application/json", JSON), ("text/html, application/json", SORRY),
    ("text/html;q=0.8, application/json", JSON), ("application/*, text/html;q=0.5", JSON), ("image/png", SORRY),
    ("text/html;q=0, */*", JSON),
])
def test_of_several_accept_chooses(paged, origin, accept, want):
    t = paged([dead(origin)], [{"status": 502, "file": "sorry.html"}, {"status": "5xx", "file": "sorry.json"}])
    a = t.get("/", *([f"Accept: {accept}"] if accept else []))
    assert a.body == want
    assert a.head.get("Content-Type").startswith("application/json" if want == JSON else "text/html")


def test_status_out_is_sent_and_counted(paged, origin):
    t = paged([dead(origin)], [{"status": 502, "file": "sorry.html", "status_out": 503}])
    a = t.get()
    assert a.status == 503 and a.head.first == "HTTP/1.1 503 Service Unavailable"
    wait_for(lambda: t.service()["responses"]["5xx"] == 1)


# ---- answers of the service

@pytest.mark.parametrize("framing", ["length", "chunked", "close", "none"])
def test_an_answer_of_the_service_is_replaced_and_its_connection_kept(paged, origin, framing):
    def serve(peer, o):
        while True:
            o.read(peer)
            fields = ["Content-Type: application/x-trace", 'ETag: "a"', "Set-Cookie: a=b", "Retry-After: 7",
                      "X-Powered-By: y"]
            if framing == "length":
                peer.send(answer(503, b"stack trace" * 3000, *fields))
            elif framing == "chunked":
                peer.send(answer(503, b"", *fields, "Transfer-Encoding: chunked", length=False),
                          chunks(b"stack", b"trace" * 2000))
            elif framing == "close":
                peer.send(answer(503, b"", *fields, length=False), b"stack trace")
                return
            else:
                peer.send(answer(503, b"", *fields))

    o = origin(serve)
    t = paged([o], [{"status": 503, "file": "sorry.html", "intercept": True}], workers=1)
    with t.client() as c:
        for _ in range(3):
            a = c.get("/")
            assert a.status == 503 and a.body == SORRY
            assert a.head.get("Content-Type") == "text/html; charset=utf-8" and a.head.all("ETag") == []
            assert a.head.get("Set-Cookie") == "a=b" and a.head.get("Retry-After") == "7"
            assert a.head.get("Content-Length") == str(len(SORRY))
    if framing != "close":
        assert len(o.peers) == 1
    assert pages(t) == 3 and t.service()["errors"]["reset"] == 0


def test_without_intercept_the_services_answer_is_its_own(paged, origin):
    t = paged([origin(reply=lambda head, body: answer(503, b"its own"))], [{"status": 503, "file": "sorry.html"}])
    assert t.get().body == b"its own"


def test_the_answer_to_head_and_a_good_one_are_left_alone(paged, origin):
    def reply(head, body):
        if head.method == "HEAD":
            return answer(404, b"", "Content-Length: 99", length=False)
        return answer(200, b"fine") if head.target == "/good" else answer(404, b"x" * 99)

    t = paged([origin(reply=reply)], [{"status": 404, "file": "missing.html", "intercept": True}])
    with t.client() as c:
        a = c.ask("HEAD", "/")
        assert a.status == 404 and a.head.get("Content-Length") == str(len(MISSING))
        assert c.get("/good").body == b"fine"
        assert c.get("/bad").body == MISSING


def test_an_answer_that_breaks_off_behind_a_page_harms_nobody(paged, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send(answer(500, b"", "Content-Length: 1000", length=False), b"part")
        peer.reset()

    t = paged([origin(serve)], [{"status": 500, "file": "sorry.html", "intercept": True}], workers=1)
    with t.client() as c:
        for _ in range(3):
            a = c.get("/")
            assert a.status == 500 and a.body == SORRY
        # while the client is still there; one before the head is tried again
        wait_for(lambda: t.service()["errors"]["reset"] >= 3)


def test_a_client_that_leaves_behind_a_page_harms_nobody(paged, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send(answer(500, b"", "Content-Length: 1000", length=False), b"part")
        peer.until(b"never")

    t = paged([origin(serve)], [{"status": 500, "file": "sorry.html", "intercept": True}], workers=1)
    with t.client() as c:
        assert c.get("/").body == SORRY
    wait_for(lambda: t.figures()["exchanges"] == 0)


def test_a_page_stands_before_a_compressor(paged, origin):
    t = paged([origin(reply=lambda head, body: answer(500, b"x" * 5000, "Content-Type: text/html"))],
              [{"status": 500, "file": "sorry.html", "intercept": True}])
    cfg = dict(t.cfg)
    cfg["services"]["app"]["compression"] = {"min_size": 1}
    t.write(cfg)
    assert t.post("reload").status == 200
    a = wait_for(lambda: (a := t.get("/", "Accept-Encoding: gzip")).status == 500 and a)
    assert a.body == SORRY and a.head.all("Content-Encoding") == []


# ---- files

def test_a_page_is_read_at_each_reload_and_a_missing_one_stops_it(paged, origin, tmp_path):
    t = paged([dead(origin)], [{"status": 502, "file": "sorry.html"}])
    (tmp_path / "sorry.html").write_bytes(b"new")
    assert t.get().body == SORRY
    assert t.post("reload").status == 200
    wait_for(lambda: t.get().body == b"new")
    (tmp_path / "sorry.html").unlink()
    a = t.post("reload")
    assert a.status == 409 and b"sorry.html" in a.body
    assert t.get().body == b"new"


def test_a_page_has_a_largest_size(tmp_path):
    (tmp_path / "big.html").write_bytes(b"x" * (64 * 1024 + 1))
    text = ("listeners: 127.0.0.1:8080\nservices: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
            "routes: { service: s }\nerrors: { status: 404, file: big.html }\n")
    rc, _, err = check_config(text, tmp_path)
    assert rc == 1 and err == "checked.yaml:4:30: file: big.html: has more than 65536 bytes\n"
    (tmp_path / "big.html").write_bytes(b"x" * (64 * 1024))
    assert check_config(text, tmp_path)[0] == 0


def test_a_large_page_reaches_a_slow_client(paged, origin, tmp_path):
    big = bytes(range(256)) * 256
    t = paged([dead(origin)], [{"status": 502, "file": "sorry.html"}])
    (tmp_path / "sorry.html").write_bytes(big)
    assert t.post("reload").status == 200
    wait_for(lambda: t.get().body == big)
    clients = [t.client() for _ in range(20)]
    for c in clients:
        c.send(request("GET", "/"), request("GET", "/"))
    t.post("reload")  # what is being sent belongs to a configuration that goes
    for c in clients:
        assert c.answer().body == big and c.answer().body == big
        c.close()
