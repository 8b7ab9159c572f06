"""Access logs: who has a line, where, and what is in it."""
import copy
import json
import re
import signal
import socket
import threading
import time

import pytest

from access import lines_of, log, objects, read
from harness import check_config, free_port
from wire import answer, connect, request, wait_for


# ---- formats

def test_without_a_word_about_it_nothing_is_written(tidegate, origin, tmp_path):
    t = tidegate([origin()])
    t.get()
    assert not list(tmp_path.glob("*.log"))
    assert not any(name.startswith("tidegate_access_log_lines") for name, _ in t.metrics())


def test_combined_is_the_default_and_nginxs(tidegate, origin, tmp_path):
    t = tidegate([origin(reply=lambda h, b: answer(200, b"x" * 1000))], access_log=log())
    t.get("/a?b=c", "Referer: http://r/", "User-Agent: a\"b\\c", "Authorization: Basic YWxpY2U6c2VjcmV0")
    [line] = read(tmp_path / "access.log")
    assert re.fullmatch(r'127\.0\.0\.1 - alice \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
                        r'"GET /a\?b=c HTTP/1\.1" 200 1000 "http://r/" "a\\x22b\\x5Cc"', line), line


def test_a_plain_path_is_a_log(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log="plain.log")
    t.get("/once")
    assert "/once" in read(tmp_path / "plain.log")[0]


def test_json_says_all_that_is_known(tidegate, origin, tmp_path):
    o = origin()
    t = tidegate([o], access_log=log(format="json"), listener={"name": "front"})
    with t.client() as c:
        c.ask("POST", "/a/b?x=1", "User-Agent: me", "Referer: http://r/",
              "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", body=b"hello")
        port = c.sock.getsockname()[1]
    [got] = objects(tmp_path / "access.log")
    times = {k: got.pop(k) for k in list(got) if k.endswith("_ms")}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", got.pop("time"))
    assert re.fullmatch(r"[0-9a-f]{16}", got.pop("user"))
    assert got.pop("request_id") == o.heads[0].get("X-Request-Id")
    assert got.pop("bytes_sent") > 2
    assert got == {
        "client": "127.0.0.1", "client_port": port, "listener": "front", "method": "POST", "host": "test.example",
        "path": "/a/b", "query": "x=1", "protocol": "HTTP/1.1", "status": 200, "bytes_in": 5, "bytes_out": 2,
        "service": "app", "tier": "baseline", "backend": o.url, "backend_protocol": "HTTP/1.1", "attempts": 1,
        "ending": "complete", "state": "----", "fault": None, "tls_version": None, "tls_cipher": None, "tls_name": None,
        "tls_subject": None, "request": None, "trace_id": "0af7651916cd43dd8448eb211c80319c", "user_agent": "me",
        "referer": "http://r/"}
    assert 0 <= times["connect_ms"] <= times["first_byte_ms"] <= times["total_ms"] < 5000
    assert times["head_ms"] == times["queue_ms"] == times["hold_ms"] == 0


def test_the_user_is_the_profiles_key_and_never_the_name(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=log(format="json"),
                 profiler={"identity": ["header:x-user", "address"]})
    t.get("/", "X-User: alice@example.org")
    text = read(tmp_path / "access.log")[0]
    assert "alice" not in text
    user = json.loads(text)["user"]
    wait_for(lambda: any(u["user"] == user for u in t.api("users")["users"]))


def test_who_wishes_no_profile_has_no_key(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=log(format="json"))
    t.get("/", "Sec-GPC: 1")
    assert objects(tmp_path / "access.log")[0]["user"] is None


def test_a_template_says_what_it_is_told_to(tidegate, origin, tmp_path):
    o = origin(reply=lambda h, b: answer(200, b"ok", "X-Cache: HIT"))
    t = tidegate([o], access_log=log(
        format="{method} {path} {status} {service}/{tier} {request_header:X-Tenant} {response_header:x-cache} {ending}"))
    t.get("/p?q", "X-Tenant: blue\x41")
    assert read(tmp_path / "access.log") == ["GET /p 200 app/baseline blueA HIT complete"]


