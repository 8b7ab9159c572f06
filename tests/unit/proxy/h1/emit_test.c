#include "proxy/h1/emit.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/h1/head.h"

#define FIELDS_ROOM 20

static const struct head_limits limits = {
    .max_head_bytes = 1000, .max_target_bytes = 500, .max_fields = FIELDS_ROOM};

static char text[1024];
static struct field fields[FIELDS_ROOM];

/* Reads a request head and gives it room for more. */
static struct msg request(const char *head)
{
    struct msg m = {.fields = fields, .fields_room = FIELDS_ROOM};
    struct head_fault fault;
    size_t seen = 0;

    strncpy(text, head, sizeof(text) - 1);
    cr_assert_eq(head_request(text, strlen(head), &seen, &limits, &m, &fault), HEAD_DONE,
                 "%s", head);
    m.text_room = sizeof(text);
    return m;
}

static struct msg response(const char *head, enum http_method method)
{
    struct msg m = {
        .fields = fields, .fields_room = FIELDS_ROOM, .method_id = (uint8_t)method};
    struct head_fault fault;
    size_t seen = 0;

    strncpy(text, head, sizeof(text) - 1);
    cr_assert_eq(head_response(text, strlen(head), &seen, &limits, &m, &fault), HEAD_DONE,
                 "%s", head);
    m.text_room = sizeof(text);
    return m;
}

static void drop(struct msg *m, const char *name)
{
    for (size_t i = 0; i < m->n_fields; i++)
        if (strncasecmp(m->text + m->fields[i].name, name, m->fields[i].name_len) == 0)
            m->fields[i].drop = 1;
}

static void request_is(const struct msg *m, const char *expect)
{
    char out[1024];
    size_t n = emit_request(m, "own", out, sizeof(out));

    cr_expect(n == strlen(expect) && memcmp(out, expect, n) == 0, "%.*s", (int)n, out);
}

static void response_is(const struct msg *m, enum http_version version, bool close,
                        const char *expect)
{
    char out[1024];
    size_t n = emit_response(m, (struct emit_to){.version = version, .close = close}, out,
                             sizeof(out));

    cr_expect(n == strlen(expect) && memcmp(out, expect, n) == 0, "%.*s", (int)n, out);
}

/* ---- requests ------------------------------------------------------------------------ */

Test(emit, host_comes_first_and_from_the_authority)
{
    struct msg m = request("GET http://shop/a HTTP/1.1\r\nA: b\r\nHost: x\r\nC: d\r\n\r\n");

    request_is(&m, "GET /a HTTP/1.1\r\nHost: shop\r\nA: b\r\nC: d\r\n\r\n");
}

