"""Field compression byte by byte (RFC 7541): every representation is read, every fault ends the connection."""
import pytest

import h2wire
from h2wire import COMPRESSION_ERROR, PROTOCOL_ERROR, REFUSED_STREAM
from wire import wait_for

# :method GET, :scheme http and :path / of the static table, and an authority.
START = b"\x82\x86\x84"
AUTHORITY = b"\x01\x0ctest.example"
# RFC 7541, C.4: custom-key, custom-value and www.example.com in Huffman code.
KEY, VALUE = b"\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f", b"\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf"
WWW = b"\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"


@pytest.fixture
def sides(tidegate, origin):
    """(client, origin)"""
    o = origin()
    t = tidegate([o])
    with h2wire.client(t) as c:
        yield c, o


def get(c, block):
    stream = c.fresh()
    c.raw(1, 5, stream, block)
    return stream


def test_a_field_with_a_new_name(sides):
    """Indexed, not indexed and never indexed; plain and Huffman-coded."""
    c, o = sides
    n = 0
    for prefix in (b"\x40", b"\x00", b"\x10"):
        for name in (b"\x0acustom-key", KEY):
            for value in (b"\x0ccustom-value", VALUE):
                n += 1
                assert c.answer(get(c, START + AUTHORITY + prefix + name + value)).status == 200
    assert [h.get("custom-key") for h in o.heads] == ["custom-value"] * n


def test_a_field_whose_name_is_in_the_table(sides):
    c, o = sides
    n = 0
    for prefix in (b"\x41", b"\x01", b"\x11"):
        for value in (b"\x0fwww.example.com", WWW):
            n += 1
            assert c.answer(get(c, START + prefix + value)).status == 200
    assert [h.get("Host") for h in o.heads] == ["www.example.com"] * n


def test_what_was_indexed_is_found_again_and_nothing_else(sides):
    c, o = sides
    for block in (START + b"\x41" + WWW, START + b"\xbe\x40" + KEY + VALUE, START + b"\xbf\xbe"):
        assert c.answer(get(c, block)).status == 200
    assert [h.get("Host") for h in o.heads] == ["www.example.com"] * 3
    assert [h.get("custom-key") for h in o.heads] == [None, "custom-value", "custom-value"]
    get(c, START + b"\xc0")
    assert c.goaway().error_code == COMPRESSION_ERROR


@pytest.mark.parametrize("sizes", [b"\x3f\x45", b"\x20\x3f\xe1\x1f", b"\x3f\xe1\x1f"], ids=["100", "0 4096", "4096"])
def test_the_table_changes_its_size_where_a_block_begins(sides, sizes):
    c, o = sides
    assert c.answer(get(c, START + b"\x41" + WWW)).status == 200
    assert c.answer(get(c, sizes + START + AUTHORITY)).status == 200
    stream = get(c, START + b"\xbe")
    if sizes.startswith(b"\x20"):  # the entry is gone
        assert c.goaway().error_code == COMPRESSION_ERROR
    else:
        assert c.answer(stream).status == 200
        assert o.heads[-1].get("Host") == "www.example.com"


BAD = {
    "index 0": b"\x80",
    "an index beyond both tables": b"\xbe",
    "a name beyond both tables": b"\x7e\x01a",
    "a size beyond what we allow": b"\x3f\xe2\x1f",
    "a size where a block ends": START + AUTHORITY + b"\x20",
    "a number without end": b"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    "a number that stops": b"\x7f",
    "a text that stops": START + b"\x40\x05ab",
    "a text larger than any": START + b"\x40\x01a\x7f\xff\xff\xff\xff\x07",
    "huffman padding of eight bits": START + b"\x40\x01a\x82\x1f\xff",
    "huffman padding of zeros": START + b"\x40\x01a\x81\x18",
    "huffman with an end of text": START + b"\x40\x01a\x84\xff\xff\xff\xff",
    "huffman that stops": START + b"\x40\x01a\x82\xff\xfe",
}


@pytest.mark.parametrize("what", BAD)
def test_what_does_not_unpack_ends_the_connection(sides, what):
    c, o = sides
    get(c, BAD[what])
    assert c.goaway().error_code == COMPRESSION_ERROR
    assert o.heads == []


CUSTOM = b"\x40" + KEY + VALUE


def malformed(c):
    assert c.error_of(get(c, START + AUTHORITY + b"\x00\x02te\x04gzip" + CUSTOM)) == PROTOCOL_ERROR


def too_many_fields(c):
    assert c.answer(get(c, START + AUTHORITY + b"\x00\x01a\x01b" * 20 + CUSTOM)).status == 431


def malformed_trailers(c):
    stream = c.fresh()
    c.raw(1, 4, stream, b"\x83\x86\x84" + AUTHORITY)
    c.raw(1, 5, stream, b"\x84" + CUSTOM)
    assert c.error_of(stream) == PROTOCOL_ERROR


def a_stream_too_many(c):
    """Its client has not heard of the limit."""
    first = get(c, START + AUTHORITY)
    assert c.error_of(get(c, START + AUTHORITY + CUSTOM)) == REFUSED_STREAM
    c.reset(first)


@pytest.mark.parametrize("refused", [malformed, too_many_fields, malformed_trailers, a_stream_too_many])
def test_a_block_that_is_refused_is_unpacked_all_the_same(tidegate, origin, refused):
    """What it puts into the table is found afterwards (RFC 9113, 4.3 and 10.5.1)."""
    o = origin(serve=lambda peer, o: (o.read_head(peer), peer.is_closed()))
    t = tidegate([o], listener={"h2": {"streams": 1}, "limits": {"fields": 10}})
    with h2wire.Frames(t.client()) as c:
        refused(c)
        get(c, START + AUTHORITY + b"\xbe")
        wait_for(lambda: o.heads and o.heads[-1].get("custom-key"))
        assert c.alive()


def test_a_client_without_a_table_gets_answers_it_can_read(tidegate, origin):
    t = tidegate([origin()])
    with h2wire.client(t, settings={1: 0}) as c:
        c.decoder.max_allowed_table_size = 0
        for _ in range(3):
            assert c.get().status == 200
        assert c.decoder.header_table_size == 0
