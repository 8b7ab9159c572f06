"""Requests that no backend can take yet."""
import threading

from wire import answer, request, wait_for

ONE_SLOT = {"pools": {"baseline": {"max_requests": 1}}}


class Gate:
    """An origin that answers when it is let."""

    def __init__(self):
        self.open = threading.Event()

    def serve(self, peer, o):
        while True:
            head, _ = o.read(peer)
            assert self.open.wait(10)
            peer.send(answer(200, head.target.encode()))


def fill(t, o, target="/first"):
    """One request that takes the only slot."""
    c = t.client()
    c.send(request("GET", target))
    wait_for(lambda: len(o.heads) == 1)
    return c


def test_a_request_without_a_slot_waits_for_one(tidegate, origin):
    gate = Gate()
    o = origin(gate.serve)
    t = tidegate([o], service=ONE_SLOT)
    with fill(t, o) as first, t.client() as second:
        second.send(request("GET", "/second"))
        wait_for(lambda: t.service()["queued"] == 1)
        gate.open.set()
        assert first.answer().body == b"/first"
        assert second.answer().body == b"/second"
    assert t.service()["held"] == 1


def test_whoever_waits_too_long_is_answered_503_with_retry_after(tidegate, origin):
    gate = Gate()
    o = origin(gate.serve)
    t = tidegate([o], service={**ONE_SLOT, "queue": {"timeout": "300ms"}})
    with fill(t, o), t.client() as second:
        a = second.get("/second")
        assert a.status == 503
        assert int(a.head.get("Retry-After")) >= 1
        gate.open.set()
    assert t.service()["timed_out"] == 1
    assert len(o.heads) == 1


def test_a_full_queue_refuses_at_once(tidegate, origin):
    gate = Gate()
    o = origin(gate.serve)
    t = tidegate([o], workers=1, service={**ONE_SLOT, "queue": {"size": 1}})
    with fill(t, o) as first, t.client() as second:
        second.send(request("GET", "/second"))
        wait_for(lambda: t.service()["queued"] == 1)
        assert t.get("/third").status == 503
        gate.open.set()
        assert first.answer().status == second.answer().status == 200
    assert t.service()["shed"] == 1


def test_who_leaves_the_queue_is_not_sent_to_the_origin(tidegate, origin):
    gate = Gate()
    o = origin(gate.serve)
    t = tidegate([o], service=ONE_SLOT)
    with fill(t, o) as first:
        second = t.client()
        second.send(request("GET", "/second"))
        wait_for(lambda: t.service()["queued"] == 1)
        second.close()
        wait_for(lambda: t.service()["queued"] == 0)
        gate.open.set()
        assert first.answer().status == 200
        assert t.get("/third").status == 200
    assert [h.target for h in o.heads] == ["/first", "/third"]
    assert t.service()["left"] == 1


def test_a_lost_backend_does_not_leave_its_waiters_behind(tidegate, origin):
    gate = Gate()
    a = origin(gate.serve)
    t = tidegate([a], service={**ONE_SLOT, "queue": {"timeout": "1s"}, "retries": {"attempts": 0}})
    with fill(t, a) as first, t.client() as second:
        second.send(request("GET", "/second"))
        wait_for(lambda: t.service()["queued"] == 1)
        a.stop()
        assert first.answer().status == 502
        assert second.answer().status in (502, 503)
