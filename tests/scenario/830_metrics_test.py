"""/metrics, read as strictly as the text format 0.0.4 allows."""
import math
import re

from harness import basic_config
from wire import answer

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
SUFFIXES = {"counter": {""}, "gauge": {""}, "histogram": {"_bucket", "_sum", "_count"}}


class Family:
    def __init__(self, name, text):
        self.name, self.help, self.kind = name, text, None
        self.series = {}  # (suffix, frozenset of labels) -> value, in their order


def labels_of(text):
    out, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        assert m, f"labels: {text!r} at {at}"
        assert m[1] not in out, f"{m[1]} twice in {text!r}"
        out[m[1]] = re.sub(r"\\(.)", lambda e: {"n": "\n"}.get(e[1], e[1]), m[2])
        at = m.end()
        if at < len(text):
            assert text[at] == "," and at + 1 < len(text), text
            at += 1
    return out


def number(text):
    special = {"NaN": math.nan, "+Inf": math.inf, "-Inf": -math.inf}
    if text in special:
        return special[text]
    assert re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", text), text
    return float(text)


def add_sample(family, line):
    m = re.fullmatch(r"([^\s{]+)(?:\{([^\n]*)\})? (\S+)", line)
    assert m and NAME.fullmatch(m[1]), line
    suffix = m[1].removeprefix(family.name)
    assert m[1].startswith(family.name) and suffix in SUFFIXES[family.kind], line
    key = suffix, frozenset(labels_of(m[2] or "").items())
    assert key not in family.series, line
    family.series[key] = number(m[3])


def parse(text):
    """{name: Family}; a family's lines come together: HELP, TYPE, samples."""
    families, now = {}, None
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, _, words = line[7:].partition(" ")
            assert NAME.fullmatch(name) and name not in families and words, line
            assert now is None or now.kind, f"no TYPE for {now.name}"
            now = families[name] = Family(name, words)
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == now.name and now.kind is None and kind in SUFFIXES, line
            now.kind = kind
        else:
            add_sample(now, line)
    return families


def scrape(t):
    a = t.admin("/metrics")
    assert a.status == 200
    assert a.head.get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return parse(a.body.decode())


def two_services(origin, **top):
    a, b = origin(), origin()
    cfg = basic_config([a.url], **top)
    cfg["services"]["other"] = {"pools": {"baseline": {"backends": [b.url]},
                                          "burst": {"backends": [a.url]}}}
    cfg["routes"].insert(0, {"path": "/other", "service": "other"})
    return cfg


def check_histogram(family):
    groups = {}
    for (suffix, labels), value in family.series.items():
        rest = frozenset(l for l in labels if l[0] != "le")
        groups.setdefault(rest, {}).setdefault(suffix, []).append((dict(labels).get("le"), value))
    for parts in groups.values():
        bounds = [number(le) for le, _ in parts["_bucket"]]
        counts = [v for _, v in parts["_bucket"]]
        assert bounds == sorted(set(bounds)) and bounds[-1] == math.inf
        assert counts == sorted(counts)
        assert parts["_count"] == [(None, counts[-1])]
        assert len(parts["_sum"]) == 1


def test_every_line_keeps_the_rules(tidegate, origin):
    t = tidegate(config=two_services(origin))
    for target in ["/", "/other", "/other/x"] * 5:
        assert t.get(target).status == 200
    families = scrape(t)
    assert len(families) > 50
    for f in families.values():
        assert f.name.startswith("tidegate_")
        assert (f.kind == "counter") == f.name.endswith("_total"), f.name
        assert f.series, f.name
        if f.kind == "counter":
            assert all(v >= 0 for v in f.series.values()), f.name
        if f.kind == "histogram":
            check_histogram(f)


def test_a_backends_name_is_escaped(tidegate, origin, tmp_path):
    path = str(tmp_path / 'a"b\\c.sock')
    t = tidegate([origin(address=path)])
    assert t.get().status == 200
    series = scrape(t)["tidegate_backend_requests_total"].series
    assert [dict(labels)["backend"] for _, labels in series] == ["unix:" + path]


def test_counters_never_go_back(tidegate, origin):
    t = tidegate(config=two_services(origin))
    before = scrape(t)
    for i in range(30):
        t.get("/other" if i % 3 else "/")
        after = scrape(t)
        for f in before.values():
            if f.kind == "counter":
                for key, value in f.series.items():
                    assert after[f.name].series[key] >= value, (f.name, key)
        before = after


def test_no_user_and_no_path_becomes_a_label(tidegate, origin):
    t = tidegate([origin()])
    t.get()
    before = sum(len(f.series) for f in scrape(t).values())
    for i in range(50):
        t.get(f"/p{i}?q={i}", f"Cookie: sid=user{i}", f"User-Agent: agent{i}")
    families = scrape(t)
    assert sum(len(f.series) for f in families.values()) == before
    values = {v for f in families.values() for _, labels in f.series for _, v in labels}
    assert not [v for v in values if "user" in v or "agent" in v or "/p" in v]


def test_the_classes_of_answers_and_reasons_of_failures_are_counted(tidegate, origin):
    def reply(head, body):
        return answer(int(head.target[1:]))

    t = tidegate([origin(reply=reply)])
    for status in (200, 204, 301, 404, 404, 500):
        t.get(f"/{status}")
    f = scrape(t)["tidegate_service_responses_total"]
    counts = {dict(labels)["code"]: v for (_, labels), v in f.series.items()}
    assert counts == {"none": 0, "1xx": 0, "2xx": 2, "3xx": 1, "4xx": 2, "5xx": 1}


def test_the_profilers_figures_are_absent_while_it_is_off(tidegate, origin):
    o = origin()
    on = tidegate([o])
    assert "tidegate_profiler_users" in scrape(on)
    on.stop()
    off = tidegate([o], profiler={"enabled": False})
    names = scrape(off)
    assert not [n for n in names if n.startswith("tidegate_profiler_")]
    assert off.admin("/api/v1/users").status == 404
    assert off.api("overview")["users"] is None


def test_a_failed_reload_shows(tidegate, origin):
    t = tidegate([origin()])
    one = lambda name: next(iter(scrape(t)[name].series.values()))
    assert one("tidegate_config_last_reload_success") == 1
    assert one("tidegate_config_last_reload_timestamp_seconds") == 0
    t.file.write_text("listeners: 5\n")
    a = t.post("reload")
    assert a.status == 409 and a.head.get("Content-Type") == "application/problem+json"
    assert one("tidegate_config_last_reload_success") == 0
    assert one("tidegate_config_reloads_total") == 1
    assert t.get().status == 200
