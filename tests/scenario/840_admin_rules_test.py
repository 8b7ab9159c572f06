"""The admin endpoint's own HTTP: methods, bodies, names, sockets, and who may change what."""
import json
import os
import pathlib
import re
import socket
import stat
import subprocess

import pytest
import yaml

from harness import BINARY, SAMPLE, basic_config, free_port
from wire import connect, wait_for

READS = ("/", "/healthz", "/readyz", "/metrics", "/api/v1/overview", "/api/v1/services", "/api/v1/pools",
         "/api/v1/routes", "/api/v1/listeners", "/api/v1/config", "/api/v1/version", "/api/v1/forecast",
         "/api/v1/decisions", "/api/v1/fleet", "/api/v1/users", "/api/v1/templates")
CHANGES = ("/api/v1/reload", "/api/v1/reopen_logs", "/api/v1/drain", "/api/v1/mode")


def problem(a, status):
    assert a.status == status, a.body
    assert a.head.get("Content-Type") == "application/problem+json"
    p = json.loads(a.body)
    assert p["status"] == status and p["title"] and p["detail"]
    return p["detail"]


def test_what_is_read_is_not_changed_and_the_other_way_round(tidegate, origin):
    t = tidegate([origin()])
    for path in READS:
        assert t.admin(path).status == 200, path
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            a = t.admin(path, method)
            problem(a, 405)
            assert a.head.get("Allow") == "GET, HEAD"
    for path in CHANGES:
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            a = t.admin(path, method)
            assert a.status == 405 and a.head.get("Allow") == "POST", (method, path)


def test_head_says_how_long_the_body_would_be(tidegate, origin):
    t = tidegate([origin()])
    for path in ("/", "/readyz", "/api/v1/routes"):
        a = t.admin(path, "HEAD")
        assert a.status == 200 and a.body == b""
        assert int(a.head.get("Content-Length")) == len(t.admin(path).body)


def test_answers_are_not_stored_and_not_sniffed(tidegate, origin):
    t = tidegate([origin()])
    for path in READS + ("/nothing",):
        a = t.admin(path)
        assert a.head.get("Cache-Control") == "no-store"
        assert a.head.get("X-Content-Type-Options") == "nosniff"
        assert "Access-Control-Allow-Origin" not in [name for name, _ in a.head.fields]


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b'"x"', b"\xff", b"{}", b'{"service":"app"}', b'{"service":"app","mode":1}',
    b'{"service":"app","mode":"Live"}', b'{"service":"app","mode":"off","more":1}',
    b'{"service":"app","mode":"off","mode":"live"}', b'{"service":"app","mode":"off"} x',
])
def test_a_body_that_is_no_change_changes_nothing(tidegate, origin, body):
    t = tidegate([origin()])
    problem(t.admin("/api/v1/mode", "POST", body=body), 400)
    assert t.api("forecast")["services"][0]["mode"] == "live"


def test_a_body_has_a_limit(tidegate, origin):
    t = tidegate([origin()])
    a = t.admin("/api/v1/mode", "POST", body=b" " * 65537)
    assert a.status == 413
    problem(t.admin("/api/v1/mode", "POST", body=b" " * 65536), 400)


def test_what_is_named_must_be_there(tidegate, origin):
    t = tidegate([origin()])
    assert "'nix'" in problem(t.post("mode", service="nix", mode="off"), 404)
    assert "'nix'" in problem(t.post("drain", service="nix", backend="1.2.3.4:5", drain=True), 404)
    assert "'1.2.3.4:5'" in problem(t.post("drain", service="app", backend="1.2.3.4:5", drain=True), 404)
    for path in ("services", "pools", "decisions", "templates", "overview"):
        assert "'nix'" in problem(t.admin(f"/api/v1/{path}?service=nix"), 404)


def test_lists_have_a_limit(tidegate, origin):
    t = tidegate([origin()])
    for path in ("decisions", "users"):
        assert t.admin(f"/api/v1/{path}?limit=1000").status == 200
        for limit in ("0", "1001", "-1", "x", "1e3", "99999999999999999999"):
            problem(t.admin(f"/api/v1/{path}?limit={limit}"), 400)


def test_an_unreadable_target_is_refused(tidegate, origin):
    t = tidegate([origin()])
    for target in ("/healthz%00", "/healthz%00x", "/api/v1/users/%00", "/healthz?x"):
        problem(t.admin(target), 400)
    for target in ("/healthz%", "/healthz%zz", "/healthz/", "//healthz", "/HEALTHZ"):
        assert t.admin(target).status == 404, target


def test_a_connection_is_kept(tidegate, origin):
    t = tidegate([origin()])
    with connect(t.place(t.cfg["admin"]["bind"])) as c:
        for path in READS * 2:
            assert c.ask("GET", path, "Host: localhost").status == 200


