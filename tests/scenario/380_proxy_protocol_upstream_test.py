"""The PROXY protocol to backends: what they are told, and whom a connection serves."""
import threading

import pytest

import h2wire
import pki
import ppwire
from harness import free_port
from ppwire import reading, v1, v2
from wire import answer, connect, request, wait_for

VERSIONS = ["v1", "v2"]
CLIENT, FRONT = "192.0.2.7", "198.51.100.1"


@pytest.fixture
def towards(tidegate, origin):
    """towards("v1", serve=None, pool={}, ...) -> (Tidegate that sends headers, the backend that reads them)"""
    def make(version, serve=None, pool=None, service=None, make_origin=None, reply=None, **kwargs):
        o = (make_origin or origin)(reading(serve), reply=reply)
        baseline = {"proxy_protocol": version, **(pool or {})}
        return tidegate([o], service={"pools": {"baseline": baseline}, **(service or {})}, **kwargs), o
    return make


def own(c):
    """Address and port of this side of a connection."""
    return c.sock.getsockname()[:2]


def expected(version, source, destination):
    make = v1 if version == "v1" else v2
    return make(source[0], destination[0], source[1], destination[1])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_backend_is_told_both_ends_to_the_byte(towards, version):
    t, o = towards(version)
    with t.client() as c:
        assert c.get().status == 200
        assert o.told[0].raw == expected(version, own(c), t.address)
    assert o.heads[0].get("X-Forwarded-For") == "127.0.0.1", "the request itself is as ever"


@pytest.mark.parametrize("version", VERSIONS)
def test_ip_6(towards, version):
    t, o = towards(version, listener={"bind": f"[::1]:{free_port()}"})
    with t.client() as c:
        assert c.get().status == 200
        assert o.told[0].raw == expected(version, own(c), ("::1", t.port))


@pytest.mark.parametrize("version, raw", [("v1", b"PROXY UNKNOWN\r\n"),
                                          ("v2", ppwire.binary(ppwire.LOCAL, ppwire.UNSPEC))])
def test_of_a_client_on_a_unix_socket_nothing_is_told(towards, tmp_path, version, raw):
    t, o = towards(version, listener={"bind": f"unix:{tmp_path}/front.sock"})
    assert t.get().status == 200
    assert o.told[0].raw == raw


@pytest.mark.parametrize("version", VERSIONS)
def test_what_we_were_told_is_passed_on(towards, version):
    t, o = towards(version, listener={"proxy_protocol": True})
    with ppwire.from_(t, v2(CLIENT, FRONT, 1234, 5678)) as c:
        assert c.get().status == 200
    with ppwire.from_(t, ppwire.binary(ppwire.LOCAL, ppwire.UNSPEC)) as c:
        assert c.get().status == 200
        assert o.told[1].raw == expected(version, own(c), t.address)
    assert o.told[0].raw == expected(version, (CLIENT, 1234), (FRONT, 5678))


@pytest.mark.parametrize("version", VERSIONS)
def test_it_comes_before_tls(towards, ca, origin, version):
    class Behind(pki.TlsOrigin):
        """Reads a header, then speaks TLS."""
        def run(self, peer):
            self.told = getattr(self, "told", []) + [ppwire.Told(peer)]
            super().run(peer)

    o = origin(ca.issue("127.0.0.1"), kind=Behind)
    t, _ = towards(version, make_origin=lambda *a, **k: o, pool={"tls": {"ca": ca.file}, "protocol": "h1"})
    with t.client() as c:
        assert c.get().status == 200
        assert o.told[0].source == own(c)


def test_a_unix_backend_is_told_too(towards, origin, tmp_path):
    t, o = towards("v2", make_origin=lambda *a, **k: origin(*a, address=f"{tmp_path}/app.sock", **k))
    with t.client() as c:
        assert c.get().status == 200
        assert o.told[0].source == own(c)


# ---- whom a connection serves

