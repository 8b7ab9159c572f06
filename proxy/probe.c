#include "proxy/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/h1/head.h"
#include "proxy/tls/tls_io.h"
#include "proxy/tls/tls_peer.h"

#define PROBE_MAGIC 0x70726f62u
#define HEAD_MAX    16384
#define FIELDS_MAX  128
#define FIRST_MS    100 /* the first question comes within */
#define JITTER      0.1

/* A plan as it is carried out. */
struct task {
    struct probe_plan plan; /* without the texts, which are in `request` */
    char *request;
};

struct probe {
    uint32_t magic;
    struct loop *loop;
    struct rng *rng;
    struct addr addr;
    struct task tasks[2], *task;
    struct probe_count count;
    probe_fn *fn;
    void *ctx;
    struct loop_timer timer; /* the next question, or the end of patience with this one */
    /* the question under way */
    int fd; /* -1: none */
    struct loop_io io;
    size_t sent, got, seen;
    char *head;
    /* with TLS */
    struct tls_peer *peer;
    struct tls_io *tls;
    struct tls_block block;
};

enum backend_health probe_judge(struct probe_count *c, const struct probe_plan *plan,
                                bool passed)
{
    enum backend_health heard = passed ? BACKEND_UP : BACKEND_DOWN;
    uint32_t needed = passed ? plan->rise : plan->fall;

    if (c->health == BACKEND_UNKNOWN)
        needed = passed || !plan->patient ? 1 : UINT32_MAX;
    if (heard == c->health) {
        c->in_row = 0;
    } else if (++c->in_row >= needed) {
        c->health = heard;
        c->in_row = 0;
    }
    return c->health;
}

/* ---- one question ---- */

static void on_due(struct loop_timer *t);

static void stop(struct probe *p)
{
    if (p->fd < 0)
        return;
    loop_io_remove(&p->io);
    close(p->fd);
    p->fd = -1;
    free(p->head);
    p->head = NULL;
    if (p->tls == NULL)
        return;
    tls_io_free(p->tls);
    p->tls = NULL;
    tls_block_fini(&p->block);
}

static void ask_in(struct probe *p, double ms)
{
    loop_timer_set(p->loop, &p->timer, loop_now(p->loop) + (mono_us)(ms * US_PER_MS));
}

/* Ends the question.  The last thing done with p: its owner may free it. */
static void __attribute__((format(printf, 3, 4)))
finish(struct probe *p, bool passed, const char *fmt, ...)
{
    enum backend_health before = p->count.health, now;
    char reason[80];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(reason, sizeof(reason), fmt, ap);
    va_end(ap);
    stop(p);
    now = probe_judge(&p->count, &p->task->plan, passed);
    if (now == BACKEND_UP)
        p->task = &p->tasks[1];
    ask_in(p, p->task->plan.interval_ms * (1 - JITTER + 2 * JITTER * rng_unit(p->rng)));
    if (now != before)
        p->fn(p->ctx, now, reason);
}

static void judge_status(struct probe *p, unsigned status)
{
    const struct probe_plan *plan = &p->task->plan;

    finish(p, status >= plan->status_from && status <= plan->status_to, "status %u",
           status);
}

/* True when the answer's status is known and the question ended. */
static bool read_head(struct probe *p)
{
    const struct head_limits limits = {
        .max_head_bytes = HEAD_MAX, .max_target_bytes = HEAD_MAX, .max_fields = FIELDS_MAX};
    struct field fields[FIELDS_MAX];
    struct msg m = {.fields = fields, .fields_room = FIELDS_MAX};
    struct head_fault fault;

    for (;;) {
        m.method_id = METHOD_GET;
        switch (head_response(p->head, p->got, &p->seen, &limits, &m, &fault)) {
        case HEAD_MORE:
            return false;
        case HEAD_BAD:
            finish(p, false, "bad answer: %s", fault.reason);
            return true;
        case HEAD_DONE:
            break;
        }
        if (m.status >= 200) {
            judge_status(p, m.status);
            return true;
        }
        memmove(p->head, p->head + m.text_len, p->got - m.text_len);
        p->got -= m.text_len;
        p->seen = 0;
        msg_reset(&m);
    }
}

static void on_readable(struct probe *p)
{
    for (;;) {
        ssize_t n = read(p->fd, p->head + p->got, HEAD_MAX - p->got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            finish(p, false, "%s", strerror(errno));
            return;
        }
        if (n == 0) {
            finish(p, false, p->got == HEAD_MAX ? "answer too long" : "closed");
            return;
        }
        p->got += (size_t)n;
        if (read_head(p))
            return;
    }
}

/* False: the question ended here. */
static bool on_writable(struct probe *p)
{
    size_t len = strlen(p->task->request);

    while (p->sent < len) {
        ssize_t n = send(p->fd, p->task->request + p->sent, len - p->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0) {
            finish(p, false, "%s", strerror(errno));
            return false;
        }
        p->sent += (size_t)n;
    }
    return true;
}

/* ---- the same over TLS ---- */

/* Sends what TLS made.  False: the question ended here. */
static bool send_records(struct probe *p)
{
    struct tls_block *b = &p->block;

    while (p->sent < b->out_len) {
        ssize_t n = send(p->fd, b->out + p->sent, b->out_len - p->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0) {
            finish(p, false, "%s", strerror(errno));
            return false;
        }
        p->sent += (size_t)n;
    }
    b->out_len = p->sent = 0;
    return true;
}

