"""Upgrade: from the 101 on, bytes both ways until an end."""
import os
import threading

import pytest

from wire import answer, wait_for

UPGRADE = "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


def echo(peer, o):
    head = o.read_head(peer)
    assert head.get("Upgrade") == "echo" and "upgrade" in head.get("Connection").lower()
    peer.send(SWITCHED)
    while True:
        peer.send(peer.take(len(peer.buf)))
        peer.fill()


def open_tunnel(t):
    c = t.client()
    c.send(UPGRADE)
    a = c.answer()
    assert a.status == 101 and a.head.get("Upgrade") == "echo"
    assert a.head.get("Connection").lower() == "upgrade"
    return c


def test_an_upgraded_connection_echoes_what_it_is_sent(tidegate, origin):
    t = tidegate([origin(echo)])
    with open_tunnel(t) as c:
        for word in (b"hello", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
            c.send(word)
            assert c.exactly(len(word)) == word


def test_a_tunnel_carries_much_both_ways_at_once(tidegate, origin):
    data = os.urandom(8_000_000)
    t = tidegate([origin(echo)])
    with open_tunnel(t) as c:
        sender = threading.Thread(target=c.send, args=(data,))
        sender.start()
        assert c.exactly(len(data)) == data
        sender.join()


def test_bytes_behind_the_origins_101_are_not_lost(tidegate, origin):
    def serve(peer, o):
        o.read_head(peer)
        peer.send(SWITCHED.encode() + b"welcome")
        peer.until_close()

    t = tidegate([origin(serve)])
    with open_tunnel(t) as c:
        assert c.exactly(7) == b"welcome"


def test_a_tunnel_ends_when_either_side_ends(tidegate, origin):
    o = origin(echo)
    t = tidegate([o])
    c = open_tunnel(t)
    c.close()
    wait_for(lambda: o.open_now == 0)
    c = open_tunnel(t)
    o.peers[-1].end()
    assert c.is_closed()
    c.close()
    wait_for(lambda: t.figures()["connections"] == 0)


def test_an_origin_that_does_not_upgrade_answers_as_usual(tidegate, origin):
    o = origin(reply=lambda head, body: answer(200, b"plain"))
    t = tidegate([o])
    with t.client() as c:
        c.send(UPGRADE)
        assert c.answer().body == b"plain"
        assert c.get().body == b"plain"


def test_a_101_that_nobody_asked_for_is_a_bad_gateway(tidegate, origin):
    o = origin(reply=lambda head, body: SWITCHED.encode())
    t = tidegate([o])
    assert t.get().status == 502


def test_after_a_chunked_request_the_tunnel_has_no_chunks(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send(SWITCHED)
        peer.send(peer.exactly(5))

    t = tidegate([origin(serve)])
    with t.client() as c:
        c.send(UPGRADE.replace("GET", "POST").replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n"))
        c.send("3\r\nabc\r\n0\r\n\r\n")
        assert c.answer().status == 101
        c.send("hello")
        assert c.exactly(5) == b"hello"


@pytest.mark.parametrize("fields", [
    "Connection: Upgrade\r\nUpgrade: other\r\n", "Connection: Upgrade\r\nUpgrade: echo, other\r\n",
    "Upgrade: echo\r\n", "Connection: Upgrade\r\n", "Connection: Upgrade\r\nUpgrade: echo/2\r\n",
])
def test_a_101_to_what_was_not_asked_for_is_a_bad_gateway(tidegate, origin, fields):
    t = tidegate([origin(reply=lambda head, body: f"HTTP/1.1 101 X\r\n{fields}\r\n".encode())])
    with t.client() as c:
        c.send(UPGRADE)
        assert c.answer().status == 502


def test_of_several_protocols_asked_for_the_origin_takes_one_in_any_case(tidegate, origin):
    t = tidegate([origin(reply=lambda head, body: SWITCHED.encode())])
    with t.client() as c:
        c.send(UPGRADE.replace("Upgrade: echo", "Upgrade: first/1, ECHO"))
        assert c.answer().head.get("Upgrade") == "echo"


def test_a_request_is_complete_before_its_connection_is_switched(tidegate, origin):
    def serve(peer, o):
        o.read_head(peer)
        peer.send(SWITCHED)
        rest.append(peer.until_close())

    rest = []
    t = tidegate([origin(serve)])
    with t.client() as c:
        c.send(UPGRADE.replace("GET", "POST").replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"))
        assert c.answer("POST").status == 502
        assert c.is_closed()
    wait_for(lambda: rest == [b"3\r\nabc\r\n"])


def test_an_upgrade_that_was_not_passed_on_is_not_asked_for(tidegate, origin):
    o = origin(reply=lambda head, body: SWITCHED.replace("echo", "h2c").encode())
    t = tidegate([o])
    with t.client() as c:
        c.send(UPGRADE.replace("Upgrade: echo", "Upgrade: h2c"))
        assert c.answer().status == 502
    assert o.heads[0].all("Upgrade") == []
