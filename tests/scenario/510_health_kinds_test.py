"""Probes in the version of HTTP that backends speak, of gRPC's health service, and of mere connections."""
import concurrent.futures
import contextlib
import os
import ssl
import sys

import grpc
import pytest
from hyperframe import frame as hf

import h2wire
import pki
import ppwire
from harness import basic_config, check_config, free_port
from wire import answer, wait_for

FAST = {"interval": "100ms", "timeout": "100ms", "rise": 1, "fall": 1}
PATIENT = dict(FAST, interval="1s", timeout="1s")


@pytest.fixture
def probing(tidegate):
    """probing(backend, pool={}, path=..., ...) -> Tidegate that probes it"""
    def make(backend, pool=None, fast=FAST, **health):
        return tidegate([backend], service={"pools": {"baseline": pool or {}}, "health": {**fast, **health}},
                        ready=False)
    return make


def health(t):
    assert t.process.poll() is None, t.stderr()
    try:
        return t.pool("baseline")["backends"][0]["health"]
    except (ConnectionError, FileNotFoundError):
        return None


def becomes(t, what):
    wait_for(lambda: health(t) == what)


def is_down(t, reason):
    becomes(t, "down")
    wait_for(lambda: f'reason="{reason}"' in t.stderr())


# ---- HTTP/2

def calmly(serve):
    """A probe that has its answer, or has given up, does not read on: TLS says so in its own way."""
    def run(peer, o):
        with contextlib.suppress(ssl.SSLEOFError):
            serve(peer, o)
    return run


class Wards:
    """What an HTTP/2 backend is asked, and answers."""

    def __init__(self, status=200):
        self.status, self.asked = status, []

    def __call__(self, f, stream, m):
        self.asked.append(dict(m.fields))
        h2wire.respond(f, stream, b"", status=self.status)


def test_a_backend_that_speaks_only_http_2_is_probed_in_it(probing, origin):
    w = Wards()
    o = origin(h2wire.serving(w))
    t = probing(o, {"protocol": "h2"}, path="/up?a=1")
    becomes(t, "up")
    assert w.asked[0] == {":method": "GET", ":scheme": "http", ":authority": o.url, ":path": "/up?a=1",
                          "user-agent": "tidegate-probe", "accept": "*/*"}
    w.status = 503
    is_down(t, "status 503")
    w.status = 204
    becomes(t, "up")


def test_it_says_goodbye(probing, origin):
    o = origin(h2wire.serving(Wards()))
    becomes(probing(o, {"protocol": "h2"}, path="/"), "up")
    wait_for(lambda: any(isinstance(x, hf.GoAwayFrame) and x.error_code == h2wire.NO_ERROR for x in o.frames[0].seen))


def test_who_does_not_speak_it_is_down_at_once(probing, origin):
    def serve(peer, o):
        peer.exactly(24)
        peer.send(answer(400, b"what?"))
        peer.until_close()

    is_down(probing(origin(serve), {"protocol": "h2"}, fast=PATIENT, path="/"), "bad answer: PROTOCOL_ERROR")


@pytest.mark.parametrize("what, reason", [("silence", "timeout"), ("an end", "closed"),
                                          ("a reset stream", "stream reset: REFUSED_STREAM")])
def test_what_is_no_answer_is_down(probing, origin, what, reason):
    def serve(peer, o):
        if what == "a reset stream":
            h2wire.serving(lambda f, s, m: f.reset(s, h2wire.REFUSED_STREAM))(peer, o)
        peer.exactly(24)
        if what == "silence":
            peer.until_close()
        f = h2wire.Frames(peer, client=False)
        f.until(lambda x: isinstance(x, hf.HeadersFrame))
        peer.half_close()
        peer.until_close()

    is_down(probing(origin(serve), {"protocol": "h2"}, path="/"), reason)


