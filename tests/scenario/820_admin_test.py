"""The admin endpoint: what it tells, and who may change what."""
import json
import re
import subprocess

from harness import basic_config
from wire import answer, connect, wait_for


def test_every_listed_answer_is_json(tidegate, origin):
    t = tidegate([origin()])
    t.get()
    for path in ("services", "pools", "routes", "listeners", "forecast", "decisions", "users",
                 "templates", "config", "version", "fleet"):
        a = t.admin("/api/v1/" + path)
        assert a.status == 200, path
        assert a.head.get("Content-Type").startswith("application/json")
        json.loads(a.body)


def test_metrics_are_in_prometheus_form(tidegate, origin):
    t = tidegate([origin()])
    t.get()
    text = t.admin("/metrics").body.decode()
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    helps = set(re.findall(r"^# HELP (\S+) .+$", text, re.M))
    assert types and set(types) == helps
    for name, kind in types.items():
        assert name.startswith(("tidegate_", "process_")), name
        assert (kind == "counter") == name.endswith("_total"), name
    for name, _ in t.metrics():
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert name in types or types.get(base) == "histogram", name


def test_a_histogram_counts_every_request_once(tidegate, origin):
    t = tidegate([origin()])
    for _ in range(7):
        t.get()
    name = "tidegate_tier_latency_seconds"
    assert t.metric(name + "_bucket", le="+Inf") == t.metric(name + "_count") == 7
    assert 0 < t.metric(name + "_sum") < 5


def test_counters_agree_with_what_was_sent(tidegate, origin):
    o = origin(reply=lambda head, body: answer(404 if head.target == "/no" else 200))
    t = tidegate([o])
    with t.client() as c:
        for target in ["/"] * 5 + ["/no"] * 3:
            c.get(target)
    s = t.service()
    assert s["arrivals"] == 8
    assert s["responses"]["2xx"] == 5 and s["responses"]["4xx"] == 3
    assert s["tiers"]["baseline"]["completed"] == 8


def test_secrets_are_not_shown(tidegate, origin):
    cfg = basic_config([origin().url], profiler={"key": "0123456789abcdef-secret"})
    cfg["admin"]["token"] = "hunter2-token"
    t = tidegate(config=cfg)
    shown = t.admin("/api/v1/config").body.decode()
    assert "hunter2" not in shown and "0123456789abcdef" not in shown


def test_changes_are_by_post_and_with_the_token(tidegate, origin):
    cfg = basic_config([origin().url])
    cfg["admin"]["token"] = "hunter2-token"
    t = tidegate(config=cfg)
    assert t.admin("/api/v1/reload").status == 405
    assert t.post("reload").status == 401
    assert t.post("reload", "Authorization: Bearer wrong").status == 401
    assert t.post("reload", "Authorization: Bearer hunter2-token").status == 200


def test_a_page_of_another_site_cannot_reach_it(tidegate, origin):
    t = tidegate([origin()])
    host, port = t.cfg["admin"]["bind"].rsplit(":", 1)
    with connect((host, int(port))) as c:
        a = c.ask("GET", "/api/v1/services", "Host: evil.example")
        assert a.status in (403, 421)


def test_what_is_not_there_is_404(tidegate, origin):
    t = tidegate([origin()])
    assert t.admin("/api/v1/nothing").status == 404
    assert t.admin("/api/v1/users/header:x=1").status in (400, 404)


def test_curl_gets_the_page(tidegate, origin):
    t = tidegate([origin()])
    done = subprocess.run(["curl", "-sS", "-m", "5", "http://" + t.cfg["admin"]["bind"] + "/"],
                          capture_output=True, text=True)
    assert done.returncode == 0 and "<html" in done.stdout.lower()


def test_a_backend_can_be_drained_and_taken_back(tidegate, origin):
    a, b = origin(), origin()
    t = tidegate([a, b])
    drained = t.post("drain", service="app", backend=a.url, drain=True)
    assert drained.status == 200, drained.body
    wait_for(lambda: t.backend(a.url)["admin"] == "drain")
    n = len(a.heads)
    for _ in range(20):
        assert t.get().status == 200
    assert len(a.heads) == n
    assert t.post("drain", service="app", backend=a.url, drain=False).status == 200
    wait_for(lambda: t.get().status == 200 and len(a.heads) > n)