def test_a_connection_serves_one_client_alone(towards):
    said = []

    def serve(peer, o):
        while True:
            head, _ = o.read(peer)
            said.append((peer.told.source[1], int(head.get("X-Client-Port"))))
            peer.send(answer())

    t, o = towards("v1", serve, workers=1)
    with t.client() as a, t.client() as b, t.client() as c:
        for _ in range(5):
            for peer in (a, b, c):
                assert peer.get("/", f"X-Client-Port: {own(peer)[1]}").status == 200
    assert len(said) == 15 and all(told == asked for told, asked in said)
    assert len(o.told) == 3, "one connection for each client, used again for its requests"
    assert t.figures()["upstream_reused"] == 12


def test_it_is_closed_with_its_client(towards):
    t, o = towards("v2", workers=1)
    with t.client() as c:
        assert c.get().status == 200
        wait_for(lambda: t.backend(o.url)["idle"] == 1)
    wait_for(lambda: t.figures()["upstream_connections"] == 0 and o.open_now == 0)
    assert t.backend(o.url)["idle"] == 0 and t.backend(o.url)["connections"] == 0


def test_a_client_that_leaves_before_the_answer_takes_its_connection_along(towards):
    asked = threading.Event()

    def serve(peer, o):
        o.read(peer)
        asked.set()
        peer.until_close()

    t, o = towards("v1", serve)
    with t.client() as c:
        c.send(request("GET", "/"))
        assert asked.wait(10)
    wait_for(lambda: t.figures()["upstream_connections"] == 0 and o.open_now == 0)


def test_anothers_idle_connection_makes_room_at_the_limit(towards):
    t, o = towards("v2", pool={"max_connections": 1}, workers=1)
    with t.client() as a, t.client() as b:
        for i in range(6):
            assert (a, b)[i % 2].get().status == 200
        assert o.open_max == 1 and len(o.told) == 6
        assert [told.source for told in o.told] == 3 * [own(a), own(b)]
    wait_for(lambda: t.figures()["upstream_connections"] == 0)


def test_who_finds_the_limit_reached_waits_for_a_connection(towards):
    """Over two workers: what another worker keeps for its client is given up."""
    t, o = towards("v1", pool={"max_connections": 2}, workers=2)
    cs = [t.client() for _ in range(8)]
    for _ in range(3):
        for c in cs:
            c.send(request("GET", "/"))
        for c in cs:
            assert c.answer().status == 200
    assert o.open_max <= 2
    ports = {own(c)[1] for c in cs}
    assert {told.source[1] for told in o.told} == ports
    for c in cs:
        c.close()
    wait_for(lambda: t.figures()["upstream_connections"] == 0)


def test_a_retry_tells_the_same_again(towards, origin, tidegate):
    broken = reading(lambda peer, o: peer.reset())
    a, b = origin(broken), origin(reading())
    t = tidegate([a, b], service={"pools": {"baseline": {"proxy_protocol": "v2"}}, "retries": {"budget": "100%"},
                                  "ejection": False})
    with t.client() as c:
        for _ in range(20):
            assert c.get().status == 200
        for o in (a, b):
            assert {told.source for told in o.told} == {own(c)}


def test_pools_differ(tidegate, origin):
    """One service tells, the other does not; connections are not mixed up."""
    plain, told = origin(), origin(reading())
    t = tidegate([plain], routes=[{"path": "/", "service": "app"}, {"path": "/told", "service": "other"}],
                 services={"other": {"pools": {"baseline": {"backends": [told.url], "proxy_protocol": "v1"}}}})
    with t.client() as c:
        for _ in range(3):
            assert c.get("/").status == 200
            assert c.get("/told").status == 200
    assert len(plain.heads) == len(told.heads) == 3 and len(told.told) == 1


def test_a_reload_switches_it(towards):
    t, o = towards("v1")
    with t.client() as c:
        assert c.get().status == 200
        t.cfg["services"]["app"]["pools"]["baseline"]["proxy_protocol"] = "v2"
        t.write(t.cfg)
        assert t.post("reload").status == 200
        wait_for(lambda: c.get().status == 200 and o.told[-1].version == 2)


