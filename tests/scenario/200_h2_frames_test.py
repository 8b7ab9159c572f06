"""HTTP/2 frame by frame: what the protocol asks of a server (RFC 9113), broken and kept."""
import ssl

import pytest
from hyperframe import frame as hf

import h2wire
import pki
from h2wire import (COMPRESSION_ERROR, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, NO_ERROR,
                    PREFACE, PROTOCOL_ERROR, STREAM_CLOSED, Goaway)
from wire import Closed, answer, wait_for

HEAD = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "test.example")]
POST = [(":method", "POST")] + HEAD[1:]


@pytest.fixture
def c(tidegate, origin):
    """A client of a tidegate whose origin answers everything."""
    t = tidegate([origin()])
    with h2wire.client(t) as client:
        client.tidegate = t
        yield client


def expect_goaway(c, *errors):
    assert c.goaway().error_code in errors


# ---- 3.4 preface

def test_a_preface_may_come_byte_by_byte(tidegate, origin):
    t = tidegate([origin()])
    with t.client() as peer:
        for i in range(len(PREFACE)):
            peer.send(PREFACE[i:i + 1])
        f = h2wire.Frames(peer, client=False)
        assert f.get().status == 200


def test_a_broken_preface_is_http_1_and_refused(tidegate, origin):
    t = tidegate([origin()])
    with t.client() as peer:
        peer.send(PREFACE[:-2] + b"XX")
        assert peer.answer().status == 400
        assert peer.is_closed()


def test_a_broken_preface_after_alpn_ends_the_connection(tidegate, origin, tmp_path):
    ca = pki.Authority(tmp_path)
    t = tidegate([origin()], listener={"tls": {"certificates": [ca.issue("localhost").entry]}})
    for junk in (b"INVALID CONNECTION PREFACE\r\n\r\n", PREFACE[:-2] + b"XX", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"):
        with pki.connect(t.address, pki.client_context(ca, alpn=["h2"]), "localhost") as peer:
            assert peer.sock.selected_alpn_protocol() == "h2"
            peer.send(junk)
            assert b"HTTP/1.1" not in peer.until_close()


def test_after_the_preface_comes_settings(tidegate, origin):
    t = tidegate([origin()])
    with t.client() as peer:
        peer.send(PREFACE + hf.PingFrame(0, b"12345678").serialize())
        peer.until_close()  # an error, and the end


def test_http_1_goes_on_beside_it_and_h2_can_be_switched_off(tidegate, origin):
    t = tidegate([origin()], listener={"h2": {"enabled": False}})
    assert t.get().status == 200
    with t.client() as peer:
        peer.send(PREFACE)
        assert peer.answer().status == 400


def test_where_nothing_else_is_spoken_the_rest_is_a_connection_error(tidegate, origin):
    t = tidegate([origin()], listener={"h2": {"only": True}})
    with h2wire.client(t) as c:
        assert c.get().status == 200
    for begin in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"INVALID CONNECTION PREFACE\r\n\r\n", PREFACE[:23] + b"x"):
        with t.client() as peer:
            f = h2wire.Frames(peer, begin=begin)
            assert f.goaway().error_code == PROTOCOL_ERROR


def test_over_tls_nothing_else_is_agreed_on_there(tidegate, origin, ca):
    t = tidegate([origin()], listener={"h2": {"only": True}, "tls": {"certificates": [ca.issue("localhost").entry]}})
    for alpn in (["h2", "http/1.1"], None):
        with h2wire.Frames(pki.connect(t.address, pki.client_context(ca, alpn=alpn), "localhost")) as c:
            assert c.get().status == 200
    with pytest.raises(ssl.SSLError, match="no application protocol|NO_APPLICATION_PROTOCOL"):
        pki.connect(t.address, pki.client_context(ca, alpn=["http/1.1"]), "localhost")


# ---- 4.1 frames

