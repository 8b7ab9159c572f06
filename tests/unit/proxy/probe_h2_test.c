/* Mirrors proxy/probe_h2.c: its questions as a server reads them, and every kind of answer.
 */
#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "proxy/probe_h2.h"

#define FIELDS_MAX 4

/* What a server answers: fields and trailers as "name: value" lines. */
struct answer {
    const char *fields[FIELDS_MAX], *trailers[FIELDS_MAX];
    const char *body;
    size_t len;
    uint32_t reset; /* in place of all that, if not 0 */
};

static struct {
    nghttp2_session *session;
    const struct answer *answer;
    char head[1024]; /* of the request, "name: value\n" */
    uint8_t body[512];
    size_t n_body, sent;
    int goaway; /* its error; -1: none came */
} server;

/* ---- the server ---- */

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
                     const uint8_t *name, size_t name_len, const uint8_t *value,
                     size_t value_len, uint8_t flags, void *ctx)
{
    size_t n = strlen(server.head);

    (void)session;
    (void)frame;
    (void)flags;
    (void)ctx;
    snprintf(server.head + n, sizeof(server.head) - n, "%.*s: %.*s\n", (int)name_len, name,
             (int)value_len, value);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *ctx)
{
    (void)session;
    (void)flags;
    (void)id;
    (void)ctx;
    cr_assert_leq(server.n_body + len, sizeof(server.body));
    memcpy(server.body + server.n_body, data, len);
    server.n_body += len;
    return 0;
}

static size_t to_pairs(const char *const *lines, nghttp2_nv *nv)
{
    size_t n = 0;

    for (; n < FIELDS_MAX && lines[n] != NULL; n++) {
        const char *colon = strchr(lines[n] + 1, ':');

        nv[n] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)lines[n],
                             .namelen = (size_t)(colon - lines[n]),
                             .value = (uint8_t *)(uintptr_t)(colon + 2),
                             .valuelen = strlen(colon + 2)};
    }
    return n;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buf, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    const struct answer *a = server.answer;
    size_t left = a->len - server.sent, n = left < room ? left : room;
    nghttp2_nv nv[FIELDS_MAX];

    (void)source;
    (void)ctx;
    memcpy(buf, a->body + server.sent, n);
    server.sent += n;
    if (server.sent < a->len)
        return (ssize_t)n;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (a->trailers[0] != NULL) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, id, nv, to_pairs(a->trailers, nv));
    }
    return (ssize_t)n;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    nghttp2_data_provider body = {.read_callback = read_body};
    int32_t id = frame->hd.stream_id;
    nghttp2_nv nv[FIELDS_MAX];
    size_t n;

    (void)ctx;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        server.goaway = (int)frame->goaway.error_code;
    if (server.answer == NULL || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 ||
        id == 0)
        return 0;
    if (server.answer->reset != 0) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, server.answer->reset);
        return 0;
    }
    n = to_pairs(server.answer->fields, nv);
    nghttp2_submit_response(session, id, nv, n, server.answer->body != NULL ? &body : NULL);
    return 0;
}

static void serve(const struct answer *a)
{
    nghttp2_session_callbacks *c;

    memset(&server, 0, sizeof(server));
    server.answer = a;
    server.goaway = -1;
    cr_assert_eq(nghttp2_session_callbacks_new(&c), 0);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    cr_assert_eq(nghttp2_session_server_new(&server.session, c, NULL), 0);
    nghttp2_session_callbacks_del(c);
    cr_assert_eq(nghttp2_submit_settings(server.session, NGHTTP2_FLAG_NONE, NULL, 0), 0);
}

/* ---- both ends ---- */

static bool to_server(struct probe_talk *t)
{
    const uint8_t *p;
    bool moved = false;
    size_t n;

    while ((n = t->ops->output(t, &p)) > 0) {
        cr_assert_eq(nghttp2_session_mem_recv(server.session, p, n), (ssize_t)n);
        moved = true;
    }
    return moved;
}

