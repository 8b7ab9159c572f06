/*
 * h2_fuzz.c - whatever a client sends on an HTTP/2 connection, cut anywhere: nothing is
 * read or written out of bounds, memory stays bounded, and what passes as a request can
 * be written as HTTP/1.1 and read again.
 *
 * Input: what to do with requests, size of the pieces; then the bytes of the client,
 * after its preface.  The session is a real one, between the sieve and an echo.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/h1/emit.h"
#include "proxy/h1/head.h"
#include "proxy/h2link.h"

#define MUST(cond)                                                                         \
    do {                                                                                   \
        if (!(cond))                                                                       \
            abort();                                                                       \
    } while (0)

#define WINDOW 65536

enum { ANSWER_AT_ONCE = 1, RESET = 2, KEEP_WINDOWS = 4, TRAILERS = 8 };

static struct worker *worker;
static uint8_t habits;

static const struct block_limits limits = {
    .max_head_bytes = 8192, .max_target_bytes = 1024, .max_fields = 32};

static void check_text(const struct msg *m)
{
    MUST(m->text_len <= m->text_room && m->n_fields <= limits.max_fields + 2);
    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];

        MUST(f->name + f->name_len <= m->text_len &&
             f->value + f->value_len <= m->text_len);
        for (uint32_t k = 0; k < f->value_len; k++)
            MUST(strchr("\r\n", m->text[f->value + k]) == NULL);
    }
}

/* A backend that reads strictly takes what we make of a request. */
static void check_written(const struct msg *m)
{
    static char out[65536];
    static struct field fields[64];
    struct head_limits wide = {sizeof(out), sizeof(out), 64};
    struct msg again = {.fields = fields, .fields_room = 64};
    struct head_fault fault;
    size_t seen = 0, n;

    if (m->method_id == METHOD_CONNECT)
        return;
    n = emit_request(m, "own", out, sizeof(out));
    MUST(n > 0);
    MUST(head_request(out, n, &seen, &wide, &again, &fault) == HEAD_DONE);
    MUST(again.text_len == n && again.body == m->body);
    MUST(again.content_length == m->content_length || m->body != BODY_LENGTH);
}

static void respond(struct h2stream *s)
{
    struct msg m = {.status = 200};

    s->answered = true;
    MUST(pairs_response(&s->link->pool->pairs, &m, "Sun, 06 Nov 1994 08:49:37 GMT"));
    h2link_answer(s, false);
}

static void finish(struct h2stream *s)
{
    char text[] = "x-a: 1\r\n";
    struct field f = {.name = 0, .name_len = 3, .value = 5, .value_len = 1};
    struct msg trailers = {.text = text, .text_len = 8, .fields = &f, .n_fields = 1};

    if (!s->answered)
        respond(s);
    h2link_end(s, (habits & TRAILERS) != 0 ? &trailers : NULL);
}

static void on_block(struct h2link *l, struct h2stream *s, int32_t id, bool end)
{
    struct block *b = &l->pool->block;

    if (s != NULL) {
        if (block_trailers(b))
            check_text(&b->m);
        finish(s);
        return;
    }
    if (!block_request(b, end, "dGhlIHNhbXBsZSBub25jZQ==")) {
        MUST(b->fault.reason != NULL);
        nghttp2_submit_rst_stream(l->session, NGHTTP2_FLAG_NONE, id, 1);
        return;
    }
    check_text(&b->m);
    check_written(&b->m);
    s = h2link_stream(l, id, NULL);
    s->remote_ended = end;
    if ((habits & ANSWER_AT_ONCE) != 0)
        respond(s);
    if (end)
        finish(s);
}

static void on_data(struct h2stream *s, const uint8_t *p, size_t n)
{
    if (!s->answered)
        respond(s);
    if ((habits & RESET) != 0) {
        h2link_reset(s, 8);
        return;
    }
    if (h2link_send(s, p, n) || (habits & KEEP_WINDOWS) == 0)
        h2link_credit(s, n);
    else
        s->held += (uint32_t)n;
    MUST((habits & KEEP_WINDOWS) == 0 || s->out.len <= WINDOW + SOCK_OUT_LOW + 16384);
}

static void on_room(struct h2stream *s)
{
    h2link_credit_held(s);
}

static void on_stream(struct h2stream *s)
{
    (void)s;
}

static void on_moved(struct h2stream *s, bool sent)
{
    (void)s;
    (void)sent;
}

static void on_link(struct h2link *l)
{
    (void)l;
}

static const struct h2link_ops ops = {
    .block = on_block,
    .data = on_data,
    .end = finish,
    .closed = on_stream,
    .room = on_room,
    .moved = on_moved,
    .ping_answered = on_link,
    .timeout = on_stream,
};

static void begin(void)
{
    static struct worker_shared shared;

    if (worker == NULL)
        worker = worker_new(&shared, 0);
}

/* A copy that ends where its memory ends. */
static void feed(struct h2link *l, const void *data, size_t len)
{
    uint8_t *p = malloc(len > 0 ? len : 1);

    MUST(p != NULL);
    memcpy(p, data, len);
    h2link_input(l, p, len);
    free(p);
    h2link_run(l);
    MUST(l->inbox.len <= limits.max_head_bytes + 2 * SIEVE_FRAME_MAX + 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h2link_settings set = {.server = true,
                                  .max_streams = 16,
                                  .stream_window = WINDOW,
                                  .link_window = 1048576,
                                  .reset_rate = 10,
                                  .control_rate = 10,
                                  .limits = limits};
    struct sock sock;
    struct h2link l;
    size_t piece;

    if (size < 2 || size > 65536)
        return 0;
    begin();
    habits = data[0];
    piece = (size_t)data[1] + 1;
    sock = (struct sock){.w = worker, .fd = -1}; /* what is written goes nowhere */
    h2link_open(&l, &sock, &set, &ops);
    feed(&l, SIEVE_PREFACE, SIEVE_PREFACE_LEN);
    for (size_t at = 2; at < size && !h2link_over(&l); at += piece)
        feed(&l, data + at, size - at < piece ? size - at : piece);
    h2link_close(&l);
    return 0;
}