def test_an_endless_answer_is_not_read_for_long(probing, origin):
    def serve(peer, o):
        peer.exactly(24)
        f = h2wire.Frames(peer, client=False)
        while True:
            f.peer.send(bytes.fromhex("000008060000000000") + bytes(8))

    is_down(probing(origin(serve), {"protocol": "h2"}, fast=PATIENT, path="/"), "answer too long")


@pytest.mark.parametrize("protocol, offered, spoken", [
    ("h2", ["h2"], "h2"), ("auto", ["h2", "http/1.1"], "h2"), ("auto", ["http/1.1"], "http/1.1"),
    ("h1", ["h2", "http/1.1"], "http/1.1"), ("h2", ["h2", "http/1.1"], "h2"), ("auto", ["h2"], "h2"),
    ("h2", ["http/1.1", "h2"], "h2")])
def test_over_tls_it_is_what_is_agreed_on(probing, origin, ca, protocol, offered, spoken):
    w = Wards()
    o = origin(ca.issue("127.0.0.1"), calmly(h2wire.serving(w)) if spoken == "h2" else None, kind=pki.TlsOrigin, alpn=offered)
    t = probing(o, {"protocol": protocol, "tls": {"ca": ca.file}}, path="/up")
    becomes(t, "up")
    assert o.handshakes[0][2] == spoken
    if spoken == "h2":
        assert w.asked[0][":scheme"] == "https"
    else:
        assert o.heads[0].target == "/up"


@pytest.mark.parametrize("offered", [["http/1.1"], []])
def test_http_2_that_is_not_agreed_on_is_down(probing, origin, ca, offered):
    o = origin(ca.issue("127.0.0.1"), kind=pki.TlsOrigin, alpn=offered)
    t = probing(o, {"protocol": "h2", "tls": {"ca": ca.file}}, path="/up")
    is_down(t, "no HTTP/2")
    assert o.heads == []


# ---- gRPC

class Health(grpc.GenericRpcHandler):
    """The health service by hand: one field each way."""

    SERVING, NOT_SERVING = b"\x08\1", b"\x08\2"

    def __init__(self, **services):
        self.services, self.asked, self.metadata = dict(services), [], []

    def service(self, details):
        if details.method != "/grpc.health.v1.Health/Check":
            return None
        self.metadata.append(dict(details.invocation_metadata))
        return grpc.unary_unary_rpc_method_handler(self.check, bytes, bytes)

    def check(self, request, context):
        name = request[2:].decode()
        assert request == (b"\x0a" + bytes([len(name)]) + name.encode() if name else b"")
        self.asked.append(name)
        self.deadline = context.time_remaining()
        if name not in self.services:
            context.abort(grpc.StatusCode.NOT_FOUND, "never heard of it")
        return self.services[name]


@pytest.fixture
def ward():
    """ward(handler, credentials=None) -> where a gRPC server with it listens"""
    servers = []

    def make(handler, credentials=None):
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        server.add_generic_rpc_handlers((handler,))
        where = f"127.0.0.1:{free_port()}"
        if credentials:
            server.add_secure_port(where, credentials)
        else:
            server.add_insecure_port(where)
        server.start()
        servers.append(server)
        return where

    yield make
    for s in servers:
        s.stop(None).wait()


@pytest.mark.parametrize("name", ["", "shop.v1.Cart"])
def test_a_grpc_service_is_as_well_as_it_says(probing, ward, name):
    h = Health(**{name: Health.SERVING})
    t = probing(ward(h), {"protocol": "h2"}, fast=dict(PATIENT, interval="1s"), grpc=name)
    becomes(t, "up")
    assert set(h.asked) == {name} and 0 < h.deadline <= 1
    assert h.metadata[0]["user-agent"] == "tidegate-probe"
    h.services[name] = Health.NOT_SERVING
    is_down(t, "health NOT_SERVING")
    h.services[name] = Health.SERVING
    becomes(t, "up")
    del h.services[name]
    is_down(t, "grpc-status 5")


