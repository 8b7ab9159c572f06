"""Probes and ejection."""
import time

from wire import answer, wait_for

FAST = {"path": "/healthz", "interval": "100ms", "timeout": "100ms", "rise": 2, "fall": 2}


class Patient:
    """An origin whose health is as it is told; counts requests apart from probes."""

    def __init__(self):
        self.healthy = True
        self.served = 0

    def reply(self, head, body):
        if head.target == "/healthz":
            return answer(200 if self.healthy else 500)
        self.served += 1
        return answer()


def health(t, o):
    return t.backend(o.url)["health"]


def test_a_backend_that_fails_its_probes_gets_no_requests_until_it_is_well(tidegate, origin):
    good, bad = Patient(), Patient()
    a, b = origin(reply=good.reply), origin(reply=bad.reply)
    t = tidegate([a, b], service={"health": FAST})
    wait_for(lambda: health(t, a) == health(t, b) == "up")
    bad.healthy = False
    wait_for(lambda: health(t, b) == "down")
    bad.served = 0
    for _ in range(40):
        assert t.get().status == 200
    assert bad.served == 0
    bad.healthy = True
    wait_for(lambda: health(t, b) == "up")
    wait_for(lambda: t.get().status == 200 and bad.served > 0)


def test_a_backend_that_is_not_there_yet_is_found_when_it_comes(tidegate, origin):
    a = origin(reply=Patient().reply)
    address = a.address
    a.stop()
    t = tidegate([a], service={"health": FAST}, ready=False)
    wait_for(lambda: t.process.poll() is None and down(t, a))
    b = origin(reply=Patient().reply, address=address)
    wait_for(lambda: t.get().status == 200)
    assert health(t, b) == "up"


def down(t, o):
    try:
        return health(t, o) == "down"
    except ConnectionError:
        return False


def test_a_backend_that_resets_is_ejected_and_comes_back(tidegate, origin):
    broken = {"now": True}

    def serve(peer, o):
        while True:
            o.read(peer)
            if broken["now"]:
                peer.reset()
                return
            peer.send(answer())

    a, b = origin(), origin(serve)
    t = tidegate([a, b], service={"ejection": {"failures": 3, "base": "300ms"},
                                  "retries": {"budget": "100%"}})
    wait_for(lambda: t.get().status == 200 and t.backend(b.url)["ejected"])
    n = len(b.heads)
    for _ in range(20):
        assert t.get().status == 200
    assert len(b.heads) <= n + 1
    broken["now"] = False
    wait_for(lambda: t.get().status == 200 and len(b.heads) > n + 5)
    assert not t.backend(b.url)["ejected"]


def test_never_more_than_half_of_a_pool_is_ejected(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.reset()

    os = [origin(serve) for _ in range(4)]
    t = tidegate(os, service={"ejection": {"failures": 1, "base": "10s"}, "retries": {"attempts": 0}})
    for _ in range(60):
        assert t.get().status == 502
    assert sum(t.backend(o.url)["ejected"] for o in os) == 2
