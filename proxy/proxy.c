#include "proxy/proxy.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/access/access.h"
#include "proxy/edge/hasher.h"
#include "proxy/edge_set.h"
#include "proxy/listener.h"
#include "proxy/membership.h"
#include "proxy/tls/tls_set.h"
#include "proxy/worker.h"

/* A socket that is left is closed when every worker has surely stopped watching it. */
#define LEAVE_US US_PER_S
/* Between two looks at files of users and keys. */
#define LOOK_US (5 * (mono_us)US_PER_S)

/* Descriptors that are not connections of clients and backends: up to 128 of the admin
 * endpoint, loops, listeners, store, logs, children. */
#define SPARE_FDS 256

/* One configured listener and its sockets. */
struct bound {
    struct cfg_listener key; /* name and bind only; strings borrowed from `owner` */
    struct cfg *owner;       /* a reference */
    int fds[WORKERS_MAX];
};

/* What a configuration needs of other files; references. */
struct made {
    struct tls_set *tls;
    struct edge_set *edge;
};

struct proxy {
    struct loop *loop;
    struct worker_shared shared;
    struct membership *membership;
    struct made made;       /* of the newest configuration */
    struct loop_timer look; /* at files that may have changed */
    struct bound *bound;    /* as in the newest configuration's listeners */
    size_t n_bound;
    struct bound *leaving; /* sets of earlier configurations, until `leave` fires */
    size_t n_leaving;
    struct loop_timer leave;
    struct access_set *logs; /* of the newest configuration; NULL: it has none */
    bool started;
    pthread_mutex_t lock; /* guards the following */
    struct topology *newest;
    bool ended; /* the workers are gone, or going */
};

/* The newest topology; unref it.  NULL: none yet. */
static struct topology *newest(struct proxy *p)
{
    struct topology *t;

    pthread_mutex_lock(&p->lock);
    t = p->newest != NULL ? topology_ref(p->newest) : NULL;
    pthread_mutex_unlock(&p->lock);
    return t;
}

/* ---- listeners ---- */

static struct bound *find_bound(struct proxy *p, const struct addr *bind)
{
    for (size_t i = 0; i < p->n_bound; i++)
        if (addr_equal(&p->bound[i].key.bind, bind))
            return &p->bound[i];
    return NULL;
}

/* Open already, perhaps about to be left. */
static struct bound *known_bound(struct proxy *p, const struct addr *bind)
{
    struct bound *b = find_bound(p, bind);

    for (size_t i = 0; b == NULL && i < p->n_leaving; i++)
        if (addr_equal(&p->leaving[i].key.bind, bind))
            b = &p->leaving[i];
    return b;
}

/* Sockets for all of cfg's listeners, those known before included; *out is the new set. */
static int bind_all(struct proxy *p, struct cfg *cfg, struct bound **out, struct why *w)
{
    struct bound *set = MEM_NEW_N(struct bound, cfg->n_listeners);
    int rc = RC_OK;
    size_t i;

    for (i = 0; i < cfg->n_listeners && rc == RC_OK; i++) {
        const struct bound *known = known_bound(p, &cfg->listeners[i].bind);

        set[i].key = cfg->listeners[i];
        if (known != NULL)
            memcpy(set[i].fds, known->fds, sizeof(set[i].fds));
        else
            rc = listener_open(&cfg->listeners[i], p->shared.n_workers, set[i].fds, w);
    }
    if (rc == RC_OK) {
        for (i = 0; i < cfg->n_listeners; i++)
            set[i].owner = cfg_ref(cfg);
        *out = set;
        return RC_OK;
    }
    for (size_t k = 0; k + 1 < i; k++)
        if (known_bound(p, &set[k].key.bind) == NULL)
            listener_close(&set[k].key, p->shared.n_workers, set[k].fds);
    free(set);
    return rc;
}

/* The same socket may stand in several sets. */
static bool listed_later(const struct proxy *p, size_t i)
{
    for (size_t k = i + 1; k < p->n_leaving; k++)
        if (p->leaving[k].fds[0] == p->leaving[i].fds[0])
            return true;
    return false;
}

/* Sockets that no configuration has any more are closed, the sets freed. */
static void close_leaving(struct proxy *p)
{
    for (size_t i = 0; i < p->n_leaving; i++) {
        struct bound *b = &p->leaving[i];

        if (find_bound(p, &b->key.bind) == NULL && !listed_later(p, i))
            listener_close(&b->key, p->shared.n_workers, b->fds);
        cfg_unref(b->owner);
    }
    free(p->leaving);
    p->leaving = NULL;
    p->n_leaving = 0;
}

