"""Answers of a backend, good, bad and ugly, as bytes; what the client gets of each.

Data, for tests/scenario/920_corpus_test.py and tests/tools/http1_peers.py.  A case is

    good(name, raw, down, ...)  the client gets exactly `down`
    bad(name, raw, ...)         the client gets 502
    torn(name, raw, down, ...)  the client gets `down`, and then its connection breaks off

reuse: the connection to the backend serves the next request.  ends: the backend closes it
behind `raw`.  closes: the client's connection ends in order behind the answer.
"""
from collections import namedtuple

Case = namedtuple("Case", "name sent raw down reuse ends closes torn")

DATE = "Date: <date>"  # ours, where the answer has none


def to_bytes(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def request(line="GET / HTTP/1.1", *fields):
    return "\r\n".join([line, "Host: x", *fields, "", ""])


def answer(*fields, line="HTTP/1.1 200 OK", body=""):
    return "\r\n".join([line, *fields, "", ""]) + body


def good(name, raw, down, sent=request(), reuse=True, ends=False, closes=False):
    return Case(name, to_bytes(sent), to_bytes(raw), to_bytes(down), reuse, ends, closes, False)


def torn(name, raw, down, sent=request(), ends=False):
    return Case(name, to_bytes(sent), to_bytes(raw), to_bytes(down), False, ends, False, True)


BROKEN = "the service's answer was not valid\n"
UNREACHED = "the service could not be reached\n"


def gateway(body, head=False):
    return answer("Content-Type: text/plain", "Cache-Control: no-store", DATE, f"Content-Length: {len(body)}",
                  line="HTTP/1.1 502 Bad Gateway", body="" if head else body)


def bad(name, raw, sent=request(), ends=False):
    return Case(name, to_bytes(sent), to_bytes(raw), to_bytes(gateway(BROKEN)), False, ends, False, False)


HEAD = request("HEAD / HTTP/1.1")
OLD = request("GET / HTTP/1.0")
KEPT = request("GET / HTTP/1.0", "Connection: keep-alive")
TWO = "Content-Length: 2"
CHUNKS = "Transfer-Encoding: chunked"
CLOSE = "Connection: close"
OK = answer(DATE, TWO, body="ok")
IN_CHUNKS = "2\r\nok\r\n0\r\n\r\n"
OK_CHUNKED = answer(DATE, CHUNKS, body=IN_CHUNKS)


def status_lines():
    for line, down in (
            ("HTTP/1.1 200 OK", "200 OK"), ("HTTP/1.2 200 OK", "200 OK"), ("HTTP/1.1 200 Fine", "200 Fine"),
        ("HTTP/1.1 200", "200 OK"),
            ("HTTP/1.1 200 ", "200 OK"), ("HTTP/1.1 200 a  b\tc", "200 a  b\tc"),
        ("HTTP/1.1 200 \xe4\xff", "200 \xe4\xff"), ("HTTP/1.1 200 200 OK", "200 200 OK"),
            ("HTTP/1.1 200  OK", "200  OK"), ("HTTP/1.1 299 ", "299 "), ("HTTP/1.1 404 Not Found", "404 Not Found"),
        ("HTTP/1.1 418", "418 "), ("HTTP/1.1 599 x", "599 x"),
            ("HTTP/1.1 500 ", "500 Internal Server Error"), ("HTTP/1.1 401 x", "401 x"), ("HTTP/1.1 407 x", "407 x"),
        ("HTTP/1.1 206 x", "206 x"), ("HTTP/1.1 205 x", "205 x")):
        yield good(f"status line: {line!r}", answer(TWO, line=line, body="ok"),
                   answer(DATE, TWO, line=f"HTTP/1.1 {down}", body="ok"))
    for line in ("HTTP/2.0 200 OK", "HTTP/0.9 200 OK", "HTTP/3 200 OK", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 OK",
                 "HTTP/1.1 2", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK",
                 "HTTP/1.1 099 x", "HTTP/1.1 600 x", "HTTP/1.1 999 x", "HTTP/1.1 000 x", "HTTP/1.1 -200 x",
                 "HTTP/1.1 +20 x", "HTTP/1.1 2x0 OK", "HTTP/1.1  200 OK", "HTTP/1.1\t200 OK",
                 "HTTP/1.1 200\tOK", "HTTP/1.1 200OK", "HTTP/1.10 200 OK", "HTTP/1.01 200 OK", "HTTP/11 200 OK",
                 "http/1.1 200 OK", "HTTP /1.1 200 OK", " HTTP/1.1 200 OK",
                 "HTTP/1.1 200 O\x00K", "HTTP/1.1 200 O\x01K", "HTTP/1.1 200 O\rK", "HTTP/1.1 200 OK\r",
                 "HTTP/1.1 200\r OK", "\r\nHTTP/1.1 200 OK", "\nHTTP/1.1 200 OK", "ICY 200 OK", "200 OK",
                 "GET / HTTP/1.1", "<html>", "HTTP/1.1 200 OK\nA: b", "XHTTP/1.1 200 OK",
                 "\xef\xbb\xbfHTTP/1.1 200 OK", "220 mail.example ESMTP", "SSH-2.0-x", "HTTP/1.1.1 200 OK",
                 "HTTP/1.1 \xb2\xb0\xb0 OK"):
        yield bad(f"status line: {line!r}", answer(TWO, line=line, body="ok"))
    yield bad("status line: only bytes", "x" * 70_000)
    yield bad("status line: TLS", b"\x15\x03\x01\x00\x02\x02\x0a\r\n\r\n")


def lengths():
    for value in ("2", "02", "2\t", "\t2", "2, 2", "2,2"):
        yield good(f"length: {value!r}", answer(f"Content-Length: {value}", body="ok"), OK)
    for value in ("", "+2", "-2", "0x2", "2 2", "2,3", "2,", ",2", "2;", "2.0", "1e1", "two", "\x0b2", "2\x0b",
                  "2\x00", "'2'", "\"2\"", "9223372036854775808", "18446744073709551618", "\xb2",
                  "2\r\n 0", "2 ok"):
        yield bad(f"length: {value!r}", answer(f"Content-Length: {value}", body="ok"))
    yield good("length: twice the same", answer(TWO, TWO, body="ok"), OK)
    for a, b in (("2", "3"), ("3", "2"), ("2", "0"), ("0", "2"), ("2", "x"), ("2", "")):
        yield bad(f"length: {a!r} and {b!r}", answer(f"Content-Length: {a}", f"Content-Length: {b}", body="ok"))
    yield good("length: zero", answer("Content-Length: 0"), answer(DATE, "Content-Length: 0"))
    yield good("length: a space before the colon", answer("Content-Length : 2", body="ok"), OK)
    yield good("length: a look-alike is none", answer("Content_Length: 9", TWO, body="ok"),
               answer("Content_Length: 9", DATE, TWO, body="ok"))
    yield good("length: more bytes than it says", answer(TWO, body="okMORE"), OK, reuse=False)
    yield good("length: another answer behind it", answer(TWO, body="ok" + answer(TWO, body="no")), OK, reuse=False)
    yield good("length: a line end behind it", answer(TWO, body="ok\r\n"), OK, reuse=False)
    yield good("length: another answer behind zero", answer("Content-Length: 0") + answer(TWO, body="no"),
               answer(DATE, "Content-Length: 0"), reuse=False)
    yield torn("length: fewer bytes than it says", answer("Content-Length: 5", body="ok"),
               answer(DATE, "Content-Length: 5", body="ok"), ends=True)
    yield torn("length: none of the bytes it says", answer("Content-Length: 5"), answer(DATE, "Content-Length: 5"),
               ends=True)


def codings():
    for value in ("chunked", "Chunked", "CHUNKED", "\tchunked\t", "  chunked  "):
        yield good(f"coding: {value!r}", answer(f"Transfer-Encoding: {value}", body=IN_CHUNKS), OK_CHUNKED)
    yield good("coding: a space before the colon", answer("Transfer-Encoding : chunked", body=IN_CHUNKS), OK_CHUNKED)
    for value in ("", "gzip", "identity", "chunked, gzip", "chunked, chunked", "xchunked", "chunked,", ",chunked",
                  "\"chunked\"", "chunked;q=1", "chunked\x00", "\x0bchunked", "gzip, chunked",
                  "identity, chunked", "chun ked", "\xa0chunked", "cow", "chunked\r\n x"):
        yield bad(f"coding: {value!r}", answer(f"Transfer-Encoding: {value}", body=IN_CHUNKS))
    for a, b in (("chunked", "chunked"), ("chunked", "gzip"), ("gzip", "chunked"), ("chunked", ""), ("", "chunked"),
                 ("identity", "chunked")):
        yield bad(f"coding: {a!r} and {b!r}", answer(f"Transfer-Encoding: {a}", f"Transfer-Encoding: {b}",
                                                     body=IN_CHUNKS))
    for length in ("2", "0", "99", "x"):
        yield bad(f"coding: behind the length {length}", answer(f"Content-Length: {length}", CHUNKS, body=IN_CHUNKS))
        yield bad(f"coding: before the length {length}", answer(CHUNKS, f"Content-Length: {length}", body=IN_CHUNKS))
    yield bad("coding: in HTTP/1.0", answer(CHUNKS, line="HTTP/1.0 200 OK", body=IN_CHUNKS))
    yield good("coding: a look-alike is none", answer("Transfer_Encoding: chunked", TWO, body="ok"),
               answer("Transfer_Encoding: chunked", DATE, TWO, body="ok"))
    yield good("coding: for a client of HTTP/1.0", answer(CHUNKS, body=IN_CHUNKS), answer(DATE, CLOSE, body="ok"),
               sent=OLD, closes=True)
    yield good("coding: for one that keeps its connection", answer(CHUNKS, body=IN_CHUNKS),
               answer(DATE, CLOSE, body="ok"), sent=KEPT, closes=True)


def chunks():
    for what, body, passed in (
            ("two", "1\r\no\r\n1\r\nk\r\n0\r\n\r\n", "1\r\no\r\n1\r\nk\r\n0\r\n\r\n"),
        ("zeros in front", "0002\r\nok\r\n000\r\n\r\n", "0002\r\nok\r\n0\r\n\r\n"),
        ("none", "0\r\n\r\n", "0\r\n\r\n"),
            ("a padded size", "2    \r\nok\r\n0 \t\r\n\r\n", IN_CHUNKS),
            ("an extension", "2;a=b\r\nok\r\n0;c\r\n\r\n", IN_CHUNKS),
        ("a quoted extension", "2 ; a=\"b;c\"\r\nok\r\n0\r\n\r\n", IN_CHUNKS),
            ("a trailer", "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"),
            ("trailers that stay behind",
             "2\r\nok\r\n0\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\nLocation: /\r\nX-Sum: 1\r\n\r\n",
             "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n")):
        yield good(f"chunk: {what}", answer(CHUNKS, body=body), answer(DATE, CHUNKS, body=passed))
    yield good("chunk: more behind the last", answer(CHUNKS, body=IN_CHUNKS + "MORE"), OK_CHUNKED, reuse=False)
    yield good("chunk: another answer behind the last", answer(CHUNKS, body=IN_CHUNKS + answer(TWO, body="no")),
               OK_CHUNKED, reuse=False)
    for what, body, passed in (
            ("no size", "\r\nok\r\n0\r\n\r\n", ""), ("junk for a size", "x\r\nok\r\n", ""),
        ("a sign", "+2\r\nok\r\n0\r\n\r\n", ""), ("0x", "0x2\r\nok\r\n0\r\n\r\n", ""),
        ("junk behind space", "2 2\r\nok\r\n0\r\n\r\n", ""), ("bare LF behind space", "2 \nok\r\n0\r\n\r\n", ""),
            ("bare LF", "2\nok\n0\n\n", ""), ("2^64 - 1", "ffffffffffffffff\r\nok", ""),
        ("2^63", "8000000000000000\r\nok", ""), ("17 digits", "00000000000000002\r\nok\r\n", ""),
        ("a long extension", "2;" + "a" * 200 + "\r\nok\r\n0\r\n\r\n", ""),
            ("more data than its size", "1\r\nok\r\n0\r\n\r\n", "1\r\no"),
        ("bare LF behind the data", "2\r\nok\n0\r\n\r\n", "2\r\nok"),
        ("a bad second size", "2\r\nok\r\nz\r\n", "2\r\nok\r\n"),
            ("an extension with a bare LF", "2\r\nok\r\n2;a\nok\r\n0\r\n\r\n", "2\r\nok\r\n"),
            ("a bad trailer", "2\r\nok\r\n0\r\nA b: c\r\n\r\n", "2\r\nok\r\n"),
        ("a trailer with a NUL", "2\r\nok\r\n0\r\nA: \0\r\n\r\n", "2\r\nok\r\n"),
        ("a folded trailer", "2\r\nok\r\n0\r\nA: b\r\n c\r\n\r\n", "2\r\nok\r\n"),
            ("bare LF behind the last", "2\r\nok\r\n0\n\n", "2\r\nok\r\n")):
        yield torn(f"chunk: {what}", answer(CHUNKS, body=body), answer(DATE, CHUNKS, body=passed))
    for what, body, passed in (("the end in a size", "2\r\nok\r\n1", "2\r\nok\r\n"),
                               ("the end in the data", "5\r\nok", "5\r\nok"),
                               ("the end before the last", "2\r\nok\r\n", "2\r\nok\r\n"),
                               ("the end in the last", "2\r\nok\r\n0\r\n", "2\r\nok\r\n"),
                               ("the end in a trailer", "2\r\nok\r\n0\r\nA: b\r\n", "2\r\nok\r\n")):
        yield torn(f"chunk: {what}", answer(CHUNKS, body=body), answer(DATE, CHUNKS, body=passed), ends=True)
    yield torn("chunk: the end in the data, for HTTP/1.0", answer(CHUNKS, body="5\r\nok"),
               answer(DATE, CLOSE, body="ok"), sent=OLD, ends=True)


def endings():
    yield good("end: with the connection", answer(body="ok"), OK_CHUNKED, reuse=False, ends=True)
    yield good("end: with the connection, empty", answer(), answer(DATE, CHUNKS, body="0\r\n\r\n"), reuse=False,
               ends=True)
    yield good("end: with the connection, for HTTP/1.0", answer(body="ok"), answer(DATE, CLOSE, body="ok"), sent=OLD,
               reuse=False, ends=True, closes=True)
    yield good("end: with that of HTTP/1.0", answer(line="HTTP/1.0 200 OK", body="ok"), OK_CHUNKED, reuse=False,
               ends=True)
    yield good("end: what looks like another answer is the body", answer(body=answer(TWO, body="no")),
               answer(DATE, CHUNKS, body="%x\r\n%s\r\n0\r\n\r\n" % (len(answer(TWO, body="no")),
                                                                    answer(TWO, body="no"))), reuse=False, ends=True)
    yield good("end: Connection: close", answer(TWO, CLOSE, body="ok"), OK, reuse=False)
    yield good("end: Connection: close, and it closes", answer(TWO, CLOSE, body="ok"), OK, reuse=False, ends=True)
    yield good("end: Connection: Close, x", answer(TWO, "Connection: Close, x", body="ok"), OK, reuse=False)
    yield good("end: Connection: keep-alive", answer(TWO, "Connection: keep-alive", "Keep-Alive: timeout=5",
                                                     body="ok"), OK)
    yield good("end: HTTP/1.0", answer(TWO, line="HTTP/1.0 200 OK", body="ok"), OK, reuse=False)
    yield good("end: HTTP/1.0 with keep-alive", answer(TWO, "Connection: keep-alive", line="HTTP/1.0 200 OK",
                                                       body="ok"), OK)
    yield good("end: HTTP/1.0 with keep-alive and close",
               answer(TWO, "Connection: keep-alive, close", line="HTTP/1.0 200 OK", body="ok"), OK, reuse=False)
    yield good("end: a client of HTTP/1.0", answer(TWO, body="ok"), answer(DATE, TWO, CLOSE, body="ok"), sent=OLD,
               closes=True)
    yield good("end: a client of HTTP/1.0 that keeps it", answer(TWO, body="ok"),
               answer(DATE, TWO, "Connection: keep-alive", body="ok"), sent=KEPT)
    yield good("end: a client that closes", answer(TWO, body="ok"), answer(DATE, TWO, CLOSE, body="ok"),
               sent=request("GET / HTTP/1.1", CLOSE), closes=True)


def without_bodies():
    for what, fields, down in (("a length", [TWO], [TWO]), ("nothing", [], []), ("chunks", [CHUNKS], []),
                               ("a length of 2^63 - 1", ["Content-Length: 9223372036854775807"],
                                ["Content-Length: 9223372036854775807"])):
        yield good(f"no body: HEAD with {what}", answer(*fields), answer(DATE, *down), sent=HEAD)
        yield good(f"no body: 304 with {what}", answer(*fields, line="HTTP/1.1 304 Not Modified"),
                   answer(DATE, *down, line="HTTP/1.1 304 Not Modified"))
        yield good(f"no body: 204 with {what}", answer(*fields, line="HTTP/1.1 204 No Content"),
                   answer(DATE, line="HTTP/1.1 204 No Content"))
    yield good("no body: HEAD with one", answer(TWO, body="ok"), answer(DATE, TWO), sent=HEAD, reuse=False)
    yield good("no body: HEAD with chunks of one", answer(CHUNKS, body=IN_CHUNKS), answer(DATE), sent=HEAD,
               reuse=False)
    yield good("no body: 304 with one", answer(TWO, line="HTTP/1.1 304 Not Modified", body="ok"),
               answer(DATE, TWO, line="HTTP/1.1 304 Not Modified"), reuse=False)
    yield good("no body: 204 with one", answer(TWO, line="HTTP/1.1 204 No Content", body="ok"),
               answer(DATE, line="HTTP/1.1 204 No Content"), reuse=False)
    yield good("no body: 204 with another answer", answer(line="HTTP/1.1 204 No Content") + answer(TWO, body="no"),
               answer(DATE, line="HTTP/1.1 204 No Content"), reuse=False)
    yield good("no body: HEAD of HTTP/1.0", answer(TWO, line="HTTP/1.0 200 OK"), answer(DATE, TWO), sent=HEAD,
               reuse=False)
    for status in ("304 Not Modified", "200 OK"):
        sent = HEAD if status[0] == "2" else request()
        yield Case(f"no body: {status} with a bad length", to_bytes(sent),
                   to_bytes(answer("Content-Length: x", line=f"HTTP/1.1 {status}")),
                   to_bytes(gateway(BROKEN, sent == HEAD)), False, False, False, False)
    yield Case("no body: HEAD with a length and chunks", to_bytes(HEAD), to_bytes(answer(TWO, CHUNKS)),
               to_bytes(gateway(BROKEN, True)), False, False, False, False)


def interim():
    hint = answer("Link: </a>", line="HTTP/1.1 103 Early Hints")
    go_on = "HTTP/1.1 100 Continue\r\n\r\n"
    yield good("interim: 103", hint + answer(TWO, body="ok"), hint + OK)
    yield good("interim: 100, 102, 103", go_on + "HTTP/1.1 102 x\r\n\r\n" + hint + answer(TWO, body="ok"),
               go_on + "HTTP/1.1 102 x\r\n\r\n" + hint + OK)
    yield good("interim: an unknown one", "HTTP/1.1 199 x\r\n\r\n" + answer(TWO, body="ok"),
               "HTTP/1.1 199 x\r\n\r\n" + OK)
    yield good("interim: with a length", answer("Content-Length: 5", line="HTTP/1.1 103 x") + answer(TWO, body="ok"),
               "HTTP/1.1 103 x\r\n\r\n" + OK)
    yield good("interim: with hop-by-hop fields", answer("Connection: close, A", "A: b", "Keep-Alive: x", "C: d",
                                                         line="HTTP/1.1 103 x") + answer(TWO, body="ok"),
                                                         answer("C: d", line="HTTP/1.1 103 x") + OK)
    yield good("interim: to HEAD", hint + answer(TWO), hint + answer(DATE, TWO), sent=HEAD)
    yield good("interim: to HTTP/1.0", hint + answer(TWO, body="ok"), answer(DATE, TWO, CLOSE, body="ok"), sent=OLD,
               closes=True)
    yield good("interim: before 204", hint + answer(line="HTTP/1.1 204 x"),
               hint + answer(DATE, line="HTTP/1.1 204 x"))
    yield good("interim: of HTTP/1.0", answer(line="HTTP/1.0 103 x") + answer(TWO, body="ok"),
               "HTTP/1.1 103 x\r\n\r\n" + OK)
    for what, raw in (("with chunks and a length", answer(CHUNKS, TWO, line="HTTP/1.1 103 x")),
                      ("with a bad length", answer("Content-Length: x", line="HTTP/1.1 103 x")),
                      ("101 unasked", answer(line="HTTP/1.1 101 x")),
                      ("101 unasked with an upgrade", answer("Connection: upgrade", "Upgrade: x",
                                                             line="HTTP/1.1 101 x"))):
        yield bad(f"interim: {what}", raw + answer(TWO, body="ok"))
    yield Case("interim: and then a broken one", to_bytes(request()), to_bytes(hint + "HTTP/9 200\r\n\r\n"),
               to_bytes(hint + gateway(BROKEN)), False, False, False, False)
    yield Case("interim: and then the end", to_bytes(request()), to_bytes(hint), to_bytes(hint + gateway(UNREACHED)),
               False, True, False, False)


def fields():
    for value in ("b", "", "b\tc", "\x80\xff", "b:c,d;e=\"f\"", "%0d%0aX: y", "=?utf-8?q?=0A?=", "b" * 2000):
        yield good(f"field: {value[:30]!r}", answer(f"A: {value}", TWO, body="ok"),
                   answer(f"A: {value}", DATE, TWO, body="ok"))
    for line, passed in (("A:b", "A: b"), ("A:  b  ", "A: b"), ("A : b", "A: b"), ("A\t: b", "A: b"),
                         ("A:\tb\t", "A: b"), ("A \t : b", "A: b")):
        yield good(f"field: {line!r}", answer(line, TWO, body="ok"), answer(passed, DATE, TWO, body="ok"))
    for n in [*range(32), 127]:
        if chr(n) not in "\t\r\n":
            yield bad(f"field: with {chr(n)!r}", answer(f"A: b{chr(n)}c", TWO, body="ok"))
    for line in ("A: b\rc", "A: b\nSet-Cookie: c=d", "A: b\r\n c", "A: b\r\n\tc", " A: b", "A b: c", ": b", "novalue",
                 "A\x00: b", "A(: b", "\"A\": b", "A\r\n: b", "A: b\r\r\nC: d", "A: b\n\nHTTP/1.1 200 OK",
                 "\xe9: b", "A: b\x00", "A: b\rSet-Cookie: c=d", "A\rB: c", "A: b\r\n c\r\n d", "\x01A: b"):
        yield bad(f"field: {line!r}", answer(line, TWO, body="ok"))
    yield good("field: two cookies", answer("Set-Cookie: a=b", "Set-Cookie: c=d", TWO, body="ok"),
               answer("Set-Cookie: a=b", "Set-Cookie: c=d", DATE, TWO, body="ok"))
    yield good("field: a date", answer("Date: Sun, 06 Nov 1994 08:49:37 GMT", TWO, body="ok"),
               answer("Date: Sun, 06 Nov 1994 08:49:37 GMT", TWO, body="ok"))
    yield good("field: a server", answer("Server: y", TWO, body="ok"), answer("Server: y", DATE, TWO, body="ok"))
    yield good("field: Via", answer("Via: 1.1 y", TWO, body="ok"), answer("Via: 1.1 y", DATE, TWO, body="ok"))
    yield good("field: split by an empty line", answer("A: b", TWO) + "ok" + "\r\n\r\n",
               answer("A: b", DATE, TWO, body="ok"), reuse=False)
    for listed, sent, kept in (("A", ["A: b", "C: d"], ["C: d"]), ("a, close", ["A: b"], []),
                               ("keep-alive", ["Keep-Alive: timeout=1"], []), ("Date", ["Date: x"], []),
                               ("Set-Cookie", ["Set-Cookie: a=b"], []),
                               ("Content-Length", [], []), ("upgrade", ["Upgrade: h2c"], [])):
        down = answer(*kept, DATE, TWO, body="ok")
        yield good(f"field: Connection: {listed}", answer(f"Connection: {listed}", *sent, TWO, body="ok"), down,
                   reuse="close" not in listed)
    for line in ("Keep-Alive: timeout=5", "Proxy-Connection: close", "Upgrade: h2c", "TE: trailers"):
        yield good(f"field: {line} stays behind", answer(line, TWO, body="ok"), OK)
    yield bad("field: 40 names in Connection", answer("Connection: " + "a," * 40, TWO, body="ok"))
    lines = [f"X-{i}: y" for i in range(255)]
    yield good("field: 256 of them", answer(*lines, TWO, body="ok"), answer(*lines, DATE, TWO, body="ok"))
    yield bad("field: 257 of them", answer(*lines, "One: more", TWO, body="ok"))
    room = 65536 - len(answer("A: ", TWO))
    yield good("field: a head of 64 KiB", answer("A: " + "b" * room, TWO, body="ok"),
               answer("A: " + "b" * room, DATE, TWO, body="ok"))
    yield bad("field: one byte more", answer("A: " + "b" * (room + 1), TWO, body="ok"))
    yield bad("field: bare LF everywhere", answer(TWO).replace("\r\n", "\n") + "ok")
    yield bad("field: an empty line with a space", answer(TWO, " ") + "ok")
    yield good("field: an upgrade that is required", answer("Connection: Upgrade", "Upgrade: x", TWO,
                                                            line="HTTP/1.1 426 x", body="ok"),
               answer(DATE, TWO, "Connection: upgrade", "Upgrade: x", line="HTTP/1.1 426 x", body="ok"))


def upgrades():
    sent = request("GET / HTTP/1.1", "Connection: Upgrade", "Upgrade: x")
    for what, fields in (("to another protocol", ["Connection: Upgrade", "Upgrade: y"]), ("to none", []),
                         ("without Connection", ["Upgrade: x"]),
                         ("to more than was asked for", ["Connection: upgrade", "Upgrade: x, y"])):
        yield bad(f"upgrade: {what}", answer(*fields, line="HTTP/1.1 101 x"), sent=sent)
    yield bad("upgrade: in HTTP/1.0", answer("Connection: Upgrade", "Upgrade: x", line="HTTP/1.0 101 x"), sent=sent)
    yield good("upgrade: not taken", answer(TWO, body="ok"), OK, sent=sent)
    yield good("upgrade: not taken but offered", answer("Connection: upgrade", "Upgrade: x", TWO, body="ok"), OK,
               sent=sent)


def cases():
    groups = (status_lines, lengths, codings, chunks, endings, without_bodies, interim, fields, upgrades)
    return [case for group in groups for case in group()]
