"""Limits of a backend hold over all workers, and whoever waits is served in turn."""
import threading
import time

from wire import answer, request, wait_for


def slow(seconds):
    def serve(peer, o):
        while True:
            head, _ = o.read(peer)
            with o.busy():
                time.sleep(seconds)
            peer.send(answer(200, head.target.encode()))
    return serve


def load(t, clients, each, waits):
    def run():
        with t.client() as c:
            for _ in range(each):
                begun = time.monotonic()
                assert c.get().status == 200
                waits.append(time.monotonic() - begun)

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for th in threads:
        th.start()
    for th in threads:
        th.join()


def test_four_workers_never_send_a_third_request_and_nobody_starves(tidegate, origin):
    o = origin(slow(0.005))
    t = tidegate([o], workers=4, service={
        "pools": {"baseline": {"max_requests": 2}}, "queue": {"timeout": "20s"}})
    waits = []
    load(t, clients=32, each=25, waits=waits)
    assert len(waits) == 32 * 25, "a request failed"
    assert o.busy_max == 2
    mean = sum(waits) / len(waits)
    assert max(waits) < 10 * mean + 0.5, f"mean {mean:.3f} s, longest {max(waits):.3f} s"


def test_connections_to_a_backend_are_limited_as_well(tidegate, origin):
    o = origin(slow(0.002))
    t = tidegate([o], workers=4, service={
        "pools": {"baseline": {"max_requests": 3, "max_connections": 3}}, "queue": {"timeout": "20s"}})
    waits = []
    load(t, clients=16, each=25, waits=waits)
    assert len(waits) == 16 * 25
    assert o.open_max <= 3


def test_unused_connections_are_limited(tidegate, origin):
    o = origin(slow(0.05))
    t = tidegate([o], workers=2, service={"pools": {"baseline": {"max_idle": 2}}})
    load(t, clients=12, each=1, waits=[])
    wait_for(lambda: o.open_now <= 2)
    assert o.open_max > 2


def test_the_balance_follows_the_weights(tidegate, origin):
    a, b = origin(slow(0.001)), origin(slow(0.001))
    t = tidegate([{"address": a.url, "weight": 1}, {"address": b.url, "weight": 3}],
                 service={"pools": {"baseline": {"slow_start": "0s"}}})
    load(t, clients=16, each=50, waits=[])
    share = len(b.heads) / (len(a.heads) + len(b.heads))
    assert 0.6 < share < 0.9, share


def test_waiting_for_a_connection_costs_no_cpu(tidegate, origin):
    """Slots are free and the only connection is not: whoever waits must not try again and again."""
    go = threading.Event()

    def serve(peer, o):
        while True:
            o.read(peer)
            go.wait(20)
            peer.send(answer())

    o = origin(serve)
    t = tidegate([o], workers=1, service={
        "pools": {"baseline": {"max_requests": 8, "max_connections": 1}}, "queue": {"timeout": "20s"}})
    with t.client() as first, t.client() as second:
        first.send(request("GET", "/"))
        wait_for(lambda: o.heads)
        second.send(request("GET", "/"))
        wait_for(lambda: t.service()["queued"] == 1)
        before = t.cpu_s()
        time.sleep(1)  # what is measured is this second
        spent = t.cpu_s() - before
        go.set()
        assert first.answer().status == second.answer().status == 200
    assert spent < 0.4, f"{spent:.2f} s of CPU in one second of waiting"
    assert t.service()["tiers"]["baseline"]["attempts"] == 2
    assert t.pool("baseline")["backends"][0]["requests"] == 2