static void on_leave(struct loop_timer *t)
{
    close_leaving(CONTAINER_OF(t, struct proxy, leave));
}

/* Puts the set behind those that are leaving already; takes it over. */
static void leave_bound(struct proxy *p, struct bound *old, size_t n)
{
    if (n > 0) {
        p->leaving = mem_grow(p->leaving, p->n_leaving + n, sizeof(*old));
        memcpy(p->leaving + p->n_leaving, old, n * sizeof(*old));
        p->n_leaving += n;
    }
    free(old);
}

/* ---- access logs ---- */

static uint32_t open_connections(const struct proxy *p)
{
    int64_t n = 0;

    for (unsigned i = 0; i < p->shared.n_workers; i++)
        n += atomic_load_explicit(&p->shared.workers[i]->stats->connections,
                                  memory_order_relaxed);
    return n > 0 ? (uint32_t)n : 0;
}

static uint32_t requests_of(const struct topology *t, struct access_piece service,
                            unsigned n_workers)
{
    for (uint32_t i = 0; i < t->n_services; i++) {
        const struct service_shared *s = t->services[i].shared;

        if (strlen(s->name) == service.len && memcmp(s->name, service.p, service.len) == 0)
            return stats_requests(s->stats, n_workers);
    }
    return 0;
}

/* On the log thread, which outlives the workers. */
static void on_access_load(void *ctx, struct access_piece listener,
                           struct access_piece service, struct access_load *out)
{
    struct proxy *p = ctx;

    *out = (struct access_load){.connections = 0};
    pthread_mutex_lock(&p->lock);
    if (!p->ended) {
        out->connections = open_connections(p);
        out->listener = fronts_open(&p->shared.fronts, listener.p, listener.len);
        out->service = requests_of(p->newest, service, p->shared.n_workers);
    }
    pthread_mutex_unlock(&p->lock);
}

/* The workers' rings are there before the first topology that logs is, and stay. */
static void give_access(struct proxy *p, struct topology *t)
{
    if (p->logs == NULL)
        return;
    CHECK(p->logs->cfg == t->cfg);
    t->access = access_set_ref(p->logs);
    for (unsigned i = 0; i < p->shared.n_workers; i++)
        if (p->shared.workers[i]->log == NULL)
            p->shared.workers[i]->log = access_ring(p->shared.access, i);
}

static void take_logs(struct proxy *p, struct access_set *logs)
{
    if (p->logs != NULL)
        access_set_unref(p->logs);
    p->logs = logs;
}

/* ---- what a configuration needs of other files ---- */

static void unmake(struct made *m)
{
    tls_set_unref(m->tls);
    edge_set_unref(m->edge);
    *m = (struct made){.tls = NULL};
}

/* All that is wrong goes to the log, the first of it into *w. */
static int tell(const struct cfg_errors *errs, const char *part, enum rc code,
                struct why *w)
{
    for (size_t i = 0; i < errs->n; i++) {
        const struct cfg_error *e = &errs->list[i];
        struct log_site site = {0};

        log_write(&site, LOG_ERROR, part, "%s:%u:%u: %s", e->file, e->line, e->col,
                  e->text);
    }
    return why_set(w, code, "%s", errs->n > 0 ? errs->list[0].text : rc_text(code));
}

/* `again`: for the same configuration. */
static int make_edge(struct cfg *cfg, const struct edge_set *old, bool again,
                     struct edge_set **out, struct why *w)
{
    struct cfg_errors errs;
    int rc = RC_OK;

    cfg_errors_init(&errs);
    *out = edge_set_new(cfg, old, again, &errs);
    if (*out == NULL)
        rc = tell(&errs, "edge", RC_INVALID, w);
    cfg_errors_fini(&errs);
    return rc;
}

/* Nothing is made when anything is wrong. */
static int make_for(struct cfg *cfg, const struct made *old, struct made *out,
                    struct why *w)
{
    struct cfg_errors errs;
    int rc = RC_OK;

    *out = (struct made){.tls = NULL};
    cfg_errors_init(&errs);
    out->tls = tls_set_new(cfg, old->tls, &errs);
    if (out->tls == NULL)
        rc = tell(&errs, "tls", RC_TLS, w);
    cfg_errors_fini(&errs);
    if (rc == RC_OK)
        rc = make_edge(cfg, old->edge, false, &out->edge, w);
    if (rc != RC_OK)
        unmake(out);
    return rc;
}

