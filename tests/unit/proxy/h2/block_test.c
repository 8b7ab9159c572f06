/*
 * Field blocks are written as lines "name value" and read into a msg.
 */
#include "proxy/h2/block.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proxy/h1/emit.h"
#include "proxy/h2/pairs.h"

#define KEY  "dGhlIHNhbXBsZSBub25jZQ=="
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define GET  ":method GET\n:scheme http\n:path /a\n:authority h.example\n"

static char text[8192 + BLOCK_SPARE_TEXT];
static struct field fields[64];
static struct block b;

static struct block_limits limits = {
    .max_head_bytes = 4096, .max_target_bytes = 64, .max_fields = 20};

static void add_lines(const char *lines)
{
    block_begin(&b, &limits,
                (struct msg){.text = text,
                             .text_room = sizeof(text),
                             .fields = fields,
                             .fields_room = sizeof(fields) / sizeof(fields[0])});
    while (*lines != '\0') {
        size_t len = strcspn(lines, "\n"), name = strcspn(lines, " \n");

        block_add(&b, lines, name, lines + name + (name < len), len - name - (name < len));
        lines += len + 1;
    }
}

static bool request(const char *lines)
{
    add_lines(lines);
    return block_request(&b, true, KEY);
}

static bool upload(const char *lines)
{
    add_lines(lines);
    return block_request(&b, false, KEY);
}

static bool response(const char *lines, uint8_t method, bool end)
{
    add_lines(lines);
    return block_response(&b, method, end);
}

static void expect_malformed(const char *lines)
{
    cr_expect(!request(lines), "taken: %s", lines);
    cr_expect_eq(b.fault.status, 0, "%s", lines);
}

static void expect_h1(const char *want)
{
    char out[2048];
    size_t n = emit_request(&b.m, "own.example", out, sizeof(out));

    cr_expect_eq(n, strlen(want), "%.*s", (int)n, out);
    cr_expect(memcmp(out, want, n) == 0, "%.*s", (int)n, out);
}

Test(block, a_request_is_written_as_http_1)
{
    cr_assert(request(GET "accept */*\nx-a 1\n"));
    cr_expect_eq(b.m.version, HTTP_2);
    cr_expect_eq(b.m.method_id, METHOD_GET);
    cr_expect_eq(b.m.body, BODY_NONE);
    expect_h1("GET /a HTTP/1.1\r\nHost: h.example\r\naccept: */*\r\nx-a: 1\r\n\r\n");
}

Test(block, the_host_stands_in_for_an_authority_that_is_missing)
{
    cr_assert(request(":method GET\n:scheme http\n:path /\nhost h.example:81\n"));
    expect_h1("GET / HTTP/1.1\r\nHost: h.example:81\r\n\r\n");
}

Test(block, the_host_may_repeat_the_authority_but_not_differ)
{
    cr_assert(request(GET "host H.example\n"));
    expect_h1("GET /a HTTP/1.1\r\nHost: h.example\r\n\r\n");
    expect_malformed(GET "host other.example\n");
    expect_malformed(GET "host h.example\nhost h.example\n");
}

Test(block, cookie_crumbs_are_one_field)
{
    cr_assert(request(GET "cookie a=1\nx-b 2\ncookie c=3\ncookie d=4\n"));
    expect_h1("GET /a HTTP/1.1\r\nHost: h.example\r\nx-b: 2\r\n"
              "cookie: a=1; c=3; d=4\r\n\r\n");
    cr_assert(request(GET "cookie a=1\n"));
    expect_h1("GET /a HTTP/1.1\r\nHost: h.example\r\ncookie: a=1\r\n\r\n");
}

Test(block, a_body_is_framed_by_its_length_or_by_its_end)
{
    cr_assert(upload(GET "content-length 5\n"));
    cr_expect_eq(b.m.body, BODY_LENGTH);
    cr_expect_eq(b.m.content_length, 5);
    cr_assert(upload(GET));
    cr_expect_eq(b.m.body, BODY_CHUNKED);
    cr_assert(request(GET "content-length 0\n"));
    cr_expect_eq(b.m.body, BODY_NONE);
}

