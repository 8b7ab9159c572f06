"""The PROXY protocol from clients: who is believed, what it changes, and what is refused."""
import socket
import subprocess

import pytest

import h2wire
import pki
import ppwire
from harness import free_port
from ppwire import v1, v2
from wire import Closed, answer, connect, request, wait_for

ON = {"proxy_protocol": True}
CLIENT, FRONT = "192.0.2.7", "198.51.100.1"
CLIENT6, FRONT6 = "2001:db8::7", "2001:db8::1"


@pytest.fixture
def behind(tidegate, origin):
    """behind(listener={}, ...) -> (Tidegate whose listener expects a header, its backend)"""
    def make(listener=None, **kwargs):
        o = origin()
        return tidegate([o], listener=dict(ON, **(listener or {})), **kwargs), o
    return make


def seen(o):
    """What the backend is told of the client of the last request."""
    head = o.heads[-1]
    return head.get("X-Forwarded-For"), head.get("X-Forwarded-Port"), head.get("X-Real-IP")


def refused(t):
    return t.metric("tidegate_requests_refused_total", reason="proxy_protocol")


HEADERS = {
    "v1": (v1(CLIENT, FRONT, 40000, 8443), (CLIENT, "8443", CLIENT)),
    "v2": (v2(CLIENT, FRONT, 40000, 8443), (CLIENT, "8443", CLIENT)),
    "v1, IPv6": (v1(CLIENT6, FRONT6, 40000, 80), (CLIENT6, "80", CLIENT6)),
    "v2, IPv6": (v2(CLIENT6, FRONT6, 40000, 80), (CLIENT6, "80", CLIENT6)),
    "v2 with values": (v2(CLIENT, FRONT, tlvs=ppwire.tlv(1, b"h2") + ppwire.tlv(2, b"a.example")),
                       (CLIENT, "443", CLIENT)),
    "v2 with a checksum": (ppwire.summed(CLIENT, FRONT), (CLIENT, "443", CLIENT)),
    "v2, as long as may be": (v2(CLIENT, FRONT, tlvs=ppwire.tlv(4, bytes(4096 - 28 - 3))), (CLIENT, "443", CLIENT)),
    "v2, unix": (ppwire.binary(ppwire.PROXY, ppwire.UNIX, b"/a".ljust(108, b"\0") * 2), ("unknown", None, "unknown")),
}


@pytest.mark.parametrize("what", HEADERS)
def test_the_client_is_who_the_header_says(behind, what):
    header, told = HEADERS[what]
    t, o = behind()
    with ppwire.from_(t, header) as c:
        for _ in range(2):
            assert c.get().status == 200
            assert seen(o) == told
    assert refused(t) == 0


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN whatever\r\n",
                                    ppwire.binary(ppwire.LOCAL, ppwire.UNSPEC),
                                    ppwire.binary(ppwire.LOCAL, ppwire.TCP4, v2(CLIENT, FRONT)[16:]),
                                    ppwire.binary(ppwire.PROXY, ppwire.UNSPEC)])
def test_who_is_not_told_is_who_connected(behind, header):
    t, o = behind()
    with ppwire.from_(t, header) as c:
        assert c.get().status == 200
    assert seen(o) == ("127.0.0.1", str(t.port), "127.0.0.1")


@pytest.mark.parametrize("header", [v1(CLIENT, FRONT), v2(CLIENT, FRONT)])
def test_the_header_comes_before_tls(behind, ca, header):
    t, o = behind({"tls": {"certificates": [ca.issue("localhost").entry]}})
    with ppwire.secured(ppwire.from_(t, header), pki.client_context(ca)) as c:
        assert c.get().status == 200
    assert seen(o) == (CLIENT, "443", CLIENT)
    assert o.heads[0].get("X-Forwarded-Proto") == "https"


@pytest.mark.parametrize("header", [v1(CLIENT, FRONT), v2(CLIENT, FRONT)])
def test_http_2_begins_behind_it(behind, header):
    t, o = behind()
    c = h2wire.Frames(ppwire.from_(t, header))
    assert [c.get(f"/{i}").status for i in range(3)] == [200] * 3
    c.close()
    assert seen(o) == (CLIENT, "443", CLIENT)


def test_http_2_over_tls_begins_behind_it(behind, ca):
    t, o = behind({"tls": {"certificates": [ca.issue("localhost").entry]}})
    peer = ppwire.secured(ppwire.from_(t, v2(CLIENT6, FRONT6)), pki.client_context(ca, alpn=["h2"]))
    c = h2wire.Frames(peer)
    assert c.get().status == 200
    c.close()
    assert seen(o) == (CLIENT6, "443", CLIENT6)


