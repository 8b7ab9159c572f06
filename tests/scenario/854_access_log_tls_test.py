"""Access logs over TLS and behind the PROXY protocol: who asked, how, and what never became a request."""
import socket
import ssl

import pytest

import h2wire
import pki
import ppwire
from access import lines_of, log, objects, read
from wire import Closed, answer, wait_for

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
JSON = log(format="json")
TLS_KEYS = ("tls_version", "tls_cipher", "tls_name", "tls_subject")
LINE = log(format="{protocol} {status} {ending} {state} {fault} {tls_version} {tls_name}")
EMPTY = {**LINE, "empty_connections": True}


@pytest.fixture
def serve(tidegate, origin, ca):
    """serve(tls={}, ...) -> Tidegate with one TLS listener named front"""
    def make(tls=None, listener=None, **kwargs):
        pair = ca.issue("localhost", "127.0.0.1")
        return tidegate([origin()], listener={"name": "front", "tls": {"certificates": [pair.entry], **(tls or {})},
                                              **(listener or {})}, **kwargs)
    return make


def tls_of(got):
    return tuple(got[k] for k in TLS_KEYS)


# ---- what TLS knows

@pytest.mark.parametrize("version", [V12, V13])
def test_version_cipher_and_name(serve, ca, tmp_path, version):
    t = serve(access_log=JSON)
    with pki.connect(t.address, pki.client_context(ca, version=version), "localhost") as c:
        c.get()
        cipher, spoken, _ = c.sock.cipher()
    [got] = objects(tmp_path / "access.log")
    assert tls_of(got) == (c.sock.version() or spoken, cipher, "localhost", None)
    assert got["tls_version"] == ("TLSv1.2" if version == V12 else "TLSv1.3")


def test_who_asks_for_no_name_has_none(serve, ca, tmp_path):
    t = serve(access_log=JSON)
    ctx = pki.client_context(ca)
    ctx.check_hostname = False
    with pki.connect(t.address, ctx, None) as c:
        c.get()
    assert objects(tmp_path / "access.log")[0]["tls_name"] is None


def test_the_subject_of_a_verified_certificate(serve, ca, tmp_path):
    t = serve(tls={"clients": {"verify": "optional", "ca": ca.file}}, access_log=[
        JSON, log("t.log", format="{tls_subject}")], workers=1)
    ctx, session = pki.client_context(ca, own=ca.issue("client.example", cn='Al"ice'), version=V12), None
    for resumed in (False, True):
        with pki.connect(t.address, ctx, "localhost", session) as c:
            c.get()
            session = c.sock.session
            assert c.sock.session_reused == resumed
    with pki.connect(t.address, pki.client_context(ca), "localhost") as c:
        c.get()
    assert [o["tls_subject"] for o in objects(tmp_path / "access.log", 3)] == ['CN=Al\\"ice'] * 2 + [None]
    assert read(tmp_path / "t.log", 3) == [r"CN=Al\x5C\x22ice"] * 2 + ["-"]


def test_http_2_over_tls(serve, ca, tmp_path):
    t = serve(access_log=JSON)
    ctx = pki.client_context(ca, alpn=["h2"])
    with h2wire.Frames(pki.connect(t.address, ctx, "localhost")) as c:
        streams = [c.request("GET", f"/{i}") for i in range(3)]
        for s in streams:
            c.answer(s)
    for got in objects(tmp_path / "access.log", 3):
        assert (got["protocol"], got["status"], got["ending"]) == ("HTTP/2.0", 200, "complete")
        assert got["tls_version"] == "TLSv1.3" and got["tls_name"] == "localhost"


def test_httplog_marks_the_listener_as_haproxy_does(serve, ca, tmp_path):
    t = serve(access_log=log(format="httplog"))
    with pki.connect(t.address, pki.client_context(ca), "localhost") as c:
        c.get("https://localhost/a")
    line = read(tmp_path / "access.log")[0]
    assert "] front~ app/" in line and line.endswith('"GET https://localhost/a HTTP/1.1"')


def test_without_tls_there_is_nothing_to_tell(tidegate, origin, tmp_path):
    t = tidegate([origin()], access_log=[JSON, log("t.log", format="{tls_version} {tls_cipher} {tls_name} {tls_subject}")])
    t.get()
    assert tls_of(objects(tmp_path / "access.log")[0]) == (None,) * 4
    assert read(tmp_path / "t.log") == ["- - - -"]


# ---- no request

def test_plain_http_where_tls_is_spoken(serve, tmp_path):
    t = serve(access_log=LINE)
    with t.client() as c:
        c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.head().status == 400
    assert read(tmp_path / "access.log") == ["- 400 bad_request PR-- plain_http - -"]


def test_a_version_that_is_too_old(serve, ca, tmp_path):
    t = serve(tls={"min_version": "1.3"}, access_log=LINE)
    with pytest.raises(ssl.SSLError):
        pki.connect(t.address, pki.client_context(ca, version=V12), "localhost")
    assert read(tmp_path / "access.log") == ["- 000 no_tls PR-- version - -"]


def test_a_name_that_nobody_has(serve, ca, tmp_path):
    t = serve(tls={"strict_sni": True}, access_log=LINE)
    with pytest.raises(ssl.SSLError):
        pki.connect(t.address, pki.client_context(ca), "other.example")
    assert read(tmp_path / "access.log") == ["- 000 no_tls PR-- name - other.example"]


