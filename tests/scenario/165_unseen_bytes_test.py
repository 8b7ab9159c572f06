"""Long bodies of known length go from socket to socket without being copied."""
import hashlib
import os
import pathlib
import socket
import threading

import pytest

import wire
from wire import Closed, answer, request, wait_for

SIZES = [65_536, 81_919, 81_921, 100_000, 102_400, 1_048_576, 10_000_000]
NOISE = os.urandom(1 << 20)


def small_client(t, room):
    """One whose kernel takes little in advance."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    s.connect(t.address)
    return wire.Peer(s)


def noise(n):
    return (NOISE * (n // len(NOISE) + 1))[:n]


def pipes(t):
    """Pipes that the process has open."""
    ends = set()
    for fd in pathlib.Path(f"/proc/{t.process.pid}/fd").iterdir():
        try:
            target = os.readlink(fd)
        except FileNotFoundError:
            continue
        if target.startswith("pipe:"):
            ends.add(target)
    return len(ends)


@pytest.mark.parametrize("size", SIZES)
def test_every_byte_arrives(tidegate, origin, size):
    body = noise(size)
    t = tidegate([origin(reply=lambda head, got: answer(200, body))])
    with t.client() as c:
        for _ in range(4):
            assert hashlib.sha1(c.get().body).digest() == hashlib.sha1(body).digest()
        assert t.figures()["upstream_opened"] == 1


def test_large_and_small_answers_take_turns_on_one_connection(tidegate, origin):
    t = tidegate([origin(reply=lambda head, got: answer(200, noise(int(head.target[1:]))))])
    with t.client() as c:
        for size in [10, 200_000, 10, 5000, 70_000, 300_000, 0, 17_000, 150_000, 1]:
            assert c.get(f"/{size}").body == noise(size)
        # Pipelined: the next answer must wait for the bytes of this one.
        c.send(b"".join(request("GET", f"/{n}") for n in (200_000, 3, 200_000, 4)))
        for n in (200_000, 3, 200_000, 4):
            assert c.answer().body == noise(n)


def test_bytes_and_counters_agree(tidegate, origin):
    t = tidegate([origin(reply=lambda head, got: answer(200, noise(500_000)))])
    with t.client() as c:
        assert len(c.get().body) == 500_000
    wait_for(lambda: t.metric("tidegate_tier_received_bytes_total") == 500_000)
    assert t.figures()["bytes_out"] >= 500_000


def test_a_client_that_does_not_read_stops_the_backend(tidegate, origin):
    sent = [0]

    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n")
        piece = noise(65_536)
        while sent[0] < 40_000_000:
            sent[0] += peer.sock.send(piece[:40_000_000 - sent[0]])

    t = tidegate([origin(serve)], workers=1)
    before, ends = t.rss_kib(), pipes(t)
    with t.client() as c:
        c.send(request("GET", "/"))
        seen = [0]

        def stands():  # for as long as fifty looks
            seen.append(sent[0])
            return sent[0] > 0 and len(seen) > 50 and seen[-50] == seen[-1]

        wait_for(stands)
        assert sent[0] < 25_000_000 and t.rss_kib() - before < 2048
        assert pipes(t) > ends, "what the client does not take is in a pipe"
        total = 0
        c.head()
        while total < 40_000_000:
            total += len(c.exactly(min(1 << 20, 40_000_000 - total)))


def test_pipes_are_given_back(tidegate, origin):
    whole = answer(200, noise(12_000_000))
    t = tidegate([origin(reply=lambda head, got: whole)], workers=1)
    before = pipes(t)
    clients = [small_client(t, 65_536) for _ in range(8)]
    for c in clients:
        c.send(request("GET", "/"))
    wait_for(lambda: pipes(t) == before + 8)
    for c in clients[:4]:
        c.reset()
    wait_for(lambda: pipes(t) == before + 4)
    for c in clients[4:]:
        assert len(c.answer().body) == 12_000_000
        c.close()
    wait_for(lambda: t.figures()["connections"] == 0)
    assert t.get().status == 200


def test_an_answer_cut_in_the_middle_is_seen_to_be(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", noise(700_000))

    t = tidegate([origin(serve)])
    with t.client() as c:
        c.send(request("GET", "/"))
        c.head()
        assert c.exactly(700_000) == noise(700_000)
        with pytest.raises((Closed, ConnectionResetError)):
            c.exactly(1)


def test_bytes_behind_the_answer_are_not_passed_on(tidegate, origin):
    def serve(peer, o):
        while True:
            o.read(peer)
            peer.send(answer(200, noise(300_000)) + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    t = tidegate([origin(serve)])
    with t.client() as c:
        for _ in range(5):
            assert c.get().body == noise(300_000)


def test_a_silent_backend_is_given_up(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", noise(500_000))
        peer.is_closed()

    t = tidegate([origin(serve)], service={"timeouts": {"response": "300ms"}})
    with t.client() as c:
        c.send(request("GET", "/"))
        c.head()
        c.exactly(500_000)
        with pytest.raises((Closed, ConnectionResetError)):
            c.exactly(1)


def test_a_client_that_reads_slowly_gets_all(tidegate, origin):
    body = noise(5_000_000)
    t = tidegate([origin(reply=lambda head, got: answer(200, body))])
    with small_client(t, 4096) as c:
        c.send(request("GET", "/"))
        assert c.answer().body == body


def test_over_a_unix_socket_too(tidegate, origin, tmp_path):
    body = noise(2_000_000)
    o = origin(reply=lambda head, got: answer(200, body), address=str(tmp_path / "o.sock"))
    t = tidegate([o])
    with t.client() as c:
        for _ in range(3):
            assert c.get().body == body


def test_many_at_once(tidegate, origin):
    t = tidegate([origin(reply=lambda head, got: answer(200, noise(int(head.target[1:]))))])
    failed = []

    def ask(seed):
        with t.client() as c:
            for i in range(10):
                n = (seed * 7919 + i * 104_729) % 900_000
                if c.get(f"/{n}").body != noise(n):
                    failed.append(n)

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(8)]
    for th in threads:
        th.start()
    for th in threads:
        th.join()
    assert failed == []
