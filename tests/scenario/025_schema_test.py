"""The JSON Schema says yes to what tidegate takes, and no to what an editor can know to be wrong."""
import json
import re
import subprocess

import pytest

import schema
from harness import BINARY, ROOT, check_config

GOOD = """
listeners: 127.0.0.1:8080
services: { s: { pools: { baseline: { backends: 127.0.0.1:9001 } } } }
routes: { service: s }
"""


def test_the_kept_one_is_the_one_the_binary_writes():
    done = subprocess.run([BINARY, "schema"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    assert done.stdout == (ROOT / "docs" / "tidegate.schema.json").read_text(), "run `make docs`"


def files():
    yield from sorted((ROOT / "conf").glob("*.yaml"))
    yield from sorted(f for f in (ROOT / "tests" / "fuzz" / "corpus" / "cfg").iterdir() if f.name != "tag")


@pytest.mark.parametrize("file", files(), ids=lambda f: f.name)
def test_what_tidegate_takes_the_schema_takes(tmp_path, file):
    text = file.read_bytes().decode("latin-1")
    code, printed, _ = check_config(text, tmp_path, "-T")
    if code != 0:
        assert file.parent.name == "cfg"  # those of a fuzzer may be wrong
        return
    assert schema.faults(text) == []
    assert schema.faults(printed) == []  # with every default


def blocks():
    for page in sorted((ROOT / "docs").glob("*.md")) + [ROOT / "README.md"]:
        for i, text in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S)):
            # alternatives to one another stand in one block
            for k, one in enumerate(re.split(r"\n(?=access_log:)", text)):
                yield pytest.param(one, id=f"{page.name}-{i}-{k}")


@pytest.mark.parametrize("text", blocks())
def test_examples_in_the_documentation(text):
    assert schema.faults(text, part=True) == []


@pytest.mark.parametrize("text", [
    "workers: 4", 'workers: "4"', "workers: auto", "workers: ${WORKERS:-2}",
    "drain_timeout: 10s", "drain_timeout: 1.5H", "drain_timeout: 0",
    "log: debug", "log: { level: debug }", "log:",
    "access_log: off", "access_log: a.log", "access_log: [ a.log, { path: b.log, sample: 0.5, format: '{status}' } ]",
    "access_log: { path: a, buffer: 4096 }", "access_log: { path: a, query: off }", "access_log: { path: a, query: true }",
    "admin: 127.0.0.1:9900", 'admin: "[::1]:9900"', "admin: unix:/run/t.sock", "admin: { bind: 127.0.0.1:1, token: 7 }",
    "clock: { start: 2026-03-02T06:00:00Z, speed: 60 }", "clock: { start: now }",
    "profiler: off", "profiler: { identity: [ header:x-user-id, cookie:sid, address ] }",
    "resolver: { servers: 192.0.2.53 }",
    "defaults: { service: { scaling: { instance_rps: 200/s, mode: off } }, pool: { max_requests: 8 } }",
    "include: conf.d/*.yaml", "via: x",
])
def test_both_take(tmp_path, text):
    assert schema.faults(GOOD + text) == []
    if not text.startswith("include"):
        code, _, err = check_config(GOOD + text, tmp_path)
        assert code == 0, err


@pytest.mark.parametrize("text, where", [
    ("wrkers: 4", "wrkers"),
    ("workers: many", "workers"), ("workers: -1", "workers"), ("workers: 1.5", "workers"), ("workers: 5000", "workers"),
    ("workers: [ 1 ]", "workers"),
    ("drain_timeout: 10", "drain_timeout"), ('drain_timeout: "10"', "drain_timeout"), ("drain_timeout: 10 s", "drain_timeout"), ("drain_timeout: 10sec", "drain_timeout"),
    ("log: loud", "log"), ("log: { level: info, file: x }", "log"),
    ("access_log: { format: json }", "access_log"), ("access_log: { path: a, fomat: json }", "access_log"),
    ("access_log: { path: a, sample: 150% }", None), ("access_log: { path: a, sample: 1.5 }", "access_log"),
    ("access_log: { path: a, buffer: 1t }", "access_log"), ("access_log: { path: a, only: none }", "access_log"),
    ("access_log: { path: a, request_headers: 'x y' }", "access_log"), ("access_log: { path: a, query: maybe }", "access_log"),
    ("admin: nowhere", "admin"), ("admin: { bind: '::1:9900' }", "admin"),
    ("clock: { start: yesterday }", "clock"), ("clock: { speed: fast }", "clock"),
    ("profiler: { identity: 'header:' }", "profiler"), ("profiler: { identity: ip }", "profiler"),
    ("defaults: { services: {} }", "defaults"),
    ("resolver: 192.0.2.53", "resolver"), ("via: a b", "via"),
])
def test_both_refuse(tmp_path, text, where):
    code, _, _ = check_config(GOOD + text, tmp_path)
    assert code == 1
    if where is None:
        return  # a limit in another unit is for `check` alone
    found = schema.faults(GOOD + text)
    assert found and where in found[0], found


@pytest.mark.parametrize("missing", ["listeners", "services", "routes"])
def test_what_is_required(missing):
    text = "".join(line + "\n" for line in GOOD.splitlines() if not line.startswith(missing))
    assert missing in schema.faults(text)[0]
    assert schema.faults(text, part=True) == []
    assert schema.faults(text + "include: more.yaml") == []


@pytest.mark.parametrize("now, then, where", [
    ("service: s }", "path: / }", "routes"),
    ("backends: 127.0.0.1:9001", "backends: { weight: 2 }", "services"),
    ("backends: 127.0.0.1:9001", "backends: [ { addres: 127.0.0.1:9001 } ]", "services"),
])
def test_what_an_entry_needs(tmp_path, now, then, where):
    assert now in GOOD
    assert check_config(GOOD.replace(now, then), tmp_path)[0] == 1
    assert where in schema.faults(GOOD.replace(now, then))[0]


@pytest.mark.parametrize("service", ["Shop", "a b", "x" * 64, '""'])
def test_names_of_services(tmp_path, service):
    text = GOOD.replace(" s:", f" {service}:").replace("service: s", f"service: {service}")
    assert check_config(text, tmp_path)[0] == 1
    assert schema.faults(text)


def test_every_key_tells_what_it_is_for():
    found = json.loads((ROOT / "docs" / "tidegate.schema.json").read_text())

    def keys(node):
        if isinstance(node, dict):
            for name, key in node.get("properties", {}).items():
                yield name, key
            for value in node.values():
                yield from keys(value)
        elif isinstance(node, list):
            for value in node:
                yield from keys(value)

    named = list(keys(found))
    assert len(named) > 100
    assert not [name for name, key in named if not key.get("description")]
    assert sum("default" in key for _, key in named) > 60
