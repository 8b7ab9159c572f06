"""Who may ask: passwords, tokens, and what another service thinks."""
import base64
import hashlib
import json
import re
import subprocess
import threading
import time

import pytest

from harness import basic_config, check_config
from tokens import Key, b64, jwks
from wire import Closed, answer, request, wait_for

# of the password "tide gate"; bcrypt of cost 4 and 12, made by `htpasswd -nbB`
BCRYPT = "$2b$04$BtK6UrRcJXKNKrvEJz0M8OinN..5msP1pV2xHseKLPB.l5q35Y5yC"
SHA1 = "{SHA}" + base64.b64encode(hashlib.sha1(b"tide gate").digest()).decode()


def basic(name, password="tide gate"):
    return "Authorization: Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def bearer(token):
    return f"Authorization: Bearer {token}"


def denied(t, reason=None):
    labels = {"reason": reason} if reason else {}
    return t.metric("tidegate_service_denied_total", **labels)


@pytest.fixture
def guarded(tidegate, origin, tmp_path):
    """guarded(auth, files={name: text}, **route) -> (tidegate, origin); files in its folder"""
    def make(auth, files=None, route=None, **top):
        for name, text in (files or {}).items():
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        o = origin()
        cfg = basic_config([o.url], **top)
        cfg["routes"][0].update(auth=auth, **(route or {}))
        return tidegate(config=cfg), o
    return make


# ---- passwords

@pytest.mark.parametrize("users", [f"anna:{BCRYPT}", f"anna:{SHA1}"])
def test_the_right_password_lets_in_and_nothing_else_does(guarded, users):
    t, o = guarded({"basic": users})
    with t.client() as c:
        assert c.get("/", basic("anna")).status == 200
        assert c.get("/", basic("anna").replace("Basic", "bAsIc ")).status == 200
        wrong = [basic("anna", "tide gat"), basic("anna", "tide gate "), basic("anna", ""), basic("Anna"),
                 basic("", "tide gate"), basic("ann"), "Authorization: Basic !!!", "Authorization: Basic",
                 "Authorization: Basic " + base64.b64encode(b"anna").decode(),
                 "Authorization: Basic " + base64.b64encode(b"anna:tide gate\0x").decode(),
                 "Authorization: Basic " + base64.b64encode(b"anna:" + b"x" * 400).decode(),
                 "Authorization: Bearer anna", "X-Other: 1"]
        for field in wrong:
            a = c.get("/", field)
            assert a.status == 401, field
            assert a.head.get("WWW-Authenticate") == 'Basic realm="tidegate", charset="UTF-8"'
    assert len(o.heads) == 2
    assert denied(t) == len(wrong)


def test_two_authorization_fields_are_none(guarded):
    t, o = guarded({"basic": f"anna:{SHA1}"})
    assert t.get("/", basic("anna"), basic("anna")).status == 401
    assert denied(t, "no_credentials") == 1 and not o.heads


def test_the_realm_is_quoted(guarded):
    t, _ = guarded({"basic": {"users": f"anna:{SHA1}", "realm": 'a "b" \\'}})
    assert t.get().head.get("WWW-Authenticate") == 'Basic realm="a \\"b\\" \\\\", charset="UTF-8"'


def test_the_answer_to_head_has_no_body(guarded):
    t, _ = guarded({"basic": f"anna:{SHA1}"})
    with t.client() as c:
        assert c.ask("HEAD", "/").status == 401
        assert c.get("/", basic("anna")).status == 200


def test_a_body_waits_while_its_password_is_checked(guarded):
    t, o = guarded({"basic": f"anna:{BCRYPT}"})
    data = bytes(range(256)) * 2000
    with t.client() as c:
        assert c.ask("POST", "/", basic("anna"), body=data).status == 200
        assert c.ask("POST", "/", basic("anna"), body=data).status == 200
        assert c.ask("POST", "/", basic("anna", "no"), body=b"x").status == 401
    assert o.bodies == [data, data]