int proxy_check(struct cfg *cfg, struct cfg_errors *errs)
{
    struct made m;
    int rc;

    m.tls = tls_set_new(cfg, NULL, errs);
    m.edge = edge_set_new(cfg, NULL, false, errs);
    rc = m.tls != NULL && m.edge != NULL ? RC_OK : RC_INVALID;
    unmake(&m);
    return rc;
}

/* Takes over what was made. */
static void use(struct proxy *p, const struct made *m)
{
    unmake(&p->made);
    p->made = *m;
    membership_use_tls(p->membership, m->tls);
}

/* Users and keys that were written are read again; on any fault the old ones stay. */
static void on_look(struct loop_timer *t)
{
    struct proxy *p = CONTAINER_OF(t, struct proxy, look);
    struct edge_set *set, *old = p->made.edge;

    if (edge_set_changed(old)) {
        if (make_edge(old->cfg, old, true, &set, NULL) == RC_OK) {
            p->made.edge = set;
            edge_set_unref(old);
            membership_republish(p->membership);
            log_info("edge", "files changed, read again");
        } else {
            log_error("edge", "files changed; what was read before stays in force");
        }
    }
    loop_timer_set(p->loop, t, loop_now(p->loop) + LOOK_US);
}

/* ---- topologies ---- */

static void give_stats(struct proxy *p, struct topology *t)
{
    for (uint32_t i = 0; i < t->n_services; i++)
        if (t->services[i].shared->stats == NULL)
            t->services[i].shared->stats = stats_new(p->shared.n_workers);
}

static void tell_workers(struct proxy *p, struct topology *t)
{
    int *fds = MEM_NEW_N(int, p->n_bound);

    for (unsigned k = 0; k < p->shared.n_workers; k++) {
        for (size_t i = 0; i < p->n_bound; i++)
            fds[i] = p->bound[i].fds[k];
        worker_take_topology_mt(p->shared.workers[k], topology_ref(t), fds);
    }
    free(fds);
}

static void on_publish(void *ctx, struct topology *t)
{
    struct proxy *p = ctx;
    struct topology *old;

    t->tls = tls_set_ref(p->made.tls);
    t->edge = edge_set_ref(p->made.edge);
    give_stats(p, t);
    give_access(p, t);
    tell_workers(p, t);
    pthread_mutex_lock(&p->lock);
    old = p->newest;
    p->newest = t;
    pthread_mutex_unlock(&p->lock);
    if (old != NULL)
        topology_unref(old);
}

/* ---- life ---- */

/* Each request may need two descriptors; both sides' share of what the system allows. */
static uint32_t connections_per_worker(unsigned n_workers)
{
    struct rlimit rl;
    rlim_t usable;

    CHECK(getrlimit(RLIMIT_NOFILE, &rl) == 0);
    if (rl.rlim_cur < rl.rlim_max) {
        rl.rlim_cur = rl.rlim_max;
        setrlimit(RLIMIT_NOFILE, &rl);
        getrlimit(RLIMIT_NOFILE, &rl);
    }
    if (rl.rlim_cur > 2000000)
        rl.rlim_cur = 2000000;
    usable = rl.rlim_cur > 2 * SPARE_FDS ? rl.rlim_cur - SPARE_FDS : rl.rlim_cur / 2;
    return (uint32_t)(usable / 2 / n_workers);
}

int proxy_new(struct cfg *cfg, struct loop *main_loop, const struct classify *classify,
              struct proxy **out, struct why *w)
{
    struct membership_out mo;
    struct access_set *logs;
    struct made made = {.tls = NULL};
    struct bound *set;
    struct proxy *p = MEM_NEW(struct proxy);
    unsigned n = cfg->workers < WORKERS_MAX ? cfg->workers : WORKERS_MAX;

    *out = NULL;
    p->loop = main_loop;
    loop_timer_init(&p->leave, on_leave);
    loop_timer_init(&p->look, on_look);
    pthread_mutex_init(&p->lock, NULL);
    fronts_init(&p->shared.fronts);
    p->shared.n_workers = n;
    p->shared.access = access_new(n, &(struct access_in){.ctx = p, .load = on_access_load});
    p->shared.classify = classify;
    p->shared.repeat = repeat_new();
    p->shared.hasher = hasher_new();
    p->shared.max_connections = connections_per_worker(n);
    p->shared.workers = MEM_NEW_N(struct worker *, n);
    for (unsigned i = 0; i < n; i++)
        p->shared.workers[i] = worker_new(&p->shared, i);