def test_a_mode_is_set_for_one_service_and_for_all(tidegate, origin):
    o = origin()
    cfg = basic_config([o.url])
    cfg["services"]["b"] = {"pools": {"baseline": {"backends": [o.url]}}}
    t = tidegate(config=cfg)
    modes = lambda: {s["service"]: s["mode"] for s in t.api("forecast")["services"]}
    assert t.post("mode", service="b", mode="shadow").status == 200
    assert modes() == {"app": "live", "b": "shadow"}
    assert t.metric("tidegate_scaler_mode", service="b", mode="shadow") == 1
    assert t.metric("tidegate_scaler_mode", service="b") == 1
    assert t.post("mode", service="", mode="reactive").status == 200
    assert modes() == {"app": "reactive", "b": "reactive"}


# ---- names and origins

def asked_as(t, host, method="GET", path="/healthz", *fields):
    with connect(t.place(t.cfg["admin"]["bind"])) as c:
        return c.ask(method, path, f"Host: {host}", "Connection: close", *fields)


def test_a_name_that_is_not_its_own_is_refused(tidegate, origin):
    t = tidegate([origin()])
    bind = t.cfg["admin"]["bind"]
    for host in ("localhost", "127.0.0.1", "[::1]:80", bind):
        assert asked_as(t, host).status == 200, host
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"):
        problem(asked_as(t, host), 403)


def test_a_health_check_without_a_name_is_answered(tidegate, origin):
    t = tidegate([origin()])
    with connect(t.place(t.cfg["admin"]["bind"])) as c:
        c.send("GET /readyz HTTP/1.0\r\n\r\n")
        assert c.answer().body == b"ready\n"
        assert c.is_closed()


def test_a_page_of_another_origin_changes_nothing(tidegate, origin):
    t = tidegate([origin()])
    own = "http://" + t.cfg["admin"]["bind"]
    for origin_field, status in ((own, 200), ("http://evil.example", 403), ("null", 403)):
        a = asked_as(t, t.cfg["admin"]["bind"], "POST", "/api/v1/reload", f"Origin: {origin_field}",
                     "Content-Length: 0")
        assert a.status == status, origin_field


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            return s.getsockname()[0]
        except OSError:
            return None


def test_without_a_token_another_machine_reads_and_changes_nothing(tidegate, origin):
    here = own_address()
    if here is None or here.startswith("127."):
        pytest.skip("this machine has loopback only")
    cfg = basic_config([origin().url])
    port = cfg["admin"]["bind"].rsplit(":", 1)[1]
    cfg["admin"]["bind"] = "0.0.0.0:" + port
    t = tidegate(config=cfg)
    with connect((here, int(port))) as c:
        assert c.ask("GET", "/readyz", "Host: admin.example").status == 200
        a = c.ask("POST", "/api/v1/reload", "Host: localhost", "Content-Length: 0")
        assert "this machine" in problem(a, 403)
    assert t.post("reload").status == 200


def test_a_token_is_asked_for_in_the_standard_way(tidegate, origin):
    cfg = basic_config([origin().url])
    cfg["admin"]["token"] = "s3cret"
    t = tidegate(config=cfg)
    a = t.post("reload")
    problem(a, 401)
    assert a.head.get("WWW-Authenticate").startswith("Bearer")
    assert t.admin("/metrics").status == 200


def test_a_new_token_is_taken_over_by_a_reload(tidegate, origin):
    cfg = basic_config([origin().url])
    cfg["admin"]["token"] = "old"
    t = tidegate(config=cfg)
    cfg["admin"]["token"] = "new"
    t.write(cfg)
    assert t.post("reload", "Authorization: Bearer old").status == 200
    assert t.post("reload", "Authorization: Bearer old").status == 401
    assert t.post("reload", "Authorization: Bearer new").status == 200


# ---- sockets

def on_unix(origin, tidegate, tmp_path):
    cfg = basic_config([origin().url])
    cfg["admin"]["bind"] = f"unix:{tmp_path}/admin.sock"
    return tidegate(config=cfg), tmp_path / "admin.sock"


def test_a_unix_socket_is_its_owners_and_goes_at_the_end(tidegate, origin, tmp_path):
    t, path = on_unix(origin, tidegate, tmp_path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert t.post("mode", service="", mode="off").status == 200
    assert asked_as(t, "whatever.example").status == 200
    t.stop()
    assert not path.exists()


def test_a_socket_left_behind_is_replaced_but_a_live_one_is_not(tidegate, origin, tmp_path):
    first, path = on_unix(origin, tidegate, tmp_path)
    first.kill()
    assert path.exists()
    second, _ = on_unix(origin, tidegate, tmp_path)
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(dict(first.cfg, listeners=[{"bind": f"127.0.0.1:{free_port()}"}])))
    third = subprocess.run([BINARY, "run", "-c", other], capture_output=True, text=True, timeout=20)
    assert third.returncode == 1 and "Address already in use" in third.stderr
    assert second.admin("/healthz").status == 200