def test_a_slow_hash_is_computed_once_and_holds_nobody_up(guarded):
    slow = hashed("tide gate", cost=11)
    t, o = guarded({"basic": [f"anna:{slow}", f"ben:{SHA1}"]}, workers=1)
    start = time.monotonic()
    with t.client() as slow_client, t.client() as quick:
        slow_client.send(request("GET", "/", basic("anna")))
        while not slow_client_done(slow_client):
            begun = time.monotonic()
            assert quick.get("/", basic("ben")).status == 200
            longest = max(locals().get("longest", 0), time.monotonic() - begun)
        once = time.monotonic() - start
        assert slow_client.answer().status == 200
        assert longest < once / 2, "a quick one waited for the slow one"
        checked = t.metric("tidegate_service_credentials_checked_total")
        for _ in range(20):
            assert slow_client.get("/", basic("anna")).status == 200
        assert t.metric("tidegate_service_credentials_checked_total") == checked


def hashed(password, cost):
    out = subprocess.run(["/usr/bin/python3", "-W", "ignore", "-c",
                          f"import crypt; print(crypt.crypt({password!r}, crypt.mksalt(crypt.METHOD_BLOWFISH, "
                          f"rounds=2**{cost})))"], capture_output=True, text=True, check=True)
    return out.stdout.strip()


def slow_client_done(c):
    c.sock.settimeout(0.001)
    try:
        c.fill()
        return True
    except (TimeoutError, BlockingIOError):
        return False
    finally:
        c.sock.settimeout(10)


def test_a_page_of_many_parts_computes_its_hash_once(guarded):
    t, _ = guarded({"basic": f"anna:{hashed('tide gate', 11)}"})
    clients = [t.client() for _ in range(24)]
    start = time.monotonic()
    for c in clients:
        c.send(request("GET", "/", basic("anna")))
    assert clients[0].answer().status == 200
    first = time.monotonic() - start
    for c in clients[1:]:
        assert c.answer().status == 200
        c.close()
    clients[0].close()
    assert time.monotonic() - start < 6 * first


def test_a_client_that_leaves_meanwhile_is_forgotten(guarded):
    t, o = guarded({"basic": f"anna:{hashed('tide gate', 10)}"}, workers=1)
    for _ in range(3):
        c = t.client()
        c.send(request("GET", "/", basic("anna", "wrong")))
        wait_for(lambda: t.figures()["exchanges"] == 1)
        c.close()
        wait_for(lambda: t.figures()["exchanges"] == 0)
    assert not o.heads
    s = t.service()
    assert s["arrivals"] == 0 and s["left"] == 0, "it never was demand"


def test_it_ends_while_passwords_are_checked(guarded):
    t, _ = guarded({"basic": f"anna:{hashed('tide gate', 12)}"}, drain_timeout="1s")
    clients = [t.client() for _ in range(12)]
    for i, c in enumerate(clients):
        c.send(request("GET", "/", basic("anna", f"wrong {i}")))
    wait_for(lambda: t.figures()["exchanges"] == 12)
    assert t.stop() == 0
    for c in clients:
        c.close()


def test_users_are_read_again_when_their_file_changes(guarded, tmp_path):
    t, _ = guarded({"basic": str(tmp_path / "users")}, {"users": f"anna:{SHA1}\n"})
    assert t.get("/", basic("anna")).status == 200
    (tmp_path / "users").write_text(f"# changed\nben:{SHA1}\n")
    wait_for(lambda: t.get("/", basic("ben")).status == 200, within_s=20, every_s=0.2)
    assert t.get("/", basic("anna")).status == 401, "what was remembered of others went too"
    (tmp_path / "users").write_text("nonsense\n")
    wait_for(lambda: "what was read before stays" in t.stderr(), within_s=20, every_s=0.2)
    assert t.get("/", basic("ben")).status == 200
    assert re.search(r"tidegate\.yaml:\d+:\d+: .*users: line 1: is not name:HASH", t.stderr())


def test_the_service_hears_who_it_is_from_nobody_else(guarded):
    t, o = guarded({"basic": f"anna:{SHA1}", "user_header": "X-Remote-User", "remove_authorization": True})
    fields = ["X-Remote-User: admin", "x_remote_user: admin", "X-REMOTE_USER: admin", "X-Remote-Users: stays"]
    assert t.get("/", basic("anna"), *fields).status == 200
    head = o.heads[0]
    assert head.all("X-Remote-User") == ["anna"] and head.all("x_remote_user") == []
    assert head.all("x-remote_user") == [] and head.all("X-Remote-Users") == ["stays"]
    assert head.all("Authorization") == []


