"""What becomes of a request's head on its way, and which requests are refused."""
import datetime
import time

import pytest

from wire import answer, request


def seen_by_origin(tidegate, origin, *fields, listener=None, target="/"):
    o = origin()
    t = tidegate([o], listener=listener)
    assert t.get(target, *fields).status == 200
    return o.heads[0]


def test_hop_by_hop_fields_stay_behind(tidegate, origin):
    head = seen_by_origin(tidegate, origin, "Connection: keep-alive, X-Secret", "X-Secret: 1",
                          "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: gzip",
                          "X-Kept: 2")
    for name in ("X-Secret", "Keep-Alive", "Proxy-Connection", "TE", "Upgrade"):
        assert head.all(name) == [], name
    assert head.get("X-Kept") == "2"


def test_a_client_cannot_have_our_own_fields_removed(tidegate, origin):
    head = seen_by_origin(tidegate, origin, "Connection: X-Forwarded-For, Via, X-Request-Id")
    assert head.get("X-Forwarded-For") == "127.0.0.1"
    assert head.get("Via") and head.get("X-Request-Id")


def test_host_and_target_are_passed_on_as_they_came(tidegate, origin):
    head = seen_by_origin(tidegate, origin, target="/a//b/%2e%2E/c%2Fd?q=%20&&x")
    assert head.target == "/a//b/%2e%2E/c%2Fd?q=%20&&x"
    assert head.get("Host") == "test.example"


def test_where_a_request_came_from_is_told_to_the_origin(tidegate, origin):
    head = seen_by_origin(tidegate, origin)
    assert head.get("X-Forwarded-For") == "127.0.0.1"
    assert head.get("X-Forwarded-Proto") == "http"
    assert head.get("X-Forwarded-Host") == "test.example"
    assert "for=127.0.0.1" in head.get("Forwarded")
    assert head.get("Via") == "1.1 tidegate"


def test_forwarding_fields_of_a_stranger_are_not_believed(tidegate, origin):
    head = seen_by_origin(tidegate, origin, "X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6",
                          "X-Forwarded-Proto: https", "X-Real-IP: 6.6.6.6")
    assert head.get("X-Forwarded-For") == "127.0.0.1"
    assert head.get("X-Forwarded-Proto") == "http"
    assert "6.6.6.6" not in head.raw.decode().replace("X-Real-IP: 6.6.6.6", "")


def test_forwarding_fields_of_a_trusted_proxy_are_continued(tidegate, origin):
    head = seen_by_origin(tidegate, origin, "X-Forwarded-For: 192.0.2.9", "X-Forwarded-Proto: https",
                          listener={"trusted_proxies": ["127.0.0.0/8"]})
    assert [a.strip() for a in head.get("X-Forwarded-For").split(",")] == ["192.0.2.9", "127.0.0.1"]
    assert head.get("X-Forwarded-Proto") == "https"


def test_a_request_id_is_made_for_each_request_that_has_none(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with t.client() as c:
        c.get("/1")
        c.get("/2")
    first, second = (h.get("X-Request-Id") for h in o.heads)
    assert first and second and first != second


def test_pipelined_requests_are_answered_in_their_order(tidegate, origin):
    o = origin(reply=lambda head, body: answer(200, head.target.encode()))
    t = tidegate([o])
    with t.client() as c:
        c.send(b"".join(request("GET", f"/{i}") for i in range(20)))
        assert [c.answer().body for _ in range(20)] == [b"/%d" % i for i in range(20)]


def test_a_pipelined_request_behind_a_body_is_found(tidegate, origin):
    o = origin(reply=lambda head, body: answer(200, body or b"none"))
    t = tidegate([o])
    with t.client() as c:
        c.send(request("POST", "/", body=b"x" * 5000) + request("GET", "/"))
        assert c.answer().body == b"x" * 5000
        assert c.answer().body == b"none"


def test_a_request_may_come_byte_by_byte(tidegate, origin):
    o = origin(reply=lambda head, body: answer(200, body))
    t = tidegate([o])
    with t.client() as c:
        for byte in request("POST", "/", body=b"abc"):
            c.send(bytes([byte]))
        assert c.answer().body == b"abc"


def test_one_upstream_connection_serves_many_requests(tidegate, origin):
    o = origin()
    t = tidegate([o], workers=1)
    with t.client() as c:
        for _ in range(50):
            assert c.get().status == 200
    assert len(o.peers) == 1


def age_s(date):
    then = datetime.datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=datetime.timezone.utc)
    return (datetime.datetime.now(datetime.timezone.utc) - then).total_seconds()