def test_the_reserved_bit_is_ignored(c):
    c.raw(1, 5, 1 | 1 << 31, c.block(HEAD))
    assert c.answer(1).status == 200
    c.raw(6, 0, 1 << 31, b"12345678")
    c.until(lambda f: isinstance(f, hf.PingFrame))


# ---- 4.2 frame size, 6.x fixed lengths

@pytest.mark.parametrize("kind, flags, stream, length", [
    (0, 0, 1, 16385), (1, 4, 1, 16385), (6, 0, 0, 7), (6, 0, 0, 9), (4, 0, 0, 5), (4, 1, 0, 6),
    (3, 0, 1, 3), (8, 0, 0, 3), (7, 0, 0, 7),
])
def test_a_frame_of_a_wrong_size_ends_the_connection(c, kind, flags, stream, length):
    c.headers(1, POST, end=False)
    c.raw(kind, flags, stream, bytes(length))
    expect_goaway(c, FRAME_SIZE_ERROR)


def test_a_frame_of_the_largest_size_is_taken(c):
    assert c.ask("POST", body=b"x" * 16384).status == 200


def test_a_priority_of_a_wrong_size_ends_the_stream_or_the_connection(c):
    c.headers(1, POST, end=False)
    c.raw(2, 0, 1, bytes(4))
    try:
        assert c.error_of(1) == FRAME_SIZE_ERROR
    except Goaway as e:
        assert e.error == FRAME_SIZE_ERROR


# ---- 4.3 compression