def test_a_file_that_is_no_socket_stays(tidegate, origin, tmp_path):
    cfg = basic_config([origin().url])
    cfg["admin"]["bind"] = f"unix:{tmp_path}/precious"
    (tmp_path / "precious").write_text("mine")
    file = tmp_path / "bad.yaml"
    file.write_text(yaml.safe_dump(cfg))
    done = subprocess.run([BINARY, "run", "-c", file], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "Address already in use" in done.stderr
    assert (tmp_path / "precious").read_text() == "mine"


def test_it_listens_on_ipv6(tidegate, origin):
    cfg = basic_config([origin().url])
    cfg["admin"]["bind"] = "[::1]:" + cfg["admin"]["bind"].rsplit(":", 1)[1]
    t = tidegate(config=cfg)
    assert t.admin("/healthz").status == 200
    assert t.post("reload").status == 200


def test_clients_that_send_nothing_hold_up_nobody(tidegate, origin):
    t = tidegate([origin()])
    where = t.place(t.cfg["admin"]["bind"])
    idle = [connect(where) for _ in range(100)]
    half = connect(where)
    half.send("GET /metrics HTTP/1.1\r\nHost: local")
    assert t.admin("/healthz").status == 200
    assert t.get().status == 200
    for c in idle + [half]:
        c.close()


def test_however_many_connect_descriptors_stay_and_the_newest_is_answered(tidegate, origin):
    t = tidegate([origin()])
    assert t.get().status == 200
    where, fds = t.place(t.cfg["admin"]["bind"]), pathlib.Path(f"/proc/{t.process.pid}/fd")
    before = len(list(fds.iterdir()))
    held = [connect(where) for _ in range(600)]
    assert t.admin("/healthz").status == 200
    assert before + 100 < len(list(fds.iterdir())) <= before + 130
    assert t.get().status == 200
    assert held[0].is_closed() and held[-1].is_silent(0.1)
    assert held[-1].ask("GET", "/healthz", "Host: localhost").status == 200
    for c in held:
        c.close()
    wait_for(lambda: len(list(fds.iterdir())) <= before + 1)
    assert t.admin("/healthz").status == 200


# ---- the page

def test_the_pages_policy_fits_the_page_and_is_new_each_time(tidegate, origin):
    t = tidegate([origin()])
    nonces = set()
    for _ in range(2):
        a = t.admin("/")
        assert a.head.get("Content-Type") == "text/html; charset=utf-8"
        policy, text = a.head.get("Content-Security-Policy"), a.body.decode()
        assert "default-src 'none'" in policy and "unsafe" not in policy
        nonce = re.search(r"script-src 'nonce-([0-9a-f]{32})'", policy)[1]
        assert f'<script nonce="{nonce}">' in text and f'<style nonce="{nonce}">' in text
        nonces.add(nonce)
    assert len(nonces) == 2


def test_the_overview_has_what_the_page_draws(tidegate, origin):
    t = tidegate([origin()], clock={"speed": 60})
    for _ in range(5):
        t.get()
    o = t.api("overview")
    assert o["chosen"] == "app" and o["state"]["not_ready"] == ""
    s = o["services"][0]
    assert s["arrivals"] == 5 and s["responses"]["2xx"] == 5
    assert sum(s["latency"]["n"]) == 5
    assert len(s["latency"]["n"]) == len(s["latency"]["bounds_ms"]) + 1
    assert s["plan"]["mode"] == "live" and s["tiers"]["baseline"]["ready"] == 1
    assert [p["tier"] for p in o["pools"]] == ["baseline"]


def test_the_overview_shows_each_plan_in_short(tidegate, origin):
    t = tidegate([origin()], clock={"speed": 60}, service={
        "pools": {"predictive": {"provider": "local", "max": 1}},
        "providers": {"local": {"command": f"{SAMPLE} --port {{port}}", "ready": "/healthz"}},
        "scaling": {"instance_rps": 1}})

    def plans():
        t.get()
        return t.api("decisions")["decisions"]

    first = wait_for(plans)[-1]
    brief = t.api("overview")["decisions"][-1]
    assert brief == {k: v for k, v in first.items() if k not in ("inputs", "votes", "limits")}
    assert brief["reason"] and brief["tier"] == "predictive" and brief["to"] == 1


def test_the_trail_grows_and_is_asked_for_in_parts(tidegate, origin):
    t = tidegate([origin()], clock={"speed": 60})
    trail = lambda query="": t.api("overview" + query)["trail"]
    wait_for(lambda: len(trail().get("at_ms", [])) >= 2, within_s=10)
    whole = trail()
    assert len({len(values) for values in whole.values()}) == 1
    assert whole["at_ms"] == sorted(set(whole["at_ms"]))
    later = trail(f"?since={whole['at_ms'][0]}")
    assert later["at_ms"][:1] == whole["at_ms"][1:2]
    assert trail(f"?since={whole['at_ms'][-1] + 10 ** 9}") == {}
