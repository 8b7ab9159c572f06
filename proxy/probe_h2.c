#include "proxy/probe_h2.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/lex.h"

#define FRAME_BYTES  5    /* before a message: compressed or not, and its length */
#define ANSWER_MAX   1024 /* of a message, which is 2 bytes long today */
#define WINDOW       16384
#define HEAD_MAX     16384
#define FIELDS_MAX   8 /* of the question */
#define GRPC_SERVING 1

struct probe_h2 {
    struct probe_talk talk; /* first */
    const struct probe_plan *plan;
    nghttp2_session *session;
    uint64_t status; /* of the newest head; 0: none yet */
    uint64_t grpc_status;
    bool has_grpc_status;
    uint8_t request[FRAME_BYTES + 3 + PROBE_H2_SERVICE_MAX];
    size_t n_request, sent;
    uint8_t answer[FRAME_BYTES + ANSWER_MAX];
    size_t n_answer;
};

static struct probe_h2 *h2_of(struct probe_talk *t)
{
    return (struct probe_h2 *)(void *)t;
}

/* ---- gRPC's messages ------------------------------------------------------------------
 * Protocol Buffers: a key is the field's number and how its value is written. */

enum wire_type { WIRE_VARINT = 0, WIRE_8_BYTES = 1, WIRE_LENGTH = 2, WIRE_4_BYTES = 5 };

#define KEY(field, type) ((field) << 3 | (type))

/* HealthCheckRequest: the service is field 1, and left out when it is empty. */
static void write_request(struct probe_h2 *h)
{
    size_t len = strlen(h->plan->path), n = FRAME_BYTES;
    uint8_t *at = h->request;

    CHECK(len <= PROBE_H2_SERVICE_MAX);
    if (len > 0) {
        at[n++] = KEY(1, WIRE_LENGTH);
        if (len > 127)
            at[n++] = (uint8_t)(len | 128);
        at[n++] = (uint8_t)(len > 127 ? len >> 7 : len);
        memcpy(at + n, h->plan->path, len);
        n += len;
    }
    at[3] = (uint8_t)((n - FRAME_BYTES) >> 8);
    at[4] = (uint8_t)(n - FRAME_BYTES);
    h->n_request = n;
}

struct bytes {
    const uint8_t *at, *end;
};

static bool take_varint(struct bytes *b, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && b->at < b->end; shift += 7) {
        *out |= (uint64_t)(*b->at & 127) << shift;
        if (*b->at++ < 128)
            return true;
    }
    return false;
}

static bool skip(struct bytes *b, uint64_t n)
{
    if (n > (uint64_t)(b->end - b->at))
        return false;
    b->at += n;
    return true;
}

/* The value of a field of any kind; *value is that of a varint. */
static bool take_value(struct bytes *b, unsigned type, uint64_t *value)
{
    switch (type) {
    case WIRE_VARINT:
        return take_varint(b, value);
    case WIRE_8_BYTES:
        return skip(b, 8);
    case WIRE_LENGTH:
        return take_varint(b, value) && skip(b, *value);
    case WIRE_4_BYTES:
        return skip(b, 4);
    default:
        return false;
    }
}

/* HealthCheckResponse: the status is field 1, and 0 when it is left out. */
static bool read_answer(const struct probe_h2 *h, uint64_t *status)
{
    const uint8_t *p = h->answer;
    struct bytes b = {p + FRAME_BYTES, p + h->n_answer};
    uint64_t key, value = 0;

    *status = 0;
    if (h->n_answer < FRAME_BYTES || p[0] != 0 ||
        ((size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4]) !=
            h->n_answer - FRAME_BYTES)
        return false;
    while (b.at < b.end) {
        if (!take_varint(&b, &key) || !take_value(&b, key & 7, &value))
            return false;
        if (key == KEY(1, WIRE_VARINT))
            *status = value;
    }
    return true;
}

static const char *serving_name(uint64_t status)
{
    static const char *const names[] = {"UNKNOWN", "SERVING", "NOT_SERVING",
                                        "SERVICE_UNKNOWN"};

    return status < N_ELEMS(names) ? names[status] : "of an unknown kind";
}

/* The whole answer to a call is there, or one that is none. */
static void judge_call(struct probe_h2 *h)
{
    struct probe_talk *t = &h->talk;
    uint64_t serving;

    if (h->status != 200)
        probe_talk_end(t, false, "status %u", (unsigned)h->status);
    else if (!h->has_grpc_status)
        probe_talk_end(t, false, "no grpc-status");
    else if (h->grpc_status != 0)
        probe_talk_end(t, false, "grpc-status %u", (unsigned)h->grpc_status);
    else if (!read_answer(h, &serving))
        probe_talk_end(t, false, "bad message");
    else
        probe_talk_end(t, serving == GRPC_SERVING, "health %s", serving_name(serving));
}

/* ---- what the library calls ------------------------------------------------------------
 */

static bool take_number(const uint8_t *value, size_t len, uint64_t *out)
{
    return len <= 9 && lex_number((const char *)value, len, out);
}