/* In pieces of that size. */
static bool to_probe(struct probe_talk *t, size_t piece)
{
    const uint8_t *p;
    bool moved = false;
    ssize_t n;

    while ((n = nghttp2_session_mem_send(server.session, &p)) > 0) {
        for (ssize_t at = 0; at < n && !t->over; at += (ssize_t)piece)
            t->ops->input(t, p + at, (size_t)(n - at) < piece ? (size_t)(n - at) : piece);
        moved = true;
    }
    return moved;
}

static void talk(struct probe_talk *t, size_t piece)
{
    bool moved;

    do {
        moved = to_server(t);
        if (!t->over)
            moved |= to_probe(t, piece);
    } while (moved);
}

static const struct probe_plan http = {.kind = PROBE_HTTP,
                                       .path = "/healthz",
                                       .host = "shop.example",
                                       .timeout_ms = 1500,
                                       .status_from = 200,
                                       .status_to = 399};
static const struct probe_plan grpc = {
    .kind = PROBE_GRPC, .path = "", .host = "shop.example", .timeout_ms = 1500};

/* `says`: "+" or "-" and the reason; "": it still waits. */
static void expect(const struct probe_plan *plan, const struct answer *a, const char *says)
{
    static const size_t pieces[] = {1, 7, 65536};

    for (size_t i = 0; i < N_ELEMS(pieces); i++) {
        struct probe_talk *t = probe_h2_new(plan, false);
        char got[100] = "";

        serve(a);
        talk(t, pieces[i]);
        if (t->over)
            snprintf(got, sizeof(got), "%c%s", t->passed ? '+' : '-', t->reason);
        cr_expect_str_eq(got, says, "got '%s', expected '%s'", got, says);
        if (t->over)
            cr_expect_geq(server.goaway, 0, "it left without a word");
        nghttp2_session_del(server.session);
        t->ops->free(t);
    }
}

/* ---- questions ---- */

static void expect_question(const struct probe_plan *plan, bool secure, const char *head,
                            const char *body, size_t len)
{
    struct probe_talk *t = probe_h2_new(plan, secure);

    serve(NULL);
    talk(t, 65536);
    cr_expect_str_eq(server.head, head);
    cr_expect_eq(server.n_body, len);
    cr_expect_arr_eq(server.body, body, len);
    cr_expect_not(t->over);
    nghttp2_session_del(server.session);
    t->ops->free(t);
}

#define CALL(scheme)                                                                       \
    ":method: POST\n:scheme: " scheme "\n:authority: shop.example\n"                       \
    ":path: /grpc.health.v1.Health/Check\nuser-agent: tidegate-probe\nte: trailers\n"      \
    "content-type: application/grpc\ngrpc-timeout: 1500m\n"

Test(probe_h2, a_get_is_asked)
{
    expect_question(&http, false,
                    ":method: GET\n:scheme: http\n:authority: shop.example\n"
                    ":path: /healthz\nuser-agent: tidegate-probe\naccept: */*\n",
                    "", 0);
}

Test(probe_h2, the_whole_server_is_asked_about_by_an_empty_message)
{
    expect_question(&grpc, true, CALL("https"), "\0\0\0\0\0", 5);
}

Test(probe_h2, a_service_is_asked_about_by_its_name)
{
    static const size_t lengths[] = {1, 12, 127, 128, 200, PROBE_H2_SERVICE_MAX};
    char name[PROBE_H2_SERVICE_MAX + 1], body[300];

    for (size_t i = 0; i < N_ELEMS(lengths); i++) {
        struct probe_plan plan = grpc;
        size_t len = lengths[i], n = 5;

        memset(name, 'a', len);
        name[len] = 0;
        plan.path = name;
        body[n++] = 0x0a;
        if (len > 127)
            body[n++] = (char)(len % 128 + 128);
        body[n++] = (char)(len > 127 ? len / 128 : len);
        memcpy(body + n, name, len);
        n += len;
        memcpy(body, "\0\0\0", 3);
        body[3] = (char)((n - 5) / 256);
        body[4] = (char)((n - 5) % 256);
        expect_question(&plan, false, CALL("http"), body, n);
    }
}