def test_nor_is_it_said_behind_a_body(guarded):
    t, o = guarded({"basic": f"anna:{SHA1}", "user_header": "X-Remote-User"}, workers=1)
    seen = []

    def serve(peer, _):
        peer.head()
        peer.send(answer())  # a connection that is there already: trailers need one
        peer.head()
        seen.append(peer.until(b"\r\n\r\n"))
        peer.send(answer())

    o.serve = serve
    with t.client() as c:
        assert c.get("/", basic("anna")).status == 200
        c.send(f"POST / HTTP/1.1\r\nHost: x\r\n{basic('anna')}\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nabc\r\n0\r\nx_remote_user: admin\r\nX-Remote-User: admin\r\nX-Other: stays\r\n\r\n")
        assert c.answer().status == 200
    assert seen == [b"3\r\nabc\r\n0\r\nX-Other: stays\r\n\r\n"]


def test_authorization_goes_on_unless_it_is_to_be_removed(guarded):
    t, o = guarded({"basic": f"anna:{SHA1}"})
    t.get("/", basic("anna"))
    assert o.heads[0].get("Authorization") == basic("anna").split(": ")[1]


def test_what_one_route_of_a_service_sets_no_client_sends_on_another(tidegate, origin):
    o, other = origin(), origin()
    cfg = basic_config([o.url])
    cfg["services"]["other"] = {"pools": {"baseline": {"backends": [other.url]}}}
    cfg["routes"] += [{"path": "/in", "service": "app", "auth": {"basic": f"a:{SHA1}", "user_header": "X-User"}},
                      {"path": "/other", "service": "other"}]
    t = tidegate(config=cfg)
    for target in ("/", "/other"):
        assert t.get(target, "X-User: admin").status == 200
    assert o.heads[0].all("X-User") == [] and other.heads[0].all("X-User") == ["admin"]


def test_a_users_hash_is_nowhere_shown(guarded):
    t, _ = guarded({"basic": f"anna:{BCRYPT}"})
    assert BCRYPT not in t.admin("/api/v1/config").body.decode()
    assert "anna:" in t.admin("/api/v1/config").body.decode()
    assert BCRYPT not in check_config(t.file.read_text(), t.folder, "-T")[1]


# ---- tokens

@pytest.fixture(scope="module")
def keys():
    return {alg: Key(alg, kid=f"k-{alg}") for alg in ("RS256", "ES256", "ES384", "EdDSA", "HS256")}


def with_jwks(guarded, *signers, auth=None, **jwt):
    return guarded({"jwt": dict({"keys": "jwks.json"}, **jwt), **(auth or {})}, {"jwks.json": jwks(*signers)})


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384",
                                 "EdDSA", "HS256", "HS384", "HS512"])
def test_each_algorithm_lets_its_tokens_in(guarded, alg):
    key, other = Key(alg), Key(alg)
    t, o = with_jwks(guarded, key, algorithms=[alg])
    assert t.get("/", bearer(key.token(sub="anna"))).status == 200
    a = t.get("/", bearer(other.token(sub="anna")))
    assert a.status == 401
    assert a.head.get("WWW-Authenticate") == 'Bearer realm="tidegate", error="invalid_token"'
    assert len(o.heads) == 1 and denied(t, "token_signature") == 1


def test_keys_may_be_pem(guarded, keys):
    pem = keys["RS256"].pem + keys["ES256"].pem
    t, _ = guarded({"jwt": "keys.pem"}, {"keys.pem": pem})
    for alg in ("RS256", "ES256"):
        assert t.get("/", bearer(keys[alg].token())).status == 200


