#include "proxy/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/conn.h"
#include "proxy/edge.h"
#include "proxy/exchange.h"
#include "proxy/h2pool.h"
#include "proxy/h2up.h"
#include "proxy/listener.h"
#include "proxy/upstream.h"
#include "proxy/waitq.h"

#define OBSERVATION_RING 65536
#define PATH_RING        4096
#define SPARE_EXCHANGES  1024
#define SECOND_US        US_PER_S
/* An exchange this old is a long stream: it is not sized like a request. */
#define LONG_US (30 * (mono_us)US_PER_S)

/* ---- exchanges and pins ---- */

struct exchange *worker_exchange_get(struct worker *w)
{
    struct exchange *x;

    if (w->n_spare > 0) {
        x = LIST_FIRST(&w->spare_exchanges, struct exchange, node);
        list_remove(&x->node);
        w->n_spare--;
    } else {
        x = MEM_NEW(struct exchange);
    }
    return x;
}

void worker_exchange_add(struct worker *w, struct exchange *x)
{
    list_add_tail(&w->exchanges, &x->node);
    STATS_INC(w->stats->exchanges);
}

void worker_exchange_put(struct worker *w, struct exchange *x)
{
    list_remove(&x->node);
    list_add_tail(&w->ended_exchanges, &x->node);
    STATS_ADD(w->stats->exchanges, -1);
}

struct topology_pin *worker_pin(struct worker *w)
{
    w->topology->pins++;
    return w->topology;
}

struct topology_pin *worker_pin_again(struct topology_pin *pin)
{
    pin->pins++;
    return pin;
}

void worker_unpin(struct worker *w, struct topology_pin *pin)
{
    (void)w;
    CHECK(pin->pins > 0);
    if (--pin->pins > 0 || pin->current)
        return;
    topology_unref(pin->topology);
    free(pin);
}

struct list *worker_idle(struct worker *w, const struct backend *be)
{
    CHECK(be->slot < w->n_idle_slots);
    return &w->idle[be->slot];
}

struct list *worker_links(struct worker *w, const struct backend *be)
{
    CHECK(be->slot < w->n_idle_slots);
    return &w->links[be->slot];
}

/* ---- the end of a turn ---- */

void worker_bury(struct worker *w, struct worker_dead *d, void (*fn)(struct worker_dead *d))
{
    d->fn = fn;
    list_add_tail(&w->dead, &d->node);
}

static void free_dead(struct worker *w)
{
    while (!list_empty(&w->dead)) {
        struct worker_dead *d = LIST_FIRST(&w->dead, struct worker_dead, node);

        list_remove(&d->node);
        d->fn(d);
    }
}

static void recycle_exchanges(struct worker *w)
{
    while (!list_empty(&w->ended_exchanges)) {
        struct exchange *x = LIST_FIRST(&w->ended_exchanges, struct exchange, node);

        list_remove(&x->node);
        if (w->n_spare >= SPARE_EXCHANGES) {
            free(x);
            continue;
        }
        list_add_head(&w->spare_exchanges, &x->node);
        w->n_spare++;
    }
}

static void on_turn_end(void *ctx)
{
    struct worker *w = ctx;

    sock_uncork(w);
    free_dead(w);
    recycle_exchanges(w);
    if (w->draining && list_empty(&w->conns))
        loop_stop(w->loop);
}

/* ---- once a second ---- */

static void mark_long(struct worker *w, mono_us now)
{
    for (struct list *n = w->exchanges.next; n != &w->exchanges; n = n->next) {
        struct exchange *x = CONTAINER_OF(n, struct exchange, node);

        if (now - x->start < LONG_US)
            return;
        if (x->counted_long || x->stats == NULL)
            continue;
        x->counted_long = true;
        STATS_INC(x->stats->long_streams);
    }
}

/* Both sides of what has gone on for a second already. */
static void check_connections(struct worker *w, mono_us now)
{
    for (struct list *n = w->exchanges.next; n != &w->exchanges; n = n->next) {
        struct exchange *x = CONTAINER_OF(n, struct exchange, node);

        if (now - x->start < SECOND_US)
            return;
        if (x->down != NULL)
            x->down->ops->check(x->down);
        if (x->up != NULL)
            x->up->ops->check(x->up);
    }
}

static void on_second(struct loop_timer *t)
{
    struct worker *w = CONTAINER_OF(t, struct worker, second);
    mono_us now = loop_now(w->loop);

    mark_long(w, now);
    check_connections(w, now);
    listener_resume_all(w);
    loop_timer_set(w->loop, t, now + SECOND_US);
}