def test_a_server_without_the_health_service_is_down(probing, ward):
    class Other(grpc.GenericRpcHandler):
        def service(self, details):
            return None

    is_down(probing(ward(Other()), {"protocol": "h2"}, fast=PATIENT, grpc=""), "grpc-status 12")


@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_grpc_over_tls(probing, ward, ca, protocol):
    pair = ca.issue("127.0.0.1")
    credentials = grpc.ssl_server_credentials([(pair.key_file.read_bytes(), pair.cert_file.read_bytes())])
    where = ward(Health(**{"": Health.SERVING}), credentials)
    t = probing(where, {"protocol": protocol, "tls": {"ca": ca.file}}, fast=PATIENT, grpc="")
    becomes(t, "up")


def test_calls_go_to_servers_that_are_well_alone(tidegate, ward):
    """Probes and traffic together."""
    class Both(Health):
        served = 0

        def service(self, details):
            if details.method == "/t.Echo/Unary":
                return grpc.unary_unary_rpc_method_handler(self.echo, bytes, bytes)
            return super().service(details)

        def echo(self, request, context):
            self.served += 1
            return request

    a, b = Both(**{"": Health.SERVING}), Both(**{"": Health.NOT_SERVING})
    t = tidegate([ward(a), ward(b)], service={"pools": {"baseline": {"protocol": "h2"}},
                                              "health": dict(PATIENT, grpc="")})
    with grpc.insecure_channel(f"127.0.0.1:{t.port}") as channel:
        for _ in range(20):
            assert channel.unary_unary("/t.Echo/Unary", bytes, bytes)(b"x", timeout=10) == b"x"
    assert (a.served, b.served) == (20, 0)


INSTANCE = '''
import concurrent.futures, sys, grpc
class Health(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"\\x08\\1", bytes, bytes)
server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((Health(),))
server.add_insecure_port("127.0.0.1:" + sys.argv[1])
server.start()
server.wait_for_termination()
'''


def test_an_instance_that_speaks_grpc_alone_becomes_ready(tidegate, tmp_path):
    (tmp_path / "app.py").write_text(INSTANCE)
    first = free_port()
    cfg = basic_config([], service={
        "pools": {"baseline": {"provider": "local", "min": 1, "max": 1, "protocol": "h2"}},
        "providers": {"local": {"command": f"{sys.executable} {tmp_path}/app.py {{port}}",
                                "ports": f"{first}-{first + 9}", "stop_timeout": "1s"}},
        "health": dict(PATIENT, grpc="")})
    del cfg["services"]["app"]["pools"]["baseline"]["backends"]
    t = tidegate(config=cfg)
    wait_for(lambda: t.pool("baseline")["states"]["ready"] == 1, within_s=30)
    assert "backend down" not in t.stderr(), "one that starts is not reported as down"


# ---- connections

def test_a_connection_may_be_enough(probing, origin):
    o = origin(serve=lambda peer, o: peer.until_close())
    address = o.address
    t = probing(o, tcp=True)
    becomes(t, "up")
    o.stop()
    is_down(t, "Connection refused")
    origin(serve=lambda peer, o: peer.until_close(), address=address)
    becomes(t, "up")


def test_a_connection_through_a_unix_socket(probing, origin, tmp_path):
    becomes(probing(origin(serve=lambda peer, o: peer.until_close(), address=f"{tmp_path}/a.sock"), tcp=True), "up")
    is_down(probing(f"unix:{tmp_path}/b.sock", tcp=True), "No such file or directory")


def test_with_tls_its_handshake_is_asked_for(probing, origin, ca):
    o = origin(ca.issue("127.0.0.1"), lambda peer, o: peer.until_close(), kind=pki.TlsOrigin)
    pool = {"tls": {"ca": ca.file}}
    becomes(probing(o, pool, fast=PATIENT, tcp=True), "up")
    other = origin(pki.Authority(ca.folder, "Other CA").issue("127.0.0.1"), kind=pki.TlsOrigin)
    t = probing(other, pool, fast=PATIENT, tcp=True)
    becomes(t, "down")
    assert 'reason="TLS: ' in t.stderr()
    deaf = origin(lambda peer, o: peer.until_close())
    is_down(probing(deaf, pool, tcp=True), "timeout")


