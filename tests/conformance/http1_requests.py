"""Requests, good, bad and ugly, as bytes; what the backend gets of each, and what the client.

Data, for tests/scenario/920_corpus_test.py and tests/tools/http1_peers.py.  A case is

    good(name, sent, up, ...)   passed on; the backend sees exactly the requests `up`
    bad(name, sent, status)     refused and closed; the backend sees nothing of it, nor of
                                the request that follows it on the connection
    cut(name, head, rest, up, left)  `rest` breaks after the head went on; the backend sees
                                the head and the bytes `left`, and then the end

The part of the name before ":" is the rule it belongs to.
"""
from collections import namedtuple

Up = namedtuple("Up", "line host fields framing body version")
Case = namedtuple("Case", "name pieces ups statuses closes left")


def up(line, *fields, host="x", framing=(), body="", version="1.1"):
    """A request as the backend gets it: our own fields stand between `fields` and `framing`."""
    framing = (framing,) if isinstance(framing, str) else framing
    return Up(line, host, fields, framing, body.encode("latin-1"), version)


def to_bytes(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def good(name, sent, *ups, status=200, closes=False):
    """`status`: one for all answers, or a list.  closes: the connection ends after the last."""
    statuses = status if isinstance(status, list) else [status] * max(1, len(ups))
    return Case(name, [to_bytes(sent)], ups, statuses, closes, None)


def bad(name, sent, status=400):
    return Case(name, [to_bytes(sent)], (), [status], True, None)


def cut(name, head, rest, upward, left, status=400):
    return Case(name, [to_bytes(head), to_bytes(rest)], (upward,), [status], True, to_bytes(left))


def head(*fields, line="GET / HTTP/1.1", host="x"):
    lines = [line] + ([f"Host: {host}"] if host is not None else []) + list(fields)
    return "\r\n".join(lines) + "\r\n\r\n"


def post(*fields, body=""):
    return head(*fields, line="POST / HTTP/1.1") + body


ONE = up("GET /")
HELLO = up("POST /", framing="Content-Length: 5", body="hello")
EMPTY = up("POST /", framing="Content-Length: 0")
CHUNKS = "Transfer-Encoding: chunked"
HELLO_CHUNKED = up("POST /", framing=CHUNKS, body="5\r\nhello\r\n0\r\n\r\n")
NOTHING_CHUNKED = up("POST /", framing=CHUNKS, body="0\r\n\r\n")
IN_CHUNKS = "5\r\nhello\r\n0\r\n\r\n"


def lengths():
    for value in ("5", "05", "00000000000000000000000005", "5\t", "\t 5", "5, 5", "5,5,5", "5 ,\t5"):
        yield good(f"length: {value!r}", post(f"Content-Length: {value}", body="hello"), HELLO)
    for value in ("", " ", "+5", "-5", "-0", "0x5", "5 5", "5,6", "5, 6", "5,", ",5", ",", "5;", "5;q=1", "5.0",
                  "5e0", "1e1", "5\x0b", "\x0b5", "\x0c5", "'5'", '"5"', "5\x00", "\x005", "5\x7f", "\xa05", "5\xa0",
                  "five", "5h", "0b101", "0o5", "9223372036854775808", "18446744073709551616",
                  "18446744073709551621", "1" + "0" * 40, "\u00b2", "5 hello", "5\t5", "0 5", "00x5"):
        yield bad(f"length: {value!r}", post(f"Content-Length: {value}", body="hello"))
    for name in ("content-length", "CONTENT-LENGTH", "cOnTeNt-LeNgTh"):
        yield good(f"length: {name}", post(f"{name}: 5", body="hello"), HELLO)
    yield good("length: no space behind the colon", post("Content-Length:5", body="hello"), HELLO)
    for line in ("Content-Length : 5", "Content-Length\t: 5", " Content-Length: 5", "\tContent-Length: 5",
                 "Content-Length\x00: 5", "Content-Length\x0b: 5", "Content-Length\r: 5", "Content Length: 5",
                 "Content-Length\r\n: 5", "Content-Length\r\n : 5", "Content-Length:\r\n 5", "Content-Length 5"):
        yield bad(f"length: {line!r}", post(line, body="hello"))
    yield good("length: twice the same", post("Content-Length: 5", "Content-Length: 5", body="hello"), HELLO)
    yield good("length: the same in a list and alone",
               post("Content-Length: 5, 5", "content-length: 5", body="hello"),
               HELLO)
    for a, b in (("5", "6"), ("6", "5"), ("5", "0"), ("0", "5"), ("5", "x"), ("x", "5"), ("5", ""), ("", "5"),
                 ("5, 5", "6"), ("5", "-5"), ("5", "+5"), ("05", "6")):
        yield bad(f"length: {a!r} and {b!r}", post(f"Content-Length: {a}", f"Content-Length: {b}", body="hello"))
    yield good("length: a look-alike is none", post("Content_Length: 9", "Content-Length: 5", body="hello"), HELLO)
    yield good("length: a prefix is none", post("X-Content-Length: 9", "Content-Length: 5", body="hello"),
               HELLO._replace(fields=("X-Content-Length: 9",)))
    yield good("length: zero", post("Content-Length: 0"), EMPTY)
    yield good("length: none is no body", post(), up("POST /"))
    for method in ("GET", "HEAD", "DELETE", "OPTIONS", "PUT", "PATCH", "REPORT"):
        yield good(f"length: a body of {method}",
                   head("Content-Length: 5", line=f"{method} / HTTP/1.1") + "hello",
                   HELLO._replace(line=f"{method} /"))


def codings():
    for value in ("chunked", "Chunked", "CHUNKED", "chunkeD", "\tchunked", "chunked \t", "  chunked"):
        yield good(f"coding: {value!r}", post(f"Transfer-Encoding: {value}", body=IN_CHUNKS), HELLO_CHUNKED)
    for name in ("transfer-encoding", "TRANSFER-ENCODING", "Transfer-EncodinG"):
        yield good(f"coding: {name}", post(f"{name}: chunked", body=IN_CHUNKS), HELLO_CHUNKED)
    yield good("coding: no space behind the colon", post("Transfer-Encoding:chunked", body=IN_CHUNKS), HELLO_CHUNKED)
    for value in ("", " ", "xchunked", "chunkedx", "chunked,", ",chunked", ", chunked", "chunked, ", ",",
                  "chunked, chunked", "chunked,chunked", "chunked,gzip", "chunked, identity",
                  "identity, chunked, identity", "gzip",
                  "identity", "deflate", "compress", "x-chunked", "chunked;q=1", "chunked;q=0", "chunked; a=b",
                  "chunked a", "chunked=1", '"chunked"', "'chunked'", "[chunked]", "{chunked}", "\x0bchunked",
                  "chunked\x0b", "\x0cchunked", "\x00chunked", "chunked\x00", "chunked\x1f", "chunked\x7f",
                  "chun ked", "chun\tked", "chunked\x80", "\xa0chunked", "\xffchunked", "ch\xfcnked", "cow",
                  "trailers", "none", "true", "*", "chunked\r\n x", "\r\n chunked", "chunked\rX: y", "chunked\nX: y",
                  "c", "chunke", "utf-8", "x\r\n", "@chunked", "chunked:", ":chunked", "%63hunked", "chunked, cow",
                  "chunked;"):
        yield bad(f"coding: {value!r}", post(f"Transfer-Encoding: {value}", body=IN_CHUNKS))
    for value in ("gzip, chunked", "gzip,chunked", "identity, chunked", "cow, chunked", "deflate, gzip, chunked",
                  "trailers, chunked"):
        yield bad(f"coding: {value!r}", post(f"Transfer-Encoding: {value}", body=IN_CHUNKS), 501)
    for line in ("Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", " Transfer-Encoding: chunked",
                 "\tTransfer-Encoding: chunked", "Transfer-Encoding\x00: chunked", "Transfer-Encoding\x0b: chunked",
                 "Transfer-Encoding\r: chunked", "Transfer-Encoding\x08: chunked", "Transfer Encoding: chunked",
                 "Transfer-Encoding\r\n: chunked", "Transfer-Encoding\r\n : chunked", "Transfer-Encoding chunked",
                 "X: y\rTransfer-Encoding: chunked", "X: y\nTransfer-Encoding: chunked",
                 "X:\nTransfer-Encoding: chunked", "X: y\r\n Transfer-Encoding: chunked",
                 "X: y\r\n\tTransfer-Encoding: chunked",
                 "X: y\x00Transfer-Encoding: chunked", "\x00Transfer-Encoding: chunked",
                 ":Transfer-Encoding: chunked", "\"Transfer-Encoding\": chunked", "Transfer-Encoding\xa0: chunked",
                 "Tr\xc4\xb1nsfer-Encoding: chunked"):
        yield bad(f"coding: {line!r}", post(line, body=IN_CHUNKS))
    for a, b in (("chunked", "chunked"), ("chunked", "identity"), ("chunked", "gzip"), ("chunked", "xchunked"),
                 ("chunked", ""), ("", "chunked"), ("chunked", "cow"), ("chunked", "\x0bchunked"),
                 ("identity", "gzip"), ("xchunked", "cow")):
        yield bad(f"coding: {a!r} and {b!r}", post(f"Transfer-Encoding: {a}", f"Transfer-Encoding: {b}",
                                                   body=IN_CHUNKS))
    for a in ("gzip", "identity", "cow"):
        yield bad(f"coding: {a!r} and 'chunked'",
                  post(f"Transfer-Encoding: {a}", "Transfer-Encoding: chunked", body=IN_CHUNKS), 501)
    for method in ("GET", "HEAD", "DELETE", "OPTIONS", "PUT", "PATCH"):
        yield good(f"coding: a body of {method}", head(CHUNKS, line=f"{method} / HTTP/1.1") + IN_CHUNKS,
                   HELLO_CHUNKED._replace(line=f"{method} /"))
    yield bad("coding: in HTTP/1.0", head(CHUNKS, line="POST / HTTP/1.0") + IN_CHUNKS)
    yield bad("coding: in HTTP/1.0 that is kept", head("Connection: keep-alive", CHUNKS,
                                                       line="POST / HTTP/1.0") + IN_CHUNKS)
    yield bad("coding: gzip in HTTP/1.0", head("Transfer-Encoding: gzip", line="POST / HTTP/1.0") + IN_CHUNKS)


def both():
    for length in ("0", "5", "6", "99", "x"):
        for coding in ("chunked", "Chunked", "gzip", "identity", "xchunked", "chunked, gzip", ""):
            a, b = f"Content-Length: {length}", f"Transfer-Encoding: {coding}"
            yield bad(f"both: {length!r}, then {coding!r}", post(a, b, body=IN_CHUNKS))
            yield bad(f"both: {coding!r}, then {length!r}", post(b, a, body=IN_CHUNKS))
    for listed in ("Content-Length", "Transfer-Encoding", "content-length, transfer-encoding"):
        yield bad(f"both: with Connection: {listed}",
                  post(f"Connection: {listed}", "Content-Length: 5", CHUNKS, body=IN_CHUNKS))
    yield bad("both: far apart", post(CHUNKS, *[f"X-{i}: y" for i in range(40)], "Content-Length: 5", body=IN_CHUNKS))
    yield bad("both: in HTTP/1.0", head("Content-Length: 5", CHUNKS, line="POST / HTTP/1.0") + IN_CHUNKS)
    for lookalike in ("Transfer_Encoding: chunked", "TRANSFER_ENCODING: chunked", "Transfer-Encodinf: chunked"):
        kept = () if "_" in lookalike else (lookalike,)
        yield good(f"both: {lookalike!r} is no coding", post(lookalike, "Content-Length: 5", body="hello"),
                   HELLO._replace(fields=kept))
    yield good("both: Content_Length is no length", post("Content_Length: 3", CHUNKS, body=IN_CHUNKS), HELLO_CHUNKED)


def versions():
    yield good("version: HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", ONE._replace(version="1.0"), closes=True)
    for v in ("HTTP/1.1", "HTTP/1.2", "HTTP/1.9"):
        yield good(f"version: {v}", head(line=f"GET / {v}"), ONE)
    for v in ("HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9", "HTTP/0.1", "HTTP/2.1"):
        yield bad(f"version: {v}", head(line=f"GET / {v}"), 505)
    for v in ("HTTP/1.10", "HTTP/1.01", "HTTP/1.1.1", "HTTP/11", "HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/", "HTTP",
              "http/1.1", "Http/1.1", "HTTPS/1.1", "HTTP/1,1", "HTTP /1.1", "HTTP/ 1.1", "HTTP/1.1 ", "HTTP/1.1\t",
              "HTTP/1.1 x", "HTTP/A.1", "HTTP/1.A", "HTTP/-1.1", "HTTP/+1.1", "HTTP/1.1x", "HTTP/1.1\x00",
              "HTTP/1.1;", "ICY/1.1", "SHTTP/1.1", "HTTP/1x1", "HTTP\\1.1", "HTTP/01.1", "HTTP/1.\xb9", "HTCPCP/1.0",
              "xHTTP/1.1"):
        yield bad(f"version: {v!r}", head(line=f"GET / {v}"))
    yield bad("version: none", "GET /\r\n\r\n")
    yield bad("version: none, with fields", "GET /\r\nHost: x\r\n\r\n")
    yield bad("version: none behind a space", "GET / \r\nHost: x\r\n\r\n")
    yield bad("version: the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


def request_lines():
    for n in (1, 2, 4):
        yield good(f"request line: behind {n} empty lines", "\r\n" * n + head(), ONE)
    yield bad("request line: behind five empty lines", "\r\n" * 5 + head())
    for what, sent in {
        "behind a space": " " + head(), "behind a tab": "\t" + head(), "behind a bare LF": "\n" + head(),
        "behind a bare CR": "\r" + head(), "behind CR CR LF": "\r\r\n" + head(), "behind a NUL": "\0" + head(),
        "behind an empty line with a space": "\r\n " + head(), "behind a byte-order mark": "\xef\xbb\xbf" + head(),
        "two spaces before the target": head(line="GET  / HTTP/1.1"),
        "two spaces before the version": head(line="GET /  HTTP/1.1"),
        "a tab before the target": head(line="GET\t/ HTTP/1.1"),
        "a tab before the version": head(line="GET /\tHTTP/1.1"),
        "a form feed before the target": head(line="GET\x0c/ HTTP/1.1"),
        "a vertical tab before the version": head(line="GET /\x0bHTTP/1.1"),
        "a CR before the target": head(line="GET\r/ HTTP/1.1"),
        "a space in the target": head(line="GET /a b HTTP/1.1"),
        "no target": head(line="GET HTTP/1.1"), "only a method": head(line="GET"), "empty": head(line=""),
        "a colon behind the method": head(line="GET: / HTTP/1.1"), "a field in its place": "Host: x\r\n\r\n",
        "a field before it": "Host: x\r\n" + head(host=None), "no end of line": "GET / HTTP/1.1Host: x\r\n\r\n",
        "a CR before the end of line": "GET / HTTP/1.1\r\r\nHost: x\r\n\r\n",
        "the version twice": head(line="GET / HTTP/1.1 HTTP/1.1"), "another request in it":
        head(line="GET / HTTP/1.1 GET /b HTTP/1.1"), "an answer": "HTTP/1.1 200 OK\r\nHost: x\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "SSH": "SSH-2.0-OpenSSH_9.2\r\n",
        "the PROXY protocol": "PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n" + head(),
    }.items():
        yield bad(f"request line: {what}", sent)
    for method in ("get", "Get", "FOO", "M-SEARCH", "REPORT", "BREW", "G", "GET2", "!#$%&'*+-.^_`|~", "A" * 32):
        yield good(f"request line: the method {method}", head(line=f"{method} / HTTP/1.1"), up(f"{method} /"))
    for method in ("G=T", "G(T", "G,T", "G/T", "G:T", "G@T", "GE\x00T", "GE\x01T", "GET\x80", "\xc7ET", "GET\x7f",
                   "\"GET\"", "<GET>", "[GET]", "{GET}", "GET\\"):
        yield bad(f"request line: the method {method!r}", head(line=f"{method} / HTTP/1.1"))
    yield bad("request line: a method without end", head(line=f"{'A' * 33} / HTTP/1.1"), 501)
    yield good("request line: TRACE", head(line="TRACE / HTTP/1.1"), status=405)


def targets():
    for target in ("/", "//", "///a//b", "/a/./b", "/a/../b", "/.", "/a/..", "/%61", "/a%2Fb", "/%2e/x",
                   "/a/%2e%2E/b", "/%0d%0aX:y", "/%20", "/%7f", "/%80", "/%ff", "/%c0%ae", "/%252e%252e/",
                   "/a;b=c/..;/d", "/\\..\\x", "/a|b", "/<script>", "/\"quoted\"", "/{a}", "/[a]", "/^", "/`",
                   "/a:b@c", "/~a", "/a?b", "/?", "/??",
                   "/a?b=c&d=%zz", "/a?%", "/a?/../..", "/a?http://x/", "/a?\\", "/%2F%2F", "/http://y/", "/*",
                   "//y/a", "/a%3Fb", "/a%23b", "/.htaccess", "/...", "/a/.../b", "/..a", "/a..", "/%2e%2e%2e",
                   "/" + "a" * 200):
        yield good(f"target: {target[:40]}", head(line=f"GET {target} HTTP/1.1"), up(f"GET {target}"))
    for target in ("/..", "/../", "/a/../..", "/a/../../b", "/%2e%2e", "/%2e%2e/x", "/.%2e/", "/a/%2e%2e/%2e%2e/b",
                   "//..", "/./..", "/%00", "/a%00b", "/%zz", "/%", "/%4", "/%4g", "/a%", "/%%41", "/%u0041", "/#",
                   "/a#b", "/a?b#c", "#", "?", "?x", "a", "a/b", "*", "**", "*/", ".", "..", "./a", "\\", "/a\x00b",
                   "/a\x01", "/a\x1f", "/a\x7f", "/\x80", "/\xc3\xa9", "/a\tb", "/a\x0bb", "%2f", "x:80", "x", "1",
                   "-", "\"/\"", "/a?\x80", "/a?b\x00", "/a?b\tc"):
        path = target[0] == "/" and "#" not in target and target.isprintable() and target.isascii()
        refuse = good if path else bad  # what is well framed does not end its connection
        yield refuse(f"target: {target!r}", head(line=f"GET {target} HTTP/1.1"), status=400)
    yield bad("target: one too long", head(line=f"GET /{'a' * 8192} HTTP/1.1"), 414)
    yield good("target: the longest", head(line=f"GET /{'a' * 8191} HTTP/1.1"), up(f"GET /{'a' * 8191}"))
    yield bad("target: without end", "GET /" + "a" * 9000, 414)


def absolute_targets():
    for target, line, host in (
            ("http://x/", "/", "x"), ("http://y/", "/", "y"), ("HTTP://Y/", "/", "Y"), ("hTTp://y/a?b", "/a?b", "y"),
            ("http://y", "/", "y"), ("http://y?b", "/?b", "y"), ("http://y:80/", "/", "y:80"),
        ("http://y:/", "/", "y:"),
            ("http://[::1]/", "/", "[::1]"), ("http://[::1]:8080/a", "/a", "[::1]:8080"), ("http://y.", "/", "y."),
            ("http://192.0.2.1/a", "/a", "192.0.2.1"), ("http://y//a", "//a", "y"),
        ("http://y/http://z/", "/http://z/", "y"),
            ("http://y/a@b", "/a@b", "y"), ("http://y_z/", "/", "y_z")):
        yield good(f"absolute: {target}", head(line=f"GET {target} HTTP/1.1"), up(f"GET {line}", host=host))
    for target in ("http://", "http:///", "http:/x/", "http:x", "http:", "ftp://x/", "ws://x/", "file:///etc/passwd",
                   "http://u@x/", "http://u:p@x/", "http://@x/", "http://x@/", "http://x:99999/", "http://x:a/",
                   "http://x:-1/", "http://[::1/", "http://::1/", "http://[x]/", "http://x%00/", "http://x%2fy/",
                   "http://x\\y/", "http://x\\@y/", "http://x,y/", "http://a b/", "http://x#/", "http://x/#",
                   "http://?a", "http://:80/", "http://x:80:80/", "javascript:alert(1)", "http://x\x00/",
                   "http://\xe9/", "http://x/\x80", "http://x;y/", "http://<x>/", "xhttp://x/", "http://.", "urn:x"):
        yield bad(f"absolute: {target!r}", head(line=f"GET {target} HTTP/1.1"))
    yield good("absolute: https without TLS", head(line="GET https://x/ HTTP/1.1"), status=421)
    for target in ("http://x/..", "http://x/a/../../b", "http://x/%00"):
        yield good(f"absolute: {target}", head(line=f"GET {target} HTTP/1.1"), status=400)
    yield good("absolute: OPTIONS of a server", head(line="OPTIONS http://y HTTP/1.1"), up("OPTIONS *", host="y"))
    yield good("absolute: OPTIONS of a path", head(line="OPTIONS http://y/ HTTP/1.1"), up("OPTIONS /", host="y"))
    yield good("absolute: OPTIONS of a query", head(line="OPTIONS http://y?a HTTP/1.1"), up("OPTIONS /?a", host="y"))
    yield good("absolute: OPTIONS *", head(line="OPTIONS * HTTP/1.1"), up("OPTIONS *"))
    yield bad("absolute: without Host", head(line="GET http://x/ HTTP/1.1", host=None))
    yield bad("absolute: with a bad Host", head(line="GET http://x/ HTTP/1.1", host="a b"))
    yield bad("absolute: with two Hosts", head("Host: x", line="GET http://x/ HTTP/1.1"))
    yield good("absolute: in HTTP/1.0 without Host", head(line="GET http://y/ HTTP/1.0", host=None),
               up("GET /", host="y", version="1.0"), closes=True)
    for target in ("x:443", "[::1]:443", "x:1", "192.0.2.1:65535"):
        yield good(f"authority: CONNECT {target}", head(line=f"CONNECT {target} HTTP/1.1"), status=405, closes=True)
    for target in ("x", "x:", "x:0", "x:65536", "x:a", "/", "/x:443", "http://x/", "*", ":443", "u@x:443", "x:443/",
                   "x:443?", "[::1]", "[::1:443", "::1:443"):
        yield bad(f"authority: CONNECT {target}", head(line=f"CONNECT {target} HTTP/1.1"))
    yield bad("authority: CONNECT with a body", head("Content-Length: 5", line="CONNECT x:443 HTTP/1.1") + "hello")
    yield bad("authority: CONNECT with chunks", head(CHUNKS, line="CONNECT x:443 HTTP/1.1") + IN_CHUNKS)


def hosts():
    for host in ("x", "X.Example", "x:80", "x:", "x:0", "x:65535", "[::1]", "[::1]:80", "192.0.2.1", "a_b", "a-b",
                 "-a", "x.", "0x7f.1", "xn--bcher-kva.example", "1", "~", "a" * 200):
        yield good(f"host: {host[:40]}", head(host=host), ONE._replace(host=host))
    for host in ("", " ", "a b", "a\tb", "a,b", "x, x", "x,", "a/b", "x/", "a?b", "a#b", "u@x", "@x", "x@", "x:a",
                 "x:-1", "x:65536", "x:080080", "x:80:80", "x :80", "x: 80", "[::1", "::1", "[::1]x", "[v1.a]", "[]",
                 "[x]", "[::1%25eth0]", "a%41", "%78", "\xe9", "\xc3\xa9", "a\x00b", "\x00", "a\x0bb", "a\"b", "<x>",
                 "a;b", "a&b", "a=b", "a'b", "(x)",
                 "x\\y", ".", "..", ":80", ":", "http://x", "*", "a!b", "a$b", "a+b", "a|b", "x..", "a" * 257):
        yield bad(f"host: {host[:40]!r}", head(host=host))
    yield bad("host: none", head(host=None))
    yield bad("host: none but a length", head("Content-Length: 0", host=None))
    yield bad("host: twice the same", head("Host: x"))
    yield bad("host: two", head("Host: y"))
    yield bad("host: two in any case", head("hOST: y"))
    yield bad("host: one empty", head("Host:"))
    for line in ("Host : x", "Host\t: x", " Host: x", "Host\r\n: x", "Host:\r\n x", "Host\x00: x", "H\xf6st: x"):
        yield bad(f"host: {line!r}", head(line, host=None))
    yield good("host: in small letters", head("host: x", host=None), ONE)
    yield good("host: between white space", head("Host: \t x \t", host=None), ONE)
    yield good("host: the last field", head("A: b", "Host: x", host=None), up("GET /", "A: b"))
    yield good("host: none in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", ONE._replace(host=None, version="1.0"),
               closes=True)
    yield bad("host: two in HTTP/1.0", head("Host: y", line="GET / HTTP/1.0"))
    yield bad("host: a bad one in HTTP/1.0", head(line="GET / HTTP/1.0", host="a b"))
    yield bad("host: an empty one in HTTP/1.0", head(line="GET / HTTP/1.0", host=""))
    yield good("host: another one beside", head("X-Host: y", "X-Forwarded-Host: z", "Host_: a"),
               up("GET /", "X-Host: y", "Host_: a"))


def names():
    for c in map(chr, range(256)):
        token = c.isalnum() and ord(c) < 128 or c in "!#$%&'*+-.^_`|~"
        if ord(c) > 128 and ord(c) % 16 != 0:
            continue
        if token and c not in "!#$%&'*+-.^_`|~0Zz":
            continue
        line = f"X{c}Y: 1"
        if c == ":":
            yield good("name: with a colon the value begins", head(line), up("GET /", "X: Y: 1"))
        elif token:
            yield good(f"name: with {c!r}", head(line), up("GET /", line))
        elif c != "\n":
            yield bad(f"name: with {c!r}", head(line))
    for line in (": v", " : v", ":", "novalue", "no value", "a b: c", "a\t: b", "a : b", "(a): b", "\"a\": b",
                 "\x00: b", "\xe9: b", "a\r: b", "\ra: b", "a\x00", "=: ", "a,b: c", "@: a", "[a]: b", "a/b: c",
                 "a;b: c"):
        yield bad(f"name: {line!r}", head(line))
    yield good("name: of 200 letters", head("X" * 200 + ": 1"), up("GET /", "X" * 200 + ": 1"))


def values():
    for n in [*range(32), 127]:
        c = chr(n)
        if c in "\t\r\n":
            continue
        yield bad(f"value: with {c!r}", head(f"A: b{c}c"))
    for value in ("", "b", "b\tc", "b c", "\x80\xff", "\xe4\xf6\xfc", "\"b", "b:c", "b,c;d=e", "%00",
                  "=?utf-8?q?=0D=0A?=", "http://x/\\", "(comment", "\xef\xbb\xbf", "b" * 1000):
        yield good(f"value: {value[:30]!r}", head(f"A: {value}"), up("GET /", f"A: {value}"))
    for line, passed in (("A:b", "A: b"), ("A:   b", "A: b"), ("A: b   ", "A: b"), ("A:\tb\t", "A: b"), ("A:", "A: "),
                         ("A: \t ", "A: ")):
        yield good(f"value: {line!r} is trimmed", head(line), up("GET /", passed))
    yield good("value: the same name twice", head("A: b", "C: d", "A: e"), up("GET /", "A: b", "C: d", "A: e"))
    yield bad("value: a NUL at its end", head("A: b\x00"))
    yield bad("value: a NUL alone", head("A: \x00"))


def line_ends():
    for what, sent in {
        "bare LF everywhere": "GET / HTTP/1.1\nHost: x\n\n",
        "bare LF behind the request line": "GET / HTTP/1.1\nHost: x\r\n\r\n",
        "bare LF behind a field": "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", "bare LF as the empty line":
        "GET / HTTP/1.1\r\nHost: x\r\n\n", "bare LF twice at the end": "GET / HTTP/1.1\r\nHost: x\n\n",
        "LF CR": "GET / HTTP/1.1\n\rHost: x\n\r\n\r",
        "bare CR behind the request line": "GET / HTTP/1.1\rHost: x\r\n\r\n",
        "bare CR everywhere": "GET / HTTP/1.1\rHost: x\r\r\n\r\n",
        "bare CR behind a field": "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
        "CR CR LF": "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n",
        "CR CR LF as the empty line": "GET / HTTP/1.1\r\nHost: x\r\n\r\r\n",
        "a CR in a value": head("A: b\rc"), "a CR at the end of a value": head("A: b\r"),
        "a CR before a value": head("A: \rb"),
        "a LF in a value": head("A: b\nc"), "a LF before a name": head("\nA: b"),
        "a CR before a name": head("\rA: b"),
        "a CR in a name": head("A\rB: c"), "two CR in a value": head("A: b\r\rc"),
        "NUL CR LF": "GET / HTTP/1.1\r\nHost: x\0\r\n\r\n",
        "VT for LF": "GET / HTTP/1.1\r\x0bHost: x\r\x0b\r\x0b\r\n\r\n",
        "NEL": "GET / HTTP/1.1\x85Host: x\x85\x85\r\n\r\n",
        "an empty line with a space": "GET / HTTP/1.1\r\nHost: x\r\n \r\n\r\n",
        "an empty line with a tab": "GET / HTTP/1.1\r\nHost: x\r\n\t\r\n\r\n",
        "space before the first field": "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
        "a folded first field": "GET / HTTP/1.1\r\n x\r\nHost: x\r\n\r\n",
        "a folded field": head("A: b\r\n c"), "a field folded with a tab": head("A: b\r\n\tc"),
        "a field folded to nothing": head("A: b\r\n "),
        "an empty field that is folded": head("A:\r\n b"), "a folded last field": head("A: b\r\n c\r\n d"),
        "a folded name": head("A\r\n B: c"), "folding by bare LF": head("A: b\n c"),
    }.items():
        yield bad(f"line end: {what}", sent)


def bad_chunks():
    first = post(CHUNKS)
    upward = up("POST /", framing=CHUNKS)
    for what, rest, left in (
            ("no size", "\r\nhello\r\n0\r\n\r\n", ""), ("no size, no line", "hello", ""),
        ("a minus", "-5\r\nhello\r\n0\r\n\r\n", ""),
            ("a plus", "+5\r\nhello\r\n0\r\n\r\n", ""), ("0x", "0x5\r\nhello\r\n0\r\n\r\n", ""),
        ("a g", "5g\r\nhello\r\n0\r\n\r\n", ""),
            ("h", "5h\r\nhello\r\n0\r\n\r\n", ""), ("a quote", "\"5\"\r\nhello\r\n0\r\n\r\n", ""),
        ("an underscore", "0_5\r\nhello\r\n0\r\n\r\n", ""),
            ("a comma", "5,5\r\nhello\r\n0\r\n\r\n", ""), ("a dot", "5.\r\nhello\r\n0\r\n\r\n", ""),
        ("space in front", " 5\r\nhello\r\n0\r\n\r\n", ""),
            ("a tab in front", "\t5\r\nhello\r\n0\r\n\r\n", ""), ("space behind", "5 \r\nhello\r\n0\r\n\r\n", ""),
            ("a tab behind", "5\t\r\nhello\r\n0\r\n\r\n", ""), ("junk behind space", "5 5\r\nhello\r\n0\r\n\r\n", ""),
            ("space behind the last", "0 \r\n\r\n", ""), ("a NUL behind", "5\x00\r\nhello\r\n0\r\n\r\n", ""),
        ("a VT behind", "5\x0b\r\nhello\r\n0\r\n\r\n", ""),
            ("2^64 + 1", "10000000000000001\r\nh\r\n0\r\n\r\n", ""),
        ("2^64 + 5", "10000000000000005\r\nhello\r\n0\r\n\r\n", ""),
            ("2^64 - 1", "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", ""),
        ("2^63", "8000000000000000\r\nhello\r\n0\r\n\r\n", ""),
            ("17 digits", "00000000000000005\r\nhello\r\n0\r\n\r\n", ""), ("300 zeros", "0" * 300 + "\r\n\r\n", ""),
            ("a full-width digit", "\xef\xbc\x95\r\nhello\r\n0\r\n\r\n", ""),
        ("bare LF", "5\nhello\r\n0\r\n\r\n", ""),
            ("bare LF behind the last", "0\n\r\n", ""), ("bare CR", "5\rhello\r\n0\r\n\r\n", ""),
        ("CR CR LF", "5\r\r\nhello\r\n0\r\n\r\n", ""),
            ("LF CR", "5\n\rhello\r\n0\r\n\r\n", ""), ("an extension that ends in a bare LF",
                                                       "5;a\nhello\r\n0\r\n\r\n", ""),
            ("an extension with a bare CR", "5;a\rb\r\nhello\r\n0\r\n\r\n", ""),
        ("an extension with a NUL", "5;a\x00\r\nhello\r\n0\r\n\r\n", ""),
            ("an extension with a DEL", "5;a\x7f\r\nhello\r\n0\r\n\r\n", ""),
        ("a quoted LF in an extension", "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", ""),
            ("an extension of 200 bytes", "5;" + "a" * 200 + "\r\nhello\r\n0\r\n\r\n", ""),
        ("an extension without a size", ";a\r\nhello\r\n0\r\n\r\n", ""),
            ("an extension of the last with a bare LF", "0;a\n\r\n", ""),
            ("no end of the data", "5\r\nhello0\r\n\r\n", "5\r\nhello\r\n"),
        ("bare LF behind the data", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r\n"),
            ("bare CR behind the data", "5\r\nhello\r0\r\n\r\n", "5\r\nhello\r\n"),
        ("junk behind the data", "5\r\nhelloXX0\r\n\r\n", "5\r\nhello\r\n"),
            ("more data than its size", "4\r\nhello\r\n0\r\n\r\n", "4\r\nhell\r\n"),
        ("less data than its size", "6\r\nhello\r\n0\r\n\r\n", "6\r\nhello\r\r\n"),
            ("CR CR LF behind the data", "5\r\nhello\r\r\n0\r\n\r\n", "5\r\nhello\r\n"),
        ("LF CR behind the data", "5\r\nhello\n\r0\r\n\r\n", "5\r\nhello\r\n"),
            ("two line ends behind the data", "5\r\nhello\r\n\r\n0\r\n\r\n", "5\r\nhello\r\n"),
        ("a NUL behind the data", "5\r\nhello\0\r\n0\r\n\r\n", "5\r\nhello\r\n"),
            ("a bad second size", "5\r\nhello\r\nx\r\n\r\n", "5\r\nhello\r\n"),
        ("a request for a size", "5\r\nhello\r\nGET / HTTP/1.1\r\n", "5\r\nhello\r\n")):
        yield cut(f"chunk: {what}", first, rest, upward, left)
    for what, trailer in (
            ("bare LF behind the last chunk", "\n"), ("bare CR behind it", "\r0\r\n\r\n"),
        ("a line that is none", "x\r\n\r\n"), ("space before the colon", "A : b\r\n\r\n"),
            ("a folded line", "A: b\r\n c\r\n\r\n"), ("space in front", " A: b\r\n\r\n"), ("a NUL", "A: b\0\r\n\r\n"),
        ("bare LF", "A: b\n\r\n"), ("a bare CR", "A: b\rc\r\n\r\n"),
            ("a bad name", "A(: b\r\n\r\n"), ("no name", ": b\r\n\r\n"),
        ("a request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ("101 fields", "A: b\r\n" * 101 + "\r\n"),
            ("17 KiB", "A: " + "b" * 17000 + "\r\n\r\n"), ("junk and the next chunk", "5\r\nhello\r\n0\r\n\r\n"),
        ("a length that is none", "Content-Length: x\r\n\r\n"),
            ("two lengths", "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        ("an empty coding", "Transfer-Encoding:\r\n\r\n")):
        yield cut(f"trailer: {what}", first, "5\r\nhello\r\n0\r\n" + trailer, upward, "5\r\nhello\r\n")


def good_chunks():
    for what, body, passed in (
            ("one", "5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ("two", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
            ("leading zeros", "0005\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ("sixteen digits", "0000000000000005\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            ("capital digits", "A\r\n0123456789\r\n0\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\n"),
        ("zeros at the end", "5\r\nhello\r\n0000\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            ("an extension", "5;a=b\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ("an extension alone", "5;a\r\nhello\r\n0;b\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            ("a quoted extension", "5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ("space around an extension", "5 ; a = b\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            ("an empty extension", "5;\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ("an extension like a chunk", "5;0\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            ("data like framing", "9\r\n0\r\n\r\nGET \r\n0\r\n\r\n", "9\r\n0\r\n\r\nGET \r\n0\r\n\r\n"),
        ("nothing", "0\r\n\r\n", "0\r\n\r\n")):
        yield good(f"chunk: {what}", post(CHUNKS, body=body), up("POST /", framing=CHUNKS, body=passed))
    for line in ("X-Sum: 1", "x-sum: 1", "X-A: 1\r\nX-B: 2", "Server-Timing: a", "ETag: \"x\"", "X-Sum:1",
                 "Grpc-Status: 0"):
        passed = line.replace("X-Sum:1", "X-Sum: 1")
        yield good(f"trailer: {line!r}", post(CHUNKS, body=f"5\r\nhello\r\n0\r\n{line}\r\n\r\n"),
                   up("POST /", framing=CHUNKS, body=f"5\r\nhello\r\n0\r\n{passed}\r\n\r\n"))
    for name in ("Content-Length: 9", "Transfer-Encoding: chunked", "Host: y", "X-Forwarded-For: 192.0.2.9",
                 "Connection: close", "Trailer: a", "Expect: 100-continue",
                 "Authorization: a", "Cookie: a=b", "Set-Cookie: a=b", "Content-Type: a/b", "Content-Encoding: gzip",
                 "Content-Range: bytes 0-1/2", "TE: trailers", "Upgrade: x",
                 "Max-Forwards: 0", "Via: 1.1 y", "Forwarded: for=y", "X-Real-IP: 192.0.2.9", "X-Request-Id: a",
                 "Cache-Control: no-store", "Range: bytes=0-", "If-Match: *",
                 "Keep-Alive: 1", "Proxy-Authorization: a", "Date: now"):
        yield good(f"trailer: {name} stays behind", post(CHUNKS, body=f"5\r\nhello\r\n0\r\n{name}\r\n\r\n"),
                   HELLO_CHUNKED)
    yield good("trailer: some stay behind", post(CHUNKS, body="0\r\nA: 1\r\nContent-Length: 9\r\nB: 2\r\n\r\n"),
               up("POST /", framing=CHUNKS, body="0\r\nA: 1\r\nB: 2\r\n\r\n"))


def hops():
    for value, sent, passed in (
            ("X-Secret", ["X-Secret: 1", "A: b"], ["A: b"]), ("x-secret", ["X-Secret: 1"], []),
        ("X-Secret, close", ["X-Secret: 1"], []),
            ("close, X-A,,X-B", ["X-A: 1", "X-B: 2", "X-C: 3"], ["X-C: 3"]),
        ("keep-alive", ["Keep-Alive: timeout=5"], []), ("Cookie", ["Cookie: a=b"], []),
            ("Authorization", ["Authorization: b"], []), ("X-Twice", ["X-Twice: 1", "X-Twice: 2"], []),
        ("TE", ["TE: gzip"], []), ("te", ["TE: trailers;q=0.5"], []),
            ("Via", ["Via: 1.0 y"], []), ("Forwarded", ["Forwarded: for=y"], []),
        ("X-Forwarded-For, X-Request-Id, X-Real-IP", [], []),
            ("Host", [], []), ("Upgrade", [], []), ("HTTP2-Settings", ["HTTP2-Settings: a"], []),
        ("Content-Type", ["Content-Type: a/b"], []), ("\"A\"", ["A: b"], ["A: b"]),
            ("A;B", ["A: b"], ["A: b"]), ("Expect, Max-Forwards", ["Max-Forwards: 3"], ["Max-Forwards: 3"]),
        ("close close", ["A: b"], ["A: b"]), ("", ["A: b"], ["A: b"])):
        closes = "close" in [v.strip() for v in value.split(",")]
        yield good(f"hop: Connection: {value}", head(f"Connection: {value}", *sent), up("GET /", *passed),
                   closes=closes)
    for listed in ("Content-Length", "Transfer-Encoding"):
        body = ("Content-Length: 5", "hello", HELLO) if listed[0] == "C" else (CHUNKS, IN_CHUNKS, HELLO_CHUNKED)
        yield good(f"hop: Connection: {listed}", post(f"Connection: {listed}", body[0], body=body[1]), body[2])
    yield good("hop: two Connection fields", head("Connection: X-A", "X-A: 1", "X-B: 2", "connection: x-b, close"),
               ONE, closes=True)
    yield good("hop: 32 names", head("Connection: " + ",".join(f"X-{i}" for i in range(32)), "X-31: a"), ONE)
    yield good("hop: 33 names", head("Connection: " + ",".join(f"X-{i}" for i in range(33))), status=431)
    for line in ("Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Connection: close",
                 "TE: trailers, gzip", "Upgrade: websocket", "HTTP2-Settings: AAMAAABk",
                 "X-Forwarded-For: 192.0.2.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: y",
                 "X-Forwarded-Port: 9", "Forwarded: for=192.0.2.9", "X-Real-IP: 192.0.2.9",
                 "X-Request-Id: mine", "X_Forwarded_For: 192.0.2.9", "X-Forwarded_For: 192.0.2.9",
                 "X_Real_IP: 192.0.2.9", "Transfer_Encoding: chunked", "Content_Length: 5",
                 "Host_: a", "Connection_: a", "x_request-id: a", "Via: 1.0 y", "Via: 1.1 tidegate",
                 "Proxy-Authorization: a", "Trailer: A", "Cookie: a=b", "Date: x"):
        name = line.split(":")[0]
        kept = name in ("Host_", "Connection_", "Via", "Proxy-Authorization", "Trailer", "Cookie", "Date")
        te = ("TE: trailers", "Connection: TE") if line.startswith("TE") else ()
        yield good(f"hop: {line}", head(line), up("GET /", *[line] * kept, framing=te))
    yield good("hop: an upgrade", head("Connection: Upgrade", "Upgrade: websocket"),
               up("GET /", framing=("Connection: upgrade", "Upgrade: websocket")))
    yield good("hop: an upgrade to h2c", head("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                                              "HTTP2-Settings: AAMAAABk"), ONE)
    yield good("hop: an upgrade to h2c among others", head("Connection: Upgrade", "Upgrade: websocket, h2c"), ONE)
    yield good("hop: an upgrade in HTTP/1.0", head("Connection: Upgrade", "Upgrade: websocket",
                                                   line="GET / HTTP/1.0"), ONE._replace(version="1.0"), closes=True)
    yield good("hop: an upgrade of a POST", post("Connection: Upgrade", "Upgrade: x", "Content-Length: 5",
                                                 body="hello"),
               up("POST /", framing=("Content-Length: 5", "Connection: upgrade", "Upgrade: x"), body="hello"))
    yield good("hop: TE and an upgrade", head("Connection: TE, Upgrade", "TE: trailers", "Upgrade: x"),
               up("GET /", framing=("TE: trailers", "Connection: TE, upgrade", "Upgrade: x")))
    for n, left in (("10", "9"), ("1", "0"), ("007", "6")):
        yield good(f"hop: OPTIONS with Max-Forwards: {n}", head(f"Max-Forwards: {n}", line="OPTIONS / HTTP/1.1"),
                   up("OPTIONS /", f"max-forwards: {left}"))
    yield good("hop: OPTIONS with Max-Forwards: 0", head("Max-Forwards: 0", line="OPTIONS / HTTP/1.1"), status=204)
    yield good("hop: GET with Max-Forwards: 0", head("Max-Forwards: 0"), up("GET /", "Max-Forwards: 0"))
    yield good("hop: OPTIONS with Max-Forwards: x", head("Max-Forwards: x", line="OPTIONS / HTTP/1.1"),
               up("OPTIONS /", "Max-Forwards: x"))
    yield good("hop: TRACE with Max-Forwards: 0", head("Max-Forwards: 0", line="TRACE / HTTP/1.1"), status=405)


def expectations():
    for value in ("100-continue", "100-Continue", "100-CONTINUE"):
        yield good(f"expect: {value}", post(f"Expect: {value}", "Content-Length: 5", body="hello"),
                   HELLO._replace(fields=(f"Expect: {value}",)))
    yield good("expect: without a body", head("Expect: 100-continue"), up("GET /", "Expect: 100-continue"))
    yield good("expect: with chunks", post("Expect: 100-continue", CHUNKS, body=IN_CHUNKS),
               HELLO_CHUNKED._replace(fields=("Expect: 100-continue",)))
    yield good("expect: in HTTP/1.0", head("Expect: 100-continue", "Content-Length: 5",
                                           line="POST / HTTP/1.0") + "hello", HELLO._replace(version="1.0"),
                                           closes=True)
    yield good("expect: anything in HTTP/1.0", head("Expect: wonders", line="GET / HTTP/1.0"),
               ONE._replace(version="1.0"), closes=True)
    for value in ("", "100", "200-ok", "100-continue, x", "x=y", "100-continue;a=b", "100 continue", "continue"):
        yield bad(f"expect: {value!r}", post(f"Expect: {value}", "Content-Length: 5", body="hello"), 417)
    yield bad("expect: twice, one unknown", post("Expect: wonders", "Expect: 100-continue", "Content-Length: 5",
                                                 body="hello"), 417)


def limits():
    room = 16384 - len(head("A: "))
    yield good("limit: the longest head", head("A: " + "a" * room), up("GET /", "A: " + "a" * room))
    yield bad("limit: a head one byte longer", head("A: " + "a" * (room + 1)), 431)
    yield bad("limit: a head without end", "GET / HTTP/1.1\r\nHost: x\r\nA: " + "a" * 17000, 431)
    yield bad("limit: a name without end", "GET / HTTP/1.1\r\nHost: x\r\n" + "A" * 17000, 431)
    lines = [f"X-{i}: y" for i in range(99)]
    yield good("limit: 100 fields", head(*lines), up("GET /", *lines))
    yield bad("limit: 101 fields", head(*lines, "One: more"), 431)
    yield good("limit: 99 empty fields", head(*["A:"] * 99), up("GET /", *["A: "] * 99))


def connections():
    two = (up("GET /a"), up("GET /b"))
    a, b = head(line="GET /a HTTP/1.1"), head(line="GET /b HTTP/1.1")
    yield good("pipeline: two", a + b, *two)
    yield good("pipeline: ten", "".join(head(line=f"GET /{i} HTTP/1.1") for i in range(10)),
               *[up(f"GET /{i}") for i in range(10)])
    yield good("pipeline: empty lines between", a + "\r\n\r\n" + b, *two)
    yield good("pipeline: behind a length", post("Content-Length: 5", body="hello") + b, HELLO, two[1])
    yield good("pipeline: behind a length of zero", post("Content-Length: 0") + b, EMPTY, two[1])
    yield good("pipeline: behind chunks", post(CHUNKS, body=IN_CHUNKS) + b, HELLO_CHUNKED, two[1])
    yield good("pipeline: behind trailers", post(CHUNKS, body="0\r\nA: b\r\n\r\n") + b,
               up("POST /", framing=CHUNKS, body="0\r\nA: b\r\n\r\n"), two[1])
    yield good("pipeline: a body that looks like a request", post(f"Content-Length: {len(a)}", body=a) + b,
               up("POST /", framing=f"Content-Length: {len(a)}", body=a), two[1])
    yield good("pipeline: a chunk that looks like a request",
               post(CHUNKS, body=f"{len(a):x}\r\n{a}\r\n0\r\n\r\n") + b,
               up("POST /", framing=CHUNKS, body=f"{len(a):x}\r\n{a}\r\n0\r\n\r\n"), two[1])
    yield good("pipeline: HEAD and GET", head(line="HEAD /a HTTP/1.1") + b, up("HEAD /a"), two[1])
    yield good("pipeline: behind close", head("Connection: close", line="GET /a HTTP/1.1") + b, two[0], closes=True)
    yield good("pipeline: behind keep-alive, close", head("Connection: keep-alive, close",
                                                          line="GET /a HTTP/1.1") + b, two[0], closes=True)
    yield good("pipeline: behind Close", head("Connection: Close", line="GET /a HTTP/1.1") + b, two[0], closes=True)
    yield good("pipeline: behind HTTP/1.0", head(line="GET /a HTTP/1.0") + b, two[0]._replace(version="1.0"),
               closes=True)
    yield good("pipeline: behind HTTP/1.0 that is kept", head("Connection: keep-alive", line="GET /a HTTP/1.0") + b,
               two[0]._replace(version="1.0"), two[1])
    yield good("pipeline: behind HTTP/1.0 that asks for both",
               head("Connection: keep-alive, close", line="GET /a HTTP/1.0") + b, two[0]._replace(version="1.0"),
               closes=True)
    yield good("pipeline: behind OPTIONS that we answer", head("Max-Forwards: 0", line="OPTIONS / HTTP/1.1") + b,
               two[1], status=[204, 200])
    yield good("pipeline: behind TRACE", head(line="TRACE / HTTP/1.1") + b, two[1], status=[405, 200])
    yield good("pipeline: a bad one behind a good one", a + "BAD\r\n\r\n", two[0], status=[200, 400], closes=True)
    yield good("pipeline: a bad length behind a good one", a + post("Content-Length: x") + b, two[0],
               status=[200, 400], closes=True)
    yield good("pipeline: more behind a length than it says", a + post("Content-Length: 4", body="hello") + b, two[0],
               up("POST /", framing="Content-Length: 4", body="hell"), up("oGET /b"))
    yield good("pipeline: less behind a length than it says",
               post(f"Content-Length: {5 + len(a)}", body="hello") + a + b,
               up("POST /", framing=f"Content-Length: {5 + len(a)}", body="hello" + a), two[1])
    yield good("pipeline: behind an upgrade that is not taken",
               head("Connection: Upgrade", "Upgrade: x", line="GET /a HTTP/1.1") + b,
               up("GET /a", framing=("Connection: upgrade", "Upgrade: x")), two[1])


def cases():
    groups = (lengths, codings, both, versions, request_lines, targets, absolute_targets, hosts, names, values,
              line_ends, good_chunks, bad_chunks, hops, expectations, limits, connections)
    return [case for group in groups for case in group()]