def test_several_logs_in_several_formats(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=[log("a.log"), log("b.log", format="common"), log("c.log", format="{target}")])
    for i in range(5):
        t.get(f"/{i}")
    for name in ("a.log", "b.log", "c.log"):
        assert len(read(tmp_path / name, 5)) == 5
    assert sorted(lines_of(tmp_path / "c.log")) == [f"/{i}" for i in range(5)]


def test_two_logs_may_share_a_file(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=[log(format="{method} a"), log(format="{method} b")])
    t.get()
    assert sorted(read(tmp_path / "access.log", 2)) == ["GET a", "GET b"]
    assert t.metric("tidegate_access_log_lines_total", log="access.log") == 2


# ---- whose

def test_a_service_goes_before_its_listener_and_that_before_the_top(tidegate, origin, tmp_path):
    o = origin()
    pool = {"pools": {"baseline": {"backends": [o.url]}}}
    second = f"127.0.0.1:{free_port()}"
    t = tidegate([o], access_log=log("top.log", format="{target}"))
    cfg = copy.deepcopy(t.cfg)
    cfg["listeners"].append({"bind": second, "access_log": log("listener.log", format="{target}")})
    cfg["services"].update(own={**pool, "access_log": log("own.log", format="{target}")},
                           quiet={**pool, "access_log": "off"})
    cfg["routes"] += [{"path": "/own", "service": "own"}, {"path": "/quiet", "service": "quiet"}]
    t.write(cfg)
    assert t.post("reload").status == 200
    wait_for(lambda: t.get("/quiet/ready").status == 200)
    for at in (t.address, t.place(second)):
        with connect(at) as c:
            for path in ("/", "/own", "/quiet"):
                c.get(path)
    assert read(tmp_path / "own.log", 2) == ["/own"] * 2
    assert read(tmp_path / "listener.log") == ["/"]
    wait_for(lambda: lines_of(tmp_path / "top.log")[-1:] == ["/"])
    assert "/own" not in lines_of(tmp_path / "top.log")
    assert "/quiet" not in lines_of(tmp_path / "listener.log")


def test_off_at_a_listener_is_off_for_what_cannot_be_read_too(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=log(), listener={"access_log": "off"})
    with t.client() as c:
        c.send("garbage\r\n\r\n")
        c.until_close()
    t.get("/")
    assert t.stop() == 0
    assert lines_of(tmp_path / "access.log") == []


def test_errors_alone(tidegate, origin, tmp_path):
    t = tidegate([origin(reply=lambda h, b: answer(int(h.target[1:])))],
                 access_log=log(only="errors", format="{status} {ending}"))
    for status in (200, 302, 404, 500, 503):
        t.get(f"/{status}")
    with t.client() as c:
        c.send("garbage\r\n\r\n")
        c.until_close()
    assert t.stop() == 0
    assert sorted(lines_of(tmp_path / "access.log")) == ["400 bad_request", "500 complete", "503 complete"]


def test_slow_ones_alone_and_slow_ones_or_errors(tidegate, origin, tmp_path):
    def reply(head, body):
        time.sleep(0.3 if head.target == "/slow" else 0)
        return answer(500 if head.target == "/bad" else 200)

    t = tidegate([origin(reply=reply)], access_log=[
        log("slow.log", slower_than="200ms", format="{target}"),
        log("either.log", slower_than="200ms", only="errors", format="{target}")])
    for target in ("/quick", "/slow", "/bad"):
        t.get(target)
    assert t.stop() == 0
    assert lines_of(tmp_path / "slow.log") == ["/slow"]
    assert sorted(lines_of(tmp_path / "either.log")) == ["/bad", "/slow"]


def test_a_sample_is_a_sample(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=[log("some.log", sample="25%"), log("none.log", sample="0%"), log("all.log")])
    with t.client() as c:
        for _ in range(400):
            c.get()
    assert t.stop() == 0
    assert len(lines_of(tmp_path / "all.log")) == 400
    assert 50 < len(lines_of(tmp_path / "some.log")) < 160
    assert lines_of(tmp_path / "none.log") == []