/* ---- answers ---- */

Test(probe_h2, the_status_decides)
{
    struct answer a = {.fields = {":status: 204"}};

    expect(&http, &a, "+status 204");
    a.fields[0] = ":status: 503";
    a.body = "no";
    a.len = 2;
    expect(&http, &a, "-status 503");
}

Test(probe_h2, a_body_is_not_waited_for)
{
    static char large[100000];
    struct answer a = {.fields = {":status: 200"}, .body = large, .len = sizeof(large)};

    expect(&http, &a, "+status 200");
}

Test(probe_h2, a_reset_stream_is_no_answer)
{
    struct answer a = {.reset = NGHTTP2_REFUSED_STREAM};

    expect(&http, &a, "-stream reset: REFUSED_STREAM");
    expect(&grpc, &a, "-stream reset: REFUSED_STREAM");
}

#define MESSAGE(literal) .body = literal, .len = sizeof(literal) - 1
#define OK(...)          .fields = {":status: 200"}, .trailers = {"grpc-status: 0"}, __VA_ARGS__
#define ALONE(...)       .fields = {__VA_ARGS__}
#define SERVING          MESSAGE("\0\0\0\0\2\x08\1")

static const struct {
    struct answer a;
    const char *says;
} calls[] = {
    {{OK(SERVING)}, "+health SERVING"},
    {{OK(MESSAGE("\0\0\0\0\2\x08\2"))}, "-health NOT_SERVING"},
    {{OK(MESSAGE("\0\0\0\0\2\x08\3"))}, "-health SERVICE_UNKNOWN"},
    {{OK(MESSAGE("\0\0\0\0\2\x08\0"))}, "-health UNKNOWN"},
    {{OK(MESSAGE("\0\0\0\0\0"))}, "-health UNKNOWN"},
    {{OK(MESSAGE("\0\0\0\0\3\x08\x81\1"))}, "-health of an unknown kind"},
    /* fields that came later are passed over, the last of one counts */
    {{OK(MESSAGE("\0\0\0\0\x17\x08\2\x12\3abc\x19"
                 "12345678\x25"
                 "1234\x08\1"))},
     "+health SERVING"},
    {{OK(MESSAGE("\0\0\0\0\4\x08\x81\x80\0"))}, "+health SERVING"},

    /* field 1 of another kind, and other fields, are not the status */
    {{OK(MESSAGE("\0\0\0\0\3\x0a\1\1"))}, "-health UNKNOWN"},
    {{OK(MESSAGE("\0\0\0\0\3\x12\1\1"))}, "-health UNKNOWN"},
    {{OK(MESSAGE("\0\0\0\0\2\x10\1"))}, "-health UNKNOWN"},

    /* errors: trailers alone, and behind a message */
    {{ALONE(":status: 200", "grpc-status: 5")}, "-grpc-status 5"},
    {{ALONE(":status: 200", "grpc-status: 12")}, "-grpc-status 12"},
    {{ALONE(":status: 200"), .trailers = {"grpc-status: 14"}, SERVING}, "-grpc-status 14"},
    {{ALONE(":status: 200", "grpc-status: 0")}, "-bad message"},
    {{ALONE(":status: 404")}, "-status 404"},
    {{ALONE(":status: 503"), MESSAGE("what?")}, "-status 503"},
    {{ALONE(":status: 200"), SERVING}, "-no grpc-status"},
    {{ALONE(":status: 200"), .trailers = {"grpc-status: x"}, SERVING}, "-no grpc-status"},
    {{ALONE(":status: 200"), .trailers = {"grpc-status: "}, SERVING}, "-no grpc-status"},
    {{ALONE(":status: 200"), .trailers = {"grpc-status: 4294967296"}, SERVING},
     "-no grpc-status"},

    /* messages that are none */
    {{OK(MESSAGE("\1\0\0\0\2\x08\1"))}, "-bad message"},
    {{OK(MESSAGE("\0\0\0\0\3\x08\1"))}, "-bad message"},
    {{OK(MESSAGE("\0\0\0\0\2\x08\1\0"))}, "-bad message"},
    {{OK(MESSAGE("\0\0\0\0\2\x08\1\0\0\0\0\2\x08\1"))}, "-bad message"},
    {{OK(MESSAGE("\0\0\0\0"))}, "-bad message"},
    {{OK(MESSAGE("\0\1\0\0\2\x08\1"))}, "-bad message"},
    {{OK(MESSAGE("\0\0\0\0\1\x08"))}, "-bad message"},
    {{OK(MESSAGE("\0\0\0\0\2\x08\x81"))}, "-bad message"},
    {{OK(MESSAGE("\0\0\0\0\3\x12\2a"))}, "-bad message"},
    {{OK(MESSAGE("\0\0\0\0\4\x19\1\2\3"))}, "-bad message"},
    {{OK(MESSAGE("\0\0\0\0\4\x25\1\2\3"))}, "-bad message"},
    {{OK(MESSAGE("\0\0\0\0\2\x0b\1"))}, "-bad message"},
    {{OK(MESSAGE("\0\0\0\0\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"))},
     "-bad message"},
};

