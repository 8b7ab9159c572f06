"""The examples of docs/edge.md, loaded and asked."""
import base64
import copy
import re

import pytest
import yaml

from harness import ROOT, basic_config, check_config, merge
from tokens import Key, jwks
from wire import answer, wait_for

PIECES = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs/edge.md").read_text(), re.M | re.S)


@pytest.fixture
def files(tmp_path):
    key = Key("ES256")
    (tmp_path / "htpasswd").write_text(f"anna:{sha('tide gate')}\n")
    (tmp_path / "jwks.json").write_text(jwks(key))
    (tmp_path / "pages").mkdir()
    for name in ("sorry.html", "sorry.json", "back-soon.html", "missing.html"):
        (tmp_path / "pages" / name).write_text(name)
    return key


def sha(password):
    import hashlib
    return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()


def whole(piece, urls=("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3")):
    cfg = basic_config([])
    cfg["services"] = {name: {"pools": {"baseline": {"backends": [url]}}}
                       for name, url in zip(("shop", "gate", "canary"), urls)}
    cfg["routes"] = [{"path": "/", "service": "shop"}]
    return merge(cfg, copy.deepcopy(yaml.safe_load(piece)))


def test_there_are_examples():
    assert len(PIECES) == 8


@pytest.mark.parametrize("n", range(len(PIECES)))
def test_an_example_is_a_good_configuration(files, tmp_path, n):
    rc, _, err = check_config(yaml.safe_dump(whole(PIECES[n])), tmp_path)
    assert rc == 0, err


def holding(word):
    found = [p for p in PIECES if word in p]
    assert len(found) == 1, word
    return found[0]


@pytest.fixture
def running(tidegate, origin, files):
    """running(word) -> (tidegate with that example, {name: origin})"""
    def make(word, reply=None):
        origins = {n: origin(reply=reply) for n in ("shop", "gate", "canary")}
        t = tidegate(config=whole(holding(word), [o.url for o in origins.values()]))
        return t, origins
    return make


def test_compression(running):
    t, _ = running("compression: off }", lambda head, body: answer(200, b"text " * 500, "Content-Type: text/css"))
    assert t.get("/", "Accept-Encoding: br").head.get("Content-Encoding") == "br"
    assert t.get("/account", "Accept-Encoding: br").head.get("Content-Encoding") is None


def test_passwords(running):
    t, o = running("the back office")
    word = base64.b64encode(b"anna:tide gate").decode()
    assert t.get("/admin", f"Authorization: Basic {word}").status == 200
    assert o["shop"].heads[0].get("x-remote-user") == "anna" and o["shop"].heads[0].all("Authorization") == []
    assert "back office" in t.get("/admin").head.get("WWW-Authenticate")


def test_tokens(running, files):
    t, o = running("audience: shop")
    claims = dict(iss="https://id.example", aud="shop", role="staff", sub="anna", realm_access={"roles": ["r1", "r2"]})
    good = files.token(**claims, email_verified=True)
    assert t.get("/api", f"Cookie: token={good}").status == 200
    assert o["shop"].heads[0].get("x-roles") == "r1,r2"
    assert t.get("/api", f"Authorization: Bearer {files.token(**claims)}").status == 403


def test_another_service(running):
    t, o = running("service: gate", lambda head, body: answer(200, b"", "X-User: anna"))
    assert t.get("/x").status == 200
    assert o["gate"].heads[0].target == "/verify" and o["shop"].heads[0].get("x-user") == "anna"


def test_pages(running):
    t, o = running("status_out", lambda head, body: answer(404, b"its own"))
    assert t.get("/").body == b"missing.html"
    o["shop"].stop()
    a = t.get("/")
    assert a.status == 503 and a.body == b"back-soon.html"


def test_mirrors(running):
    t, o = running("mirror:")
    with t.client() as c:
        for _ in range(200):
            assert c.get("/").status == 200
    wait_for(lambda: o["canary"].heads)


def test_addresses_and_rates(running):
    t, _ = running("burst: 2000")
    assert t.get("/internal").status == 403
    with t.client() as c:
        got = [c.get("/").status for _ in range(40)]
    assert got[:20] == [200] * 20 and 429 in got