def test_privacy(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=log(query=False, mask_address=True, format="combined"))
    t.get("/p?secret=1")
    line = read(tmp_path / "access.log")[0]
    assert line.startswith("127.0.0.0 - - [") and '"GET /p HTTP/1.1"' in line


def test_the_client_behind_a_trusted_proxy(tidegate, origin, tmp_path):
    t = tidegate([origin()], listener={"trusted_proxies": ["127.0.0.0/8"]},
                 access_log=log(format="{client} {client_port}"))
    t.get("/", "X-Forwarded-For: 203.0.113.9, 127.0.0.2")
    assert read(tmp_path / "access.log") == ["203.0.113.9 0"]


def test_a_unix_listener(tidegate, origin, tmp_path):
    t = tidegate([origin()], listener={"bind": "unix:front.sock", "name": "front"},
                 access_log=[log("a.log"), log("b.log", format="httplog"), log("c.log", format="json")])
    t.get()
    assert read(tmp_path / "a.log")[0].startswith("unix: - - [")
    assert read(tmp_path / "b.log")[0].startswith("unix:0 [")
    assert objects(tmp_path / "c.log")[0]["client"] == "unix:"


# ---- what is told

def test_waiting_and_retries_are_told(tidegate, origin, tmp_path):
    def serve(peer, o):
        while True:
            head, _ = o.read(peer)
            time.sleep(0.3)
            peer.send(answer())

    t = tidegate([origin(serve)], service={"pools": {"baseline": {"max_requests": 1}}},
                 access_log=log(format="json"))
    with t.client() as a, t.client() as b:
        a.send(request("GET", "/first"))
        wait_for(lambda: t.service()["tiers"]["baseline"]["inflight"] == 1)
        b.get("/second")
    second = next(o for o in objects(tmp_path / "access.log", 2) if o["path"] == "/second")
    assert 100 < second["queue_ms"] < 3000 and second["hold_ms"] == 0
    assert second["total_ms"] > second["queue_ms"]


def test_a_retry_names_the_backend_that_answered(tidegate, origin, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{s.getsockname()[1]}"
        o = origin()
        t = tidegate([nobody, o], service={"ejection": False}, access_log=[
            log("j.log", format="json"), log("h.log", format="httplog"),
            log("e.log", only="errors", format="{attempts}")])
        wait_for(lambda: t.get() and t.service()["proxy_retries"] > 0)
        retried = wait_for(lambda: [x for x in map(json.loads, lines_of(tmp_path / "j.log")) if x["attempts"] == 2])
    assert retried[0]["backend"] == o.url and retried[0]["ending"] == "complete"
    assert any(re.search(r"/\+1 0/0 ", line) for line in read(tmp_path / "h.log"))
    assert set(read(tmp_path / "e.log")) == {"2"}


def test_waiting_for_a_backend_that_has_not_started_is_held(tidegate, origin, tmp_path):
    go = threading.Event()

    def reply(head, body):
        if head.target == "/healthz":
            go.wait(10)
        return answer()

    t = tidegate([origin(reply=reply)], ready=False, access_log=log(format="json"),
                 service={"health": {"path": "/healthz", "interval": "10s", "timeout": "10s", "rise": 1},
                          "queue": {"timeout": "10s"}})
    wait_for(lambda: "listening on" in t.stderr())
    with t.client() as c:
        c.send(request("GET", "/early"))
        wait_for(lambda: t.service()["queued"] == 1)
        go.set()
        assert c.answer().status == 200
    [got] = objects(tmp_path / "access.log")
    assert got["hold_ms"] == got["queue_ms"] > 0


def test_a_body_cut_short_counts_what_was_sent(tidegate, origin, tmp_path):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + "x" * 40)
        peer.until_close()

    t = tidegate([origin(serve)], access_log=log(format="{bytes_out} {state}"))
    with t.client() as c:
        c.send(request("GET", "/"))
        c.until(b"x" * 40)
    assert read(tmp_path / "access.log") == ["40 CD--"]


