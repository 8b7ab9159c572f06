"""Upgrade: from the 101 on, bytes both ways until an end."""
import os
import threading

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
