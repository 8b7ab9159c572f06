#include "proxy/waitq.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/forward.h"
#include "proxy/upstream.h"

#define SWEEP_US 50000
/* Share of a new latency in the moving mean. */
#define LATENCY_ALPHA 0.05

struct waitq {
    struct worker *w;
    struct service_shared *shared; /* a reference */
    struct list q;                 /* exchange.wait, oldest first */
    uint32_t n;
    double latency_us; /* moving mean of what an attempt took; 0: none yet */
    struct loop_ready ready;
    struct loop_timer sweep;
};

static void serve_oldest(struct waitq *q);

static void on_ready(struct loop_ready *r)
{
    serve_oldest(CONTAINER_OF(r, struct waitq, ready));
}

static void on_sweep(struct loop_timer *t)
{
    struct waitq *q = CONTAINER_OF(t, struct waitq, sweep);

    serve_oldest(q);
    if (q->n > 0)
        loop_timer_set(q->w->loop, &q->sweep, loop_now(q->w->loop) + SWEEP_US);
}

static struct waitq *queue_of(struct worker *w, struct service_shared *shared)
{
    uint64_t key = (uint64_t)(uintptr_t)shared;
    struct waitq *q = map_find(&w->waitqs, key);

    if (q != NULL)
        return q;
    q = MEM_NEW(struct waitq);
    q->w = w;
    q->shared = service_shared_ref(shared);
    list_init(&q->q);
    loop_ready_init(&q->ready, on_ready);
    loop_timer_init(&q->sweep, on_sweep);
    map_set(&w->waitqs, key, q);
    return q;
}

/* Tells the other workers since when our oldest waits. */
static void publish_oldest(struct waitq *q)
{
    int64_t since = 0;

    if (q->n > 0)
        since = LIST_FIRST(&q->q, struct exchange, wait)->waiting_since;
    atomic_store_explicit(&q->shared->oldest_wait[q->w->id], since, memory_order_relaxed);
}

static uint32_t capacity_of(const struct service *s)
{
    uint32_t total = 0;

    for (int t = 0; t < N_TIERS; t++)
        for (uint32_t i = 0; i < s->pools[t].n_backends; i++)
            total += s->pools[t].backends[i]->max_requests;
    return total;
}

double waitq_forecast_s(struct worker *w, const struct service *s)
{
    const struct waitq *q = queue_of(w, s->shared);
    uint32_t waiting = atomic_load_explicit(&s->shared->waiting, memory_order_relaxed);
    uint32_t capacity = capacity_of(s);

    if (capacity == 0)
        return 0;
    return (double)(waiting + 1) / capacity * q->latency_us / US_PER_S;
}

bool waitq_join(struct exchange *x)
{
    struct waitq *q = queue_of(x->w, x->service->shared);
    bool again = x->waiting_since != 0;
    uint32_t waiting;

    CHECK(list_empty(&x->wait));
    if (q->n >= x->service->cfg->queue_size)
        return false;
    if (again) {
        list_add_head(&q->q, &x->wait);
    } else {
        x->waiting_since = loop_now(x->w->loop);
        list_add_tail(&q->q, &x->wait);
    }
    q->n++;
    x->queued_since = loop_now(x->w->loop);
    waiting = atomic_fetch_add_explicit(&q->shared->waiting, 1, memory_order_relaxed);
    if (!again)
        x->queue_position = waiting + 1;
    STATS_INC(x->stats->queued);
    publish_oldest(q);
    if (q->sweep.due == 0)
        loop_timer_set(x->w->loop, &q->sweep, loop_now(x->w->loop) + SWEEP_US);
    return true;
}

void waitq_leave(struct exchange *x)
{
    struct waitq *q;

    if (list_empty(&x->wait))
        return;
    q = queue_of(x->w, x->service->shared);
    list_remove(&x->wait);
    x->queued_us += loop_now(x->w->loop) - x->queued_since;
    q->n--;
    atomic_fetch_sub_explicit(&q->shared->waiting, 1, memory_order_relaxed);
    STATS_ADD(x->stats->queued, -1);
    publish_oldest(q);
}