    mo = (struct membership_out){.ctx = p, .publish = on_publish};
    if (make_for(cfg, &p->made, &made, w) != RC_OK || bind_all(p, cfg, &set, w) != RC_OK)
        goto fail;
    p->bound = set;
    p->n_bound = cfg->n_listeners;
    if (access_use(p->shared.access, cfg, &logs, w) != RC_OK)
        goto fail;
    take_logs(p, logs);
    if (membership_new(main_loop, &mo, &p->membership, w) != RC_OK)
        goto fail;
    use(p, &made);
    membership_configure(p->membership, cfg);
    loop_timer_set(p->loop, &p->look, loop_now(p->loop) + LOOK_US);
    *out = p;
    return RC_OK;

fail:
    unmake(&made);
    proxy_free(p);
    return w != NULL ? (int)w->code : RC_SYS;
}

int proxy_start(struct proxy *p, struct why *w)
{
    int rc = access_start(p->shared.access, w);

    if (rc != RC_OK)
        return rc;
    for (unsigned i = 0; i < p->shared.n_workers; i++) {
        rc = worker_start(p->shared.workers[i], w);
        if (rc != RC_OK)
            return rc;
    }
    p->started = true;
    return RC_OK;
}

int proxy_reload(struct proxy *p, struct cfg *cfg, struct why *w)
{
    struct bound *set, *old = p->bound;
    size_t n_old = p->n_bound;
    struct access_set *logs = NULL;
    struct made made;
    int rc = make_for(cfg, &p->made, &made, w);

    if (rc == RC_OK)
        rc = access_use(p->shared.access, cfg, &logs, w);
    if (rc == RC_OK)
        rc = bind_all(p, cfg, &set, w);
    if (rc != RC_OK) {
        unmake(&made);
        if (logs != NULL)
            access_set_unref(logs);
        return rc;
    }
    take_logs(p, logs);
    if (cfg->workers != p->shared.n_workers)
        log_warn("proxy", "the number of workers changes with a restart only workers=%u",
                 p->shared.n_workers);
    p->bound = set;
    p->n_bound = cfg->n_listeners;
    use(p, &made);
    membership_configure(p->membership, cfg);
    leave_bound(p, old, n_old);
    loop_timer_set(p->loop, &p->leave, loop_now(p->loop) + LEAVE_US);
    return RC_OK;
}

/* The kernel refuses from now on; the descriptors stay, workers may still watch them. */
static void refuse_connections(struct proxy *p)
{
    for (size_t i = 0; i < p->n_bound; i++)
        for (unsigned k = 0; k < p->shared.n_workers; k++)
            shutdown(p->bound[i].fds[k], SHUT_RDWR);
}

void proxy_drain(struct proxy *p, bool now)
{
    if (!atomic_exchange(&p->shared.draining, true))
        refuse_connections(p);
    for (unsigned i = 0; i < p->shared.n_workers; i++)
        worker_drain_mt(p->shared.workers[i], now);
}

bool proxy_drained_mt(const struct proxy *p)
{
    return atomic_load(&p->shared.running) == 0;
}

void proxy_free(struct proxy *p)
{
    if (p == NULL)
        return;
    if (p->started)
        proxy_drain(p, true);
    hasher_stop(p->shared.hasher);
    pthread_mutex_lock(&p->lock);
    p->ended = true;
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->shared.n_workers; i++)
        worker_free(p->shared.workers[i]);
    membership_free(p->membership);
    if (p->newest != NULL)
        topology_unref(p->newest);
    take_logs(p, NULL);
    access_free(p->shared.access);
    leave_bound(p, p->bound, p->n_bound);
    p->bound = NULL;
    p->n_bound = 0;
    close_leaving(p);
    loop_timer_remove(&p->leave);
    loop_timer_remove(&p->look);
    unmake(&p->made);
    hasher_free(p->shared.hasher);
    repeat_free(p->shared.repeat);
    fronts_fini(&p->shared.fronts);
    pthread_mutex_destroy(&p->lock);
    free(p->shared.workers);
    free(p);
}

unsigned proxy_workers(const struct proxy *p)
{
    return p->shared.n_workers;
}

struct ring *proxy_observations(struct proxy *p, unsigned worker)
{
    return p->shared.workers[worker]->observations;
}

