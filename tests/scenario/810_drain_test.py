"""TERM: what was begun is finished, nothing new is taken, and then the end."""
import signal
import threading
import time

import pytest

from harness import stopped_thread
from wire import Closed, answer, request, wait_for


def slow(go, sent=None):
    def serve(peer, o):
        while True:
            o.read(peer)
            go.wait(10)
            peer.send(answer(200, b"done"))
            if sent:
                sent.set()
    return serve


def test_a_request_under_way_is_answered_before_the_end(tidegate, origin):
    go = threading.Event()
    o = origin(slow(go))
    t = tidegate([o])
    with t.client() as c:
        c.send(request("GET", "/"))
        wait_for(lambda: o.heads)
        t.signal(signal.SIGTERM)
        wait_for(lambda: t.admin("/readyz").status == 503)
        go.set()
        a = c.answer()
        assert a.body == b"done" and a.head.get("Connection", "").lower() == "close"
        assert c.is_closed()
    assert t.wait() == 0


def test_an_answer_after_readyz_failed_ends_its_connection(tidegate, origin):
    """Also of a worker that has not heard of the drain: it stands still until the answer is there."""
    go, sent = threading.Event(), threading.Event()
    o = origin(slow(go, sent))
    t = tidegate([o], workers=1)
    with t.client() as c:
        c.send(request("GET", "/"))
        wait_for(lambda: o.heads)
        with stopped_thread(t, "worker-0"):
            t.signal(signal.SIGTERM)
            wait_for(lambda: t.admin("/readyz").status == 503)
            go.set()
            assert sent.wait(10)
        assert c.answer().head.get("Connection", "").lower() == "close"
        assert c.is_closed()


def test_readyz_fails_before_the_listeners_close(tidegate, origin):
    t = tidegate([origin()], drain_delay="1m")
    with t.client() as c:
        assert c.get().status == 200
        t.signal(signal.SIGTERM)
        wait_for(lambda: t.admin("/readyz").status == 503)
        a = c.get()
        assert a.status == 200 and a.head.get("Connection") is None
        assert t.get().status == 200
        t.signal(signal.SIGTERM)  # now
        assert t.wait(5) == 0


def test_the_listeners_close_when_the_delay_is_over(tidegate, origin):
    go = threading.Event()
    o = origin(slow(go))
    t = tidegate([o], drain_delay="300ms")

    def refused():
        try:
            t.client().close()
        except ConnectionError:
            return True

    with t.client() as c:
        c.send(request("GET", "/"))
        wait_for(lambda: o.heads)
        begun = time.monotonic()
        t.signal(signal.SIGTERM)
        wait_for(refused)
        assert time.monotonic() - begun >= 0.3
        go.set()
        assert c.answer().body == b"done"
    assert t.wait() == 0


def test_idle_connections_do_not_hold_up_the_end(tidegate, origin):
    t = tidegate([origin()])
    clients = [t.client() for _ in range(20)]
    for c in clients:
        assert c.get().status == 200
    begun = time.monotonic()
    t.signal(signal.SIGTERM)
    assert t.wait() == 0
    assert time.monotonic() - begun < 3
    assert all(c.is_closed() for c in clients)


def test_no_new_connection_is_taken_while_draining(tidegate, origin):
    go = threading.Event()
    o = origin(slow(go))
    t = tidegate([o])
    with t.client() as c:
        c.send(request("GET", "/"))
        wait_for(lambda: o.heads)
        t.signal(signal.SIGTERM)
        wait_for(lambda: t.admin("/readyz").status == 503)
        with pytest.raises(ConnectionError):
            t.client().get()
        go.set()
        c.answer()


@pytest.mark.parametrize("how", ["deadline", "second signal"])
def test_a_request_without_an_end_is_cut(tidegate, origin, how):
    o = origin(slow(threading.Event()))
    t = tidegate([o], drain_timeout="500ms" if how == "deadline" else "30s")
    with t.client() as c:
        c.send(request("GET", "/"))
        wait_for(lambda: o.heads)
        t.signal(signal.SIGTERM)
        if how == "second signal":
            wait_for(lambda: t.admin("/readyz").status == 503)
            t.signal(signal.SIGTERM)
        assert t.wait(5) == 0


def test_a_drain_under_load_cuts_no_answer(tidegate, sample):
    """Whoever asks again on a connection that closed between two requests saw no failure."""
    s = sample(latency_ms=5)
    t = tidegate([s])
    bad = []

    def run():
        try:
            with t.client() as c:
                while True:
                    a = c.get()
                    if a.status != 200:
                        bad.append(a.status)
                    if a.head.get("Connection", "").lower() == "close":
                        return
        except Closed as e:
            if e.rest:
                bad.append(repr(e))
        except ConnectionResetError:
            pass

    threads = [threading.Thread(target=run) for _ in range(16)]
    for th in threads:
        th.start()
    time.sleep(0.5)
    t.signal(signal.SIGTERM)
    for th in threads:
        th.join()
    assert t.wait() == 0
    assert len(bad) == 0, bad
