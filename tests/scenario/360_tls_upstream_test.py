"""TLS with backends: who is believed, what is told, which version is agreed on."""
import shutil
import signal
import ssl
import subprocess

import pytest

import h2wire
import pki
from wire import Closed, answer, wait_for


@pytest.fixture
def tls_origin(origin, ca):
    """tls_origin(...) -> an origin with a good certificate for 127.0.0.1 and app.internal"""
    def make(*args, pair=None, **kwargs):
        return origin(pair or ca.issue("127.0.0.1", "app.internal"), *args, kind=pki.TlsOrigin, **kwargs)
    return make


@pytest.fixture
def towards(tidegate, ca):
    """towards(origin, tls={}, pool={}, ...) -> Tidegate that speaks TLS to it"""
    def make(o, tls=None, pool=None, service=None, **kwargs):
        return tidegate([o], service={"pools": {"baseline": {"tls": {"ca": ca.file, **(tls or {})}, **(pool or {})}},
                                      **(service or {})}, **kwargs)
    return make


def get(t, target="/", *fields):
    with t.client() as c:
        return c.get(target, *fields)


def failed(t, reason):
    return t.metric("tidegate_upstream_tls_failed_total", reason=reason)


def test_a_backend_is_asked_over_tls(towards, tls_origin):
    o = tls_origin(reply=lambda head, body: answer(200, b"secret"))
    t = towards(o)
    assert get(t).body == b"secret"
    assert o.heads[0].get("X-Forwarded-Proto") == "http"
    assert o.handshakes == [(None, False, "http/1.1")], "an address is no name to ask for"
    assert t.metric("tidegate_upstream_tls_handshakes_total") == 1


def test_the_name_is_asked_for_and_checked(towards, tls_origin):
    o = tls_origin()
    t = towards(o, tls={"server_name": "app.internal"})
    assert get(t).status == 200
    assert o.handshakes[0][0] == "app.internal"
    t = towards(o, tls={"server_name": "other.internal"})
    assert get(t).status == 502
    assert failed(t, "certificate") >= 1


@pytest.mark.parametrize("what", ["issuer", "expired", "address"])
def test_a_bad_certificate_is_no_backend(towards, tls_origin, ca, tmp_path, what):
    pair = {"issuer": lambda: pki.Authority(tmp_path, "Other CA").issue("127.0.0.1"),
            "expired": lambda: ca.issue("127.0.0.1", days=(-9, -1)),
            "address": lambda: ca.issue("127.0.0.2")}[what]()
    o = tls_origin(pair=pair)
    t = towards(o)
    assert get(t).status == 502
    assert o.heads == [] and failed(t, "certificate") >= 1
    assert "no TLS with backend" in t.stderr()
    t = towards(o, tls={"verify": False})
    assert get(t).status == 200


def test_a_plain_backend_is_none(towards, origin):
    t = towards(origin(lambda peer, o: peer.send("HTTP/1.1 400 Bad Request\r\n\r\n")))
    assert get(t).status == 502
    assert t.metric("tidegate_upstream_tls_failed_total") >= 1


def test_our_own_certificate_is_shown(towards, tls_origin, tmp_path):
    ours = pki.Authority(tmp_path, "Client CA")
    pair = ours.issue(cn="tidegate")
    o = tls_origin(clients=ours)
    t = towards(o, tls={"cert": str(pair.cert_file), "key": str(pair.key_file)})
    assert get(t).status == 200
    assert o.certificates[0]["subject"] == ((("commonName", "tidegate"),),)
    assert get(towards(o)).status == 502


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_new_connection_resumes_the_session(towards, tls_origin, version):
    o = tls_origin(version=version, reply=lambda head, body: answer(200, b"x", "Connection: close"))
    t = towards(o)
    for _ in range(5):
        assert get(t).status == 200
    assert [h[1] for h in o.handshakes] == [False] + 4 * [True]
    assert t.metric("tidegate_upstream_tls_resumed_total") == 4


def test_versions_below_the_lowest_are_refused(towards, tls_origin):
    t = towards(tls_origin(version=ssl.TLSVersion.TLSv1_2), tls={"min_version": "1.3"})
    assert get(t).status == 502
    assert failed(t, "version") + failed(t, "alert") >= 1


def test_one_backend_may_differ_from_its_pool(tidegate, origin, tls_origin, ca):
    plain, secret = origin(), tls_origin()
    t = tidegate([{"address": plain.url, "tls": "off"}, {"address": secret.url}],
                 service={"pools": {"baseline": {"tls": {"ca": ca.file}}}})
    with t.client() as c:
        for _ in range(40):
            assert c.get().status == 200
    assert plain.heads and secret.heads


def test_probes_speak_tls_too(towards, tls_origin, ca, tmp_path):
    health = {"health": {"interval": "100ms", "timeout": "100ms", "path": "/up", "rise": 1, "fall": 1}}
    o = tls_origin()
    t = towards(o, service=health)
    wait_for(lambda: t.backend(o.url)["health"] == "up")
    assert o.heads[0].target == "/up"
    bad = tls_origin(pair=pki.Authority(tmp_path, "Other CA").issue("127.0.0.1"))
    t = towards(bad, service=health)
    wait_for(lambda: t.backend(bad.url)["health"] == "down")


