"""TLS with clients: handshakes, certificates, sessions, what is refused and how it ends."""
import socket
import ssl
import subprocess
import threading
import time

import pytest

import pki
from harness import free_port
from wire import Closed, answer, request, wait_for

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def serve(tidegate, origin, ca):
    """serve(certificates, tls={}, ...) -> Tidegate with one TLS listener"""
    def make(*pairs, tls=None, reply=None, backends=None, listener=None, **kwargs):
        pairs = pairs or (ca.issue("localhost", "127.0.0.1"),)
        return tidegate(backends or [origin(reply=reply)],
                        listener={"tls": {"certificates": [p.entry for p in pairs], **(tls or {})},
                                  **(listener or {})}, **kwargs)
    return make


def ask(t, ctx, name="localhost", target="/", session=None):
    """(answer, the certificate's DER, session, resumed)"""
    with pki.connect(t.address, ctx, name, session) as c:
        got = c.get(target)
        return got, c.sock.getpeercert(True), c.sock.session, c.sock.session_reused


def subject_of(t, ctx, name):
    return ask(t, ctx, name)[1]


def failed(t, reason):
    return t.metric("tidegate_tls_failed_total", reason=reason)


@pytest.mark.parametrize("version", [V12, V13])
def test_a_request_over_tls_is_https_to_the_backend(serve, origin, ca, version):
    o = origin()
    t = serve(backends=[o])
    got, *_ = ask(t, pki.client_context(ca, version=version))
    assert got.status == 200
    head = o.heads[0]
    assert head.get("X-Forwarded-Proto") == "https"
    assert "proto=https" in head.get("Forwarded")
    assert t.metric("tidegate_tls_handshakes_total") == 1


def test_curl_speaks_with_it(serve, ca):
    t = serve(reply=lambda head, body: answer(200, b"hello"))
    done = subprocess.run(["curl", "-sS", "--cacert", ca.file, f"https://localhost:{t.port}/"],
                          capture_output=True, timeout=20)
    assert done.stdout == b"hello", done.stderr


def test_old_versions_are_refused(serve, ca):
    t = serve(tls={"min_version": "1.3"})
    with pytest.raises(ssl.SSLError):
        ask(t, pki.client_context(ca, version=V12))
    wait_for(lambda: failed(t, "version") == 1)
    assert ask(t, pki.client_context(ca, version=V13))[0].status == 200


def test_the_certificate_is_that_of_the_name(serve, ca):
    first, exact, wild = ca.issue("first.example"), ca.issue("www.a.example"), ca.issue("*.a.example")
    t = serve(first, wild, exact)
    ctx = pki.client_context(ca)
    assert subject_of(t, ctx, "first.example") == first.der
    assert subject_of(t, ctx, "www.a.example") == exact.der
    assert subject_of(t, ctx, "other.a.example") == wild.der
    ctx.check_hostname = False
    assert subject_of(t, ctx, "two.labels.a.example") == first.der
    assert subject_of(t, ctx, "unknown.example") == first.der
    assert subject_of(t, ctx, None) == first.der


def test_strict_sni_refuses_unknown_names(serve, ca):
    t = serve(ca.issue("a.example"), tls={"strict_sni": True})
    ctx = pki.client_context(ca)
    assert ask(t, ctx, "a.example")[0].status == 200
    ctx.check_hostname = False
    for name in ("b.example", None):
        with pytest.raises(ssl.SSLError, match="unrecognized name"):
            ask(t, ctx, name)
    assert failed(t, "name") == 2


def s_client(t, *options, name="localhost", say=b"Q\n"):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{t.port}", "-servername", name,
                           *options], input=say, capture_output=True, timeout=20)
    return done.stdout.decode("latin-1") + done.stderr.decode("latin-1")


def test_a_name_has_an_ecdsa_and_an_rsa_certificate(serve, ca):
    t = serve(ca.issue("localhost", kind="ec"), ca.issue("localhost", kind="rsa"))
    for version in ("-tls1_2", "-tls1_3"):
        assert "Peer signature type: ECDSA" in s_client(t, version)
        sig = "rsa_pss_rsae_sha256"
        assert "Peer signature type: RSA" in s_client(t, version, "-sigalgs", sig)


