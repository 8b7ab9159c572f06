/* Lines, targets and limits of heads; what their fields mean is in facts_test.c. */
#include "proxy/h1/head.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cuts.h"

/* ---- what is in a request ------------------------------------------------------------ */

Test(head, a_request_is_taken_apart)
{
    struct result r =
        READ(REQUEST, "POST /a/b?c=d HTTP/1.1\r\nHost: shop.example:81\r\n"
                      "Accept:*/*\r\nContent-Length:  12 \t\r\nX-Empty:\r\n\r\n");

    cr_assert_eq(r.verdict, HEAD_DONE);
    cr_expect(is(&r, r.m.method, "POST") && r.m.method_id == METHOD_POST);
    cr_expect(is(&r, r.m.target, "/a/b?c=d"));
    cr_expect(is(&r, r.m.authority, "shop.example:81"));
    cr_expect(r.m.version == HTTP_11 && r.m.n_fields == 4);
    cr_expect(r.m.body == BODY_LENGTH && r.m.content_length == 12);
    cr_expect_eq(r.m.flags, MSG_KEEP_ALIVE | MSG_HAS_LENGTH);
    cr_expect_eq(r.fields[2].id, FIELD_CONTENT_LENGTH);
    cr_expect_eq(r.fields[2].value_len, 2u, "white space is not part of the value");
    cr_expect_eq(r.fields[3].value_len, 0u);
}

Test(head, a_value_of_white_space_is_empty)
{
    struct result r = READ(REQUEST, GET11 "A:\r\nB: \r\nC: \t \r\nD:\t" END);

    cr_assert_eq(r.verdict, HEAD_DONE);
    for (size_t i = 1; i < r.m.n_fields; i++)
        cr_expect_eq(r.fields[i].value_len, 0u, "field %zu", i);
}