void worker_conn_gone(struct worker *w)
{
    if (!w->draining)
        listener_resume_all(w);
}

/* ---- mail: topology, draining, connections ---- */

struct topology_mail {
    struct loop_mail mail; /* first */
    struct worker *w;
    struct topology *t;
    int fds[];
};

/* A list head knows its own address: move each. */
static struct list *more_lists(struct list *old, uint32_t had, uint32_t n)
{
    struct list *lists = MEM_NEW_N(struct list, n);

    for (uint32_t i = 0; i < n; i++) {
        list_init(&lists[i]);
        if (i < had)
            list_join(&lists[i], &old[i]);
    }
    free(old);
    return lists;
}

static void grow_idle(struct worker *w, uint32_t n)
{
    if (n <= w->n_idle_slots)
        return;
    w->idle = more_lists(w->idle, w->n_idle_slots, n);
    w->links = more_lists(w->links, w->n_idle_slots, n);
    w->n_idle_slots = n;
}

static void mark_slots(const struct topology *t, uint8_t *used)
{
    for (uint32_t s = 0; s < t->n_services; s++)
        for (int tier = 0; tier < N_TIERS; tier++)
            for (uint32_t i = 0; i < t->services[s].pools[tier].n_backends; i++)
                used[t->services[s].pools[tier].backends[i]->slot] = 1;
}

/* Unused connections to backends that are gone are closed. */
static void close_stale_idle(struct worker *w, const struct topology *t)
{
    uint8_t *used = MEM_NEW_N(uint8_t, w->n_idle_slots);

    mark_slots(t, used);
    for (uint32_t i = 0; i < w->n_idle_slots; i++)
        if (!used[i]) {
            upstream_close_list(&w->idle[i]);
            h2up_close_list(&w->links[i]);
        }
    free(used);
}

static void drop_pin(struct worker *w, struct topology_pin *pin)
{
    if (pin == NULL)
        return;
    pin->current = false;
    pin->pins++;
    worker_unpin(w, pin);
}

static void take_topology(struct worker *w, struct topology *t, const int *fds)
{
    struct topology_pin *old = w->topology, *pin = MEM_NEW(struct topology_pin);

    pin->topology = t;
    pin->current = true;
    w->topology = pin;
    grow_idle(w, t->n_slots);
    close_stale_idle(w, t);
    listener_configure(w, t, fds);
    drop_pin(w, old);
}

static void on_topology(struct loop_mail *m)
{
    struct topology_mail *t = (struct topology_mail *)(void *)m;

    take_topology(t->w, t->t, t->fds);
    free(t);
}

void worker_take_topology_mt(struct worker *w, struct topology *t, const int *fds)
{
    size_t bytes = t->cfg->n_listeners * sizeof(int);
    struct topology_mail *m = mem_new(1, sizeof(*m) + bytes);

    m->mail.fn = on_topology;
    m->w = w;
    m->t = t;
    memcpy(m->fds, fds, bytes);
    loop_post_mt(w->loop, &m->mail);
}

struct drain_mail {
    struct loop_mail mail; /* first */
    struct worker *w;
    bool now;
};

static void on_drain(struct loop_mail *m)
{
    struct drain_mail *d = (struct drain_mail *)(void *)m;
    struct worker *w = d->w;
    struct list *n, *next;

    w->draining = true;
    listener_stop_all(w);
    for (n = w->conns.next; n != &w->conns; n = next) {
        next = n->next;
        if (d->now)
            conn_kill(conn_from_node(n));
        else
            conn_drain(conn_from_node(n));
    }
    free(d);
}

void worker_drain_mt(struct worker *w, bool now)
{
    struct drain_mail *d = MEM_NEW(struct drain_mail);

    d->mail.fn = on_drain;
    d->w = w;
    d->now = now;
    loop_post_mt(w->loop, &d->mail);
}

struct conn_mail {
    struct loop_mail mail; /* first */
    struct worker *w;
    int fd;
    union proxyproto_addr from;
    char bind[ADDR_TEXT_MAX];
};

static void on_conn(struct loop_mail *m)
{
    struct conn_mail *c = (struct conn_mail *)(void *)m;
    struct listener *l = listener_find(c->w, c->bind);

    if (l != NULL && !c->w->draining)
        conn_new(c->w, c->fd, l, &c->from);
    else
        close(c->fd);
    free(c);
}