def test_alpn_is_agreed_on_or_the_client_is_told(serve, ca):
    t = serve()
    with pki.connect(t.address, pki.client_context(ca, alpn=["h9", "http/1.1"]), "localhost") as c:
        assert c.sock.selected_alpn_protocol() == "http/1.1"
        assert c.get().status == 200
    with pytest.raises(ssl.SSLError):
        pki.connect(t.address, pki.client_context(ca, alpn=["h9"]), "localhost")
    assert failed(t, "protocol") == 1


@pytest.mark.parametrize("version", [V12, V13])
def test_sessions_are_resumed_by_any_worker(serve, ca, version):
    t = serve(workers=4)
    ctx = pki.client_context(ca, version=version)
    session = ask(t, ctx)[2]
    for _ in range(12):
        got, _, session, reused = ask(t, ctx, session=session)
        assert got.status == 200 and reused
    assert t.metric("tidegate_tls_resumed_total") == 12


def test_without_tickets_no_session_is_resumed(serve, ca):
    t = serve(tls={"tickets": False})
    for version in (V12, V13):
        ctx = pki.client_context(ca, version=version)
        session = ask(t, ctx)[2]
        assert session is None or not session.has_ticket
        assert not ask(t, ctx, session=session)[3]


def test_random_ticket_keys_rotate(serve, ca):
    """A ticket is good under the next key too, but not under the one after that."""
    t = serve(tls={"tickets": {"rotate": "2s"}})
    ctx = pki.client_context(ca, version=V12)
    begun = time.monotonic()
    old = ask(t, ctx)[2]
    assert ask(t, ctx, session=old)[3]
    wait_for(lambda: time.monotonic() - begun > 4.2)
    assert not ask(t, ctx, session=old)[3]


def test_ticket_keys_from_files_are_shared_by_machines(serve, ca, tmp_path):
    key_a, key_b = tmp_path / "a", tmp_path / "b"
    key_a.write_bytes(bytes(range(80)))
    key_b.write_bytes(bytes(range(100, 180)))
    pair = ca.issue("localhost")
    listener = {"bind": f"127.0.0.1:{free_port()}"}
    one = serve(pair, tls={"tickets": {"files": [str(key_a)]}}, listener=dict(listener))
    ctx = pki.client_context(ca, version=V12)
    session = ask(one, ctx)[2]
    one.stop()
    two = serve(pair, tls={"tickets": {"files": [str(key_b), str(key_a)]}}, listener=dict(listener))
    got, _, renewed, reused = ask(two, ctx, session=session)
    assert reused, "the second key still decrypts"
    two.stop()
    three = serve(pair, tls={"tickets": {"files": [str(key_b)]}}, listener=dict(listener))
    assert ask(three, ctx, session=renewed)[3], "it was made anew with the first key"
    assert not ask(three, ctx, session=session)[3]