def test_an_answer_cut_off_is_not_taken_for_whole(towards, tls_origin):
    def cut(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\n\r\nhalf")
        peer.sock.shutdown(2)  # no close_notify: anybody could have done that

    t = towards(tls_origin(cut))
    with t.client() as c, pytest.raises(Closed):
        c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        c.answer("GET")


def test_large_bodies_go_both_ways(towards, tls_origin):
    body = bytes(range(256)) * 8000
    t = towards(tls_origin(reply=lambda head, got: answer(200, got)))
    with t.client() as c:
        c.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n", body)
        assert c.answer("POST").body == body


# ---- which version

def echo_path(f, stream, m):
    h2wire.respond(f, stream, dict(m.fields)[":path"].encode())


def test_http2_is_agreed_on_and_then_shared(towards, tls_origin):
    schemes = []

    def reply(f, stream, m):
        schemes.append(dict(m.fields)[":scheme"])
        echo_path(f, stream, m)

    o = tls_origin(h2wire.serving(reply), alpn=["h2", "http/1.1"])
    t = towards(o, workers=1)
    assert get(t, "/first").body == b"/first"
    with h2wire.client(t) as c:
        streams = [c.request("GET", f"/{i}") for i in range(50)]
        assert [c.answer(s).body for s in streams] == [f"/{i}".encode() for i in range(50)]
    assert len(o.handshakes) == 1 and o.handshakes[0][2] == "h2"
    assert set(schemes) == {"https"}


def test_many_first_requests_at_once_are_all_answered(towards, tls_origin):
    o = tls_origin(h2wire.serving(echo_path), alpn=["h2", "http/1.1"])
    t = towards(o)
    clients = [t.client() for _ in range(30)]
    for i, c in enumerate(clients):
        c.send(f"GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n")
    for i, c in enumerate(clients):
        assert c.answer("GET").body == f"/{i}".encode()
        c.close()


def test_a_backend_may_give_up_http2(towards, tls_origin, ca):
    pair = ca.issue("127.0.0.1")
    o = tls_origin(h2wire.serving(echo_path), pair=pair, alpn=["h2", "http/1.1"])
    t = towards(o, workers=1, service={"retries": {"attempts": 0}})
    assert get(t, "/a").body == b"/a"
    o.stop()
    again = tls_origin(pair=pair, address=o.address, reply=lambda head, body: answer(200, b"one"))
    for _ in range(3):
        assert get(t).body == b"one"
    again.stop()
    tls_origin(h2wire.serving(echo_path), pair=pair, address=o.address, alpn=["h2", "http/1.1"])
    for _ in range(3):
        assert get(t, "/b").body == b"/b"


@pytest.mark.parametrize("protocol, offered, status", [
    ("h1", ["h2", "http/1.1"], 200), ("h2", ["h2"], 200), ("h2", ["http/1.1"], 502), ("h1", ["http/1.1"], 200)])
def test_a_version_may_be_demanded(towards, tls_origin, protocol, offered, status):
    h2 = protocol == "h2" and "h2" in offered
    o = tls_origin(h2wire.serving(echo_path) if h2 else None, alpn=offered)
    t = towards(o, pool={"protocol": protocol})
    assert get(t).status == status
    if status == 200:
        assert o.handshakes[0][2] == ("h2" if h2 else "http/1.1")


def test_curl_speaks_http2_with_it_and_it_with_the_backend(towards, tls_origin, ca):
    o = tls_origin(h2wire.serving(echo_path), alpn=["h2", "http/1.1"])
    t = towards(o, listener={"tls": {"certificates": [ca.issue("localhost").entry]}})
    url = f"https://localhost:{t.port}/"
    done = subprocess.run(["curl", "-sS", "--http2", "--cacert", ca.file, "-w", " %{http_version}", url + "x"],
                          capture_output=True, timeout=20)
    assert done.stdout == b"/x 2", done.stderr
    done = subprocess.run(["curl", "-sS", "--http1.1", "--cacert", ca.file, "-w", " %{http_version}", url + "x"],
                          capture_output=True, timeout=20)
    assert done.stdout == b"/x 1.1", done.stderr


def test_without_http2_it_is_not_offered(tidegate, origin, ca):
    t = tidegate([origin()], listener={"h2": False, "tls": {"certificates": [ca.issue("localhost").entry]}})
    with pki.connect(t.address, pki.client_context(ca, alpn=["h2", "http/1.1"]), "localhost") as c:
        assert c.sock.selected_alpn_protocol() == "http/1.1"
        assert c.get().status == 200


# ---- reloading

def certificate_of(t, ctx):
    with pki.connect(t.address, ctx, "localhost") as c:
        assert c.get().status == 200
        return c.sock.getpeercert(True)


def test_certificates_are_reloaded_and_no_connection_is_dropped(tidegate, origin, ca):
    old, new = ca.issue("localhost"), ca.issue("localhost")
    mine = ca.folder / "mine.pem"
    shutil.copy(old.pem_file, mine)
    t = tidegate([origin()], listener={"tls": {"certificates": [str(mine)]}})
    ctx = pki.client_context(ca)
    with pki.connect(t.address, ctx, "localhost") as c:
        assert c.get().status == 200
        shutil.copy(new.pem_file, mine)
        assert t.post("reload").status == 200
        wait_for(lambda: certificate_of(t, ctx) == new.der)
        assert c.get().status == 200, "the connection of before goes on"


def test_a_broken_certificate_keeps_the_old_one(tidegate, origin, ca):
    mine = ca.folder / "mine.pem"
    old = ca.issue("localhost")
    shutil.copy(old.pem_file, mine)
    t = tidegate([origin()], listener={"tls": {"certificates": [str(mine)]}})
    mine.write_text("nonsense")
    t.signal(signal.SIGHUP)
    wait_for(lambda: t.metric("tidegate_config_last_reload_success") == 0)
    assert f"{t.file}:" in t.stderr() and str(mine) in t.stderr()
    assert certificate_of(t, pki.client_context(ca)) == old.der