def test_what_a_slow_client_never_took_is_not_counted(tidegate, origin, tmp_path):
    size = 100_000_000

    def serve(peer, o):
        o.read(peer)
        peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
        sent = 0
        while sent < size:
            peer.send(b"x" * 100_000)
            sent += 100_000

    t = tidegate([origin(serve)], listener={"timeouts": {"write": "300ms"}}, access_log=log(format="json"))
    with t.client() as c:
        c.send(request("GET", "/"))
        c.head()
        [got] = objects(tmp_path / "access.log")
        taken = len(c.until_close())
    assert got["ending"] == "client_timeout" and got["state"] == "cD--"
    assert 0 <= got["bytes_out"] - taken <= 65536  # one read that was under way


@pytest.mark.parametrize("format", ["common", "combined", "httplog", "json", "{target} {user_agent} {referer} {host}"])
def test_nobody_writes_somebody_elses_line(tidegate, origin, tmp_path, format):
    """Whatever bytes a client sends, one request is one line."""
    t = tidegate([origin()], access_log=log(format=format, request_headers=["X-Evil"]))
    evil = ["\t", "\"", "\\", "\x7f", "\x80", "\xff", "\xc2\x85", "\xe2\x80\xa8", "\xc0\x8a", "{}|#", "\\n", "%0a"]
    sent = 0
    for e in evil:
        with t.client() as c:
            c.send(f"GET /?a HTTP/1.1\r\nHost: x\r\nUser-Agent: a{e}b\r\nReferer: {e}\r\nX-Evil: {e}{e}\r\n"
                   f"Authorization: Basic YQpi\r\nConnection: close\r\n\r\n")
            c.until_close()
            sent += 1
    for raw in ("GET /\n127.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 0\r\n\r\n", "G\x00T / HTTP/1.1\r\n\r\n",
                "GET /\x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02\x00\x01\xfc\x03\x03", "\r\n\r\n\n\n x\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\"b\r\n\r\n", "GET / HTTP/1.1\r\nX: a\rb\r\n\r\n"):
        with t.client() as c:
            c.send(raw)
            c.half_close()
            c.until_close()
            sent += 1
    assert t.stop() == 0
    raw = (tmp_path / "access.log").read_bytes()
    assert raw.endswith(b"\n") and raw.count(b"\n") == sent
    text = raw.decode()
    assert len(text.splitlines()) == sent  # by every kind of line end that there is
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    if format == "json":
        assert all(isinstance(json.loads(line), dict) for line in text.splitlines())


# ---- places