def test_plain_http_is_answered_in_plain_text(serve):
    t = serve()
    for method in ("GET", "POST", "OPTIONS", "PRI"):
        with t.client() as c:
            c.send(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n" + "x" * 20000)
            got = c.answer()
            assert got.status == 400 and got.head.get("Connection") == "close"
            assert c.is_closed()
    assert failed(t, "plain_http") == 4


def test_a_slow_handshake_ends_with_the_head_timeout(serve):
    t = serve(listener={"timeouts": {"head": "500ms"}})
    hello = bytes.fromhex("16030100c8010000c4")
    with t.client() as silent, t.client() as slow:
        begun = time.monotonic()
        slow.send(hello)
        assert slow.is_closed() and silent.is_closed()
        assert 0.4 < time.monotonic() - begun < 3
    wait_for(lambda: failed(t, "timeout") == 2)


def test_a_dribbling_handshake_does_not_push_the_timeout_away(serve):
    t = serve(listener={"timeouts": {"head": "700ms"}})
    begun = time.monotonic()
    with t.client() as c, pytest.raises((ConnectionError, Closed)):
        for byte in bytes.fromhex("16030100c8010000c40303") + bytes(180):
            c.send(bytes([byte]))
            if not c.is_silent(0.05):
                raise Closed
    assert time.monotonic() - begun < 4


def test_garbage_is_refused_with_an_alert(serve):
    t = serve()
    for junk in (b"\x80\x2e\x01\x00\x02" + bytes(60), b"\x16\x03\x01\xff\xff" + bytes(100), b"\x00" * 50,
                 b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", b"\x17\x03\x03\x00\x10" + bytes(16)):
        with t.client() as c:
            c.send(junk)
            assert c.until_close()[:1] in (b"\x15", b"")
    assert t.metric("tidegate_tls_failed_total") == 5
    assert t.admin("/readyz").status == 200


def test_a_changed_record_breaks_the_connection(serve, ca, origin):
    o = origin()
    t = serve(backends=[o])
    c = pki.connect(t.address, pki.client_context(ca), "localhost")
    raw = socket.socket(fileno=c.sock.detach())
    raw.settimeout(10)
    raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert b"HTTP" not in read_all(raw)
    assert o.heads == []


def read_all(sock):
    got = b""
    try:
        while data := sock.recv(65536):
            got += data
    except ConnectionResetError:
        pass
    finally:
        sock.close()
    return got


def test_an_answer_ends_with_close_notify(serve, ca):
    t = serve()
    with pki.connect(t.address, pki.client_context(ca), "localhost") as c:
        c.send(request("GET", "/", "Connection: close"))
        assert c.answer().status == 200
        assert c.is_closed(), "in order: a bare end would have raised"


def test_a_cut_answer_has_no_close_notify(serve, ca, origin):
    def cut(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 X\r\nConnection: close\r\n\r\nabc")
        peer.reset()

    t = serve(backends=[origin(cut)])
    with pki.connect(t.address, pki.client_context(ca), "localhost") as c:
        c.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            c.until_close()


def test_bytes_and_the_end_together_are_both_seen(serve, ca, origin):
    """Request, close_notify and FIN in one segment; twenty times, for the race's sake."""
    o = origin()
    t = serve(backends=[o], listener={"half_close": "serve"})
    for i in range(20):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = pki.client_context(ca).wrap_bio(incoming, outgoing, server_hostname="localhost")
        sock = socket.create_connection(t.address)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(65536))
        tls.write(request("GET", f"/{i}"))
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
        sock.sendall(outgoing.read())
        sock.shutdown(socket.SHUT_WR)
        raw = b""
        while data := sock.recv(65536):
            raw += data
        incoming.write(raw)
        got = b""
        try:
            while True:
                got += tls.read(65536)
        except (ssl.SSLZeroReturnError, ssl.SSLWantReadError):
            pass
        assert got.startswith(b"HTTP/1.1 200"), got
        sock.close()
    assert [h.target for h in o.heads] == [f"/{i}" for i in range(20)]


def test_requests_in_one_record_are_answered_in_order(serve, ca, origin):
    o = origin(reply=lambda head, body: answer(200, head.target.encode()))
    t = serve(backends=[o])
    with pki.connect(t.address, pki.client_context(ca), "localhost") as c:
        c.send(b"".join(request("GET", f"/{i}") for i in range(10)))
        assert [c.answer().body for _ in range(10)] == [f"/{i}".encode() for i in range(10)]


def test_large_bodies_go_both_ways_unchanged(serve, ca, origin):
    body = bytes(i * 7 % 251 for i in range(1 << 20)) * 8
    o = origin(reply=lambda head, got: answer(200, got))
    t = serve(backends=[o])
    for version in (V12, V13):
        with pki.connect(t.address, pki.client_context(ca, version=version), "localhost") as c:
            c.send(request("POST", "/", body=body))  # Python's TLS is not for two threads at once
            assert c.answer("POST").body == body


def test_a_client_that_does_not_read_does_not_make_memory_grow(serve, ca, origin):
    """64 MiB for each of eight clients that read nothing, then all of it by one of them."""
    size = 64 << 20
    piece = bytes(1 << 16)

    def flood(peer, o):
        o.read(peer)
        peer.send(f"HTTP/1.1 200 X\r\nContent-Length: {size}\r\n\r\n")
        peer.sock.settimeout(30)
        for _ in range(size // len(piece)):
            peer.send(piece)

    t = serve(backends=[origin(flood)], workers=1)
    ctx = pki.client_context(ca)
    ask_for = lambda: pki.connect(t.address, ctx, "localhost")
    clients = [ask_for() for _ in range(8)]
    before = t.rss_kib()
    for c in clients:
        c.send(request("GET", "/"))
    sent = lambda: t.metric("tidegate_sent_bytes_total")
    last = -1
    while sent() != last:  # until nothing moves any more
        last = sent()
        time.sleep(0.3)
    assert last < 8 * size / 2, "nobody was held back"
    assert t.rss_kib() - before < 8192
    head = clients[0].head()
    assert int(head.get("Content-Length")) == size
    left = size - len(clients[0].take(len(clients[0].buf)))
    while left > 0:
        left -= len(clients[0].sock.recv(1 << 18))
    assert left == 0
    for c in clients:
        c.close()


def test_a_backend_that_does_not_read_holds_the_client_back(serve, ca, origin):
    go = threading.Event()
    size = 32 << 20

    def slow(peer, o):
        head = o.read_head(peer)
        go.wait(20)
        left = int(head.get("Content-Length"))
        left -= len(peer.take(len(peer.buf)))
        while left > 0:
            left -= len(peer.sock.recv(1 << 18))
        peer.send(answer(200, b"all"))

    t = serve(backends=[origin(slow)], workers=1)
    with pki.connect(t.address, pki.client_context(ca), "localhost") as c:
        before = t.rss_kib()
        c.sock.settimeout(30)
        sender = threading.Thread(target=c.send, args=(request("POST", "/", body=bytes(size)),))
        sender.start()
        last = -1
        while (now := t.metric("tidegate_received_bytes_total")) != last:
            last = now
            time.sleep(0.3)
        assert last < size / 2 and t.rss_kib() - before < 4096
        go.set()
        sender.join()
        assert c.answer("POST").body == b"all"


def test_a_tunnel_runs_inside_tls(serve, ca, origin):
    def echo(peer, o):
        o.read_head(peer)
        peer.send("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        while data := peer.sock.recv(65536):
            peer.send(data.upper())

    t = serve(backends=[origin(echo)])
    with pki.connect(t.address, pki.client_context(ca), "localhost") as c:
        c.send(request("GET", "/", "Connection: upgrade", "Upgrade: echo"))
        assert c.head().status == 101
        for word in (b"one", b"two"):
            c.send(word)
            assert c.exactly(3) == word.upper()


def seen(process, word):
    """Reads on until a line has the word."""
    return any(word in line for line in iter(process.stdout.readline, b""))


def test_key_updates_are_followed(serve, ca):
    t = serve()
    with subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{t.port}", "-tls1_3", "-crlf"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        for line in (b"K\n", b"GET / HTTP/1.1\nHost: a\nConnection: close\n\n"):
            client.stdin.write(line)
            client.stdin.flush()
            wait_for(lambda: seen(client, b"KEYUPDATE" if line == b"K\n" else b"HTTP/1.1 200"))
        client.kill()


def test_renegotiation_is_refused(serve, ca):
    t = serve()
    text = s_client(t, "-tls1_2", say=b"R\n")
    assert "RENEGOTIATING" in text and "no renegotiation" in text


def test_a_reset_in_the_handshake_is_no_trouble(serve):
    t = serve()
    for _ in range(10):
        c = t.client()
        c.send(b"\x16\x03\x01")
        c.reset()
    wait_for(lambda: failed(t, "closed") == 10)
    assert t.figures()["connections"] == 0


# ---- certificates of clients

@pytest.fixture
def with_clients(serve, ca, origin, tmp_path):
    """(authority of clients, origin, serve(verify, **more))"""
    clients = pki.Authority(tmp_path, "Client CA")
    o = origin()

    def make(verify, **more):
        return serve(backends=[o], tls={"clients": {"verify": verify, "ca": clients.file, **more}},
                     client_subject_header="X-Client-Subject")
    return clients, o, make


@pytest.mark.parametrize("version", [V12, V13])
def test_a_required_certificate_is_told_to_the_backend(with_clients, ca, version):
    clients, o, serve = with_clients
    t = serve("require")
    ctx = pki.client_context(ca, own=clients.issue(cn="Alice", kind="ec"), version=version)
    with pki.connect(t.address, ctx, "localhost") as c:
        assert c.get("/", "X-Client-Subject: CN=root", "X_Client_Subject: CN=root").status == 200
        session = c.sock.session
    assert o.heads[0].get("X-Client-Subject") == "CN=Alice"
    assert b"root" not in o.heads[0].raw
    assert ask(t, ctx, session=session)[3], "a session with a certificate is resumed"
    assert o.heads[1].get("X-Client-Subject") == "CN=Alice"


def refused(t, ctx):
    with pytest.raises((ssl.SSLError, ConnectionError, Closed)):
        ask(t, ctx)


def test_no_wrong_or_expired_certificate_is_let_in(with_clients, ca, tmp_path):
    clients, o, serve = with_clients
    t = serve("require")
    refused(t, pki.client_context(ca))
    refused(t, pki.client_context(ca, own=ca.issue(cn="Mallory")))
    refused(t, pki.client_context(ca, own=clients.issue(cn="Late", days=(-9, -1))))
    assert failed(t, "certificate") == 3 and o.heads == []


def test_an_optional_certificate_may_be_missing_but_not_bad(with_clients, ca):
    clients, o, serve = with_clients
    t = serve("optional")
    assert ask(t, pki.client_context(ca))[0].status == 200
    assert o.heads[0].get("X-Client-Subject") is None
    refused(t, pki.client_context(ca, own=ca.issue(cn="Mallory")))
    assert ask(t, pki.client_context(ca, own=clients.issue(cn="Bob")))[0].status == 200
    assert o.heads[1].get("X-Client-Subject") == "CN=Bob"


def test_a_revoked_certificate_is_refused(with_clients, ca):
    clients, o, serve = with_clients
    good, bad = clients.issue(cn="Good"), clients.issue(cn="Bad")
    t = serve("require", crl=clients.revoke(bad))
    assert ask(t, pki.client_context(ca, own=good))[0].status == 200
    refused(t, pki.client_context(ca, own=bad))


def test_a_subject_cannot_break_out_of_its_field(with_clients, ca):
    clients, o, serve = with_clients
    t = serve("require")
    ctx = pki.client_context(ca, own=clients.issue(cn="A\r\nX-Admin: yes, \u00e9\x01"))
    assert ask(t, ctx)[0].status == 200
    assert o.heads[0].get("X-Client-Subject") == r"CN=A\0D\0AX-Admin: yes\, \C3\A9\01"
    assert o.heads[0].get("X-Admin") is None


def test_the_subject_field_is_dropped_at_plain_listeners_too(tidegate, origin):
    o = origin()
    t = tidegate([o], client_subject_header="X-Client-Subject")
    assert t.get("/", "x-client-subject: CN=root").status == 200
    assert o.heads[0].get("X-Client-Subject") is None


def test_an_ocsp_response_is_stapled(serve, tidegate, origin, ca):
    stapled, other = ca.issue("localhost"), ca.issue("localhost", kind="rsa")
    t = tidegate([origin()], listener={"tls": {"certificates": [
        {**stapled.entry, "ocsp": ca.ocsp(stapled)}, other.entry]}})
    assert "OCSP Response Status: successful" in s_client(t, "-status")
    assert "no response sent" in s_client(t, "-status", "-tls1_2", "-sigalgs", "rsa_pss_rsae_sha256")