/* nghttp2's signature. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
                     const uint8_t *name, size_t name_len, const uint8_t *value,
                     size_t value_len, uint8_t flags, void *ctx)
{
    struct probe_h2 *h = ctx;

    (void)session;
    (void)frame;
    (void)flags;
    if (LEX_IS((const char *)name, name_len, ":status"))
        take_number(value, value_len, &h->status);
    else if (LEX_IS((const char *)name, name_len, "grpc-status"))
        h->has_grpc_status = take_number(value, value_len, &h->grpc_status);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct probe_h2 *h = ctx;
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    (void)session;
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
        h->status < 200)
        return 0;
    if (h->plan->kind != PROBE_GRPC)
        probe_talk_judge(&h->talk, h->plan, (unsigned)h->status);
    else if (end || h->status != 200)
        judge_call(h);
    return 0;
}

/* The library gives up what is no HTTP/2. */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct probe_h2 *h = ctx;

    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        probe_talk_end(&h->talk, false, "bad answer: %s",
                       nghttp2_http2_strerror(frame->goaway.error_code));
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *ctx)
{
    struct probe_h2 *h = ctx;

    (void)session;
    (void)flags;
    (void)id;
    if (len > sizeof(h->answer) - h->n_answer) {
        probe_talk_end(&h->talk, false, "answer too long");
        return 0;
    }
    memcpy(h->answer + h->n_answer, data, len);
    h->n_answer += len;
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *ctx)
{
    struct probe_h2 *h = ctx;

    (void)session;
    (void)id;
    probe_talk_end(&h->talk, false, "stream reset: %s", nghttp2_http2_strerror(error));
    return 0;
}

/* nghttp2's signature. */
static ssize_t read_request(nghttp2_session *session, int32_t id, uint8_t *buf, size_t room,
                            uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    struct probe_h2 *h = ctx;
    size_t left = h->n_request - h->sent, n = left < room ? left : room;

    (void)session;
    (void)id;
    (void)source;
    memcpy(buf, h->request + h->sent, n);
    h->sent += n;
    if (h->sent == h->n_request)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

/* ---- the question ----------------------------------------------------------------------
 */

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value)};
}

static int32_t ask(struct probe_h2 *h, const char *scheme)
{
    const struct probe_plan *plan = h->plan;
    bool grpc = plan->kind == PROBE_GRPC;
    nghttp2_data_provider body = {.read_callback = read_request};
    nghttp2_nv nv[FIELDS_MAX];
    char timeout[16];
    size_t n = 0;

    nv[n++] = pair(":method", grpc ? "POST" : "GET");
    nv[n++] = pair(":scheme", scheme);
    nv[n++] = pair(":authority", plan->host);
    nv[n++] = pair(":path", grpc ? "/grpc.health.v1.Health/Check" : plan->path);
    nv[n++] = pair("user-agent", "tidegate-probe");
    if (grpc) {
        snprintf(timeout, sizeof(timeout), "%um", (unsigned)plan->timeout_ms);
        nv[n++] = pair("te", "trailers");
        nv[n++] = pair("content-type", "application/grpc");
        nv[n++] = pair("grpc-timeout", timeout);
        write_request(h);
    } else {
        nv[n++] = pair("accept", "*/*");
    }
    return nghttp2_submit_request(h->session, NULL, nv, n, grpc ? &body : NULL, NULL);
}

static void open_session(struct probe_h2 *h)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEAD_MAX},
    };
    nghttp2_session_callbacks *c;

    CHECK(nghttp2_session_callbacks_new(&c) == 0);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_sent);
    CHECK(nghttp2_session_client_new(&h->session, c, h) == 0);
    nghttp2_session_callbacks_del(c);
    CHECK(nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                                  N_ELEMS(settings)) == 0);
}

static void h2_input(struct probe_talk *t, const uint8_t *p, size_t n)
{
    struct probe_h2 *h = h2_of(t);
    ssize_t rc = nghttp2_session_mem_recv(h->session, p, n);

    if (rc < 0)
        probe_talk_end(t, false, "bad answer: %s", nghttp2_strerror((int)rc));
    if (t->over) /* says goodbye */
        nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
}

static size_t h2_output(struct probe_talk *t, const uint8_t **p)
{
    ssize_t n = nghttp2_session_mem_send(h2_of(t)->session, p);

    return n > 0 ? (size_t)n : 0;
}

static void h2_free(struct probe_talk *t)
{
    struct probe_h2 *h = h2_of(t);

    nghttp2_session_del(h->session);
    free(h);
}

static const struct probe_talk_ops h2_ops = {h2_input, h2_output, h2_free};

struct probe_talk *probe_h2_new(const struct probe_plan *plan, bool secure)
{
    struct probe_h2 *h = MEM_NEW(struct probe_h2);

    h->talk.ops = &h2_ops;
    h->plan = plan;
    open_session(h);
    CHECK(ask(h, secure ? "https" : "http") > 0);
    return &h->talk;
}