Test(head, what_follows_the_head_is_left)
{
    struct result r =
        READ(REQUEST, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect_eq(r.m.text_len, strlen("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
}

Test(head, a_head_without_end_needs_more)
{
    cr_expect_eq(READ(REQUEST, "GET / HTTP/1.1\r\nHost: a\r\n").verdict, HEAD_MORE);
    cr_expect_eq(READ(REQUEST, "GET").verdict, HEAD_MORE);
    cr_expect_eq(READ(REQUEST, "").verdict, HEAD_MORE);
    cr_expect_eq(READ(REQUEST, "GET / HTTP/1.1\r\nHost: a\r\n\r").verdict, HEAD_MORE);
    cr_expect_eq(READ(RESPONSE, "HTTP/1.1 200 OK\r\nA: b\r\n").verdict, HEAD_MORE);
    cr_expect_eq(READ(TRAILERS, "A: b\r\n").verdict, HEAD_MORE);
    cr_expect_eq(READ(TRAILERS, "\r").verdict, HEAD_MORE);
}

Test(head, bytes_one_by_one_give_the_same)
{
    static const char in[] =
        "\r\nPUT http://a HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\n";
    struct result r = {.fault = {0, "", 0}};
    size_t seen = 0, len = 0;

    do {
        len++;
        r.verdict = read_once(REQUEST, guard_put(in, len), len, &seen, &r);
    } while (r.verdict == HEAD_MORE && len < sizeof(in) - 1);
    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect_eq(r.m.text_len, sizeof(in) - 1);
    cr_expect_eq(r.m.content_length, 3u);
}

Test(head, empty_lines_before_a_request_are_skipped)
{
    struct result r = READ(REQUEST, "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect_eq(r.m.text_len, 8 + strlen("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    cr_expect_eq(READ(REQUEST, "\r\n\r\n\r\n\r\n").verdict, HEAD_MORE);
}

Test(head, but_not_for_ever)
{
    static const struct bad cases[] = {
        BAD("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a" END, 400, "bad_method"),
        BAD("\r\rGET / HTTP/1.1\r\nHost: a" END, 400, "bad_method"),
        BAD("\nGET / HTTP/1.1\r\nHost: a" END, 400, "bad_method"),
    };

    EXPECT_BAD(REQUEST, cases);
}

/* ---- lines (RFC 9112, 2.2 and 5) ----------------------------------------------------- */

Test(head, a_folded_line_is_refused)
{
    static const struct bad cases[] = {
        BAD(POST "A: b\r\n c" END, 400, "folded_line"),
        BAD(POST "A: b\r\n\tc" END, 400, "folded_line"),
        BAD(POST " \r\n\r\n", 400, "folded_line"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(head, space_before_the_first_field_is_refused)
{
    static const struct bad cases[] = {
        BAD("GET / HTTP/1.1\r\n Host: a" END, 400, "space_before_field"),
        BAD("GET / HTTP/1.1\r\n\tHost: a" END, 400, "space_before_field"),
        BAD("GET / HTTP/1.1\r\n \r\nHost: a" END, 400, "space_before_field"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(head, space_before_the_colon_is_refused)
{
    static const struct bad cases[] = {
        BAD(POST "Transfer-Encoding : chunked" END, 400, "space_in_name"),
        BAD(POST "Content-Length\t: 5" END, 400, "space_in_name"),
        BAD(POST "Con tent: 5" END, 400, "space_in_name"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(head, a_name_is_token_characters_only)
{
    static const struct bad cases[] = {
        BAD(POST ": no name" END, 400, "bad_name"),
        BAD(POST "no colon" END, 400, "space_in_name"),
        BAD(POST "nocolon" END, 400, "bad_name"),
        BAD(POST "A(b): c" END, 400, "bad_name"),
        BAD(POST "A\0: c" END, 400, "bad_name"),
        BAD(POST "A\x80: c" END, 400, "bad_name"),
        BAD(POST "A\x7f: c" END, 400, "bad_name"),
        BAD(POST "\"A\": c" END, 400, "bad_name"),
        BAD(POST "A\n: c" END, 400, "bad_name"),
        BAD(POST "A\r: c" END, 400, "bad_name"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(head, a_bare_line_feed_ends_no_line)
{
    static const struct bad cases[] = {
        BAD("GET / HTTP/1.1\nHost: a\n\n", 400, "bare_lf"),
        BAD("GET / HTTP/1.1\r\nHost: a\nB: c" END, 400, "bare_lf"),
        BAD("GET / HTTP/1.1\r\nHost: a\n", 400, "bare_lf"),
        BAD("GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "bare_lf"),
        BAD("GET / HTTP/1.1\r\nHost: a\r\nB: \n\r\n", 400, "bare_lf"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(head, a_bare_carriage_return_is_refused)
{
    static const struct bad cases[] = {
        BAD("GET / HTTP/1.1\rHost: a" END, 400, "bare_cr"),
        BAD(POST "A: b\rc" END, 400, "bare_cr"),
        BAD(POST "A: b\r\r\n" END, 400, "bare_cr"),
        BAD(POST "A: b\r\n\rX: y" END, 400, "bare_cr"),
        BAD(POST "A: \r" END, 400, "bare_cr"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(head, a_control_byte_in_a_value_is_refused)
{
    for (int c = 0; c < 256; c++) {
        char in[] = POST "A: bXc" END;
        bool control = (c < 0x20 && c != '\t') || c == 0x7f;
        struct result r;

        *strchr(in, 'X') = (char)c;
        r = read_all(REQUEST, in, sizeof(in) - 1);
        cr_expect_eq(r.verdict, control ? HEAD_BAD : HEAD_DONE, "0x%02x", (unsigned)c);
        cr_expect(!control || r.fault.status == 400, "0x%02x", (unsigned)c);
    }
}

/* ---- targets (RFC 9112, 3.2) --------------------------------------------------------- */

Test(head, the_authority_of_an_absolute_target_wins_over_host)
{
    static const struct {
        const char *in, *target, *authority;
    } cases[] = {
        {"GET http://a.b:81/c?d HTTP/1.1\r\nHost: x" END, "/c?d", "a.b:81"},
        {"GET HTTP://a HTTP/1.1\r\nHost: x" END, "/", "a"},
        {"GET https://abc?d HTTP/1.1\r\nHost: x" END, "/?d", "abc"},
        {"OPTIONS http://a:1 HTTP/1.1\r\nHost: x" END, "*", "a:1"},
        {"OPTIONS http://a:1?b HTTP/1.1\r\nHost: x" END, "/?b", "a:1"},
        {"OPTIONS http://a:1/ HTTP/1.1\r\nHost: x" END, "/", "a:1"},
        {"GET http://[::1]:8/ HTTP/1.1\r\nHost: x" END, "/", "[::1]:8"},
        {"GET http://a/ HTTP/1.0" END, "/", "a"},
        {"GET //a/b HTTP/1.1\r\nHost: x" END, "//a/b", "x"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result r = read_all(REQUEST, cases[i].in, strlen(cases[i].in));

        cr_expect_eq(r.verdict, HEAD_DONE, "%s", cases[i].in);
        cr_expect(is(&r, r.m.target, cases[i].target), "%s", cases[i].in);
        cr_expect(is(&r, r.m.authority, cases[i].authority), "%s", cases[i].in);
    }
}

Test(head, a_target_has_one_of_the_four_forms)
{
    static const struct bad cases[] = {
        BAD("GET a HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET * HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("OPTIONS ** HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET a:80 HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET ftp://a/ HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET ftp://a.example/b HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET http:/a HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET http:// HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET http:///a HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET http://u@a/ HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET http://a:x/ HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET  / HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET /a\tb HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET /a\x80 HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET /a#b HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET /a\0 HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("GET /\r\nHost: a" END, 400, "bad_target"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(head, connect_names_a_host_and_a_port)
{
    struct result r = READ(REQUEST, "CONNECT a.b:443 HTTP/1.1\r\nHost: x" END);
    static const struct bad cases[] = {
        BAD("CONNECT a HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("CONNECT a: HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("CONNECT a:0 HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("CONNECT a:65536 HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("CONNECT :80 HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("CONNECT [::1] HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("CONNECT / HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
        BAD("CONNECT http://a:80/ HTTP/1.1\r\nHost: a" END, 400, "bad_target"),
    };

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect(is(&r, r.m.authority, "a.b:443") && is(&r, r.m.target, "a.b:443"));
    EXPECT_BAD(REQUEST, cases);
}

Test(head, asterisk_is_for_options)
{
    struct result r = READ(REQUEST, "OPTIONS * HTTP/1.1\r\nHost: x" END);

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect(is(&r, r.m.target, "*") && is(&r, r.m.authority, "x"));
}

/* ---- method, version ----------------------------------------------------------------- */

Test(head, a_method_is_a_token)
{
    static const struct bad cases[] = {
        BAD(" GET / HTTP/1.1\r\nHost: a" END, 400, "bad_method"),
        BAD("G@T / HTTP/1.1\r\nHost: a" END, 400, "bad_method"),
        BAD("GET\t/ HTTP/1.1\r\nHost: a" END, 400, "bad_method"),
        BAD("GET\r\n\r\n", 400, "bad_method"),
        BAD("\x16\x03\x01\x02", 400, "bad_method"),
    };

    EXPECT_BAD(REQUEST, cases);
}

#define M32 "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF"

Test(head, a_long_method_is_not_implemented)
{
    struct result r = READ(REQUEST, M32 " / HTTP/1.1\r\nHost: a" END);
    static const struct bad cases[] = {
        BAD(M32 "G / HTTP/1.1\r\nHost: a" END, 501, "method_too_long"),
    };

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect_eq(r.m.method_id, METHOD_OTHER);
    EXPECT_BAD(REQUEST, cases);
}

Test(head, a_malformed_version_is_refused)
{
    static const struct bad cases[] = {
        BAD("GET / HTTP/1\r\nHost: a" END, 400, "bad_version"),
        BAD("GET / HTTP/11\r\nHost: a" END, 400, "bad_version"),
        BAD("GET / HTTP/x.1\r\nHost: a" END, 400, "bad_version"),
        BAD("GET / HTTP/1.x\r\nHost: a" END, 400, "bad_version"),
        BAD("GET / HTTP/1.11\r\nHost: a" END, 400, "bad_version"),
        BAD("GET / HTTP/1.1 \r\nHost: a" END, 400, "bad_version"),
        BAD("GET / http/1.1\r\nHost: a" END, 400, "bad_version"),
        BAD("GET /  HTTP/1.1\r\nHost: a" END, 400, "bad_version"),
        BAD("GET / \r\nHost: a" END, 400, "bad_version"),
        BAD("GET / x" END, 400, "bad_version"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(head, another_major_version_is_not_supported)
{
    static const struct bad cases[] = {
        BAD("GET / HTTP/2.0\r\nHost: a" END, 505, "version_not_1"),
        BAD("GET / HTTP/0.9\r\nHost: a" END, 505, "version_not_1"),
        BAD("PRI * HTTP/2.0" END, 400, "bad_target"),
    };

    EXPECT_BAD(REQUEST, cases);
}

Test(head, a_later_minor_version_is_read_as_1_1)
{
    struct result r = READ(REQUEST, "GET / HTTP/1.2\r\nHost: a" END);

    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect_eq(r.m.version, HTTP_11);
}

/* ---- limits -------------------------------------------------------------------------- */

/* "GET /xxx", a target of `len` bytes, then `rest`. */
static size_t long_target(char *out, size_t room, size_t len, const char *rest)
{
    int n = snprintf(out, room, "GET /%0*d%s", (int)len - 1, 0, rest);

    return (size_t)n;
}

Test(head, a_long_target_is_414)
{
    char in[800];
    size_t max = limits.max_target_bytes;
    size_t n = long_target(in, sizeof(in), max, " HTTP/1.1\r\nHost: a" END);
    struct result r = read_all(REQUEST, in, n);

    cr_expect_eq(r.verdict, HEAD_DONE);
    n = long_target(in, sizeof(in), max + 1, " HTTP/1.1\r\nHost: a" END);
    r = read_all(REQUEST, in, n);
    cr_expect_eq(r.verdict, HEAD_BAD);
    cr_expect_eq(r.fault.status, 414);
}

Test(head, a_request_line_without_end_is_414)
{
    static const struct head_limits wide = {
        .max_head_bytes = 600, .max_target_bytes = 5000, .max_fields = FIELDS_ROOM};
    struct field fields[FIELDS_ROOM];
    struct msg m = {.fields = fields, .fields_room = FIELDS_ROOM};
    struct head_fault fault = {0, "", 0};
    size_t seen = 0;
    char in[700];
    size_t n = long_target(in, sizeof(in), 599, "");

    cr_expect_eq(head_request(guard_put(in, 599), 599, &seen, &wide, &m, &fault),
                 HEAD_MORE);
    cr_expect_eq(head_request(guard_put(in, n), n, &seen, &wide, &m, &fault), HEAD_BAD);
    cr_expect_eq(fault.status, 414);
}

/* A request of exactly `len` bytes, its blank line included. */
static size_t long_head(char *out, size_t room, size_t len)
{
    int n = snprintf(out, room, "GET / HTTP/1.1\r\nHost: a\r\nA: ");

    n += snprintf(out + n, room - (size_t)n, "%0*d\r\n\r\n", (int)len - n - 4, 0);
    return (size_t)n;
}

Test(head, a_long_head_is_431)
{
    char in[800];
    size_t max = limits.max_head_bytes;
    struct result r;

    r = read_all(REQUEST, in, long_head(in, sizeof(in), max));
    cr_expect_eq(r.verdict, HEAD_DONE);
    r = read_all(REQUEST, in, long_head(in, sizeof(in), max + 1));
    cr_expect_eq(r.verdict, HEAD_BAD);
    cr_expect_eq(r.fault.status, 431);
    cr_expect_str_eq(r.fault.reason, "head_too_long");
}

Test(head, a_long_head_is_refused_before_its_end_came)
{
    char in[800];
    struct result r;

    long_head(in, sizeof(in), limits.max_head_bytes + 100);
    r = read_all(REQUEST, in, limits.max_head_bytes);
    cr_expect_eq(r.verdict, HEAD_BAD);
    cr_expect_eq(r.fault.status, 431);
    r = read_all(REQUEST, in, limits.max_head_bytes - 1);
    cr_expect_eq(r.verdict, HEAD_MORE);
}

static size_t many_fields(char *out, size_t n)
{
    size_t at = strlen(GET11);

    memcpy(out, GET11, at);
    for (size_t i = 0; i < n; i++) {
        memcpy(out + at, "A:b\r\n", 5);
        at += 5;
    }
    memcpy(out + at, "\r\n", 2);
    return at + 2;
}

Test(head, too_many_fields_are_431)
{
    char in[400];
    struct result r;

    r = read_all(REQUEST, in, many_fields(in, FIELDS_ROOM - 1));
    cr_expect_eq(r.verdict, HEAD_DONE);
    cr_expect_eq(r.m.n_fields, FIELDS_ROOM);
    r = read_all(REQUEST, in, many_fields(in, FIELDS_ROOM));
    cr_expect_eq(r.verdict, HEAD_BAD);
    cr_expect_eq(r.fault.status, 431);
    cr_expect_str_eq(r.fault.reason, "too_many_fields");
}

Test(head, the_number_of_fields_is_limited_below_the_room_as_well)
{
    struct head_limits lim = limits;
    struct result r = {.fault = {0, "", 0}, .m = {.fields = r.fields, .fields_room = 20}};
    char in[] = GET11 "A: b" END;

    for (uint32_t max = 1; max <= 2; max++) {
        size_t seen = 0;

        lim.max_fields = max;
        cr_expect_eq(head_request(in, sizeof(in) - 1, &seen, &lim, &r.m, &r.fault),
                     max == 1 ? HEAD_BAD : HEAD_DONE);
    }
}

Test(head, the_room_in_the_table_is_a_limit_too)
{
    struct field one[1];
    struct msg m = {.fields = one, .fields_room = 1};
    struct head_fault fault = {0, "", 0};
    char in[] = GET11 "A: b" END;
    size_t seen = 0;

    cr_expect_eq(head_request(in, sizeof(in) - 1, &seen, &limits, &m, &fault), HEAD_BAD);
    cr_expect_str_eq(fault.reason, "too_many_fields");
}

/* Reading stops at the limit, in whatever part of the head that is. */
Test(head, a_limit_is_kept_wherever_it_falls)
{
    static const char in[] =
        "\r\nPOST http://a/b HTTP/1.1\r\nHost: \t c\r\nA: \r\nB:\r\n\r\n";
    struct head_limits lim = limits;

    for (uint32_t max = 4; max < sizeof(in) - 1; max++) {
        struct result r = {.fault = {0, "", 0},
                           .m = {.fields = r.fields, .fields_room = 20}};
        size_t seen = 0;

        lim.max_head_bytes = max;
        r.verdict = head_request(guard_put(in, max), max, &seen, &lim, &r.m, &r.fault);
        cr_expect_eq(r.verdict, HEAD_BAD, "%u", max);
        cr_expect_eq(r.fault.status, max < 28 ? 414 : 431, "%u: %u", max, r.fault.status);
    }
}

Test(head, a_response_is_limited_as_well)
{
    static const char in[] = "HTTP/1.1 200 OK\r\nA: \r\n\r\n";
    struct head_limits lim = limits;

    for (uint32_t max = 1; max < sizeof(in) - 1; max++) {
        struct result r = {.fault = {0, "", 0},
                           .m = {.fields = r.fields, .fields_room = 20}};
        size_t seen = 0;

        lim.max_head_bytes = max;
        r.verdict = head_response(guard_put(in, max), max, &seen, &lim, &r.m, &r.fault);
        cr_expect_eq(r.verdict, HEAD_BAD, "%u", max);
        cr_expect_str_eq(r.fault.reason, "head_too_long", "%u", max);
    }
}

Test(head, a_name_that_a_field_cannot_count_is_431)
{
    static const struct head_limits wide = {
        .max_head_bytes = GUARD_ROOM, .max_target_bytes = 100, .max_fields = FIELDS_ROOM};
    static char in[GUARD_ROOM];

    for (size_t over = 0; over <= 1; over++) {
        size_t at = strlen(GET11), seen = 0;
        struct result r = {.fault = {0, "", 0},
                           .m = {.fields = r.fields, .fields_room = 20}};

        memcpy(in, GET11, at);
        memset(in + at, 'a', UINT16_MAX + over);
        at += UINT16_MAX + over;
        memcpy(in + at, ":\r\n\r\n", 6);
        at += 5;
        r.verdict = head_request(guard_put(in, at), at, &seen, &wide, &r.m, &r.fault);
        cr_expect_eq(r.verdict, over ? HEAD_BAD : HEAD_DONE);
        cr_expect_str_eq(r.fault.reason, over ? "name_too_long" : "");
    }
}

/* ---- responses ----------------------------------------------------------------------- */

Test(head, a_response_is_taken_apart)
{
    struct result r =
        READ(RESPONSE, "HTTP/1.1 404 Not \xe4 Found\r\nContent-Length: 3" END);

    cr_assert_eq(r.verdict, HEAD_DONE);
    cr_expect(r.m.status == 404 && is(&r, r.m.reason, "Not \xe4 Found"));
    cr_expect(r.m.body == BODY_LENGTH && r.m.content_length == 3);
    cr_expect_eq(r.m.flags, MSG_KEEP_ALIVE | MSG_HAS_LENGTH);
}

Test(head, a_status_is_between_100_and_599)
{
    struct result r = READ(RESPONSE, "HTTP/1.1 100 x" END);

    cr_expect(r.verdict == HEAD_DONE && r.m.status == 100);
    r = READ(RESPONSE, "HTTP/1.1 599 x" END);
    cr_expect(r.verdict == HEAD_DONE && r.m.status == 599);
}

Test(head, a_reason_may_be_empty_or_missing)
{
    struct result r = READ(RESPONSE, "HTTP/1.0 200 \r\n\r\n");

    cr_expect(r.verdict == HEAD_DONE && r.m.reason.len == 0 && r.m.status == 200);
    r = READ(RESPONSE, "HTTP/1.0 200\r\n\r\n");
    cr_expect(r.verdict == HEAD_DONE && r.m.reason.len == 0 && r.m.status == 200);
}

Test(head, every_fault_in_a_response_is_502)
{
    static const struct bad cases[] = {
        BAD("HTTP/2.0 200 OK" END, 502, "version_not_1"),
        BAD("http/1.1 200 OK" END, 502, "bad_version"),
        BAD("\r\nHTTP/1.1 200 OK" END, 502, "bad_version"),
        BAD("HTTP/1.1" END, 502, "bad_status"),
        BAD("HTTP/1.1 20" END, 502, "bad_status"),
        BAD("HTTP/1.1 2000 OK" END, 502, "bad_status"),
        BAD("HTTP/1.1 099 OK" END, 502, "bad_status"),
        BAD("HTTP/1.1 600 OK" END, 502, "bad_status"),
        BAD("HTTP/1.1 2x0 OK" END, 502, "bad_status"),
        BAD("HTTP/1.1 20x OK" END, 502, "bad_status"),
        BAD("HTTP/1.1\t200 OK" END, 502, "bad_status"),
        BAD("HTTP/1.1 200\tOK" END, 502, "bad_status"),
        BAD("HTTP/1.1 200 O\0K" END, 502, "bad_status"),
        BAD("HTTP/1.1 200 OK\n\n", 502, "bare_lf"),
        BAD("HTTP/1.1 200\n", 502, "bare_lf"),
        BAD("HTTP/1.1 200 OK\r\nA: b\n\n", 502, "bare_lf"),
        BAD("HTTP/1.1 200 OK\r\nA: b\rc" END, 502, "bare_cr"),
        BAD("HTTP/1.1 200 OK\r\nA: b\r\n c" END, 502, "folded_line"),
        BAD("HTTP/1.1 200 OK\r\nA b: c" END, 502, "space_in_name"),
        BAD("HTTP/1.1 200 OK\r\nA \r\n: b" END, 502, "space_in_name"),
        BAD("HTTP/1.1 200 OK\r\nB: c\r\n : b" END, 502, "folded_line"),
        BAD("HTTP/1.1 200 OK\r\nContent-Length : 5\r\nTransfer-Encoding\t:chunked" END, 502,
            "coding_and_length"),
        BAD("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked" END, 502,
            "coding_and_length"),
        BAD("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip" END, 502, "not_chunked"),
        BAD("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked" END, 502,
            "unknown_coding"),
        BAD("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked" END, 502, "coding_in_http10"),
        BAD("HTTP/1.1 200 OK\r\nContent-Length: 5x" END, 502, "bad_length"),
        BAD("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6" END, 502,
            "lengths_differ"),
        BAD("HTTP/1.1 304 OK\r\nContent-Length: x" END, 502, "bad_length"),
    };

    EXPECT_BAD(RESPONSE, cases);
}

Test(head, space_before_the_colon_is_taken_from_a_response)
{
    struct result r =
        READ(RESPONSE, "HTTP/1.1 200 OK\r\nA \t: b\r\nContent-Length : 5" END);

    cr_assert(r.verdict == HEAD_DONE && r.m.n_fields == 2);
    cr_expect_eq(r.m.fields[0].name_len, 1);
    cr_expect(r.m.body == BODY_LENGTH && r.m.content_length == 5);
}

/* ---- trailers ------------------------------------------------------------------------ */

Test(head, a_trailer_section_ends_with_a_blank_line)
{
    struct result r = READ(TRAILERS, "\r\nGET /");

    cr_expect(r.verdict == HEAD_DONE && r.m.text_len == 2 && r.m.n_fields == 0);
    r = READ(TRAILERS, "X-Sum: 1\r\nB: c\r\n\r\nGET /");
    cr_expect(r.verdict == HEAD_DONE && r.m.text_len == 18 && r.m.n_fields == 2);
}

Test(head, what_stands_before_the_input_does_not_count)
{
    char before[] = "\r\n";
    struct result r = {.fault = {0, "", 0}};
    size_t seen = 0;

    cr_expect_eq(read_once(TRAILERS, before + 1, 1, &seen, &r), HEAD_BAD);
    cr_expect_str_eq(r.fault.reason, "bare_lf");
}

Test(head, trailers_are_as_strict_as_fields)
{
    static const struct bad cases[] = {
        BAD("A: b\n\n", 400, "bare_lf"),
        BAD("\nA: b" END, 400, "bare_lf"),
        BAD("A : b" END, 400, "space_in_name"),
        BAD("A: b\r\n c" END, 400, "folded_line"),
        BAD("\rX: y" END, 400, "bare_cr"),
        BAD(" A: b" END, 400, "space_before_field"),
        BAD("Content-Length: x" END, 400, "bad_length"),
    };

    EXPECT_BAD(TRAILERS, cases);
}