struct ring *proxy_paths(struct proxy *p, unsigned worker)
{
    return p->shared.workers[worker]->paths;
}

void proxy_reopen_logs_mt(struct proxy *p)
{
    access_reopen_mt(p->shared.access);
}

size_t proxy_logs_mt(struct proxy *p, struct access_place **out)
{
    return access_places_mt(p->shared.access, out);
}

bool proxy_settled(const struct proxy *p)
{
    return membership_settled(p->membership);
}

/* ---- figures ---- */

static mono_us oldest_wait(const struct service_shared *s, unsigned n_workers)
{
    mono_us oldest = 0;

    for (unsigned i = 0; i < n_workers; i++) {
        int64_t since = atomic_load_explicit(&s->oldest_wait[i], memory_order_relaxed);

        if (since != 0 && (oldest == 0 || since < oldest))
            oldest = since;
    }
    return oldest;
}

bool proxy_load_mt(struct proxy *p, uint16_t service, struct load *out)
{
    struct topology *t = newest(p);
    bool there = t != NULL && service < t->n_services;

    memset(out, 0, sizeof(*out));
    if (there) {
        const struct service_shared *s = t->services[service].shared;

        stats_load(s->stats, p->shared.n_workers, clock_mono(), out);
        out->oldest_wait = oldest_wait(s, p->shared.n_workers);
    }
    if (t != NULL)
        topology_unref(t);
    return there;
}

#define GET(c) atomic_load_explicit(&(c), memory_order_relaxed)

static void add_tls(const struct tls_stats *s, struct proxy_tls *out)
{
    out->handshakes += GET(s->handshakes);
    out->resumed += GET(s->resumed);
    for (int i = 0; i < TLS_IO_N_FAULTS; i++)
        out->failed[i] += GET(s->failed[i]);
}

static void add_worker(const struct worker *w, struct proxy_totals *out)
{
    const struct worker_stats *s = w->stats;

    out->accepted += GET(s->accepted);
    out->requests += GET(s->requests);
    out->bytes_in += GET(s->bytes_in);
    out->bytes_out += GET(s->bytes_out);
    out->upstream_opened += GET(s->upstream_opened);
    out->upstream_reused += GET(s->upstream_reused);
    out->upstream_stale += GET(s->upstream_stale);
    out->handed_over += GET(s->handed_over);
    out->h2_requests += GET(s->h2_requests);
    out->h2_connections += GET(s->h2_connections);
    out->h2_upstream_connections += GET(s->h2_upstream_connections);
    out->accept_pauses += GET(s->accept_pauses);
    out->connections += GET(s->connections);
    out->upstream_connections += GET(s->upstream_connections);
    out->exchanges += GET(s->exchanges);
    add_tls(&s->tls_down, &out->tls_down);
    add_tls(&s->tls_up, &out->tls_up);
    for (int i = 0; i < N_REFUSALS; i++)
        out->refused[i] += GET(s->refused[i]);
    out->observations_dropped += ring_dropped(w->observations);
    out->slow_turns += loop_slow_turns_mt(w->loop);
}

bool proxy_edge_mt(struct proxy *p, uint16_t service, struct stats_edge *out)
{
    struct topology *t = newest(p);
    bool there = t != NULL && service < t->n_services;

    memset(out, 0, sizeof(*out));
    if (there)
        stats_edge(t->services[service].shared->stats, p->shared.n_workers, out);
    if (t != NULL)
        topology_unref(t);
    return there;
}

void proxy_totals_mt(struct proxy *p, struct proxy_totals *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < p->shared.n_workers; i++)
        add_worker(p->shared.workers[i], out);
    out->max_connections = p->shared.max_connections * p->shared.n_workers;
    out->access_lost = access_lost_mt(p->shared.access);
}

struct cfg *proxy_cfg_mt(struct proxy *p)
{
    struct topology *t = newest(p);
    struct cfg *cfg = cfg_ref(t->cfg);

    topology_unref(t);
    return cfg;
}

/* ---- membership ---- */

size_t proxy_backends_mt(struct proxy *p, uint16_t service, enum tier tier,
                         struct backend_view *out, size_t max)
{
    return membership_backends_mt(p->membership, service, tier, out, max);
}

int proxy_change_mt(struct proxy *p, const struct pool_change *c)
{
    return membership_change_mt(p->membership, c);
}

int proxy_drain_backend(struct proxy *p, const char *service, const char *addr, bool drain)
{
    return membership_drain(p->membership, service, addr, drain);
}
