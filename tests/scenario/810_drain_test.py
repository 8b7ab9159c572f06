"""TERM: what was begun is finished, nothing new is taken, and then the end."""
import signal
import subprocess
import threading
import time

import pytest
from hyperframe import frame as hf

import h2wire
import pki
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


class Streams:
    """Keeps twenty requests under way on one HTTP/2 connection until a last GOAWAY, and remembers each."""

    def __init__(self, peer, mark):
        self.f, self.mark = h2wire.Frames(peer), mark
        self.asked, self.wrong, self.last = {}, [], None
        self.answered = self.notices = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while self.last is None or self.asked.keys() & range(self.last + 1):
                while self.last is None and len(self.asked) < 20:
                    path = f"/{self.mark}/{self.f.next_id}"
                    self.asked[self.f.request("GET", path)] = path
                self.take(self.f.frame())
        except (Closed, ConnectionError):
            pass

    def take(self, frame):
        if isinstance(frame, hf.GoAwayFrame):
            self.notices += 1
            if frame.last_stream_id < 2**31 - 1:
                self.last = frame.last_stream_id
        m = self.f.streams[frame.stream_id]
        if frame.stream_id in self.asked and (m.ended or m.error is not None):
            path = self.asked.pop(frame.stream_id)
            self.answered += 1
            if m.error is not None or (m.status, m.body) != (200, path.encode()):
                self.wrong.append((path, m.error, m.fields))

    @property
    def lost(self):
        return [p for s, p in self.asked.items() if self.last is None or s <= self.last]


@pytest.mark.parametrize("tls", [False, True])
def test_a_drain_under_load_loses_no_stream(tidegate, origin, tmp_path, tls):
    """Each is answered, or left out by the last GOAWAY and has not reached the backend."""
    o = origin(reply=lambda head, body: answer(200, head.target.encode()))
    ca = pki.Authority(tmp_path)
    t = tidegate([o], listener={"tls": {"certificates": [ca.issue("localhost").entry]}} if tls else {})
    ctx = pki.client_context(ca, alpn=["h2"])
    clients = [Streams(pki.connect(t.address, ctx, "localhost") if tls else t.client(), i) for i in range(4)]
    wait_for(lambda: all(c.answered > 50 for c in clients))
    t.signal(signal.SIGTERM)
    for c in clients:
        c.thread.join(20)
    assert t.wait() == 0
    reached = {h.target for h in o.heads}
    for c in clients:
        assert (c.wrong, c.lost, c.notices) == ([], [], 2)
        assert not reached & set(c.asked.values()), "to be asked again elsewhere, and done here"
        c.f.close()


@pytest.mark.parametrize("tls", [False, True])
def test_reloads_under_load_lose_nothing(tidegate, sample, tmp_path, tls):
    ca = pki.Authority(tmp_path)
    t = tidegate([sample(latency_ms=1, cpu_us=0)],
                 listener={"tls": {"certificates": [ca.issue("localhost").entry]}} if tls else {})
    load = subprocess.Popen(["h2load", "-n", "4000", "-c", "8", "-m", "10",
                             f"http{'s' if tls else ''}://127.0.0.1:{t.port}/"], stdout=subprocess.PIPE, text=True)
    for i in range(1, 6):
        wait_for(lambda: t.metric("tidegate_h2_requests_total") > i * 400)
        assert t.post("reload").status == 200
    out, _ = load.communicate(timeout=60)
    assert "4000 succeeded, 0 failed, 0 errored" in out, out
    assert t.metric("tidegate_connections_total") == 8, "none was closed"