def test_a_block_that_does_not_unpack_ends_the_connection(c):
    c.raw(1, 5, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
    expect_goaway(c, COMPRESSION_ERROR)


# ---- 5.1 states

@pytest.mark.parametrize("kind, payload", [(0, b"x"), (3, bytes(4)), (8, b"\0\0\0\1")])
def test_a_frame_on_an_idle_stream_ends_the_connection(c, kind, payload):
    c.raw(kind, 0, 5, payload)
    expect_goaway(c, PROTOCOL_ERROR)


BEFORE = {
    "nothing": lambda c: None,
    "END_HEADERS": lambda c: c.headers(1, POST, end=False),
    "a last CONTINUATION": lambda c: (c.raw(1, 0, 1, c.block(POST)), c.raw(9, 4, 1)),
    "DATA": lambda c: (c.headers(1, POST, end=False), c.data(1, b"x")),
    "END_STREAM": lambda c: c.headers(1, HEAD),
    "RST_STREAM": lambda c: (c.headers(1, HEAD), c.reset(1)),
    "the answer": lambda c: c.get(),
}


@pytest.mark.parametrize("what", BEFORE)
def test_a_continuation_out_of_place_ends_the_connection(c, what):
    BEFORE[what](c)
    c.raw(9, 4, 1, c.block([("x-a", "1")]))
    expect_goaway(c, PROTOCOL_ERROR)


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("kind, payload", [(2, bytes(4) + b"\x10"), (8, b"\0\0\0\1"), (3, b"\0\0\0\x08")])
def test_what_may_still_come_after_a_request_is_taken(tidegate, origin, over, kind, payload):
    """PRIORITY, WINDOW_UPDATE and RST_STREAM, before the answer and after it."""
    o = origin() if over else origin(serve=lambda peer, o: (o.read(peer), peer.is_closed()))
    t = tidegate([o])
    with h2wire.client(t) as c:
        stream = c.request()
        if over:
            c.answer(stream)
        c.raw(kind, 0, stream, payload)
        assert c.alive()


@pytest.mark.parametrize("how", ["answered", "reset"])
@pytest.mark.parametrize("kind", ["data", "headers"])
def test_a_frame_on_a_stream_that_is_over_is_an_error(c, how, kind):
    stream = c.request()
    if how == "answered":
        c.answer(stream)
    else:
        c.reset(stream)
    c.alive()
    if kind == "data":
        c.data(stream, b"x", end=True)
    else:
        c.headers(stream, HEAD)
    expect_goaway(c, STREAM_CLOSED)


def test_more_after_the_end_of_a_request_is_an_error(tidegate, origin):
    t = tidegate([origin(serve=lambda peer, o: (o.read(peer), peer.is_closed()))])
    for more in (lambda c: c.data(1, b"x"), lambda c: c.headers(1, HEAD)):
        with h2wire.client(t) as c:
            c.headers(1, HEAD)
            more(c)
            try:
                assert c.error_of(1) == STREAM_CLOSED
            except Goaway as e:
                assert e.error == STREAM_CLOSED


def test_frames_that_were_under_way_when_we_reset_a_stream_are_forgiven(c):
    """A request we broke off goes on for a while: its client does not know yet."""
    bad = c.request("POST", "/", ("X-Upper", "1"), body=None, trailers=None)
    assert c.error_of(bad) == PROTOCOL_ERROR
    stream = c.fresh()
    c.headers(stream, POST + [("transfer-encoding", "chunked")], end=False)
    c.data(stream, b"more")
    c.data(stream, b"and more", end=True)
    assert c.error_of(stream) == PROTOCOL_ERROR
    c.data(stream, b"late")
    assert c.get().status == 200


def test_stream_numbers_are_odd_and_rise(c):
    c.headers(2, HEAD)
    expect_goaway(c, PROTOCOL_ERROR)


def test_a_stream_number_that_was_left_out_is_not_used_later(c):
    c.headers(5, HEAD)
    assert c.answer(5).status == 200
    c.headers(3, HEAD)
    expect_goaway(c, PROTOCOL_ERROR)


def test_more_streams_than_allowed_are_refused(tidegate, origin):
    t = tidegate([origin(serve=lambda peer, o: (o.read(peer), peer.is_closed()))], listener={"h2": {"streams": 4}})
    with h2wire.client(t) as c:
        assert c.settings[h2wire.MAX_CONCURRENT] == 4
        for _ in range(4):
            c.request()
        extra = c.request()
        try:
            assert c.error_of(extra) in (h2wire.REFUSED_STREAM, PROTOCOL_ERROR)
        except Goaway as e:
            assert e.error == PROTOCOL_ERROR


# ---- 5.3 priority

@pytest.mark.parametrize("how", ["priority", "headers"])
def test_a_stream_that_depends_on_itself_is_an_error(c, how):
    if how == "priority":
        c.send(hf.PriorityFrame(3, depends_on=3, stream_weight=1))
    else:
        f = hf.HeadersFrame(3, c.block(HEAD), depends_on=3, stream_weight=1,
                            flags=["END_HEADERS", "END_STREAM", "PRIORITY"])
        c.send(f)
    expect_goaway(c, PROTOCOL_ERROR)


def test_other_priorities_are_taken_and_ignored(c):
    c.send(hf.PriorityFrame(3, depends_on=1, stream_weight=1), hf.PriorityFrame(1, depends_on=0, stream_weight=255),
           hf.PriorityFrame(5, depends_on=3, stream_weight=0, exclusive=True))
    assert c.get().status == 200
    for i, exclusive in enumerate([False, True]):
        stream = c.fresh()
        c.send(hf.HeadersFrame(stream, c.block(HEAD), depends_on=stream - 2, stream_weight=255, exclusive=exclusive,
                               flags=["END_HEADERS", "END_STREAM", "PRIORITY"]))
        assert c.answer(stream).status == 200


# ---- 6.x stream numbers, padding, unknown frames

@pytest.mark.parametrize("kind, stream, payload", [
    (0, 0, b"x"), (1, 0, b""), (2, 0, bytes(5)), (3, 0, bytes(4)), (4, 1, b""), (6, 1, bytes(8)), (7, 1, bytes(8)),
    (9, 0, b""),
])
def test_a_frame_on_the_wrong_kind_of_stream_ends_the_connection(c, kind, stream, payload):
    c.raw(kind, 4 if kind in (1, 9) else 0, stream, payload)
    expect_goaway(c, PROTOCOL_ERROR)


def test_padding_longer_than_its_frame_ends_the_connection(c):
    c.headers(1, POST, end=False)
    c.raw(0, 8, 1, b"\x05abc")
    expect_goaway(c, PROTOCOL_ERROR)


def test_padding_longer_than_its_head_ends_the_connection(c):
    block = c.block(HEAD)
    c.raw(1, 5 | 8, 1, bytes([len(block) + 1]) + block)
    expect_goaway(c, PROTOCOL_ERROR)


def test_padded_frames_are_taken(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with h2wire.client(t) as c:
        block = c.block(POST)
        c.raw(1, 4 | 8, 1, b"\x03" + block + bytes(3))
        c.raw(0, 1 | 8, 1, b"\x04body" + bytes(4))
        assert c.answer(1).status == 200
    assert o.bodies == [b"body"]


def test_unknown_frames_flags_and_settings_are_ignored(c):
    c.raw(0x77, 0xff, 0, b"whatever")
    c.raw(0x77, 0xff, 1, b"whatever")
    c.raw(6, 0xfe, 0, b"12345678")
    c.raw(4, 0, 0, b"\x77\x77\0\0\0\1")
    assert c.get().status == 200


def test_a_client_does_not_push(c):
    c.raw(5, 4, 1, b"\0\0\0\2" + c.block(HEAD))
    expect_goaway(c, PROTOCOL_ERROR)


# ---- 6.5 settings

@pytest.mark.parametrize("setting, value, error", [
    (2, 2, PROTOCOL_ERROR), (4, 2**31, FLOW_CONTROL_ERROR), (5, 16383, PROTOCOL_ERROR), (5, 2**24, PROTOCOL_ERROR),
    (8, 2, PROTOCOL_ERROR),
])
def test_a_setting_out_of_range_ends_the_connection(c, setting, value, error):
    c.raw(4, 0, 0, setting.to_bytes(2, "big") + value.to_bytes(4, "big"))
    expect_goaway(c, error)


def test_settings_are_acknowledged(c):
    before = c.acked
    c.send(hf.SettingsFrame(0, settings={4: 100}))
    c.until(lambda f: isinstance(f, hf.SettingsFrame) and "ACK" in f.flags)
    assert c.acked == before + 1


def test_the_last_value_of_a_setting_counts(tidegate, origin):
    t = tidegate([origin(reply=lambda head, body: answer(200, b"0123456789"))])
    with h2wire.client(t, windows=False) as c:
        c.raw(4, 0, 0, b"\0\4\0\0\0\x64" + b"\0\4\0\0\0\1")
        stream = c.request()
        c.head(stream)
        c.until(lambda f: isinstance(f, hf.DataFrame))
        assert c.alive() and c.streams[stream].body == b"0"


def test_pings_come_back_with_their_bytes(c):
    c.ping(b"abcdefgh")
    f = c.until(lambda f: isinstance(f, hf.PingFrame))
    assert "ACK" in f.flags and f.opaque_data == b"abcdefgh"
    c.send(hf.PingFrame(0, b"unasked!", flags=["ACK"]))
    assert c.alive()


# ---- 6.9 flow control

def test_a_window_update_of_nothing_is_an_error(c):
    c.raw(8, 0, 0, bytes(4))
    expect_goaway(c, PROTOCOL_ERROR)


def test_a_window_update_of_nothing_on_a_stream_is_an_error(c):
    c.headers(1, POST, end=False)
    c.raw(8, 0, 1, bytes(4))
    try:
        assert c.error_of(1) == PROTOCOL_ERROR
    except Goaway as e:
        assert e.error == PROTOCOL_ERROR


def test_a_window_beyond_its_limit_is_an_error(c):
    c.grow(0, 2**31 - 1)
    expect_goaway(c, FLOW_CONTROL_ERROR)


def test_a_streams_window_beyond_its_limit_resets_it(c):
    c.headers(1, POST, end=False)
    c.grow(1, 2**31 - 1)
    try:
        assert c.error_of(1) == FLOW_CONTROL_ERROR
    except Goaway as e:
        assert e.error == FLOW_CONTROL_ERROR


def test_a_window_that_shrinks_below_nothing_is_waited_for(tidegate, origin):
    t = tidegate([origin(reply=lambda head, body: answer(200, b"0123456789"))])
    with h2wire.client(t, settings={h2wire.WINDOW: 0}, windows=False) as c:
        stream = c.request()
        c.head(stream)
        c.alive()
        assert c.streams[stream].body == b""
        c.grow(stream, 1)
        c.until(lambda f: isinstance(f, hf.DataFrame))
        assert c.streams[stream].body == b"0"
        c.send(hf.SettingsFrame(0, settings={h2wire.WINDOW: 3}))
        while c.streams[stream].body != b"0123":
            c.frame()
        c.grow(stream, 100)
        assert c.answer(stream).body == b"0123456789"


def test_more_than_the_window_is_an_error(tidegate, origin):
    t = tidegate([origin(serve=lambda peer, o: (o.read_head(peer), peer.is_closed(60)))],
                 listener={"h2": {"stream_window": "1k"}})
    with h2wire.client(t) as c:
        c.headers(1, POST, end=False)
        c.data(1, b"x" * 1024)
        c.data(1, b"x" * 1025)
        try:
            assert c.error_of(1) == FLOW_CONTROL_ERROR
        except Goaway as e:
            assert e.error == FLOW_CONTROL_ERROR


# ---- 6.10 continuation

def test_a_head_in_many_pieces_is_one(tidegate, origin):
    o = origin()
    t = tidegate([o])
    with h2wire.client(t) as c:
        block = c.block(HEAD + [("x-long", "y" * 500)])
        c.raw(1, 1, 1, block[:10])
        for i in range(10, len(block) - 50, 50):
            c.raw(9, 0, 1, block[i:i + 50])
        c.raw(9, 4, 1, block[i + 50:])
        assert c.answer(1).status == 200
    assert o.heads[0].get("x-long") == "y" * 500


@pytest.mark.parametrize("kind, stream, payload", [
    (0, 1, b"x"), (1, 1, b""), (1, 3, b""), (2, 1, bytes(4) + b"\1"), (3, 1, bytes(4)), (4, 0, b""), (6, 0, bytes(8)),
    (8, 0, b"\0\0\0\1"), (9, 3, b""), (0x77, 0, b""),
])
def test_nothing_comes_between_the_pieces(c, kind, stream, payload):
    c.raw(1, 1, 1, c.block(HEAD))
    c.raw(kind, 4, stream, payload)
    expect_goaway(c, PROTOCOL_ERROR)


# ---- 6.8 goaway

@pytest.mark.parametrize("error", [NO_ERROR, 0xff])
def test_a_client_that_says_goodbye_gets_what_it_asked_for(tidegate, origin, error):
    t = tidegate([origin()])
    with h2wire.client(t) as c:
        stream = c.request()
        c.send(hf.GoAwayFrame(0, 0, error))
        assert c.answer(stream).status == 200
        c.peer.until_close()
    wait_for(lambda: t.figures()["connections"] == 0)


# ---- 7 error codes

def test_unknown_error_codes_mean_nothing_special(tidegate, origin):
    o = origin(serve=lambda peer, o: (o.read(peer), peer.is_closed()))
    t = tidegate([o])
    with h2wire.client(t) as c:
        stream = c.request()
        wait_for(lambda: t.figures()["exchanges"] == 1)
        c.reset(stream, 0xff)
        wait_for(lambda: t.figures()["exchanges"] == 0)
        assert c.alive()


# ---- 8.1 messages

BAD_HEADS = {
    "no method": HEAD[1:],
    "no scheme": HEAD[:1] + HEAD[2:],
    "no path": HEAD[:2] + HEAD[3:],
    "no authority": HEAD[:3],
    "empty path": [*HEAD[:2], (":path", ""), HEAD[3]],
    "relative path": [*HEAD[:2], (":path", "a"), HEAD[3]],
    "method twice": [HEAD[0], *HEAD],
    "scheme twice": [HEAD[1], *HEAD],
    "path twice": [HEAD[2], *HEAD],
    "authority twice": [HEAD[3], *HEAD],
    "a status": [*HEAD, (":status", "200")],
    "an unknown pseudo-field": [*HEAD, (":unknown", "1")],
    "a pseudo-field after a field": [*HEAD[:3], ("x-a", "1"), HEAD[3]],
    "capitals": [*HEAD, ("X-A", "1")],
    "a colon in a name": [*HEAD, ("x:a", "1")],
    "a space in a name": [*HEAD, ("x a", "1")],
    "a line end in a value": [*HEAD, ("x-a", "1\r\nx-b: 2")],
    "a line end in the path": [*HEAD[:2], (":path", "/ HTTP/1.1\r\nx-b: 2"), HEAD[3]],
    "a line end in the method": [(":method", "GET / HTTP/1.1\r\nx: "), *HEAD[1:]],
    "a line end in the authority": [*HEAD[:3], (":authority", "a\r\nx-b: 2")],
    "a NUL": [*HEAD, ("x-a", "1\0")],
    "a space before a value": [*HEAD, ("x-a", " 1")],
    "a space after a value": [*HEAD, ("x-a", "1 ")],
    "connection": [*HEAD, ("connection", "close")],
    "keep-alive": [*HEAD, ("keep-alive", "1")],
    "proxy-connection": [*HEAD, ("proxy-connection", "close")],
    "transfer-encoding": [*HEAD, ("transfer-encoding", "chunked")],
    "upgrade": [*HEAD, ("upgrade", "x")],
    "te": [*HEAD, ("te", "gzip")],
    "two hosts": [*HEAD, ("host", "other.example")],
    "a host that differs, twice": [*HEAD, ("host", "test.example"), ("host", "other.example")],
    "a space in the authority": [*HEAD[:3], (":authority", "a b")],
    "a host that is none, alone": [*HEAD[:3], ("host", "a b")],
    "userinfo": [*HEAD[:3], (":authority", "user@test.example")],
    "a length and no body": [*HEAD, ("content-length", "1")],
    "two lengths": [*HEAD, ("content-length", "0"), ("content-length", "0")],
    "no number": [*HEAD, ("content-length", "a")],
    "a plain CONNECT with a path": [(":method", "CONNECT"), *HEAD[1:]],
    "a protocol without CONNECT": [*HEAD, (":protocol", "websocket")],
}


@pytest.mark.parametrize("what", BAD_HEADS)
def test_a_malformed_request_is_reset_and_reaches_nobody(tidegate, origin, what):
    o = origin()
    t = tidegate([o])
    with h2wire.client(t) as c:
        stream = c.fresh()
        c.headers(stream, BAD_HEADS[what])
        assert c.error_of(stream) == PROTOCOL_ERROR
        assert c.get("/after").status == 200
    assert [h.target for h in o.heads] == ["/after"]
    assert t.metric("tidegate_requests_refused_total", reason="malformed") == 1


@pytest.mark.parametrize("fields, status", [
    ([*HEAD[:2], (":path", "/" + "a" * 9000), HEAD[3]], 414),
    ([*HEAD, *[(f"x-{i}", "1") for i in range(101)]], 431),
    ([*HEAD, ("x-a", "a" * 16300)], 431),
    ([*HEAD, ("expect", "magic")], 417),
    ([(":method", "M" * 40), *HEAD[1:]], 501),
    ([HEAD[0], (":scheme", "gopher"), *HEAD[2:]], 400),
    ([(":method", "CONNECT"), (":authority", "a.example:443")], 405),
    ([(":method", "TRACE"), *HEAD[1:]], 405),
])
def test_a_request_beyond_a_limit_is_answered(c, fields, status):
    stream = c.fresh()
    c.headers(stream, fields)
    assert c.answer(stream).status == status
    assert c.get().status == 200


@pytest.mark.parametrize("length, pieces", [(3, [b"abcd"]), (3, [b"ab", b"cd"]), (5, [b"abcd"]), (1, [b""])])
def test_a_body_that_is_not_as_long_as_it_says_resets_the_request(tidegate, origin, length, pieces):
    o = origin()
    t = tidegate([o])
    with h2wire.client(t) as c:
        stream = c.fresh()
        c.headers(stream, POST + [("content-length", str(length))], end=False)
        for p in pieces:
            c.data(stream, p, end=p is pieces[-1])
        assert c.error_of(stream) == PROTOCOL_ERROR
    wait_for(lambda: t.figures()["exchanges"] == 0)
    assert o.bodies == []


@pytest.mark.parametrize("trailers", [[(":path", "/")], [("X-A", "1")], [("connection", "close")], [("x-a", "1\r\nb")]])
def test_malformed_trailers_reset_the_request(c, trailers):
    stream = c.fresh()
    c.headers(stream, POST, end=False)
    c.data(stream, b"x")
    c.headers(stream, trailers)
    assert c.error_of(stream) == PROTOCOL_ERROR
    assert c.get().status == 200


def test_trailers_end_the_stream(c):
    stream = c.fresh()
    c.headers(stream, POST, end=False)
    c.headers(stream, [("x-a", "1")], end=False)
    try:
        assert c.error_of(stream) == PROTOCOL_ERROR
    except Goaway as e:
        assert e.error == PROTOCOL_ERROR


# ---- floods

def flood(c, once, n):
    """Sends until it is cut off; the GOAWAY's error."""
    try:
        for _ in range(n):
            once()
    except Goaway as e:
        return e.error
    except (Closed, ConnectionError, TimeoutError):
        pass
    try:
        return c.goaway().error_code
    except (Closed, ConnectionError):
        return None


def test_rapid_resets_end_the_connection(tidegate, origin):
    t = tidegate([origin(serve=lambda peer, o: (o.read(peer), peer.is_closed()))])
    c = h2wire.client(t)

    def once():
        stream = c.fresh()
        c.headers(stream, HEAD)
        c.reset(stream)

    error = flood(c, once, 3000)
    assert error in (ENHANCE_YOUR_CALM, None)
    assert t.metric("tidegate_requests_refused_total", reason="flood") == 1
    assert c.next_id // 2 <= 3000
    assert t.figures()["requests"] < 1500
    wait_for(lambda: t.figures()["exchanges"] == 0)
    c.close()


# What a client can send to have its own request reset, which costs it no RST_STREAM.
PROVOKE = {
    "a malformed head": lambda c, s: c.headers(s, [*HEAD, ("te", "gzip")]),
    "more than the length": lambda c, s: (c.headers(s, [*POST, ("content-length", "1")], end=False), c.data(s, b"ab")),
    "less than the length": lambda c, s: (c.headers(s, [*POST, ("content-length", "3")], end=False),
                                          c.data(s, b"ab", end=True)),
    "more than the window": lambda c, s: (c.headers(s, POST, end=False), c.data(s, b"x" * 4097)),
    "a window too large": lambda c, s: (c.headers(s, HEAD), c.grow(s, 2**31 - 1)),
    "malformed trailers": lambda c, s: (c.headers(s, POST, end=False), c.headers(s, [(":path", "/")])),
    "trailers without end": lambda c, s: (c.headers(s, POST, end=False), c.headers(s, [("a", "b")], end=False)),
}


@pytest.mark.parametrize("what", PROVOKE)
def test_resets_we_are_made_to_send_end_the_connection(tidegate, origin, what):
    """Each has its request at the backend when it is broken off, as with rapid resets."""
    t = tidegate([origin(serve=lambda peer, o: (o.read_head(peer), peer.is_closed()))],
                 listener={"h2": {"resets": 2, "stream_window": "4k"}})
    with h2wire.client(t) as c:
        def once():
            stream = c.fresh()
            PROVOKE[what](c, stream)
            assert c.error_of(stream) in (PROTOCOL_ERROR, FLOW_CONTROL_ERROR)

        assert flood(c, once, 100) == ENHANCE_YOUR_CALM
        assert 20 < c.next_id // 2 < 50
        assert t.metric("tidegate_requests_refused_total", reason="flood") == 1
        assert t.metric("tidegate_requests_refused_total", reason="malformed") > 20


def test_bodies_that_are_too_large_without_end_end_the_connection(tidegate, origin):
    """A 413 breaks the work at the backend off, too."""
    t = tidegate([origin(serve=lambda peer, o: (o.read_head(peer), peer.is_closed()))],
                 listener={"h2": {"resets": 2}, "limits": {"body": "1k"}})
    with h2wire.client(t) as c:
        def once():
            stream = c.fresh()
            c.headers(stream, POST, end=False)
            c.data(stream, b"x" * 1025)
            assert c.answer(stream).status == 413

        assert flood(c, once, 100) == ENHANCE_YOUR_CALM
        assert 20 < c.next_id // 2 < 50


def test_resets_that_are_a_backends_fault_are_not_the_clients(tidegate, origin):
    def serve(peer, o):
        o.read(peer)
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        peer.close()

    t = tidegate([origin(serve)], listener={"h2": {"resets": 1}})
    with h2wire.client(t) as c:
        for _ in range(30):
            assert c.error_of(c.request()) == h2wire.INTERNAL_ERROR
        assert c.alive()


@pytest.mark.parametrize("what", ["settings", "ping", "priority", "empty data", "padding", "unknown"])
def test_a_flood_of_frames_that_carry_nothing_ends_the_connection(c, what):
    c.headers(1, POST, end=False)
    once = {
        "settings": lambda: c.send(hf.SettingsFrame(0)),
        "ping": lambda: c.ping(),
        "priority": lambda: c.send(hf.PriorityFrame(9, depends_on=0, stream_weight=1)),
        "empty data": lambda: c.data(1),
        "padding": lambda: c.raw(0, 8, 1, b"\0"),
        "unknown": lambda: c.raw(0x77, 0, 0),
    }[what]
    assert flood(c, once, 10_000) in (ENHANCE_YOUR_CALM, None)
    assert c.tidegate.metric("tidegate_requests_refused_total", reason="flood") == 1


@pytest.mark.parametrize("size", [0, 1000])
def test_a_flood_of_continuations_ends_the_connection(c, size):
    c.raw(1, 1, 1, c.block(HEAD))
    assert flood(c, lambda: c.raw(9, 0, 1, bytes(size)), 1000) in (ENHANCE_YOUR_CALM, None)
    assert c.tidegate.metric("tidegate_requests_refused_total", reason="flood") == 1


def test_a_small_block_that_unpacks_to_much_is_refused(c):
    """A field of 4 kB in the table, named a thousand times."""
    c.headers(1, [*HEAD, ("x-bomb", "b" * 3900)])
    assert c.answer(1).status == 200
    block = c.block(HEAD) + b"\xbe" * 4000
    c.raw(1, 5, 3, block)
    assert c.answer(3).status == 431
    assert c.get().status == 200
