"""Every reason for which a request is refused: provoked, answered, counted under its name."""
import pytest

from wire import request, wait_for

BIG = {"body": "1k", "head": "1k", "target": "256"}


def get(*fields, line="GET / HTTP/1.1"):
    return "\r\n".join([line, "Host: x", *fields, "", ""])


def post(*fields, body=""):
    return get(*fields, line="POST / HTTP/1.1") + body


CHUNKED = "Transfer-Encoding: chunked"

REFUSALS = {  # what is sent, the answer, the reason
    "no head at all": ("GARBAGE\r\n\r\n", 400, "bad_request"),
    "a path that climbs": (get(line="GET /.. HTTP/1.1"), 400, "bad_request"),
    "two lengths": (post("Content-Length: 1", "Content-Length: 2"), 400, "framing"),
    "a length and chunks": (post("Content-Length: 1", CHUNKED), 400, "framing"),
    "chunks without a size": (post(CHUNKED, body="x\r\n"), 400, "framing"),
    "a bad trailer": (post(CHUNKED, body="0\r\nA b: c\r\n\r\n"), 400, "framing"),
    "no host": ("GET / HTTP/1.1\r\n\r\n", 400, "host"),
    "two hosts": (get("Host: y"), 400, "host"),
    "a host that is none": ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "host"),
    "no route": ("GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n", 404, "no_route"),
    "TRACE": (get(line="TRACE / HTTP/1.1"), 405, "method"),
    "half a head": ("GET / HTTP/1.1\r\nHo", 408, "timeout"),
    "half a body": (post("Content-Length: 9", body="half"), 408, "timeout"),
    "too long a body": (post("Content-Length: 2000"), 413, "body_too_large"),
    "too long a body in chunks": (post(CHUNKED, body="800\r\n" + "x" * 2048), 413, "body_too_large"),
    "too long a target": (get(line="GET /" + "a" * 300 + " HTTP/1.1"), 414, "uri_too_long"),
    "an expectation": (get("Expect: wonders"), 417, "expectation"),
    "TLS without TLS": (get(line="GET https://x/ HTTP/1.1"), 421, "misdirected"),
    "too long a head": (get("A: " + "a" * 1100), 431, "head_too_large"),
    "too many fields": (get(*["A:"] * 120), 431, "head_too_large"),
    "too many names in Connection": (get("Connection: " + "a," * 40), 431, "head_too_large"),
    "an endless method": ("A" * 40 + " / HTTP/1.1\r\n\r\n", 501, "not_implemented"),
    "a coding": (post("Transfer-Encoding: gzip, chunked"), 501, "not_implemented"),
    "a version": ("GET / HTTP/3.0\r\n\r\n", 505, "version"),
}


def refused(t):
    return {r: int(n) for r, n in t.figures()["refused"].items() if n}


@pytest.fixture
def strict(tidegate, origin):
    return tidegate([origin()], listener={"limits": BIG, "timeouts": {"head": "300ms", "body": "300ms"}},
                    routes=[{"path": "/", "host": "x", "service": "app"}])


def test_each_refusal_is_answered_and_counted_under_its_reason(strict):
    expected = {}
    for what, (sent, status, reason) in REFUSALS.items():
        with strict.client() as c:
            c.send(sent)
            assert c.answer().status == status, what
        expected[reason] = expected.get(reason, 0) + 1
        assert refused(strict) == expected, what
    elsewhere = {"malformed", "flood", "proxy_protocol"}  # 200_h2_frames_test.py, 370_proxy_protocol_test.py
    assert set(expected) | elsewhere == set(strict.figures()["refused"]), "a reason that no case provokes"
    for reason, n in expected.items():
        assert strict.metric("tidegate_requests_refused_total", reason=reason) == n


def test_what_is_refused_on_the_way_is_an_error_of_its_service_too(strict):
    for what, counter in (("half a body", "client_timeout"), ("chunks without a size", "client_bad"),
                          ("too long a body in chunks", "client_bad")):
        before = strict.service()["errors"][counter]
        with strict.client() as c:
            c.send(REFUSALS[what][0])
            c.answer()
        assert strict.service()["errors"][counter] == before + 1, what


def test_demand_adds_up_when_a_request_is_refused_while_it_waits(tidegate, origin):
    """arrivals = admitted + ... + left: also when its body breaks off in the queue."""
    def serve(peer, o):
        o.read(peer)
        peer.until_close()

    o = origin(serve)
    t = tidegate([o], workers=1, service={"pools": {"baseline": {"max_requests": 1}}})
    with t.client() as first, t.client() as second:
        first.send(request("GET", "/"))
        wait_for(lambda: o.heads)
        second.send(post(CHUNKED, body="1\r\na\r\n"))
        wait_for(lambda: t.service()["queued"] == 1)
        second.send("none")
        assert second.answer().status == 400
    s = t.service()
    assert (s["arrivals"], s["left"], s["tiers"]["baseline"]["admitted"]) == (2, 1, 1)


def test_the_last_hop_of_an_options_is_no_refusal(tidegate, origin):
    t = tidegate([origin()])
    with t.client() as c:
        assert c.ask("OPTIONS", "/", "Max-Forwards: 0").status == 204
    assert refused(t) == {}


def test_beyond_the_limit_of_connections_the_kernel_holds_them(tidegate, origin):
    t = tidegate([origin()], workers=1, listener={"limits": {"connections": 2}})
    with t.client() as a, t.client() as b, t.client() as c:
        assert a.get().status == b.get().status == 200
        c.send(request("GET", "/"))
        assert c.is_silent(0.3)
        assert t.metric("tidegate_accept_pauses_total") > 0
        a.close()
        assert c.answer().status == 200