static void refuse_all(struct waitq *q)
{
    while (q->n > 0) {
        struct exchange *x = LIST_FIRST(&q->q, struct exchange, wait);

        waitq_leave(x);
        forward_refuse(x);
    }
}

/* One slot for our oldest request; then whoever waits longest is next. */
static void serve_oldest(struct waitq *q)
{
    struct exchange *x;
    struct backend *be;
    struct pick p = {.now = loop_now(q->w->loop), .rng = &q->w->rng};

    if (q->n == 0) {
        if (waitq_anybody(q->shared))
            waitq_kick(q->w, q->shared);
        return;
    }
    x = LIST_FIRST(&q->q, struct exchange, wait);
    p.avoid = x->avoid;
    switch (service_pick(x->service, &p, &be)) {
    case PICK_OK:
        waitq_leave(x);
        if (forward_dispatch(x, be) && waitq_anybody(q->shared))
            waitq_kick(q->w, q->shared);
        return;
    case PICK_FULL:
        return;
    case PICK_NONE:
        if (!service_starting(x->service))
            refuse_all(q);
        return;
    }
}

/* ---- waking others ---- */

struct wake {
    struct loop_mail mail; /* first */
    struct worker *w;
    struct service_shared *shared; /* a reference */
    struct backend *backend;       /* a reference, or NULL: a slot may be free */
};

static void on_wake(struct loop_mail *m)
{
    struct wake *k = (struct wake *)(void *)m;
    struct waitq *q = queue_of(k->w, k->shared);

    if (k->backend != NULL && upstream_close_one_idle(k->w, k->backend))
        waitq_kick(k->w, k->shared);
    else if (q->n > 0)
        loop_ready_add(k->w->loop, &q->ready);
    if (k->backend != NULL)
        backend_unref(k->backend);
    service_shared_unref(k->shared);
    free(k);
}

static void post_wake(struct worker *w, struct service_shared *shared, struct backend *be)
{
    struct wake *k = MEM_NEW(struct wake);

    k->mail.fn = on_wake;
    k->w = w;
    k->shared = service_shared_ref(shared);
    k->backend = be != NULL ? backend_ref(be) : NULL;
    loop_post_mt(w->loop, &k->mail);
}

void waitq_kick(struct worker *w, struct service_shared *shared)
{
    int64_t oldest = INT64_MAX;
    unsigned who = w->id;

    for (unsigned i = 0; i < w->shared->n_workers; i++) {
        int64_t since = atomic_load_explicit(&shared->oldest_wait[i], memory_order_relaxed);

        if (since != 0 && since < oldest) {
            oldest = since;
            who = i;
        }
    }
    if (oldest == INT64_MAX)
        return;
    if (who == w->id)
        loop_ready_add(w->loop, &queue_of(w, shared)->ready);
    else
        post_wake(w->shared->workers[who], shared, NULL);
}

void waitq_ask_for_connection(struct worker *w, const struct service *s, struct backend *be)
{
    if (atomic_load_explicit(&be->shared->idle, memory_order_relaxed) == 0)
        return;
    for (unsigned i = 0; i < w->shared->n_workers; i++)
        if (i != w->id)
            post_wake(w->shared->workers[i], s->shared, be);
}

void waitq_note_latency(struct worker *w, const struct service *s, mono_us us)
{
    struct waitq *q = queue_of(w, s->shared);

    if (q->latency_us == 0)
        q->latency_us = (double)us;
    else
        q->latency_us += LATENCY_ALPHA * ((double)us - q->latency_us);
}

void waitq_free_all(struct worker *w)
{
    size_t at = 0;
    uint64_t key;
    void *value;

    while (map_next(&w->waitqs, &at, &key, &value)) {
        struct waitq *q = value;

        CHECK(q->n == 0);
        loop_timer_remove(&q->sweep);
        loop_ready_cancel(&q->ready);
        service_shared_unref(q->shared);
        free(q);
    }
    map_fini(&w->waitqs);
}