Test(emit, a_head_of_1_0_goes_on_as_1_1)
{
    struct msg m = request("GET / HTTP/1.0\r\nHost: a\r\n\r\n");

    request_is(&m, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

Test(emit, fields_are_written_in_canonical_form)
{
    struct msg m = request("GET / HTTP/1.1\r\nHost: a\r\nA:b\r\nC: \t d \t\r\nE: f\r\n"
                           "G:  h\r\nI: j \r\nK:\r\nL: \r\nM: n\r\nO:\tp\r\n\r\n");

    request_is(&m, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nE: f\r\nG: h\r\nI: j\r\n"
                   "K: \r\nL: \r\nM: n\r\nO: p\r\n\r\n");
}

Test(emit, a_dropped_field_leaves_no_trace_wherever_it_stands)
{
    const char *names[] = {"A", "C", "E", "G"};
    const char *expect[] = {
        "GET / HTTP/1.1\r\nHost: a\r\nC: d\r\nE: f\r\nG: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nE: f\r\nG: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nG: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nE: f\r\n\r\n",
    };

    for (size_t i = 0; i < 4; i++) {
        struct msg m =
            request("GET / HTTP/1.1\r\nA: b\r\nC: d\r\nHost: a\r\nE: f\r\nG: h\r\n\r\n");

        drop(&m, names[i]);
        request_is(&m, expect[i]);
    }
}

Test(emit, what_was_added_follows)
{
    struct msg m = request("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n");

    cr_assert(msg_add(&m, FIELD_VIA, NULL, "1.1 x", 5));
    cr_assert(msg_add(&m, FIELD_OTHER, "C", "d", 1));
    request_is(&m, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nvia: 1.1 x\r\nC: d\r\n\r\n");
}

Test(emit, text_that_only_looks_like_a_field_is_not_copied)
{
    struct msg m = {.text = text,
                    .text_room = sizeof(text),
                    .fields = fields,
                    .fields_room = FIELDS_ROOM};
    struct span name, value;

    /* As from HTTP/2: no colons, no line ends between the parts. */
    cr_assert(msg_append(&m, "GET", 3, &m.method) && msg_append(&m, "/", 1, &m.target));
    cr_assert(msg_append(&m, "a", 1, &m.authority) && msg_append(&m, "x-b", 3, &name) &&
              msg_append(&m, "val", 3, &value));
    fields[m.n_fields++] =
        (struct field){.name = name.off, .name_len = 3, .value = value.off, .value_len = 3};
    request_is(&m, "GET / HTTP/1.1\r\nHost: a\r\nx-b: val\r\n\r\n");
}

Test(emit, framing_is_written_from_the_facts)
{
    struct msg m =
        request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 05\r\nA: b\r\n\r\n");

    request_is(&m, "POST / HTTP/1.1\r\nHost: a\r\nA: b\r\nContent-Length: 5\r\n\r\n");
    m = request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n");
    request_is(&m, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
}

Test(emit, an_empty_body_is_said_where_one_is_expected)
{
    static const char *const heads[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    struct msg m;

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        m = request(heads[i]);
        request_is(&m, heads[i]);
    }
    m = request("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    request_is(&m, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

Test(emit, what_is_for_one_connection_is_never_copied)
{
    struct msg m = request("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                           "Keep-Alive: 5\r\nProxy-Connection: close\r\nTE: gzip\r\n"
                           "Upgrade: x\r\nHTTP2-Settings: y\r\n\r\n");

    request_is(&m, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

Test(emit, an_upgrade_and_te_are_named_in_one_connection_field)
{
    struct msg m = request("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                           "Upgrade: websocket\r\n\r\n");

    request_is(&m, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
                   "Upgrade: websocket\r\n\r\n");
    m.flags |= MSG_TE_TRAILERS;
    request_is(&m, "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n"
                   "Connection: TE, upgrade\r\nUpgrade: websocket\r\n\r\n");
    m = request("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers, gzip\r\n\r\n");
    request_is(&m, "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
}

Test(emit, without_an_authority_host_is_the_backends)
{
    struct msg m = request("GET / HTTP/1.0\r\n\r\n");

    request_is(&m, "GET / HTTP/1.1\r\nHost: own\r\n\r\n");
}

Test(emit, nothing_is_written_past_the_room)
{
    struct msg m =
        request("POST /a HTTP/1.1\r\nHost: a\r\nA:b\r\nC: d\r\nTE: trailers\r\n"
                "Content-Length: 5\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    char out[1024];
    size_t need = emit_request(&m, "own", out, sizeof(out));

    cr_assert_gt(need, 0u);
    for (size_t room = 0; room <= need; room++) {
        char *exact = malloc(room + 1);

        exact[room] = '!';
        cr_expect_eq(emit_request(&m, "own", exact, room), room == need ? need : 0, "%zu",
                     room);
        cr_expect_eq(exact[room], '!');
        free(exact);
    }
}

/* ---- responses ----------------------------------------------------------------------- */

Test(emit, a_response_keeps_its_reason)
{
    struct msg m =
        response("HTTP/1.0 200 Fine\r\nContent-Length: 3\r\nA:b\r\n\r\n", METHOD_GET);

    response_is(&m, HTTP_11, false,
                "HTTP/1.1 200 Fine\r\nA: b\r\nContent-Length: 3\r\n\r\n");
    m = response("HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", METHOD_GET);
    response_is(&m, HTTP_11, false, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    m = response("HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", METHOD_GET);
    response_is(&m, HTTP_11, false, "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n");
}

Test(emit, the_client_is_told_what_becomes_of_the_connection)
{
    struct msg m = response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x\r\n\r\n",
                            METHOD_GET);

    response_is(&m, HTTP_11, true,
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    response_is(&m, HTTP_10, true,
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    response_is(&m, HTTP_10, false,
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}

Test(emit, head_and_304_keep_the_length_of_what_is_not_sent)
{
    struct msg m = response("HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n", METHOD_HEAD);

    response_is(&m, HTTP_11, false, "HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n");
    m = response("HTTP/1.1 304 Same\r\nContent-Length: 70\r\n\r\n", METHOD_GET);
    response_is(&m, HTTP_11, false, "HTTP/1.1 304 Same\r\nContent-Length: 70\r\n\r\n");
    m = response("HTTP/1.1 304 Same\r\n\r\n", METHOD_GET);
    response_is(&m, HTTP_11, false, "HTTP/1.1 304 Same\r\n\r\n");
}

Test(emit, chunked_and_close_are_written_from_the_facts)
{
    struct msg m =
        response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", METHOD_GET);

    response_is(&m, HTTP_11, false,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    m.body = BODY_CLOSE;
    response_is(&m, HTTP_10, true, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

Test(emit, informational_and_204_carry_no_framing)
{
    struct msg m =
        response("HTTP/1.1 103 Hints\r\nLink: a\r\nContent-Length: 5\r\n\r\n", METHOD_GET);

    response_is(&m, HTTP_11, true, "HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n");
    m = response("HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n", METHOD_GET);
    response_is(&m, HTTP_11, true, "HTTP/1.1 204 None\r\nConnection: close\r\n\r\n");
}

Test(emit, a_101_says_what_it_switches_to)
{
    struct msg m = response("HTTP/1.1 101 Ok\r\nConnection: Upgrade\r\nA: b\r\n"
                            "Upgrade: websocket\r\n\r\n",
                            METHOD_GET);

    response_is(&m, HTTP_11, false,
                "HTTP/1.1 101 Ok\r\nA: b\r\nConnection: upgrade\r\n"
                "Upgrade: websocket\r\n\r\n");
}

Test(emit, an_answer_without_a_date_gets_one)
{
    struct emit_to to = {.version = HTTP_11, .date = "Sun, 06 Nov 1994 08:49:37 GMT"};
    static const struct {
        const char *in, *expect;
    } cases[] = {
        {"HTTP/1.1 204 None\r\nA: b\r\n\r\n",
         "HTTP/1.1 204 None\r\nA: b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"},
        {"HTTP/1.1 204 None\r\ndate: x\r\nA: b\r\n\r\n",
         "HTTP/1.1 204 None\r\ndate: x\r\nA: b\r\n\r\n"},
        {"HTTP/1.1 103 Hints\r\n\r\n", "HTTP/1.1 103 Hints\r\n\r\n"},
    };
    char out[256];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct msg m = response(cases[i].in, METHOD_GET);
        size_t n = emit_response(&m, to, out, sizeof(out));

        cr_expect(n == strlen(cases[i].expect) && memcmp(out, cases[i].expect, n) == 0,
                  "%.*s", (int)n, out);
    }
}

Test(emit, a_426_says_what_to_upgrade_to)
{
    struct msg m = response("HTTP/1.1 426 No\r\nConnection: upgrade\r\nUpgrade: x\r\n"
                            "Content-Length: 0\r\n\r\n",
                            METHOD_GET);

    response_is(&m, HTTP_11, true,
                "HTTP/1.1 426 No\r\nContent-Length: 0\r\nConnection: upgrade, close\r\n"
                "Upgrade: x\r\n\r\n");
    response_is(&m, HTTP_11, false,
                "HTTP/1.1 426 No\r\nContent-Length: 0\r\nConnection: upgrade\r\n"
                "Upgrade: x\r\n\r\n");
}

Test(emit, any_other_response_switches_to_nothing)
{
    struct msg m = response("HTTP/1.1 406 No\r\nConnection: upgrade\r\nUpgrade: x\r\n"
                            "Content-Length: 0\r\n\r\n",
                            METHOD_GET);

    response_is(&m, HTTP_11, false, "HTTP/1.1 406 No\r\nContent-Length: 0\r\n\r\n");
}

Test(emit, a_tunnel_after_connect_has_neither_framing_nor_connection)
{
    struct msg m = response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", METHOD_CONNECT);

    response_is(&m, HTTP_11, true, "HTTP/1.1 200 OK\r\n\r\n");
}

Test(emit, a_response_of_our_own_needs_no_text)
{
    struct msg m = {.status = 503, .body = BODY_LENGTH, .content_length = 12};

    response_is(&m, HTTP_11, false,
                "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\n\r\n");
}

/* ---- chunks -------------------------------------------------------------------------- */

Test(emit, a_chunk_size_is_hex_without_leading_zeros)
{
    static const struct {
        uint64_t n;
        const char *expect;
    } cases[] = {
        {0, "0\r\n"},
        {1, "1\r\n"},
        {15, "f\r\n"},
        {16, "10\r\n"},
        {255, "ff\r\n"},
        {4096, "1000\r\n"},
        {0xabcdef, "abcdef\r\n"},
        {UINT64_MAX, "ffffffffffffffff\r\n"},
    };
    char out[18];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = strlen(cases[i].expect);

        cr_expect_eq(emit_chunk_size(cases[i].n, out, sizeof(out)), n);
        cr_expect(memcmp(out, cases[i].expect, n) == 0, "%s", cases[i].expect);
        cr_expect_eq(emit_chunk_size(cases[i].n, out, n - 1), 0u);
    }
}

Test(emit, the_last_chunk_carries_the_trailers_that_are_kept)
{
    struct msg m = request("GET / HTTP/1.1\r\nHost: a\r\nX-Sum:1\r\nB: c\r\n\r\n");
    char out[64];
    size_t n;

    drop(&m, "B");
    n = emit_chunk_end(&m, out, sizeof(out));
    cr_expect_eq(n, strlen("0\r\nX-Sum: 1\r\n\r\n"));
    cr_expect(memcmp(out, "0\r\nX-Sum: 1\r\n\r\n", n) == 0);
    cr_expect_eq(emit_chunk_end(NULL, out, 5), 5u);
    cr_expect(memcmp(out, "0\r\n\r\n", 5) == 0);
    cr_expect_eq(emit_chunk_end(NULL, out, 4), 0u);
}