Test(block, what_is_malformed)
{
    static const char *const bad[] = {
        /* pseudo-fields: all, once, first, known, not empty */
        ":scheme http\n:path /\n:authority h\n",
        ":method GET\n:path /\n:authority h\n",
        ":method GET\n:scheme http\n:authority h\n",
        ":method GET\n:scheme http\n:path /\n",
        GET ":path /b\n",
        GET ":method GET\n",
        GET ":scheme http\n",
        GET ":authority h.example\n",
        GET ":status 200\n",
        GET ":other 1\n",
        ":method GET\n:scheme http\nx-a 1\n:path /\n:authority h\n",
        ":method GET\n:scheme http\n:path\n:authority h\n",
        ":method\n:scheme http\n:path /\n:authority h\n",
        ":method G ET\n:scheme http\n:path /\n:authority h\n",
        ":method GET\n:scheme http\n:path a\n:authority h\n",
        ":method GET\n:scheme http\n:path *\n:authority h\n",
        ":method GET\n:scheme http\n:path /a b\n:authority h\n",
        ":method GET\n:scheme http\n:path /#a\n:authority h\n",
        ":method GET\n:scheme http\n:path /\n:authority u@h\n",
        ":method GET\n:scheme http\n:path /\n:authority h\r\n",
        ":method GET\n:scheme http\n:path /\n:authority\n",
        /* names and values */
        GET "X-A 1\n",
        GET "x\x80 1\n",
        GET "x: 1\n",
        GET " 1\n",
        GET "x-a a\rb\n",
        GET "x-a a\x01\n",
        GET "x-a  a\n",
        GET "x-a a \n",
        GET "x-a a\t\n",
        /* fields of one connection */
        GET "connection close\n",
        GET "keep-alive 1\n",
        GET "proxy-connection close\n",
        GET "transfer-encoding chunked\n",
        GET "upgrade websocket\n",
        GET "http2-settings AAA\n",
        GET "te gzip\n",
        /* lengths */
        GET "content-length 1\n",
        GET "content-length x\n",
        GET "content-length +0\n",
        GET "content-length\n",
        GET "content-length 0\ncontent-length 0\n",
        /* CONNECT */
        ":method CONNECT\n:scheme http\n:path /\n:authority h:1\n",
        ":method CONNECT\n",
        ":method CONNECT\n:authority h:1\ncontent-length 0\n",
        ":method GET\n:protocol websocket\n:scheme http\n:path /\n:authority h\n",
        ":method CONNECT\n:protocol websocket\n:authority h\n",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_malformed(bad[i]);
    add_lines(GET);
    block_add(&b, "x-a", 3, "a\0b", 3);
    cr_expect(!block_request(&b, true, KEY));
    add_lines(GET);
    block_add(&b, "x-a", 3, "a\nb", 3);
    cr_expect(!block_request(&b, true, KEY));
}

Test(block, what_is_too_much_has_a_status)
{
    static const struct {
        const char *lines;
        uint16_t status;
    } cases[] = {
        {":method GET\n:scheme http\n:authority h\n"
         ":path /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
         414},
        {":method AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n:scheme http\n:path /\n:authority h\n",
         501},
        {":method GET\n:scheme ftp\n:path /\n:authority h\n", 400},
        {GET "expect the-unexpected\n", 417},
        {GET
         "a 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\n"
         "a 1\na 1\na 1\na 1\na 1\n",
         431},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect(!request(cases[i].lines));
        cr_expect_eq(b.fault.status, cases[i].status, "%u for %s", b.fault.status,
                     cases[i].lines);
    }
}

Test(block, the_size_counts_names_values_and_32_for_each)
{
    char value[4096];
    size_t rest;

    memset(value, 'a', sizeof(value));
    add_lines(GET);
    rest = limits.max_head_bytes - (size_t)b.size - 32 - 1;
    block_add(&b, "x", 1, value, rest);
    cr_expect(block_request(&b, true, KEY));
    add_lines(GET);
    block_add(&b, "x", 1, value, rest + 1);
    cr_expect(!block_request(&b, true, KEY));
    cr_expect_eq(b.fault.status, 431);
}

Test(block, an_extended_connect_is_an_upgrade)
{
    const char *lines = ":method CONNECT\n:protocol websocket\n:scheme http\n:path /ws\n"
                        ":authority h\nsec-websocket-version 13\nsec-websocket-key x\n";

    cr_assert(upload(lines));
    expect_h1("GET /ws HTTP/1.1\r\nHost: h\r\nsec-websocket-version: 13\r\n"
              "sec-websocket-key: " KEY
              "\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    cr_expect_eq(b.m.body, BODY_NONE);
    cr_expect(!request(lines), "an end at once");
    cr_expect(!upload(":method CONNECT\n:protocol other\n:scheme http\n:path /\n"
                      ":authority h\n"));
    cr_expect_eq(b.fault.status, 501);
}

Test(block, a_plain_connect_has_its_authority_as_target)
{
    cr_assert(upload(":method CONNECT\n:authority h:443\n"));
    cr_expect_eq(b.m.method_id, METHOD_CONNECT);
    cr_expect(memcmp(msg_at(&b.m, b.m.target), "h:443", 5) == 0);
}

Test(block, te_trailers_and_expect_are_noticed)
{
    cr_assert(upload(GET "te trailers\nexpect 100-continue\n"));
    cr_expect(b.m.flags & MSG_TE_TRAILERS);
    cr_expect(b.m.flags & MSG_EXPECT);
}

Test(block, bodies_of_answers)
{
    static const struct {
        const char *lines;
        uint8_t method;
        bool end, good;
        enum body_kind body;
    } cases[] = {
        {":status 200\n", METHOD_GET, false, true, BODY_CHUNKED},
        {":status 200\ncontent-length 4\n", METHOD_GET, false, true, BODY_LENGTH},
        {":status 200\ncontent-length 4\n", METHOD_HEAD, true, true, BODY_NONE},
        {":status 200\ncontent-length 4\n", METHOD_GET, true, false, BODY_NONE},
        {":status 304\ncontent-length 4\n", METHOD_GET, true, true, BODY_NONE},
        {":status 204\n", METHOD_GET, false, true, BODY_NONE},
        {":status 103\n", METHOD_GET, false, true, BODY_NONE},
        {":status 103\n", METHOD_GET, true, false, BODY_NONE},
        {":status 101\n", METHOD_GET, false, false, BODY_NONE},
        {":status 20\n", METHOD_GET, true, false, BODY_NONE},
        {":status 2000\n", METHOD_GET, true, false, BODY_NONE},
        {":status 099\n", METHOD_GET, true, false, BODY_NONE},
        {":status 200\n:path /\n", METHOD_GET, true, false, BODY_NONE},
        {"x 1\n", METHOD_GET, true, false, BODY_NONE},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(response(cases[i].lines, cases[i].method, cases[i].end), cases[i].good,
                     "%s", cases[i].lines);
        if (cases[i].good)
            cr_expect_eq(b.m.body, cases[i].body, "%s", cases[i].lines);
    }
}

Test(block, trailers_have_no_pseudo_fields)
{
    add_lines("grpc-status 0\n");
    cr_expect(block_trailers(&b));
    add_lines(":status 200\n");
    cr_expect(!block_trailers(&b));
    add_lines("connection close\n");
    cr_expect(!block_trailers(&b));
}

/* ---- and back ---------------------------------------------------------------------------
 */

static char written[2048];

static const char *write_pairs(const struct pairs *p)
{
    size_t at = 0;

    for (size_t i = 0; i < p->n; i++)
        at += (size_t)snprintf(written + at, sizeof(written) - at, "%.*s %.*s\n",
                               (int)p->nv[i].namelen, p->nv[i].name, (int)p->nv[i].valuelen,
                               p->nv[i].value);
    return written;
}

Test(pairs, a_request_comes_back_as_it_was)
{
    static struct pairs p;

    cr_assert(upload(GET "x-a 1\ncontent-length 3\nte trailers\n"));
    cr_assert(pairs_request(&p, &b.m, "http", "own.example"));
    cr_expect_str_eq(write_pairs(&p),
                     ":method GET\n:scheme http\n:authority h.example\n:path /a\nx-a 1\n"
                     "content-length 3\nte trailers\n");
}

Test(pairs, an_upgrade_is_an_extended_connect)
{
    static struct pairs p;

    cr_assert(upload(":method CONNECT\n:protocol websocket\n:scheme http\n:path /ws\n"
                     ":authority h\nsec-websocket-version 13\n"));
    cr_assert(pairs_request(&p, &b.m, "http", "own.example"));
    cr_expect_str_eq(write_pairs(&p),
                     ":method CONNECT\n:protocol websocket\n:scheme http\n:authority h\n"
                     ":path /ws\nsec-websocket-version 13\n");
}

Test(pairs, an_answer_tells_its_length_when_it_may)
{
    static struct pairs p;

    cr_assert(response(":status 200\nserver x\ncontent-length 7\n", METHOD_HEAD, true));
    cr_assert(pairs_response(&p, &b.m, DATE));
    cr_expect_str_eq(write_pairs(&p),
                     ":status 200\nserver x\ncontent-length 7\ndate " DATE "\n");
    b.m.status = 204;
    cr_assert(pairs_response(&p, &b.m, DATE));
    cr_expect_str_eq(write_pairs(&p), ":status 204\nserver x\ndate " DATE "\n");
}

Test(pairs, a_date_that_is_there_stays_and_a_1xx_needs_none)
{
    static struct pairs p;

    cr_assert(response(":status 404\ndate then\n", METHOD_GET, true));
    cr_assert(pairs_response(&p, &b.m, DATE));
    cr_expect_str_eq(write_pairs(&p), ":status 404\ndate then\n");
    cr_assert(response(":status 103\n", METHOD_GET, false));
    cr_assert(pairs_response(&p, &b.m, DATE));
    cr_expect_str_eq(write_pairs(&p), ":status 103\n");
}

Test(pairs, a_tunnel_opens_with_200)
{
    static struct pairs p;

    cr_assert(response(":status 200\n", METHOD_GET, false));
    cr_assert(block_switched(&b, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    cr_expect_eq(b.m.status, 101);
    cr_expect_eq(b.m.body, BODY_TUNNEL);
    cr_assert(pairs_response(&p, &b.m, DATE));
    cr_expect_str_eq(write_pairs(&p), ":status 200\ndate " DATE "\n");
}

Test(pairs, dropped_fields_and_framing_stay_behind)
{
    static struct pairs p;

    cr_assert(request(GET "x-a 1\nx-b 2\nhost h.example\n"));
    b.m.fields[0].drop = true;
    cr_assert(pairs_trailers(&p, &b.m));
    cr_expect_str_eq(write_pairs(&p), "x-b 2\n");
}