def test_a_token_is_refused_for_what_is_wrong_with_it(guarded, keys):
    k = keys["ES256"]
    now = time.time()
    t, o = with_jwks(guarded, k, issuer="https://id.example", audience="shop", leeway="5s",
                     claims={"role": ["admin", "editor"]})
    good = {"iss": "https://id.example", "aud": "shop", "role": "editor"}
    none = f"{b64({'alg': 'none'})}.{b64({'exp': now + 99, **good})}."
    confused = Key("HS256")
    confused.private = k.pem  # the public key, as if it were a secret
    cases = [
        (k.token(**good), 200, None),
        (k.token(**dict(good, exp=now - 60)), 401, "token_time"),
        (k.token(**dict(good, nbf=now + 60)), 401, "token_time"),
        (k.token(**dict(good, iat=now + 60)), 401, "token_time"),
        (k.token(**dict(good, exp=None)), 401, "token_malformed"),
        (k.token(**dict(good, iss="https://evil.example")), 401, "token_issuer"),
        (k.token(**dict(good, aud=["other"])), 401, "token_audience"),
        (k.token(**dict(good, role="guest")), 403, "token_claim"),
        (k.token({"kid": "another"}, **good), 401, "token_key"),
        (k.token({"alg": "ES384"}, **good), 401, "token_key"),
        (confused.token({"kid": k.kid}, **good), 401, "token_algorithm"),
        (none, 401, "token_malformed"),
        (none + "AAAA", 401, "token_algorithm"),
        (k.token({"crit": ["exp"]}, **good), 401, "token_malformed"),
        (k.token(**good)[:-1], 401, None),
        ("a.b.c", 401, "token_malformed"), ("x" * 9000, 401, "token_malformed"),
    ]
    with t.client() as c:
        for token, status, reason in cases:
            before = denied(t, reason) if reason else 0
            a = c.get("/", bearer(token))
            assert (a.status, token) == (status, token)
            assert not reason or denied(t, reason) == before + 1, reason
            if status == 403:
                assert 'error="insufficient_scope"' in a.head.get("WWW-Authenticate")
        a = c.get("/")
        assert a.status == 401 and a.head.get("WWW-Authenticate") == 'Bearer realm="tidegate"'
    assert len(o.heads) == 1 and denied(t, "no_credentials") == 1


def test_a_token_may_be_in_a_cookie_or_a_field_of_its_own(guarded, keys):
    k = keys["EdDSA"]
    t, _ = with_jwks(guarded, k, **{"from": ["cookie:tok", "header:X-Token", "header:authorization"]})
    token, bad = k.token(), k.token(exp=1)
    assert t.get("/", f"Cookie: a=b; tok={token}; c=d").status == 200
    assert t.get("/", f"X-Token: {token}").status == 200
    assert t.get("/", bearer(token)).status == 200
    assert t.get("/", f"Cookie: tok={bad}", bearer(token)).status == 401, "the first that is there counts"
    assert t.get("/", f"Cookie: xtok={token}; toke={token}").status == 401


def test_claims_go_to_the_service_and_come_from_nobody_else(guarded, keys):
    k = keys["EdDSA"]
    t, o = with_jwks(guarded, k, forward={"sub": "X-User", "realm_access.roles": "X-Roles", "note": "X-Note"},
                     user_claim="email", auth={"user_header": "X-Mail"})
    token = k.token(sub="anna", email="anna@x.example", realm_access={"roles": ["a", "b"]},
                    note="evil\r\nX-User: admin")
    t.get("/", bearer(token), "X-User: admin", "x_roles: admin", "X-Note: admin", "X-Mail: admin")
    head = o.heads[0]
    assert head.all("x-user") == ["anna"] and head.all("x-roles") == ["a,b"]
    assert head.all("x-note") == [] and head.all("x_roles") == [] and head.all("x-mail") == ["anna@x.example"]


def test_many_long_claims_do_not_break_the_head(guarded, keys):
    k = keys["EdDSA"]
    t, o = with_jwks(guarded, k, forward={f"c{i}": f"X-C{i}" for i in range(40)})
    token = k.token(**{f"c{i}": "v" * 100 for i in range(40)})
    assert t.get("/", bearer(token)).status == 200
    assert [o.heads[0].get(f"x-c{i}") for i in range(40)] == ["v" * 100] * 40


def test_a_signature_is_checked_once_and_an_end_each_time(guarded, keys):
    k = keys["RS256"]
    t, _ = with_jwks(guarded, k, leeway="0s")
    token = k.token(exp=time.time() + 2)
    for _ in range(5):
        assert t.get("/", bearer(token)).status == 200
    assert t.metric("tidegate_service_credentials_known_total") >= 4
    wait_for(lambda: t.get("/", bearer(token)).status == 401)


def test_keys_are_read_again_when_their_file_changes(guarded, tmp_path):
    old, new = Key("ES256", "old"), Key("ES256", "new")
    t, _ = with_jwks(guarded, old)
    assert t.get("/", bearer(old.token())).status == 200
    (tmp_path / "jwks.json").write_text(jwks(new))
    wait_for(lambda: t.get("/", bearer(new.token())).status == 200, within_s=20, every_s=0.2)
    assert t.get("/", bearer(old.token())).status == 401