void worker_give_conn_mt(struct worker *w, int fd, const char *bind,
                         const union proxyproto_addr *from)
{
    struct conn_mail *c = MEM_NEW(struct conn_mail);

    c->mail.fn = on_conn;
    c->w = w;
    c->fd = fd;
    c->from = *from;
    snprintf(c->bind, sizeof(c->bind), "%s", bind);
    loop_post_mt(w->loop, &c->mail);
}

/* ---- life ---- */

struct worker *worker_new(struct worker_shared *shared, unsigned id)
{
    struct worker *w = mem_new_line(sizeof(*w));
    uint64_t seed;

    w->id = id;
    w->shared = shared;
    w->loop = loop_new();
    w->stats = mem_new_line(sizeof(*w->stats));
    w->observations = ring_new(OBSERVATION_RING, sizeof(struct observation));
    w->paths = ring_new(PATH_RING, sizeof(struct path_text));
    rng_secret(&seed, sizeof(seed));
    rng_init(&w->rng, seed);
    buf_pool_init(&w->bufs);
    pipes_init(&w->pipes);
    w->scratch = mem_new(1, SOCK_SCRATCH_BYTES);
    w->fields = MEM_NEW_N(struct field, WORKER_FIELDS);
    w->cork.text = mem_new(1, CORK_TEXT);
    tls_block_init(&w->tls);
    w->seen_paths = MEM_NEW_N(uint64_t, WORKER_SEEN_PATHS);
    list_init(&w->listeners);
    list_init(&w->conns);
    list_init(&w->exchanges);
    list_init(&w->dead);
    list_init(&w->spare_exchanges);
    list_init(&w->ended_exchanges);
    map_init(&w->waitqs);
    loop_timer_init(&w->second, on_second);
    loop_at_turn_end(w->loop, on_turn_end, w);
    return w;
}

const char *worker_date(struct worker *w)
{
    mono_us now = loop_now(w->loop);

    if (now >= w->date_until) {
        wall_ms wall = clock_wall();

        httpdate_write(wall / MS_PER_S, w->date);
        w->date_until = now + (MS_PER_S - wall % MS_PER_S) * US_PER_MS;
    }
    return w->date;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;

    loop_timer_set(w->loop, &w->second, clock_mono() + SECOND_US);
    loop_run(w->loop);
    atomic_fetch_sub(&w->shared->running, 1);
    return NULL;
}

int worker_start(struct worker *w, struct why *why)
{
    char name[16];

    atomic_fetch_add(&w->shared->running, 1);
    if (pthread_create(&w->thread, NULL, worker_main, w) != 0) {
        atomic_fetch_sub(&w->shared->running, 1);
        return why_set(why, RC_SYS, "cannot start worker %u", w->id);
    }
    w->started = true;
    snprintf(name, sizeof(name), "worker-%u", w->id);
    pthread_setname_np(w->thread, name);
    return RC_OK;
}

static void close_all(struct worker *w)
{
    while (!list_empty(&w->conns))
        conn_kill(conn_from_node(w->conns.next));
    edge_worker_close(w);
    for (uint32_t i = 0; i < w->n_idle_slots; i++) {
        upstream_close_list(&w->idle[i]);
        h2up_close_list(&w->links[i]);
    }
    free_dead(w);
    recycle_exchanges(w);
}

void worker_free(struct worker *w)
{
    if (w == NULL)
        return;
    if (w->started)
        pthread_join(w->thread, NULL);
    loop_turn(w->loop, 0); /* mail that came late */
    close_all(w);
    conn_free_spare(w);
    listener_free_all(w);
    loop_timer_remove(&w->second);
    waitq_free_all(w);
    drop_pin(w, w->topology);
    while (!list_empty(&w->spare_exchanges)) {
        struct exchange *x = LIST_FIRST(&w->spare_exchanges, struct exchange, node);

        list_remove(&x->node);
        free(x);
    }
    loop_free(w->loop);
    edge_worker_free(w);
    h2pool_free(w->h2);
    buf_pool_fini(&w->bufs);
    pipes_fini(&w->pipes);
    ring_free(w->observations);
    ring_free(w->paths);
    free(w->idle);
    free(w->links);
    free(w->scratch);
    free(w->fields);
    free(w->cork.text);
    tls_block_fini(&w->tls);
    free(w->seen_paths);
    free(w->stats);
    free(w);
}