def test_a_syslog_daemon_gets_a_datagram_a_line(tidegate, origin, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        daemon.settimeout(10)
        t = tidegate([origin()], access_log=log("syslog:unix:log", format="{target}", facility="local6"))
        for i in range(3):
            t.get(f"/{i}")
        got = [daemon.recv(65536).decode() for _ in range(3)]
    for line in got:
        assert re.fullmatch(rf"<{(16 + 6) * 8 + 6}>\w{{3}} [ \d]\d \d\d:\d\d:\d\d tidegate\[{t.process.pid}\]: /\d", line)


def test_a_syslog_daemon_over_udp(tidegate, origin):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(10)
        t = tidegate([origin()], access_log=log(f"syslog:127.0.0.1:{daemon.getsockname()[1]}", format="{target}"))
        t.get("/far")
        assert daemon.recv(65536).endswith(b"]: /far")


def test_stderr(tidegate, origin):
    t = tidegate([origin()], access_log=log("stderr", format="line {target}"))
    t.get("/here")
    wait_for(lambda: "\nline /here\n" in t.stderr())


def test_a_file_that_cannot_be_opened_ends_the_start(tidegate, origin, tmp_path):
    t = tidegate([origin()], ready=False, access_log="no/such/folder/access.log")
    assert t.wait() == 1
    assert "access log no/such/folder/access.log: No such file or directory" in t.stderr()
    t.process.returncode = 0  # what it should be here


def test_a_file_that_cannot_be_opened_refuses_a_reload(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=log())
    good = copy.deepcopy(t.cfg)
    t.write({**good, "access_log": log("no/such/folder/access.log")})
    refused = t.post("reload")
    assert refused.status == 409 and b"no/such/folder" in refused.body
    t.get("/goes/on")
    assert "/goes/on" in read(tmp_path / "access.log")[0]


def test_a_reload_takes_logs_away_and_brings_others(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=log("one.log", format="{target}"))
    t.get("/1")
    for name in ("two.log", "one.log", None):
        cfg = copy.deepcopy(t.cfg)
        cfg["access_log"] = log(name, format="{target}") if name else "off"
        t.write(cfg)
        assert t.post("reload").status == 200
        # every worker has the new one when a request shows where it is expected
        if name:
            wait_for(lambda: t.get(f"/{name}") and f"/{name}" in lines_of(tmp_path / name))
    before = len(lines_of(tmp_path / "one.log"))
    for _ in range(20):
        t.get("/nowhere")
    assert t.stop() == 0
    assert lines_of(tmp_path / "one.log")[0] == "/1"
    assert len([l for l in lines_of(tmp_path / "one.log")[before:] if l == "/nowhere"]) <= 2


@pytest.mark.parametrize("text, said", [
    ("access_log: [ off, a.log ]", "access_log: 1:15: path: 'off' stands alone"),
    ("access_log: { path: a, format: comon }", "did you mean 'common'?"),
    ("access_log: { path: a, format: '{statsu}' }", "no variable is named 'statsu'; did you mean 'status'?"),
    ("access_log: { path: 'syslog:host:514' }", "needs an IP address or unix:PATH"),
    ("access_log: { path: 'syslog:/dev/log' }", "path: '/dev/log'"),
    ("access_log: { path: a, bufer: 1k }", "unknown key 'bufer'; did you mean 'buffer'?"),
    ("access_log: { format: json }", "'path' is required here"),
    ("access_log: { path: a, request_headers: 'x y' }", "'x y' has characters other than"),
    ("access_log: { path: a, request_headers: [%s] }" % ", ".join("abcdefghijklmnopq"), "at most 16 fields of requests"),
    ("access_log: [%s]" % ", ".join("abcdefghi"), "at most 8 in one list"),
])
def test_what_is_wrong_is_said(tmp_path, text, said):
    code, _, err = check_config(
        text + "\nlisteners: 127.0.0.1:8080\nservices: { a: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
        "routes: { service: a }\n", tmp_path)
    assert code == 1
    assert re.search(r"checked\.yaml:1:\d+: ", err) and said.split(": ", 2)[-1] in err, err


def test_bytes_are_those_that_the_client_got(tidegate, origin, tmp_path):
    """Compressed, a page in place of the service's answer, or a denial: not those that came from the backend."""
    (tmp_path / "page.html").write_bytes(b"<p>sorry</p>" * 10)
    body = b"a text that can be made shorter. " * 1000

    def reply(head, _):
        return answer(500 if head.target == "/broken" else 200, body, "Content-Type: text/html")

    t = tidegate([origin(reply=reply)], access_log=log(format="{path} {bytes_out}"), service={
        "compression": {}, "errors": {"status": "5xx", "file": "page.html", "intercept": True}})
    with t.client() as c:
        got = [len(c.get(path, *fields).body) for path, *fields in (
            ("/plain",), ("/coded", "Accept-Encoding: gzip"), ("/broken",))]
    assert got[0] == len(body) and 0 < got[1] < 1000 and got[2] == 120
    framing = len("ff\r\n" "\r\n" "0\r\n\r\n")
    assert read(tmp_path / "access.log", 3) == [f"/plain {got[0]}", f"/coded {got[1] + framing}", f"/broken {got[2]}"]