def test_a_reload_takes_new_keys_and_keeps_the_old_ones_if_they_are_broken(guarded, tmp_path):
    old, new = Key("ES256", "old"), Key("ES256", "new")
    t, _ = with_jwks(guarded, old)
    (tmp_path / "jwks.json").write_text("{")
    assert t.post("reload").status == 409
    assert t.get("/", bearer(old.token())).status == 200
    (tmp_path / "jwks.json").write_text(jwks(new))
    assert t.post("reload").status == 200
    wait_for(lambda: t.get("/", bearer(new.token())).status == 200)
    assert t.get("/", bearer(old.token())).status == 401


def test_a_broken_file_of_keys_is_told_with_its_line(tmp_path):
    (tmp_path / "jwks.json").write_text('{"keys": [{"kty": "oct", "k": "c2hvcnQ"}]}')
    (tmp_path / "users").write_text("anna:secret\n")
    rc, _, err = check_config(
        "listeners: 127.0.0.1:8080\n"
        "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
        "routes:\n"
        "  - { path: /, service: s, auth: { jwt: jwks.json } }\n"
        "  - { path: /longer, service: s, auth: { basic: users } }\n"
        "  - { path: /x, service: s, errors: { status: 404, file: nowhere.html } }\n", tmp_path)
    assert rc == 1
    assert err.splitlines() == [
        "checked.yaml:4:41: jwks.json: key 1 ('') is broken or too short",
        "checked.yaml:5:49: users: line 1: the hash of 'anna' is none of bcrypt, yescrypt, sha512-crypt, "
        "sha256-crypt, md5-crypt, apr1 and {SHA}",
        "checked.yaml:6:58: file: nowhere.html: No such file or directory"]


# ---- another service decides

@pytest.fixture
def asked(tidegate, origin):
    """asked(reply or serve, forward={}) -> (tidegate, origin, gatekeeper)"""
    def make(reply=None, serve=None, forward=None, auth=None, **top):
        o, g = origin(), origin(serve, reply=reply)
        cfg = basic_config([o.url], **top)
        cfg["services"]["gate"] = {"pools": {"baseline": {"backends": [g.url]}}}
        cfg["routes"][0]["auth"] = {"forward": dict({"service": "gate", "path": "/verify?x=1"}, **(forward or {})),
                                    **(auth or {})}
        return tidegate(config=cfg), o, g
    return make


def test_another_service_lets_in(asked):
    t, o, g = asked(lambda head, body: answer(200, b"", "X-User: anna", "X-Group: a", "X-Group: b", "X-Else: no"),
                    forward={"response_headers": ["X-User", "X-Group"], "user_from": "X-User"},
                    auth={"user_header": "X-Name"})
    data = b"body" * 5000
    with t.client() as c:
        a = c.ask("POST", "/path?q=1", "X-User: admin", "x_group: admin", "Cookie: sid=7", "X-Name: admin",
                  "Content-Type: text/x", body=data)
        assert a.status == 200
        assert c.get("/next").status == 200
    question, head = g.heads[0], o.heads[0]
    assert question.first == "GET /verify?x=1 HTTP/1.1" and g.bodies[0] == b""
    assert question.get("X-Forwarded-Method") == "POST" and question.get("X-Forwarded-Uri") == "/path?q=1"
    assert question.get("X-Forwarded-Host") == "test.example" and question.get("Host") == "test.example"
    assert question.get("X-Forwarded-For") == "127.0.0.1" and question.get("X-Forwarded-Proto") == "http"
    assert question.get("Cookie") == "sid=7"
    for name in ("Content-Type", "Content-Length", "Transfer-Encoding", "X-User", "x_group"):
        assert question.all(name) == [], name
    assert head.first == "POST /path?q=1 HTTP/1.1" and o.bodies[0] == data
    assert head.all("x-user") == ["anna"] and head.all("x-group") == ["a", "b"] and head.all("x_group") == []
    assert head.all("X-Else") == [] and head.all("x-name") == ["anna"]


def test_only_named_fields_are_asked_with(asked):
    t, _, g = asked(forward={"request_headers": ["Cookie"]})
    t.get("/", "Cookie: a=b", "X-Other: c", "Authorization: d")
    q = g.heads[0]
    assert q.get("Cookie") == "a=b" and q.all("X-Other") == [] and q.all("Authorization") == []
    assert q.get("X-Forwarded-For") == "127.0.0.1"


