#include "proxy/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/probe_h1.h"
#include "proxy/probe_h2.h"
#include "proxy/probe_wire.h"
#include "proxy/tls/tls_peer.h"

#define PROBE_MAGIC 0x70726f62u
#define ANSWER_MAX  65536 /* bytes that are read for one question */
#define FIRST_MS    100   /* the first question comes within */
#define JITTER      0.1

struct probe {
    uint32_t magic;
    struct loop *loop;
    struct rng *rng;
    struct addr addr;
    struct tls_peer *peer;
    enum cfg_protocol protocol;
    enum cfg_proxy_protocol proxy_protocol;
    struct probe_plan plans[2], *plan; /* with texts of their own */
    struct probe_count count;
    probe_fn *fn;
    void *ctx;
    struct loop_timer timer; /* the next question, or the end of patience with this one */
    /* the question under way */
    struct probe_wire *wire; /* NULL: none */
    struct probe_talk *talk; /* NULL: not connected yet */
    size_t got;
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

static void stop(struct probe *p)
{
    if (p->wire != NULL)
        probe_wire_close(p->wire);
    p->wire = NULL;
    if (p->talk != NULL)
        p->talk->ops->free(p->talk);
    p->talk = NULL;
}

static void ask_in(struct probe *p, double ms)
{
    loop_timer_set(p->loop, &p->timer, loop_now(p->loop) + (mono_us)(ms * US_PER_MS));
}

/* Ends the question; false.  The last thing done with p: its owner may free it. */
static bool __attribute__((format(printf, 3, 4)))
finish(struct probe *p, bool passed, const char *fmt, ...)
{
    enum backend_health before = p->count.health, now;
    char reason[80];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(reason, sizeof(reason), fmt, ap);
    va_end(ap);
    stop(p);
    now = probe_judge(&p->count, p->plan, passed);
    if (now == BACKEND_UP)
        p->plan = &p->plans[1];
    ask_in(p, p->plan->interval_ms * (1 - JITTER + 2 * JITTER * rng_unit(p->rng)));
    if (now != before)
        p->fn(p->ctx, now, reason);
    return false;
}

/* What is on our side to say; false: the question ended here. */
static bool say(struct probe *p)
{
    const uint8_t *out;
    size_t n;

    while ((n = p->talk->ops->output(p->talk, &out)) > 0)
        if (!probe_wire_send(p->wire, out, n))
            return false;
    return true;
}

static void say_goodbye(struct probe *p)
{
    const uint8_t *out;
    size_t n;

    while ((n = p->talk->ops->output(p->talk, &out)) > 0)
        probe_wire_farewell(p->wire, out, n);
}

/* False: it is, and the question ended here. */
static bool not_over(struct probe *p)
{
    if (!p->talk->over)
        return true;
    say_goodbye(p);
    return finish(p, p->talk->passed, "%s", p->talk->reason);
}

/* gRPC is HTTP/2 whatever else a backend may speak. */
static bool needs_h2(const struct probe *p)
{
    return p->protocol == CFG_PROTOCOL_H2 || p->plan->kind == PROBE_GRPC;
}

static enum tls_offer offer_of(const struct probe *p)
{
    if (needs_h2(p))
        return TLS_OFFER_H2;
    return p->protocol == CFG_PROTOCOL_AUTO ? TLS_OFFER_H2_H1 : TLS_OFFER_H1;
}

static bool on_open(void *ctx)
{
    struct probe *p = ctx;
    bool secure = p->peer != NULL;
    bool h2 = secure ? probe_wire_agreed_on_h2(p->wire) : needs_h2(p);

    if (p->plan->kind == PROBE_CONNECT)
        return finish(p, true, "connected");
    if (needs_h2(p) && !h2)
        return finish(p, false, "no HTTP/2");
    p->talk = h2 ? probe_h2_new(p->plan, secure) : probe_h1_new(p->plan);
    return say(p);
}

static bool on_input(void *ctx, const uint8_t *in, size_t n)
{
    struct probe *p = ctx;

    p->got += n;
    p->talk->ops->input(p->talk, in, n);
    if (!not_over(p))
        return false;
    if (p->got >= ANSWER_MAX)
        return finish(p, false, "answer too long");
    return say(p) && not_over(p);
}

static void on_broken(void *ctx, const char *reason)
{
    finish(ctx, false, "%s", reason);
}

static void ask(struct probe *p)
{
    static const struct probe_wire_ops ops = {on_open, on_input, on_broken};
    struct probe_wire_spec spec = {.loop = p->loop,
                                   .addr = &p->addr,
                                   .tls = p->peer,
                                   .offer = offer_of(p),
                                   .proxy_protocol = p->proxy_protocol,
                                   .ops = &ops,
                                   .ctx = p};

    p->got = 0;
    p->wire = probe_wire_open(&spec);
    if (p->wire == NULL)
        finish(p, false, "%s", strerror(errno));
    else
        ask_in(p, p->plan->timeout_ms);
}

static void on_due(struct loop_timer *t)
{
    struct probe *p = CONTAINER_OF(t, struct probe, timer);

    CHECK(p->magic == PROBE_MAGIC);
    if (p->wire != NULL)
        finish(p, false, "timeout");
    else
        ask(p);
}

/* ---- life ---- */

static void copy_plan(struct probe_plan *to, const struct probe_plan *from)
{
    *to = *from;
    to->path = mem_str(from->path);
    to->host = mem_str(from->host);
}

static void free_plan(struct probe_plan *plan)
{
    free((void *)(uintptr_t)plan->path);
    free((void *)(uintptr_t)plan->host);
}

struct probe *probe_new(struct loop *l, struct rng *rng, const struct probe_spec *spec)
{
    struct probe *p = MEM_NEW(struct probe);

    p->magic = PROBE_MAGIC;
    p->loop = l;
    p->rng = rng;
    p->addr = *spec->addr;
    p->peer = spec->tls != NULL ? tls_peer_ref(spec->tls) : NULL;
    p->protocol = spec->protocol;
    p->proxy_protocol = spec->proxy_protocol;
    for (int i = 0; i < 2; i++)
        copy_plan(&p->plans[i], &spec->plans[i]);
    p->plan = &p->plans[spec->health != BACKEND_UNKNOWN];
    p->count.health = spec->health;
    p->fn = spec->fn;
    p->ctx = spec->ctx;
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
        free_plan(&p->plans[i]);
    OBJ_DEAD(p);
    free(p);
}

static bool same_plan(const struct probe_plan *a, const struct probe_plan *b)
{
    return a->kind == b->kind && strcmp(a->path, b->path) == 0 &&
           strcmp(a->host, b->host) == 0 && a->interval_ms == b->interval_ms &&
           a->timeout_ms == b->timeout_ms && a->rise == b->rise && a->fall == b->fall &&
           a->status_from == b->status_from && a->status_to == b->status_to &&
           a->patient == b->patient;
}

bool probe_follows(const struct probe *p, const struct probe_spec *spec)
{
    return p->peer == spec->tls && p->protocol == spec->protocol &&
           p->proxy_protocol == spec->proxy_protocol &&
           same_plan(&p->plans[0], &spec->plans[0]) &&
           same_plan(&p->plans[1], &spec->plans[1]);
}
