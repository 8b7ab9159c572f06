"""What is tried again elsewhere, and what must not be."""
import socket

from harness import free_port
from wire import answer, request

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
        t = tidegate([origin(serve)], service={"retries": {"budget": "100%"}, **NO_EJECTION})
        with t.client() as c:
            for _ in range(50):
                assert c.get().status == 200
        t.stop()


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