@pytest.mark.parametrize("status", [301, 401, 403, 404, 500])
def test_any_other_answer_is_the_clients(asked, status):
    t, o, g = asked(lambda head, body: answer(status, b"go away", "Location: /login", "Set-Cookie: a=b",
                                              'WWW-Authenticate: Own realm="x"', "Connection: close"))
    with t.client() as c:
        a = c.get("/")
        assert a.status == status and a.body == b"go away"
        assert a.head.get("Location") == "/login" and a.head.get("Set-Cookie") == "a=b"
        assert a.head.get("WWW-Authenticate") == 'Own realm="x"'
        a = c.ask("HEAD", "/")
        assert a.status == status and a.body == b"" and a.head.get("Content-Length") == "7"
        assert c.ask("POST", "/", body=b"x" * 10).status == status
    assert not o.heads and denied(t, "auth_service") == 3
    assert t.service("app")["arrivals"] == 0 and t.service("gate")["arrivals"] == 3


def test_it_fails_closed(asked, origin):
    silent = lambda peer, o: (o.read(peer), peer.until(b"never"))
    t, o, g = asked(serve=silent, forward={"timeout": "200ms"})
    a = t.get()
    assert a.status == 503 and a.head.get("Retry-After") == "1"
    assert denied(t, "auth_failed") == 1 and not o.heads
    wait_for(lambda: t.figures()["exchanges"] == 0)


@pytest.mark.parametrize("serve", [
    lambda peer, o: (o.read(peer), peer.reset()),
    lambda peer, o: (o.read(peer), peer.send(b"HTTP/1.1 nonsense\r\n\r\n")),
    lambda peer, o: (o.read(peer), peer.send(answer(200, b"", "Content-Length: 10", length=False)), peer.end()),
    lambda peer, o: (o.read(peer), peer.send(answer(401, b"x" * 2000))),
])
def test_an_answer_that_is_none_lets_nobody_in(asked, serve):
    t, o, g = asked(serve=serve, forward={"max_body": "1k"})
    assert t.get().status == 503
    assert denied(t, "auth_failed") == 1 and not o.heads


def test_without_its_service_nobody_is_let_in(asked):
    t, o, g = asked()
    g.stop()
    assert t.get().status == 503
    assert denied(t, "auth_failed") == 1 and not o.heads


def test_a_client_that_leaves_takes_its_question_back(asked):
    t, o, g = asked(serve=lambda peer, o: (o.read(peer), peer.until(b"never")), workers=1)
    c = t.client()
    c.send(request("GET", "/"))
    wait_for(lambda: g.heads)
    assert t.figures()["exchanges"] == 2
    c.close()
    wait_for(lambda: t.figures()["exchanges"] == 0)
    assert not o.heads and t.service("app")["arrivals"] == 0


def test_it_ends_while_a_question_is_open(asked):
    t, o, g = asked(serve=lambda peer, o: (o.read(peer), peer.until(b"never")), drain_timeout="500ms")
    c = t.client()
    c.send(request("GET", "/"))
    wait_for(lambda: g.heads)
    assert t.stop() == 0
    c.close()


def test_the_largest_head_can_be_asked_with(asked):
    """A target and fields up to the limits, which the question repeats."""
    t, o, g = asked(listener={"limits": {"head": "64k", "target": "60k", "fields": 200}})
    target = "/?" + "t" * 40_000
    fields = [f"X-{i}: " + "v" * 100 for i in range(180)]
    assert t.get(target, *fields).status == 200
    assert g.heads[0].get("X-Forwarded-Uri") == target and g.heads[0].get("X-179") == "v" * 100
    assert o.heads[0].target == target
    assert t.get("/?" + "t" * 60_000, *fields).status in (414, 431)


def test_compressed_pages_behind_a_question(asked):
    """All of it at once: a question, a body, a compressor."""
    t, o, g = asked(service={"compression": {"min_size": 1}})
    o.reply = lambda head, body: answer(200, b"x" * 5000, "Content-Type: text/plain")
    a = t.get("/", "Accept-Encoding: gzip")
    assert a.status == 200 and a.head.get("Content-Encoding") == "gzip"
