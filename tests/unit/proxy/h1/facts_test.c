/* What the fields of a head mean for its framing and its connection. */
#include "proxy/h1/facts.h"

#include <criterion/criterion.h>
#include <string.h>

#include "cuts.h"

/* ---- framing (RFC 9112, 6) ----------------------------------------------------------- */

Test(facts, a_coding_beside_a_length_is_refused)
{
    static const struct bad cases[] = {
        BAD(POST "Transfer-Encoding: chunked\r\nContent-Length: 5" END, 400,
            "coding_and_length"),
        BAD(POST "Content-Length: 5\r\nTransfer-Encoding: chunked" END, 400,
            "coding_and_length"),
        BAD(POST "Content-Length: 0\r\nTransfer-Encoding: chunked" END, 400,
            "coding_and_length"),
        BAD(POST "Content-Length: 5\r\nTransfer-Encoding: xchunked" END, 400,
            "coding_and_length"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(facts, a_body_that_is_not_chunked_last_is_refused)
{
    static const struct bad cases[] = {
        BAD(POST "Transfer-Encoding: gzip" END, 400, "not_chunked"),
        BAD(POST "Transfer-Encoding: identity" END, 400, "not_chunked"),
        BAD(POST "Transfer-Encoding: xchunked" END, 400, "not_chunked"),
        BAD(POST "Transfer-Encoding: chunkedx" END, 400, "not_chunked"),
        BAD(POST "Transfer-Encoding: chunked;q=1" END, 400, "not_chunked"),
        BAD(POST "Transfer-Encoding: \"chunked\"" END, 400, "not_chunked"),
        BAD(POST "Transfer-Encoding: chunked gzip" END, 400, "not_chunked"),
        BAD(POST "Transfer-Encoding: chunked, gzip" END, 400, "coding_after_chunked"),
        BAD(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip" END, 400,
            "coding_after_chunked"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(facts, chunked_twice_is_refused)
{
    static const struct bad cases[] = {
        BAD(POST "Transfer-Encoding: chunked, chunked" END, 400, "coding_after_chunked"),
        BAD(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" END, 400,
            "coding_after_chunked"),
        BAD(POST "Transfer-Encoding: chunked,\tchunked" END, 400, "coding_after_chunked"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(facts, a_coding_list_with_holes_is_refused)
{
    static const struct bad cases[] = {
        BAD(POST "Transfer-Encoding:" END, 400, "bad_coding"),
        BAD(POST "Transfer-Encoding: , chunked" END, 400, "bad_coding"),
        BAD(POST "Transfer-Encoding: chunked," END, 400, "coding_after_chunked"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(facts, an_unknown_coding_under_chunked_is_not_implemented)
{
    static const struct bad cases[] = {
        BAD(POST "Transfer-Encoding: gzip, chunked" END, 501, "unknown_coding"),
        BAD(POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked" END, 501,
            "unknown_coding"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(facts, a_coding_in_http_10_is_refused)
{
    static const struct bad cases[] = {
        BAD("POST / HTTP/1.0\r\nTransfer-Encoding: chunked" END, 400, "coding_in_http10"),
        BAD("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: gzip" END, 400,
            "coding_in_http10"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(facts, chunked_once_and_alone_is_understood)
{
    struct result r = READ(REQUEST, POST "transfer-ENCODING:\t CHUNKED \t" END);

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect_eq(r.m.body, BODY_CHUNKED);
    cr_expect_eq(r.m.flags & MSG_HAS_LENGTH, 0);
}

Test(facts, a_length_that_is_not_plain_digits_is_refused)
{
    static const struct bad cases[] = {
        BAD(POST "Content-Length: +5" END, 400, "bad_length"),
        BAD(POST "Content-Length: -5" END, 400, "bad_length"),
        BAD(POST "Content-Length: 0x5" END, 400, "bad_length"),
        BAD(POST "Content-Length: 5 0" END, 400, "bad_length"),
        BAD(POST "Content-Length: 5\t0" END, 400, "bad_length"),
        BAD(POST "Content-Length:" END, 400, "bad_length"),
        BAD(POST "Content-Length: 5," END, 400, "bad_length"),
        BAD(POST "Content-Length: ,5" END, 400, "bad_length"),
        BAD(POST "Content-Length: 5.0" END, 400, "bad_length"),
        BAD(POST "Content-Length: 1e3" END, 400, "bad_length"),
        BAD(POST "Content-Length: 18446744073709551616" END, 400, "bad_length"),
        BAD(POST "Content-Length: 18446744073709551621" END, 400, "bad_length"),
        BAD(POST "Content-Length: 9223372036854775808" END, 400, "bad_length"),
        BAD(POST "Content-Length: 99999999999999999999999999999999" END, 400, "bad_length"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(facts, lengths_that_differ_are_refused)
{
    static const struct bad cases[] = {
        BAD(POST "Content-Length: 5, 6" END, 400, "lengths_differ"),
        BAD(POST "Content-Length: 5\r\nContent-Length: 6" END, 400, "lengths_differ"),
        BAD(POST "Content-Length: 0\r\nContent-Length: 6" END, 400, "lengths_differ"),
        BAD(POST "Content-Length: 5\r\nA: b\r\ncontent-length: 5, 6" END, 400,
            "lengths_differ"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(facts, equal_lengths_are_one)
{
    struct result r = READ(REQUEST, POST "Content-Length: 5, 5\r\nContent-Length: 05" END);

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect(r.m.body == BODY_LENGTH && r.m.content_length == 5);
}

Test(facts, the_largest_length_is_read)
{
    struct result r = READ(REQUEST, POST "Content-Length: 9223372036854775807" END);

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect_eq(r.m.content_length, (uint64_t)INT64_MAX);
}

Test(facts, a_length_of_zero_is_no_body_but_known)
{
    struct result r = READ(REQUEST, POST "Content-Length: 0" END);

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect(r.m.body == BODY_NONE && (r.m.flags & MSG_HAS_LENGTH) != 0);
}

Test(facts, connect_has_no_body)
{
    static const struct bad cases[] = {
        BAD("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 5" END, 400,
            "connect_with_body"),
        BAD("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked" END, 400,
            "connect_with_body"),
    };

    EXPECT_BAD(REQUEST, cases);
}

/* ---- Host (RFC 9112, 3.2) ------------------------------------------------------------ */

Test(facts, host_is_needed_once_and_valid)
{
    static const struct bad cases[] = {
        BAD("GET / HTTP/1.1" END, 400, "no_host"),
        BAD("GET http://a/ HTTP/1.1" END, 400, "no_host"),
        BAD("GET / HTTP/1.1\r\nHost: a\r\nHost: a" END, 400, "host_repeated"),
        BAD("GET / HTTP/1.1\r\nHost: a\r\nhOST: b" END, 400, "host_repeated"),
        BAD("GET / HTTP/1.0\r\nHost: a\r\nHost: b" END, 400, "host_repeated"),
        BAD("GET / HTTP/1.1\r\nHost: a b" END, 400, "bad_host"),
        BAD("GET / HTTP/1.1\r\nHost: a, b" END, 400, "bad_host"),
        BAD("GET / HTTP/1.1\r\nHost: a/b" END, 400, "bad_host"),
        BAD("GET / HTTP/1.1\r\nHost: u@a" END, 400, "bad_host"),
        BAD("GET / HTTP/1.1\r\nHost: a:b" END, 400, "bad_host"),
        BAD("GET / HTTP/1.1\r\nHost:" END, 400, "bad_host"),
        BAD("GET / HTTP/1.0\r\nHost: a b" END, 400, "bad_host"),
        BAD("GET http://a/ HTTP/1.1\r\nHost: a b" END, 400, "bad_host"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(facts, http_10_may_lack_a_host)
{
    struct result r = READ(REQUEST, "GET / HTTP/1.0" END);

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect(r.m.version == HTTP_10 && r.m.authority.len == 0);
}

/* ---- connection ---------------------------------------------------------------------- */

static uint8_t flags_of(const char *in)
{
    struct result r = read_all(REQUEST, in, strlen(in));

    cr_expect_eq(r.verdict, HEAD_DONE, "%s", in);
    return r.m.flags;
}

Test(facts, a_connection_stays_by_version_and_connection)
{
    cr_expect_eq(flags_of(GET11 "\r\n"), MSG_KEEP_ALIVE);
    cr_expect_eq(flags_of(GET11 "Cookie: close\r\nVia: 1.1 upgrade" END), MSG_KEEP_ALIVE);
    cr_expect_eq(flags_of(GET11 "Connection: close" END), 0);
    cr_expect_eq(flags_of(GET11 "Connection: x, CLOSE" END), 0);
    cr_expect_eq(flags_of(GET11 "Connection: keep-alive, close" END), 0);
    cr_expect_eq(flags_of(GET11 "Connection: keep-alive\r\nConnection: close" END), 0);
    cr_expect_eq(flags_of(GET11 "Connection: closed" END), MSG_KEEP_ALIVE);
    cr_expect_eq(flags_of(GET10 "\r\n"), 0);
    cr_expect_eq(flags_of(GET10 "Connection: Keep-Alive" END), MSG_KEEP_ALIVE);
    cr_expect_eq(flags_of(GET10 "Connection: close, keep-alive" END), 0);
    cr_expect_eq(flags_of(GET10 "Proxy-Connection: keep-alive" END), 0);
}

Test(facts, an_upgrade_needs_both_fields_and_1_1)
{
    struct result r =
        READ(REQUEST, GET11 "Upgrade: websocket\r\nConnection: x, Upgrade" END);

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect((r.m.flags & MSG_UPGRADE) != 0 && is(&r, r.m.upgrade, "websocket"));
    cr_expect_eq(flags_of(GET11 "Upgrade: websocket" END), MSG_KEEP_ALIVE);
    cr_expect_eq(flags_of(GET11 "Upgrade: websocket\r\nConnection: x" END), MSG_KEEP_ALIVE);
    cr_expect_eq(flags_of(GET11 "Connection: upgrade" END), MSG_KEEP_ALIVE);
    cr_expect_eq(flags_of(GET11 "Connection: upgrade\r\nUpgrade:" END), MSG_KEEP_ALIVE);
    cr_expect_eq(flags_of(GET10 "Connection: upgrade\r\nUpgrade: websocket" END), 0);
}

Test(facts, the_first_of_several_upgrades_counts)
{
    struct result r = READ(REQUEST, GET11 "Upgrade: websocket\r\nUpgrade: h2c\r\n"
                                          "Connection: upgrade" END);

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect(is(&r, r.m.upgrade, "websocket"));
}

Test(facts, trailers_are_asked_for_in_te)
{
    cr_expect_eq(flags_of(GET11 "TE: gzip, trailers" END),
                 MSG_KEEP_ALIVE | MSG_TE_TRAILERS);
    cr_expect_eq(flags_of(GET11 "TE: gzip" END), MSG_KEEP_ALIVE);
    cr_expect_eq(flags_of(GET11 "TE: trailers\r\nTE: gzip" END),
                 MSG_KEEP_ALIVE | MSG_TE_TRAILERS);
    cr_expect_eq(flags_of(GET10 "TE: trailers" END), 0);
}

Test(facts, an_expectation_counts_in_1_1_only)
{
    cr_expect_eq(flags_of(GET11 "Expect: 100-Continue" END), MSG_KEEP_ALIVE | MSG_EXPECT);
    cr_expect_eq(flags_of(GET10 "Expect: 100-continue" END), 0);
    cr_expect_eq(flags_of(GET10 "Expect: magic" END), 0);
}

Test(facts, an_unknown_expectation_is_417)
{
    static const struct bad cases[] = {
        BAD(POST "Expect: magic" END, 417, "unknown_expectation"),
        BAD(POST "Expect: 100-continue, magic" END, 417, "unknown_expectation"),
        BAD(POST "Expect: magic\r\nExpect: 100-continue" END, 417, "unknown_expectation"),
        BAD(POST "Expect:" END, 417, "unknown_expectation"),
    };

    EXPECT_BAD(REQUEST, cases);
}

/* ---- responses (RFC 9112, 6.3) ------------------------------------------------------- */

struct body_case {
    const char *in;
    uint8_t method;
    enum body_kind body;
    uint8_t flags;
};

Test(facts, the_body_of_a_response_depends_on_method_status_and_fields)
{
    static const struct body_case cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5" END, METHOD_GET, BODY_LENGTH,
         MSG_KEEP_ALIVE | MSG_HAS_LENGTH},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0" END, METHOD_GET, BODY_NONE,
         MSG_KEEP_ALIVE | MSG_HAS_LENGTH},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" END, METHOD_GET, BODY_CHUNKED,
         MSG_KEEP_ALIVE},
        {"HTTP/1.1 200 OK" END, METHOD_GET, BODY_CLOSE, 0},
        {"HTTP/1.1 200 OK\r\nConnection: keep-alive" END, METHOD_GET, BODY_CLOSE, 0},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5" END, METHOD_GET,
         BODY_LENGTH, MSG_KEEP_ALIVE | MSG_HAS_LENGTH},
        {"HTTP/1.0 200 OK\r\nContent-Length: 5" END, METHOD_GET, BODY_LENGTH,
         MSG_HAS_LENGTH},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5" END, METHOD_HEAD, BODY_NONE,
         MSG_KEEP_ALIVE | MSG_HAS_LENGTH},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" END, METHOD_HEAD, BODY_NONE,
         MSG_KEEP_ALIVE},
        {"HTTP/1.1 200 OK" END, METHOD_HEAD, BODY_NONE, MSG_KEEP_ALIVE},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5" END, METHOD_GET, BODY_NONE,
         MSG_KEEP_ALIVE | MSG_HAS_LENGTH},
        {"HTTP/1.1 204 No Content" END, METHOD_GET, BODY_NONE, MSG_KEEP_ALIVE},
        {"HTTP/1.1 100 Continue" END, METHOD_POST, BODY_NONE, MSG_KEEP_ALIVE},
        {"HTTP/1.1 103 Early Hints" END, METHOD_GET, BODY_NONE, MSG_KEEP_ALIVE},
        {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade" END, METHOD_GET,
         BODY_TUNNEL, MSG_KEEP_ALIVE | MSG_UPGRADE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5" END, METHOD_CONNECT, BODY_TUNNEL,
         MSG_KEEP_ALIVE | MSG_HAS_LENGTH},
        {"HTTP/1.1 299 OK" END, METHOD_CONNECT, BODY_TUNNEL, MSG_KEEP_ALIVE},
        {"HTTP/1.1 403 No\r\nContent-Length: 5" END, METHOD_CONNECT, BODY_LENGTH,
         MSG_KEEP_ALIVE | MSG_HAS_LENGTH},
        {"HTTP/1.1 300 No" END, METHOD_CONNECT, BODY_CLOSE, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result r;

        request_method = cases[i].method;
        r = read_all(RESPONSE, cases[i].in, strlen(cases[i].in));
        cr_expect_eq(r.verdict, HEAD_DONE, "%s", cases[i].in);
        cr_expect_eq(r.m.body, cases[i].body, "%s: %d", cases[i].in, r.m.body);
        cr_expect_eq(r.m.flags, cases[i].flags, "%s: %d", cases[i].in, r.m.flags);
    }
}

Test(facts, a_response_may_repeat_host_and_expect_what_it_likes)
{
    struct result r =
        READ(RESPONSE, "HTTP/1.1 204 No\r\nHost: a b\r\nHost: c\r\nExpect: x" END);

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect_eq(r.m.flags & MSG_EXPECT, 0);
}
