"""Ends of connections: with bytes, half, and too early."""
import socket

import pytest

from wire import Closed, answer, request, wait_for


def send_with_end(peer, data):
    """The end rides on the last segment: nobody sees the bytes without it."""
    peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    peer.send(data)
    peer.close()


def test_an_answer_and_its_end_arriving_together_are_both_seen(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        send_with_end(peer, answer(200, b"x" * 40_000))

    t = tidegate([origin(serve)])
    with t.client() as c:
        for _ in range(300):
            assert len(c.get().body) == 40_000
    wait_for(lambda: t.figures()["upstream_connections"] == 0)


def test_an_unframed_answer_and_its_end_arriving_together_are_both_seen(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        send_with_end(peer, answer(200, b"", length=False) + b"y" * 1000)

    t = tidegate([origin(serve)])
    for _ in range(100):
        assert t.get().body == b"y" * 1000


def test_a_request_and_its_clients_end_arriving_together_are_an_abort(tidegate, origin):
    t = tidegate([origin(serve=lambda peer, o: (o.read(peer), peer.is_closed()))])
    with t.client() as c:
        c.send(request("GET", "/"))
        c.half_close()
        assert c.is_closed()
    wait_for(lambda: t.figures()["connections"] == 0)


def test_a_half_closing_client_is_answered_where_that_is_configured(tidegate, origin):
    t = tidegate([origin(reply=lambda head, body: answer(200, body))], listener={"half_close": "serve"})
    for _ in range(50):
        with t.client() as c:
            c.send(request("POST", "/", body=b"z" * 5000))
            c.half_close()
            assert c.answer("POST").body == b"z" * 5000
            assert c.is_closed()


def test_a_client_that_ends_between_requests_is_forgotten(tidegate, origin):
    t = tidegate([origin()])
    for _ in range(20):
        with t.client() as c:
            c.get()
            c.half_close()
            assert c.is_closed()
    wait_for(lambda: t.figures()["connections"] == 0)


@pytest.mark.parametrize("part", [
    answer(200, b"", "Content-Length: 1000", length=False) + b"only this",
    answer(200, b"", "Transfer-Encoding: chunked", length=False) + b"5\r\nabc",
    answer(200, b"", "Transfer-Encoding: chunked", length=False) + b"3\r\nabc\r\n",
])
def test_an_answer_cut_short_is_never_made_to_look_complete(tidegate, origin, part):
    def serve(peer, o):
        o.read(peer)
        peer.send(part)

    t = tidegate([origin(serve)])
    with t.client() as c:
        c.send(request("GET", "/"))
        with pytest.raises((Closed, ConnectionResetError)):
            c.answer()


def test_an_origin_that_closes_in_its_head_is_a_bad_gateway(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\nContent-Le")

    t = tidegate([origin(serve)])
    assert t.get().status == 502