# ---- behind a PROXY protocol header

@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("kind", ["path", "h2", "grpc", "tcp"])
def test_probes_begin_with_a_header_too(probing, origin, version, kind):
    """Of version 2 it is LOCAL; of version 1, where that may be refused, it names its own two ends."""
    ends = []

    def serve(peer, o):
        ends.append((peer.sock.getpeername(), peer.sock.getsockname()))
        if kind == "path":
            o.serve_requests(peer, o)
        elif kind == "tcp":
            peer.until_close()
        elif kind == "h2":
            h2wire.serving(Wards())(peer, o)
        else:
            h2wire.serving(lambda f, s, m: h2wire.respond(
                f, s, b"\0\0\0\0\2\x08\1", ("content-type", "application/grpc"), trailers=[("grpc-status", "0")]))(peer, o)

    o = origin(ppwire.reading(serve))
    asked = {"grpc": ""} if kind == "grpc" else {"tcp": True} if kind == "tcp" else {"path": "/"}
    t = probing(o, {"proxy_protocol": version, "protocol": "h2" if kind in ("h2", "grpc") else "h1"}, **asked)
    becomes(t, "up")
    wait_for(lambda: ends)
    (source, destination), told = ends[0], o.told[0]
    if version == "v2":
        assert told.raw == ppwire.binary(ppwire.LOCAL, ppwire.UNSPEC)
    else:
        assert told.raw == ppwire.v1(source[0], destination[0], source[1], destination[1])


def test_the_header_of_a_probe_comes_before_tls(probing, origin, ca):
    class Behind(pki.TlsOrigin):
        def run(self, peer):
            self.told = getattr(self, "told", []) + [ppwire.Told(peer)]
            super().run(peer)

    o = origin(ca.issue("127.0.0.1"), kind=Behind)
    t = probing(o, {"proxy_protocol": "v2", "tls": {"ca": ca.file}}, path="/up")
    becomes(t, "up")
    assert o.told[0].local and o.heads[0].target == "/up"


# ---- configuration

@pytest.mark.parametrize("pool, health, said", [
    ("", "grpc: ''", "health.grpc: needs HTTP/2, which pool 'baseline' does not speak (protocol: h2)"),
    ("protocol: h2,", "grpc: '', tcp: true", "health.grpc: means nothing with health.tcp"),
    ("protocol: h2,", f"grpc: {256 * 'a'}", "health.grpc: a name has at most 255 bytes"),
    ("proxy_protocol: v3,", "tcp: true", "proxy_protocol: 'v3' is not one of off, v1, v2"),
])
def test_what_cannot_be_asked_is_refused_with_its_place(tmp_path, pool, health, said):
    code, _, err = check_config(
        "listeners: 127.0.0.1:80\nroutes: { service: s }\nservices:\n  s:\n"
        f"    pools: {{ baseline: {{ {pool} backends: 127.0.0.1:1 }} }}\n    health: {{ {health} }}\n", tmp_path)
    assert code == 1 and said in err, err
    assert err.startswith("checked.yaml:")


def test_probes_hold_no_memory_and_no_descriptors(probing, origin, ca):
    """A hundred questions later there are as many descriptors as before."""
    o = origin(ca.issue("127.0.0.1"), calmly(h2wire.serving(Wards())), kind=pki.TlsOrigin, alpn=["h2"])
    t = probing(o, {"protocol": "h2", "tls": {"ca": ca.file}}, path="/")
    becomes(t, "up")
    wait_for(lambda: len(o.handshakes) > 10)
    before = len(os.listdir(f"/proc/{t.process.pid}/fd"))
    wait_for(lambda: len(o.handshakes) > 60, within_s=30)
    assert abs(len(os.listdir(f"/proc/{t.process.pid}/fd")) - before) <= 2