/* False: the question ended here. */
static bool continue_handshake(struct probe *p)
{
    struct iovec request = {p->task->request, strlen(p->task->request)};

    if (tls_io_established(p->tls))
        return true;
    if (tls_io_handshake(p->tls, &p->block) > 0)
        tls_io_write(p->tls, &p->block, &request, 1);
    if (!tls_io_broken(p->tls))
        return true;
    finish(p, false, "TLS: %s", tls_io_reason(p->tls));
    return false;
}

/* What came, up to where more is needed.  False: the question ended here. */
static bool take_records(struct probe *p)
{
    for (;;) {
        ssize_t n;

        if (!continue_handshake(p))
            return false;
        if (!tls_io_established(p->tls))
            return true;
        n = tls_io_read(p->tls, &p->block, p->head + p->got, HEAD_MAX - p->got);
        if (n == TLS_IO_AGAIN && p->got < HEAD_MAX)
            return true;
        if (n <= 0) {
            finish(p, false, "%s",
                   p->got == HEAD_MAX ? "answer too long"
                   : n == TLS_IO_EOF  ? "closed"
                                      : tls_io_reason(p->tls));
            return false;
        }
        p->got += (size_t)n;
        if (read_head(p))
            return false;
    }
}

static void on_records(struct probe *p)
{
    for (;;) {
        ssize_t n = read(p->fd, p->block.in, TLS_BLOCK_IN);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            tls_io_ended(p->tls);
        else
            tls_io_received(p->tls, &p->block, (size_t)n);
        if (!take_records(p) || !send_records(p))
            return;
    }
}

static void on_tls(struct probe *p, unsigned what)
{
    if ((what & LOOP_WRITE) && (!continue_handshake(p) || !send_records(p)))
        return;
    if (what & (LOOP_READ | LOOP_CLOSED))
        on_records(p);
}

static void on_io(struct loop_io *io, unsigned what)
{
    struct probe *p = CONTAINER_OF(io, struct probe, io);

    CHECK(p->magic == PROBE_MAGIC);
    if (p->tls != NULL) {
        on_tls(p, what);
        return;
    }
    if ((what & LOOP_WRITE) && !on_writable(p))
        return;
    if (what & (LOOP_READ | LOOP_CLOSED))
        on_readable(p);
}

static void ask(struct probe *p)
{
    p->fd = socket(p->addr.sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd < 0) {
        finish(p, false, "%s", strerror(errno));
        return;
    }
    p->sent = p->got = p->seen = 0;
    p->head = MEM_NEW_N(char, HEAD_MAX);
    if (p->peer != NULL) {
        tls_block_init(&p->block);
        p->tls = tls_io_connect(p->peer, TLS_OFFER_H1, &p->block);
    }
    loop_io_add(p->loop, &p->io, p->fd, on_io);
    if (connect(p->fd, &p->addr.sa.any, p->addr.len) < 0 && errno != EINPROGRESS) {
        finish(p, false, "%s", strerror(errno));
        return;
    }
    ask_in(p, p->task->plan.timeout_ms);
}

static void on_due(struct loop_timer *t)
{
    struct probe *p = CONTAINER_OF(t, struct probe, timer);

    CHECK(p->magic == PROBE_MAGIC);
    if (p->fd >= 0)
        finish(p, false, "timeout");
    else
        ask(p);
}

/* ---- life ---- */

static char *request_text(const struct probe_plan *plan)
{
    return mem_printf("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: tidegate-probe\r\n"
                      "Accept: */*\r\nConnection: close\r\n\r\n",
                      plan->path, plan->host);
}

static void task_init(struct task *t, const struct probe_plan *plan)
{
    t->request = request_text(plan);
    t->plan = *plan;
    t->plan.path = t->plan.host = NULL;
}

struct probe *probe_new(struct loop *l, struct rng *rng, const struct probe_spec *spec)
{
    struct probe *p = MEM_NEW(struct probe);

    p->magic = PROBE_MAGIC;
    p->loop = l;
    p->rng = rng;
    p->addr = *spec->addr;
    p->peer = spec->tls != NULL ? tls_peer_ref(spec->tls) : NULL;
    for (int i = 0; i < 2; i++)
        task_init(&p->tasks[i], &spec->plans[i]);
    p->task = &p->tasks[spec->health != BACKEND_UNKNOWN];
    p->count.health = spec->health;
    p->fn = spec->fn;
    p->ctx = spec->ctx;
    p->fd = -1;
    loop_timer_init(&p->timer, on_due);
    ask_in(p, rng_unit(rng) * FIRST_MS);
    return p;
}

void probe_free(struct probe *p)
{
    if (p == NULL)
        return;
    stop(p);
    loop_timer_remove(&p->timer);
    tls_peer_unref(p->peer);
    for (int i = 0; i < 2; i++)
        free(p->tasks[i].request);
    OBJ_DEAD(p);
    free(p);
}

static bool same_plan(const struct task *t, const struct probe_plan *b)
{
    const struct probe_plan *a = &t->plan;
    char *request = request_text(b);
    bool same = strcmp(t->request, request) == 0;

    free(request);
    return same && a->interval_ms == b->interval_ms && a->timeout_ms == b->timeout_ms &&
           a->rise == b->rise && a->fall == b->fall && a->status_from == b->status_from &&
           a->status_to == b->status_to && a->patient == b->patient;
}

bool probe_follows(const struct probe *p, const struct probe_spec *spec)
{
    return p->peer == spec->tls && same_plan(&p->tasks[0], &spec->plans[0]) &&
           same_plan(&p->tasks[1], &spec->plans[1]);
}