Test(probe_h2, a_call_is_good_when_it_says_serving_and_only_then)
{
    for (size_t i = 0; i < N_ELEMS(calls); i++)
        expect(&grpc, &calls[i].a, calls[i].says);
}

Test(probe_h2, an_answer_that_does_not_end_is_not_kept)
{
    static char large[100000];
    struct answer a = {.fields = {":status: 200"}, .body = large, .len = sizeof(large)};

    expect(&grpc, &a, "-answer too long");
}

static void expect_bytes(const struct probe_plan *plan, const char *bytes, size_t len,
                         const char *reason)
{
    struct probe_talk *t = probe_h2_new(plan, false);

    serve(NULL);
    to_server(t);
    t->ops->input(t, (const uint8_t *)bytes, len);
    to_server(t);
    cr_expect(t->over && !t->passed);
    cr_expect_str_eq(t->reason, reason);
    nghttp2_session_del(server.session);
    t->ops->free(t);
}

Test(probe_h2, what_is_not_http_2_is_down_at_once)
{
    static const char old[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    static const char long_frame[] = "\0\0\0\4\0\0\0\0\0\1\0\0\0\0\0\0\0\1";
    /* a field `a: b`, and no status */
    static const char no_status[] = "\0\0\0\4\0\0\0\0\0\0\0\5\1\5\0\0\0\1\0\1a\1b";

    expect_bytes(&http, old, sizeof(old) - 1, "bad answer: PROTOCOL_ERROR");
    expect_bytes(&grpc, long_frame, sizeof(long_frame) - 1, "bad answer: FRAME_SIZE_ERROR");
    expect_bytes(&http, no_status, sizeof(no_status) - 1, "stream reset: PROTOCOL_ERROR");
}

#define SETTINGS "\0\0\0\4\0\0\0\0\0"
/* HEADERS on stream 1, of one field and not the last frame */
#define STATUS(code) "\0\0\5\1\4\0\0\0\1\x08\3" code

Test(probe_h2, an_informational_answer_is_not_the_answer)
{
    struct probe_talk *t = probe_h2_new(&http, false);
    static const char early[] = SETTINGS STATUS("103"), late[] = STATUS("200");

    serve(NULL);
    to_server(t);
    t->ops->input(t, (const uint8_t *)early, sizeof(early) - 1);
    cr_expect_not(t->over);
    t->ops->input(t, (const uint8_t *)late, sizeof(late) - 1);
    cr_expect(t->over && t->passed);
    nghttp2_session_del(server.session);
    t->ops->free(t);
}

Test(probe_h2, the_rest_of_an_answer_that_is_no_call_s_is_not_waited_for)
{
    static const char bytes[] = SETTINGS STATUS("503");

    expect_bytes(&grpc, bytes, sizeof(bytes) - 1, "status 503");
}
