#include "proxy/subreq.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/edge.h"
#include "proxy/forward.h"

/* ---- heads that are kept ------------------------------------------------------------- */

/* A copy in one block of its own. */
static void *keep_head(struct msg *to, const struct msg *m)
{
    size_t fields = m->n_fields * sizeof(struct field);
    char *mem = mem_grow(NULL, fields + m->text_len + 1, 1);

    *to = (struct msg){.fields = (struct field *)(void *)mem,
                       .fields_room = m->n_fields,
                       .text = mem + fields,
                       .text_room = m->text_len};
    msg_copy(to, m);
    return mem;
}

/* ---- the stream: what a client would get ------------------------------------------- */

static struct subreq *subreq_of(struct stream *st)
{
    return CONTAINER_OF(st, struct subreq, stream);
}

static void op_head(struct stream *st, const struct msg *m, bool end)
{
    struct subreq *s = subreq_of(st);

    (void)end;
    if (m->status < 200 || s->answer_mem != NULL)
        return;
    s->answer_mem = keep_head(&s->answer, m);
}

static bool op_data(struct stream *st, const uint8_t *p, size_t n)
{
    struct subreq *s = subreq_of(st);

    if (!s->keep)
        return true;
    if (s->body.len + n > s->max_bytes)
        s->too_large = true;
    else if (!s->too_large)
        bufq_append(&s->w->bufs, &s->body, p, n);
    return true;
}

static void op_end(struct stream *st, const struct msg *trailers)
{
    (void)st;
    (void)trailers;
}

/* The exchange is over: s hears of it in its own turn. */
static void op_reset(struct stream *st, enum stream_fault why)
{
    struct subreq *s = subreq_of(st);

    (void)why;
    st->x = NULL;
    loop_ready_add(s->w->loop, &s->ready);
}

static void op_release(struct stream *st)
{
    struct subreq *s = subreq_of(st);

    st->x = NULL;
    s->whole = true;
    loop_ready_add(s->w->loop, &s->ready);
}

static void op_nothing(struct stream *st)
{
    (void)st;
}

static const struct stream_ops subreq_ops = {
    .head = op_head,
    .data = op_data,
    .end = op_end,
    .reset = op_reset,
    .release = op_release,
    .resume = op_nothing,
    .check = op_nothing,
};

/* ---- life ---------------------------------------------------------------------------- */

static void begin(struct subreq *s)
{
    const struct forward_sub sub = {.pin = s->pin,
                                    .listener = s->listener,
                                    .client = s->client,
                                    .route = s->route,
                                    .service = s->service,
                                    .body = &s->request,
                                    .never_wait = s->never_wait};

    s->begun = true;
    if (s->timeout_ms != 0)
        loop_timer_set(s->w->loop, &s->timer,
                       loop_now(s->w->loop) + (mono_us)s->timeout_ms * US_PER_MS);
    forward_subrequest(s->w, &s->stream, &s->head, &sub);
    sock_uncork(s->w);
}

static void finish(struct subreq *s)
{
    loop_timer_clear(&s->timer);
    if (s->how != SUBREQ_TIMEOUT)
        s->how = s->too_large                        ? SUBREQ_TOO_LARGE
                 : s->whole && s->answer_mem != NULL ? SUBREQ_ANSWERED
                                                     : SUBREQ_FAILED;
    s->done(s);
}

static void on_ready(struct loop_ready *r)
{
    struct subreq *s = CONTAINER_OF(r, struct subreq, ready);

    if (!s->begun)
        begin(s);
    else
        finish(s);
}

static void on_timer(struct loop_timer *t)
{
    struct subreq *s = CONTAINER_OF(t, struct subreq, timer);

    s->how = SUBREQ_TIMEOUT;
    if (s->stream.x != NULL)
        forward_down_fault(s->stream.x, FAULT_CANCEL);
    sock_uncork(s->w);
    loop_ready_add(s->w->loop, &s->ready);
}

struct subreq *subreq_new(const struct subreq_spec *spec)
{
    const struct exchange *x = spec->parent;
    struct subreq *s = MEM_NEW(struct subreq);

    s->stream.ops = &subreq_ops;
    s->w = x->w;
    s->ctx = spec->ctx;
    s->done = spec->done;
    s->pin = worker_pin_again(x->pin);
    s->listener = x->listener;
    s->client = spec->outlives ? &s->own : x->client;
    if (spec->outlives)
        client_copy(&s->own, x->client);
    s->route = x->route;
    s->head_mem = keep_head(&s->head, spec->head);
    if (spec->body != NULL) {
        s->request = *spec->body;
        *spec->body = (struct bufq){.first = NULL};
    }
    s->service = spec->service;
    s->keep = spec->keep;
    s->max_bytes = spec->max_bytes;
    s->never_wait = spec->never_wait;
    s->timeout_ms = spec->timeout_ms;
    loop_timer_init(&s->timer, on_timer);
    loop_ready_init(&s->ready, on_ready);
    loop_ready_add(s->w->loop, &s->ready);
    list_add_tail(&edge_worker(s->w)->subreqs, &s->node);
    return s;
}

void subreq_abort(struct subreq *s)
{
    if (s->stream.x != NULL)
        forward_down_fault(s->stream.x, FAULT_CANCEL);
    loop_ready_cancel(&s->ready);
    s->how = SUBREQ_FAILED;
    s->done(s);
}

void subreq_free(struct subreq *s)
{
    if (s->stream.x != NULL)
        forward_down_fault(s->stream.x, FAULT_CANCEL);
    loop_ready_cancel(&s->ready);
    loop_timer_remove(&s->timer);
    list_remove(&s->node);
    if (s->client == &s->own)
        client_gone(&s->own);
    bufq_clear(&s->w->bufs, &s->request);
    bufq_clear(&s->w->bufs, &s->body);
    worker_unpin(s->w, s->pin);
    free(s->head_mem);
    free(s->answer_mem);
    free(s);
}