def test_a_tunnel_is_told_as_well(towards):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        peer.send(peer.exactly(5).upper())
        peer.until_close()

    t, o = towards("v1", serve)
    with t.client() as c:
        c.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert c.head().status == 101
        c.send("hello")
        assert c.exactly(5) == b"HELLO"
        assert o.told[0].source == own(c)


# ---- HTTP/2 to the backend

def respond(f, stream, m):
    h2wire.respond(f, stream, dict(m.fields)[":path"].encode())


@pytest.mark.parametrize("version", VERSIONS)
def test_http_2_connections_are_each_for_one_client(towards, version):
    t, o = towards(version, h2wire.serving(respond), pool={"protocol": "h2"}, workers=1)
    a, b = h2wire.client(t), t.client()
    for i in range(3):
        streams = [a.request("GET", f"/{i}/{k}") for k in range(10)]
        assert [a.answer(s).body for s in streams] == [f"/{i}/{k}".encode() for k in range(10)]
        assert b.get("/b").body == b"/b"
    assert sorted(told.source for told in o.told) == sorted([own(a.peer), own(b)])
    assert t.figures()["upstream_opened"] == 2
    a.close()
    wait_for(lambda: o.open_now == 1)
    assert b.get("/b").body == b"/b"
    b.close()
    wait_for(lambda: t.figures()["upstream_connections"] == 0 and o.open_now == 0)


def test_an_http_2_client_that_leaves_in_the_middle_takes_its_connection_along(towards):
    waiting = threading.Event()
    t, o = towards("v2", h2wire.serving(lambda f, s, m: waiting.set()), pool={"protocol": "h2"})
    c = h2wire.client(t)
    for _ in range(5):
        c.request()
    assert waiting.wait(10)
    c.close()
    wait_for(lambda: t.figures()["upstream_connections"] == 0 and o.open_now == 0)


def test_what_is_agreed_on_over_tls_is_each_for_one_client(towards, ca, origin):
    class Behind(pki.TlsOrigin):
        def run(self, peer):
            told = ppwire.Told(peer)
            with self.lock:
                self.told = getattr(self, "told", []) + [told]
            super().run(peer)

    o = origin(ca.issue("127.0.0.1"), h2wire.serving(respond), kind=Behind, alpn=["h2", "http/1.1"])
    t, _ = towards("v2", make_origin=lambda *a, **k: o, pool={"tls": {"ca": ca.file}}, workers=1)
    with t.client() as a, t.client() as b:
        for _ in range(3):
            assert a.get("/a").body == b"/a" and b.get("/b").body == b"/b"
        assert [told.source for told in o.told] == [own(a), own(b)]
        assert all(h[2] == "h2" for h in o.handshakes)
    wait_for(lambda: t.figures()["upstream_connections"] == 0)


def test_a_broken_http_2_connection_is_not_tried_again(towards):
    """What was on it is sent again, elsewhere or anew, never on the connection that is going."""
    first = []

    def reply(f, stream, m):
        if not first:
            first.append(f)
            f.peer.reset()
            return
        respond(f, stream, m)

    t, o = towards("v1", h2wire.serving(reply), pool={"protocol": "h2"}, service={"retries": {"budget": "100%"}})
    with t.client() as c:
        assert c.get("/x").body == b"/x"
        assert {told.source for told in o.told} == {own(c)} and len(o.told) == 2


def test_many_clients_come_and_go(towards):
    t, o = towards("v2", pool={"max_idle": 4, "max_connections": 8})

    def visit():
        for _ in range(10):
            with connect(t.address) as c:
                for _ in range(3):
                    assert c.get().status == 200

    threads = [threading.Thread(target=visit) for _ in range(12)]
    for x in threads:
        x.start()
    for x in threads:
        x.join(60)
    wait_for(lambda: t.figures()["upstream_connections"] == 0)
    assert o.open_max <= 8 and len(o.heads) == 360
    assert {told.source[0] for told in o.told} == {"127.0.0.1"}