@pytest.mark.parametrize("header", [v1(CLIENT, FRONT), ppwire.summed(CLIENT, FRONT)])
@pytest.mark.parametrize("secure", [False, True])
def test_bytes_may_come_one_at_a_time(behind, ca, header, secure):
    t, o = behind({"tls": {"certificates": [ca.issue("localhost").entry]}} if secure else None)
    with t.client() as c:
        for i in range(len(header)):
            c.send(header[i:i + 1])
        if secure:
            ppwire.secured(c, pki.client_context(ca))
        for i in request("GET", "/"):
            c.send(bytes([i]))
        assert c.answer().status == 200
    assert seen(o) == (CLIENT, "443", CLIENT)


@pytest.mark.parametrize("cut", [0, 1, 5, 12, 16, 27, 28, 29])
def test_a_header_that_comes_in_two_packets(behind, cut):
    """The first is read before the second is sent."""
    bytes_ = v2(CLIENT, FRONT) + request("GET", "/")
    t, o = behind(workers=1)
    with t.client() as c, t.client() as other:
        c.send(bytes_[:cut])
        with ppwire.from_(t, v1(CLIENT, FRONT)) as later:  # one thread: it was behind the first
            assert later.get().status == 200
        c.send(bytes_[cut:])
        assert c.answer().status == 200
        assert other.is_silent(0.05)


def test_many_requests_with_their_header_in_one_packet(behind):
    t, o = behind()
    with ppwire.from_(t, v2(CLIENT, FRONT) + 5 * request("GET", "/")) as c:
        assert [c.answer().status for _ in range(5)] == 5 * [200]
    assert seen(o)[0] == CLIENT


def test_a_large_body_right_behind_it(behind):
    t, o = behind()
    body = bytes(range(256)) * 2000
    with ppwire.from_(t, v1(CLIENT, FRONT) + request("POST", "/", body=body)) as c:
        assert c.answer().status == 200
    assert o.bodies == [body]


WRONG = {
    "none": request("GET", "/"),
    "a TLS record": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": h2wire.PREFACE,
    "lower case": b"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
    "a bad address": b"PROXY TCP4 1.2.3.4.5 5.6.7.8 1 2\r\n",
    "no CR": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
    "a line that does not end": b"PROXY UNKNOWN " + 200 * b"a",
    "version 3": ppwire.SIGNATURE + b"\x31\x11\0\x0c",
    "an unknown command": ppwire.SIGNATURE + b"\x22\x11\0\x0c",
    "an unknown family": ppwire.SIGNATURE + b"\x21\x41\0\x0c",
    "too long": ppwire.SIGNATURE + b"\x21\x11\xff\xff",
    "a wrong checksum": ppwire.summed(CLIENT, FRONT)[:-1] + b"\xee",
}


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_header_is_closed_at_once_and_counted(behind, ca, what, secure):
    t, o = behind({"tls": {"certificates": [ca.issue("localhost").entry]}} if secure else None)
    with ppwire.from_(t, WRONG[what]) as c:
        assert c.is_closed(5)
    assert refused(t) == 1
    assert o.heads == [] and t.figures()["requests"] == 0
    assert t.metric("tidegate_tls_failed_total") == 0, "TLS had not begun"
    assert "no PROXY header" in t.stderr() and "peer=127.0.0.1:" in t.stderr()
    with ppwire.from_(t, v1(CLIENT, FRONT)) as c:
        if secure:
            ppwire.secured(c, pki.client_context(ca))
        assert c.get().status == 200


@pytest.mark.parametrize("header", [v1(CLIENT, FRONT), v2(CLIENT, FRONT)])
def test_a_header_that_is_cut_off_is_counted(behind, header):
    t, _ = behind()
    with ppwire.from_(t, header[:-1]) as c:
        c.half_close()
        assert c.is_closed(5)
    assert refused(t) == 1
    wait_for(lambda: t.figures()["connections"] == 0)


def test_who_only_looks_whether_somebody_listens_is_not_counted(behind):
    t, _ = behind()
    t.client().close()
    wait_for(lambda: t.figures()["accepted"] == 1 and t.figures()["connections"] == 0)
    assert refused(t) == 0


@pytest.mark.parametrize("begin, counted", [(b"", 0), (v1(CLIENT, FRONT)[:-1], 1), (v2(CLIENT, FRONT)[:20], 1)])
def test_a_header_that_does_not_come_has_the_time_of_a_head(behind, begin, counted):
    t, _ = behind({"timeouts": {"head": "200ms"}})
    with ppwire.from_(t, begin) as c:
        assert c.is_closed(5)
    assert refused(t) == counted


def test_only_some_may_send_one(behind):
    t, o = behind({"proxy_from": ["10.0.0.0/8", "127.0.0.2"]})
    with ppwire.from_(t, v1(CLIENT, FRONT)) as c:
        assert c.is_closed(5)
    assert refused(t) == 1 and "not in proxy_from" in t.stderr()
    with socket.socket() as s:
        s.bind(("127.0.0.2", 0))
        s.connect(t.address)
        s.sendall(v1(CLIENT, FRONT) + request("GET", "/", "Connection: close"))
        assert b" 200 " in s.recv(4096)
    assert seen(o)[0] == CLIENT and refused(t) == 1