def test_a_certificate_that_is_wanted(serve, ca, tmp_path):
    t = serve(tls={"clients": {"verify": "require", "ca": ca.file}}, access_log=LINE)
    with pytest.raises((ssl.SSLError, Closed, ConnectionError)):
        with pki.connect(t.address, pki.client_context(ca, version=V12), "localhost") as c:
            c.get()
    line = read(tmp_path / "access.log")[0]
    assert line.startswith("- 000 no_tls PR-- certificate ")


def test_no_tls_at_all(serve, tmp_path):
    t = serve(access_log=LINE)
    with t.client() as c:
        c.send(b"\x16\x03\x01\x00\x05\xff\xff\xff\xff\xff")
        c.until_close()
    assert read(tmp_path / "access.log")[0].startswith("- 000 no_tls PR-- ")


def test_a_handshake_that_does_not_go_on(serve, tmp_path):
    t = serve(access_log=LINE, listener={"timeouts": {"head": "1s"}})
    with t.client() as c:
        c.send(b"\x16\x03\x01\x02\x00\x01")
        c.until_close()
    with t.client() as c:
        c.send(b"\x16\x03\x01\x02\x00\x01")
    assert sorted(read(tmp_path / "access.log", 2)) == ["- 000 no_tls PR-- closed - -", "- 000 no_tls PR-- timeout - -"]


@pytest.mark.parametrize("told", [False, True])
def test_a_probe_of_the_port_is_told_where_it_is_asked_for(serve, tmp_path, told):
    t = serve(access_log=EMPTY if told else LINE)
    t.client().close()
    wait_for(lambda: t.metric("tidegate_tls_failed_total", reason="closed") == 1)
    assert t.stop() == 0
    assert lines_of(tmp_path / "access.log") == (["- 000 no_tls PR-- closed - -"] if told else [])


def test_who_says_nothing_after_the_handshake(serve, ca, tmp_path):
    t = serve(access_log=EMPTY)
    pki.connect(t.address, pki.client_context(ca), "localhost").close()
    assert read(tmp_path / "access.log") == ["- 400 head_abort CR-- closed TLSv1.3 localhost"]


def test_a_backend_whose_certificate_is_not_good(tidegate, origin, ca, tmp_path):
    t = tidegate([origin(ca.issue("other.example"), kind=pki.TlsOrigin)], service={"pools": {"baseline": {"tls": {"ca": ca.file, "server_name": "localhost"}}},
                               "ejection": False}, access_log=log(format="{status} {ending} {state} {backend_protocol}"))
    assert t.get().status == 502
    assert read(tmp_path / "access.log") == ["502 connect_failed SC-- -"]


# ---- the PROXY protocol

CLIENT, FRONT = "192.0.2.7", "198.51.100.1"


@pytest.mark.parametrize("version", [1, 2])
def test_the_client_is_who_the_header_says(tidegate, origin, tmp_path, version):
    t = tidegate([origin()], listener={"proxy_protocol": True}, access_log=log(format="{client} {client_port} {protocol}"))
    with ppwire.from_(t, ppwire.v2(CLIENT, FRONT, 40000, 443)) as c:
        if version == 2:
            h2wire.Frames(c).get()
        else:
            c.get()
    assert read(tmp_path / "access.log") == [f"{CLIENT} 40000 HTTP/{'2.0' if version == 2 else '1.1'}"]


def test_a_trusted_proxy_behind_it(tidegate, origin, tmp_path):
    t = tidegate([origin()], listener={"proxy_protocol": True, "trusted_proxies": [CLIENT + "/32"]},
                 access_log=log(format="{client} {client_port}"))
    with ppwire.from_(t, ppwire.v1(CLIENT, FRONT)) as c:
        c.get("/", "X-Forwarded-For: 203.0.113.9")
    assert read(tmp_path / "access.log") == ["203.0.113.9 0"]


@pytest.mark.parametrize("sent, lines", [
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1), (ppwire.v2(CLIENT, FRONT)[:20], 1), (b"", 0),
])
def test_what_is_no_header(tidegate, origin, tmp_path, sent, lines):
    t = tidegate([origin()], listener={"proxy_protocol": True}, access_log=LINE)
    with t.client() as c:
        c.send(sent)
        c.half_close()
        c.until_close()
    assert t.stop() == 0
    assert lines_of(tmp_path / "access.log") == ["- 000 bad_request PR-- proxy_protocol - -"] * lines


def test_who_may_send_none(tidegate, origin, tmp_path):
    t = tidegate([origin()], listener={"proxy_protocol": True, "proxy_from": ["192.0.2.0/24"]}, access_log=EMPTY, ready=False)
    wait_for(lambda: "listening on" in t.stderr())
    with socket.create_connection(t.address) as s:
        assert s.recv(1) == b""
    assert read(tmp_path / "access.log") == ["- 000 bad_request PR-- proxy_protocol - -"]


def test_a_head_that_is_bad_behind_a_header(tidegate, origin, tmp_path):
    t = tidegate([origin()], listener={"proxy_protocol": True}, access_log=log(format="{client} {fault} {status}"))
    with ppwire.from_(t, ppwire.v1(CLIENT, FRONT), b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n") as c:
        c.until_close()
    assert read(tmp_path / "access.log")[0].startswith(f"{CLIENT} bad_") and lines_of(tmp_path / "access.log")[0].endswith(" 400")
