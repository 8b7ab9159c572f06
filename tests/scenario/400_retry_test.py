"""What is tried again elsewhere, and what must not be."""
import socket
import threading

from harness import free_port, stopped_thread
from wire import answer, request, wait_for

NO_EJECTION = {"ejection": {"enabled": False}}


def dies_on_the_second(peer, o):
    """Answers one request on a connection, and ends it when the next one arrives."""
    o.read(peer)
    peer.send(answer(200, b"first"))
    o.read(peer)
    peer.close()


def closes_after_the_first(peer, o):
    o.read(peer)
    peer.send(answer(200, b"first"))


def test_a_backend_that_dies_between_two_requests_costs_no_get(tidegate, origin):
    for serve in (closes_after_the_first, dies_on_the_second):
        t = tidegate([origin(serve)], service={"retries": {"budget": "0%"}, **NO_EJECTION})
        with t.client() as c:
            for _ in range(50):
                assert c.get().status == 200
        t.stop()


def test_a_kept_connection_that_is_gone_is_replaced_without_spending_the_budget(tidegate, origin):
    """Whatever the method's luck: a GET always finds a fresh connection, and ejects nobody."""
    o = origin(dies_on_the_second)
    t = tidegate([o], workers=1, service={"retries": {"attempts": 0}, "ejection": {"failures": 1}})
    with t.client() as c:
        for _ in range(100):
            assert c.get().status == 200
    assert t.metric("tidegate_upstream_connections_stale_total") == 99
    assert t.service()["proxy_retries"] == 99
    assert t.service()["errors"]["reset"] == 0
    assert t.backend(o.url)["failures"] == 0


def test_it_is_replaced_once_and_then_the_rules_for_retries_hold(tidegate, origin):
    def serve(peer, o):
        """The second request of a connection, and all after it, are met with an end."""
        o.read(peer)
        if len(o.heads) == 1:
            peer.send(answer(200, b"first"))
            o.read(peer)

    o = origin(serve)
    t = tidegate([o], workers=1, service={"retries": {"attempts": 1}, **NO_EJECTION})
    with t.client() as c:
        assert c.get("/1").status == 200
        assert c.get("/2").status == 502
    assert [h.target for h in o.heads] == ["/1", "/2", "/2", "/2"]
    assert t.service()["errors"]["reset"] == 2


def test_a_byte_of_an_answer_is_an_answer_also_on_a_kept_connection(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send(answer(200, b"first"))
        o.read(peer)
        peer.send("HTTP/1.1 2")

    o = origin(serve)
    t = tidegate([o], workers=1, service={"retries": {"attempts": 0}, **NO_EJECTION})
    with t.client() as c:
        assert c.get().status == 200
        assert c.get().status == 502
    assert t.metric("tidegate_upstream_connections_stale_total") == 0


def test_a_post_of_which_nothing_was_written_finds_another_connection(tidegate, origin):
    """The request and then the reset arrive while the worker stands still: it takes the
    kept connection, and its first write fails."""
    def serve(peer, o):
        head, _ = o.read(peer)
        peer.send(answer(200, head.method.encode()))
        o.go.wait(10)
        if len(o.heads) == 1:
            peer.reset()

    o = origin(serve)
    o.go = threading.Event()
    t = tidegate([o], workers=1, service={"retries": {"attempts": 0}, **NO_EJECTION})
    with t.client() as c:
        assert c.get().status == 200
        with stopped_thread(t, "worker-0"):
            c.send(request("POST", "/order", body=b"one"))
            o.go.set()
            wait_for(lambda: o.open_now == 0)
        assert c.answer("POST").body == b"POST"
    assert [h.method for h in o.heads] == ["GET", "POST"]


def test_a_post_on_a_connection_that_dies_is_not_sent_twice(tidegate, origin):
    o = origin(dies_on_the_second)
    t = tidegate([o], service=NO_EJECTION, workers=1)
    with t.client() as c:
        assert c.get().status == 200
        assert c.ask("POST", "/order", body=b"one").status == 502
    assert [h.method for h in o.heads].count("POST") == 1


def test_a_refused_connection_is_tried_elsewhere_whatever_the_method(tidegate, origin):
    o = origin()
    t = tidegate([o, f"127.0.0.1:{free_port()}"],
                 service={"retries": {"budget": "100%"}, **NO_EJECTION})
    with t.client() as c:
        for _ in range(30):
            assert c.ask("POST", "/", body=b"x").status == 200
            assert c.get().status == 200
    assert t.service()["proxy_retries"] > 0


def test_a_body_is_sent_whole_on_the_second_try(tidegate, origin):
    def serve(peer, o):
        head, body = o.read(peer)
        if len(o.heads) == 1:
            peer.reset()
        else:
            peer.send(answer(200, body))

    t = tidegate([origin(serve)], service=NO_EJECTION)
    with t.client() as c:
        assert c.ask("PUT", "/", body=b"k" * 10_000).body == b"k" * 10_000


def test_a_body_larger_than_the_retry_buffer_is_not_sent_again(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.reset()

    o = origin(serve)
    t = tidegate([o], service={"retries": {"buffer": "1k"}, **NO_EJECTION})
    with t.client() as c:
        assert c.ask("PUT", "/", body=b"k" * 200_000).status == 502
    assert len(o.heads) == 1


def test_nothing_is_tried_again_after_the_first_byte_of_an_answer(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    o = origin(serve)
    t = tidegate([o], service=NO_EJECTION)
    with t.client() as c:
        c.send(request("GET", "/"))
        c.head()
        assert c.until_close() == b"half"
    assert len(o.heads) == 1


def test_repeats_stay_within_their_budget(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.reset()

    o = origin(serve)
    t = tidegate([o], service={"retries": {"budget": "20%"}, **NO_EJECTION})
    with t.client() as c:
        for _ in range(200):
            assert c.get().status == 502
    assert 200 <= len(o.heads) <= 200 * 1.2 + 12


def test_without_any_backend_the_answer_is_503(tidegate):
    t = tidegate([], service={"pools": {"baseline": {"backends": []},
                                        "predictive": {"provider": "local", "max": 1}},
                              "providers": {"local": {"command": "/bin/false {port}", "ready": "/"}}},
                 ready=False)
    import wire
    wire.wait_for(lambda: t.get().status == 503 if is_listening(t) else False)


def is_listening(t):
    with socket.socket() as s:
        return s.connect_ex(t.address) == 0