def test_an_answer_without_a_date_is_given_one(tidegate, origin):
    dated = "Sun, 06 Nov 1994 08:49:37 GMT"
    o = origin(reply=lambda head, body: answer(200, b"ok", *[f"Date: {dated}"][: head.target == "/dated"]))
    t = tidegate([o])
    with t.client() as c:
        assert c.get("/dated").head.get("Date") == dated
        assert -1 < age_s(c.get("/").head.get("Date")) < 2
        time.sleep(1.1)  # the time told must go on
        assert -1 < age_s(c.get("/").head.get("Date")) < 2
        assert -1 < age_s(c.ask("TRACE", "/").head.get("Date")) < 2  # of our own
        c.send("GARBAGE\r\n\r\n")
        assert -1 < age_s(c.answer().head.get("Date")) < 2


def test_connection_close_of_the_client_is_kept(tidegate, origin):
    t = tidegate([origin()])
    with t.client() as c:
        a = c.get("/", "Connection: close")
        assert a.status == 200 and a.head.get("Connection", "").lower() == "close"
        assert c.is_closed()


def test_an_http_1_0_client_gets_one_answer_and_the_end(tidegate, origin):
    t = tidegate([origin()])
    with t.client() as c:
        c.send("GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        assert c.answer().status == 200
        assert c.is_closed()


def test_a_client_that_names_no_host_is_sent_on_under_the_backends(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with t.client() as c:
        c.send("GET / HTTP/1.0\r\n\r\n")
        assert c.answer().status == 200
    assert o.heads[0].get("Host") == o.url


def test_connection_close_of_the_origin_is_not_the_clients_business(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send(answer(200, b"bye", "Connection: close"))

    t = tidegate([origin(serve)])
    with t.client() as c:
        assert c.get().body == b"bye"
        assert c.get().body == b"bye"


@pytest.mark.parametrize("status, text", [
    (400, "GET / HTTP/1.1\r\n\r\n"),
    (400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    (400, "GARBAGE\r\n\r\n"),
    (414, "GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: x\r\n\r\n"),
    (431, "GET / HTTP/1.1\r\nHost: x\r\nX: " + "a" * 17000 + "\r\n\r\n"),
    (431, "GET / HTTP/1.1\r\nHost: x\r\n" + "X: 1\r\n" * 200 + "\r\n"),
    (501, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    (505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"),
])
def test_what_cannot_be_served_is_refused_with_a_status(tidegate, origin, status, text):
    o = origin()
    t = tidegate([o])
    with t.client() as c:
        c.send(text)
        assert c.answer().status == status
        assert c.is_closed()
    assert o.heads == []


def test_a_path_without_a_route_is_404(tidegate, origin):
    t = tidegate([origin()], routes=[{"path": "/app", "service": "app"}])
    with t.client() as c:
        assert c.get("/app/x").status == 200
        assert c.get("/apps").status == 404
        assert c.get("/app").status == 200


@pytest.mark.parametrize("path", ["/..", "/a/../../b", "/%zz", "/%00"])
def test_a_path_that_cannot_be_read_in_one_way_is_400(tidegate, origin, path):
    o = origin()
    t = tidegate([o])
    assert t.get(path).status == 400
    assert not o.heads


def test_an_answer_whose_connection_field_cannot_be_obeyed_is_502(tidegate, origin):
    names = ", ".join(f"x-{i}" for i in range(40))

    def serve(peer, o):
        o.read(peer)
        peer.send(f"HTTP/1.1 200 OK\r\nConnection: {names}\r\nX-1: a\r\nContent-Length: 0\r\n\r\n".encode())

    t = tidegate([origin(serve)])
    assert t.get().status == 502
