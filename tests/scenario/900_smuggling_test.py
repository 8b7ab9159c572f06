"""What two readers could frame differently is refused, and nothing of it goes on."""
import pytest

from wire import request

CHUNKED = "0\r\n\r\n"


def post(*fields, body=CHUNKED, version="HTTP/1.1"):
    return f"POST / {version}\r\nHost: x\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n" + body


REFUSED = {
    "length and chunked": post("Content-Length: 5", "Transfer-Encoding: chunked"),
    "chunked and length": post("Transfer-Encoding: chunked", "Content-Length: 5"),
    "space before the colon": post("Transfer-Encoding : chunked"),
    "a coding that is none": post("Transfer-Encoding: xchunked"),
    "chunked twice": post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "chunked not last": post("Transfer-Encoding: chunked, identity"),
    "chunked in quotes": post('Transfer-Encoding: "chunked"'),
    "chunked with a control byte": post("Transfer-Encoding: \x0bchunked"),
    "chunked in HTTP/1.0": post("Transfer-Encoding: chunked", version="HTTP/1.0"),
    "a signed length": post("Content-Length: +5", body="hello"),
    "a negative length": post("Content-Length: -5"),
    "a hexadecimal length": post("Content-Length: 0x5", body="hello"),
    "two different lengths": post("Content-Length: 5", "Content-Length: 6", body="hello!"),
    "a list of different lengths": post("Content-Length: 5, 6", body="hello!"),
    "a length too large": post("Content-Length: 18446744073709551616"),
    "an empty length": post("Content-Length:"),
    "a folded field": post("X-A: 1\r\n Transfer-Encoding: chunked"),
    "a folded first field": "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "a field without a name": "GET / HTTP/1.1\r\nHost: x\r\n: v\r\n\r\n",
    "a field without a colon": "GET / HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n",
    "a bare line feed": "GET / HTTP/1.1\nHost: x\n\n",
    "a bare carriage return": "GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\rX-B: 2\r\n\r\n",
    "a NUL in a value": "GET / HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n",
    "a bad host": "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a bad target": "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target with a control byte": "GET /a\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "the asterisk without OPTIONS": "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_an_ambiguous_head_is_400_and_the_end(tidegate, origin, text):
    o = origin()
    t = tidegate([o])
    with t.client() as c:
        c.send(text)
        assert c.answer("POST").status in (400, 501)
        assert c.is_closed()
    assert o.heads == []
    assert t.get().status == 200


BAD_CHUNKS = {
    "no size": "\r\nabc\r\n0\r\n\r\n",
    "a size that is none": "5x\r\nhello\r\n0\r\n\r\n",
    "a size too large": "FFFFFFFFFFFFFFFF1\r\nhello\r\n0\r\n\r\n",
    "a negative size": "-5\r\nhello\r\n0\r\n\r\n",
    "a size with 0x": "0x5\r\nhello\r\n0\r\n\r\n",
    "a bare line feed": "5\nhello\r\n0\r\n\r\n",
    "no end of line after the data": "5\r\nhelloXX0\r\n\r\n",
    "too long an extension": "5;" + "e" * 70_000 + "\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("text", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_bad_chunks_are_400_and_the_origin_never_sees_a_whole_request(tidegate, origin, text):
    o = origin()
    t = tidegate([o])
    with t.client() as c:
        try:
            c.send(post("Transfer-Encoding: chunked", body=text))
        except OSError:
            pass
        assert c.answer("POST").status == 400
        assert c.is_closed()
    assert o.bodies == []


def test_a_field_that_only_looks_like_a_length_is_no_length(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with t.client() as c:
        assert c.ask("POST", "/", "Content_Length: 99", "X-Content-Length: 98", body=b"abc").status == 200
    assert o.bodies == [b"abc"]


def test_an_absolute_target_decides_over_the_host_field(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with t.client() as c:
        c.send("GET http://real.example/x HTTP/1.1\r\nHost: other.example\r\n\r\n")
        assert c.answer().status == 200
    assert o.heads[0].get("Host") == "real.example"


def test_an_https_target_on_a_plain_connection_is_misdirected(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with t.client() as c:
        c.send("GET HTTPS://real.example/x HTTP/1.1\r\nHost: real.example\r\n\r\n")
        assert c.answer().status == 421
        assert c.get("http://real.example/y").status == 200
    assert [h.target for h in o.heads] == ["/y"]
    assert t.metric("tidegate_requests_refused_total", reason="misdirected") == 1


def test_but_not_from_a_proxy_that_is_trusted_to_have_had_tls(tidegate, origin):
    o = origin()
    t = tidegate([o], listener={"trusted_proxies": ["127.0.0.1"]})
    assert t.get("https://real.example/x").status == 200
    assert o.heads[0].target == "/x" and o.heads[0].get("Host") == "real.example"


def test_nothing_behind_a_connect_is_taken_for_a_request(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with t.client() as c:
        c.send("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", request("GET", "/in-the-tunnel"))
        a = c.answer()
        assert a.status == 405 and a.head.get("Connection") == "close"
        assert c.is_closed()
    assert o.heads == []


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_methods_that_a_gateway_need_not_have_are_refused(tidegate, origin, method):
    o = origin()
    t = tidegate([o])
    with t.client() as c:
        c.send(f"{method} x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n" if method == "CONNECT"
               else "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert c.answer().status in (400, 405, 501)
    assert o.heads == []