def test_over_ip_6(tidegate, origin):
    o = origin()
    t = tidegate([o], listener=dict(ON, bind=f"[::1]:{free_port()}", proxy_from=["::1"]))
    with ppwire.from_(t, v2(CLIENT, FRONT)) as c:
        assert c.get().status == 200
    assert seen(o) == (CLIENT, "443", CLIENT)


def test_through_a_unix_socket_everybody_may(tidegate, origin, tmp_path):
    o = origin()
    t = tidegate([o], listener=dict(ON, bind=f"unix:{tmp_path}/front.sock", proxy_from=["10.0.0.0/8"]))
    with ppwire.from_(t, v2(CLIENT, FRONT)) as c:
        assert c.get().status == 200
        assert seen(o) == (CLIENT, "443", CLIENT)
    with ppwire.from_(t, ppwire.binary(ppwire.LOCAL, ppwire.UNSPEC)) as c:
        assert c.get().status == 200
        assert seen(o) == ("unknown", None, "unknown")


def test_trust_is_in_who_is_told_not_in_who_connected(behind):
    """The balancer's own address in `trusted_proxies` makes no client's claims believed."""
    t, o = behind({"trusted_proxies": ["127.0.0.1", "192.0.2.99"]})
    claim = "X-Forwarded-For: 203.0.113.5"
    with ppwire.from_(t, v1(CLIENT, FRONT)) as c:
        assert c.get("/", claim).status == 200
    assert seen(o) == (CLIENT, "443", CLIENT)
    with ppwire.from_(t, v1("192.0.2.99", FRONT)) as c:
        assert c.get("/", claim).status == 200
    assert o.heads[-1].get("X-Forwarded-For") == "203.0.113.5, 192.0.2.99"
    assert o.heads[-1].get("X-Real-IP") == "203.0.113.5"


def test_users_are_told_apart_by_it(behind):
    t, _ = behind(profiler={"identity": "address"})
    for i in range(5):
        with ppwire.from_(t, v1(f"192.0.2.{i}", FRONT)) as c:
            c.get("/", "User-Agent: same")
    wait_for(lambda: len(t.api("users")["users"]) == 5)


def test_without_the_setting_a_header_is_a_bad_request(tidegate, origin):
    t = tidegate([origin()])
    for header in (v1(CLIENT, FRONT), v2(CLIENT, FRONT)):
        with ppwire.from_(t, header + request("GET", "/")) as c:
            assert c.answer().status == 400
    assert t.get().status == 200


def test_it_can_be_switched_on_by_a_reload(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with t.client() as old:
        assert old.get().status == 200
        t.cfg["listeners"][0].update(ON)
        t.write(t.cfg)
        assert t.post("reload").status == 200
        with pytest.raises((Closed, ConnectionResetError)):
            wait_for(lambda: t.get().status != 200)
        with ppwire.from_(t, v1(CLIENT, FRONT)) as c:
            assert c.get().status == 200
        assert seen(o)[0] == CLIENT
        assert old.get().status == 200, "a connection of before goes on as it began"
        assert seen(o)[0] == "127.0.0.1"


def test_an_idle_connection_that_has_sent_no_header_ends_with_the_process(behind):
    t, _ = behind()
    with ppwire.from_(t, v1(CLIENT, FRONT)[:10]) as c:
        wait_for(lambda: t.figures()["connections"] == 1)
        t.stop()
        assert c.is_closed()


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("secure", [False, True])
def test_curl_sends_one(behind, ca, version, secure):
    t, o = behind({"tls": {"certificates": [ca.issue("localhost").entry]}} if secure else None)
    url = f"{'https' if secure else 'http'}://localhost:{t.port}/"
    flag = "--http2-prior-knowledge" if version == "--http2" and not secure else version
    done = subprocess.run(["curl", "-sS", "-4", flag, "--cacert", ca.file, "--haproxy-protocol",
                           "-w", "%{http_version} %{local_port}", "-o", "/dev/null", url],
                          capture_output=True, text=True, timeout=20)
    spoken, port = done.stdout.split()
    assert spoken == ("2" if version == "--http2" else "1.1"), done.stderr
    assert seen(o) == ("127.0.0.1", str(t.port), "127.0.0.1")


def test_clients_behind_one_balancer_are_told_apart(tidegate, origin):
    t = tidegate([origin(reply=lambda head, body: answer(200, head.get("X-Real-IP").encode()))], listener=ON)
    pairs = [(ppwire.from_(t, v2(f"192.0.2.{i}", FRONT)), f"192.0.2.{i}".encode()) for i in range(20)]
    for _ in range(3):
        for c, ip in pairs:
            assert c.get().body == ip
    for c, _ in pairs:
        c.close()


def test_connections_are_given_back(behind):
    t, _ = behind({"proxy_from": ["10.0.0.0/8"]}, workers=1)
    for _ in range(50):
        with connect(t.address) as c:
            assert c.is_closed(5)
    assert t.figures()["connections"] == 0 and refused(t) == 50
