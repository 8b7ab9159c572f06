#include "proxy/member.h"

#include <stdlib.h>

#include "proxy/pool.h"
#include "proxy/probe.h"
#include "proxy/service.h"

#define START_INTERVAL_MS 250 /* between questions to an instance that starts */

static enum backend_health health_of(const struct member *m)
{
    return atomic_load_explicit(&m->be->shared->health, memory_order_relaxed);
}

/* Keeps the pool's number of serving members true. */
static void recount(struct member *m)
{
    bool serves = backend_serves(m->be) && !m->leaving;

    if (serves && !m->counted)
        atomic_fetch_add_explicit(&m->be->pool->members, 1, memory_order_relaxed);
    if (!serves && m->counted)
        atomic_fetch_sub_explicit(&m->be->pool->members, 1, memory_order_relaxed);
    m->counted = serves;
}

static void set_health(struct member *m, enum backend_health health, mono_us now,
                       const char *reason)
{
    const struct backend *be = m->be;

    backend_set_health(m->be, health, now);
    recount(m);
    if (health == BACKEND_UP)
        log_info("pool", "backend up service=%s tier=%s addr=%s reason=\"%s\"",
                 be->home->name, tier_name[be->tier], be->addr.text, reason);
    else
        log_warn("pool", "backend down service=%s tier=%s addr=%s reason=\"%s\"",
                 be->home->name, tier_name[be->tier], be->addr.text, reason);
}

static void apply_admin(struct member *m)
{
    enum backend_admin admin = BACKEND_READY;

    /* A worker that has not heard of the new topology yet may have nobody else. */
    if (m->drain_wanted || m->drain_by_operator)
        admin = BACKEND_DRAIN;
    else if (m->leaving)
        admin = BACKEND_LEAVING;
    backend_set_admin(m->be, admin);
    recount(m);
}

/* ---- probe ---- */

static void on_health(void *ctx, enum backend_health health, const char *reason)
{
    set_health(ctx, health, clock_mono(), reason);
}

static bool is_probed(const struct member_place *at, const struct member_want *w)
{
    return at->service->health.enabled || w->probe[0] != 0;
}

/* How the configuration asks. */
static struct probe_plan usual_plan(const struct cfg_health *h, const struct addr *addr)
{
    static const enum probe_kind kinds[] = {[CFG_HEALTH_HTTP] = PROBE_HTTP,
                                            [CFG_HEALTH_GRPC] = PROBE_GRPC,
                                            [CFG_HEALTH_TCP] = PROBE_CONNECT};

    return (struct probe_plan){.kind = kinds[h->kind],
                               .path = h->kind == CFG_HEALTH_GRPC ? h->grpc : h->path,
                               .host = h->host[0] != 0 ? h->host : backend_host(addr),
                               .interval_ms = h->interval_ms,
                               .timeout_ms = h->timeout_ms,
                               .rise = h->rise,
                               .fall = h->fall,
                               .status_from = h->status_from,
                               .status_to = h->status_to};
}

/* An instance answers on its provider's path first, if that has one.  Where no health check
 * is configured, that path stays. */
static void make_plans(const struct member_place *at, const struct member_want *w,
                       struct probe_plan plans[2])
{
    const struct cfg_health *h = &at->service->health;

    plans[0] = plans[1] = usual_plan(h, w->addr);
    if (!w->instance)
        return;
    if (w->probe[0] != 0) {
        plans[0].kind = PROBE_HTTP;
        plans[0].path = w->probe;
        plans[0].status_from = 200;
        plans[0].status_to = 299;
    }
    if (!h->enabled)
        plans[1] = plans[0];
    plans[0].interval_ms = START_INTERVAL_MS;
    plans[0].patient = true;
}

static void watch(struct member *m, const struct member_place *at,
                  const struct member_want *w)
{
    struct probe_spec spec = {.addr = w->addr,
                              .tls = m->be->tls,
                              .protocol = m->be->protocol,
                              .proxy_protocol = m->be->proxy_protocol,
                              .health = health_of(m),
                              .fn = on_health,
                              .ctx = m};

    if (!is_probed(at, w)) {
        probe_free(m->probe);
        m->probe = NULL;
        if (health_of(m) != BACKEND_UP)
            set_health(m, BACKEND_UP, clock_mono(), "not probed");
        return;
    }
    make_plans(at, w, spec.plans);
    if (m->probe != NULL && probe_follows(m->probe, &spec))
        return;
    probe_free(m->probe);
    m->probe = probe_new(at->loop, at->rng, &spec);
}

/* ---- life ---- */

static struct backend_spec spec_of(const struct member_place *at,
                                   const struct member_want *w)
{
    return (struct backend_spec){.addr = w->addr,
                                 .id = w->id,
                                 .service = at->service,
                                 .tier = at->tier,
                                 .weight = w->weight,
                                 .probed = is_probed(at, w),
                                 .tls = w->tls ? at->tls : NULL,
                                 .server_name = w->server_name,
                                 .home = at->home,
                                 .slots = at->slots};
}

struct member *member_new(const struct member_place *at, const struct member_want *w)
{
    struct member *m = MEM_NEW(struct member);
    struct backend_spec spec = spec_of(at, w);

    list_init(&m->node);
    m->be = backend_new(&spec);
    m->instance = w->instance;
    m->drain_wanted = w->drain;
    watch(m, at, w);
    apply_admin(m);
    return m;
}

void member_free(struct member *m)
{
    m->leaving = true;
    apply_admin(m);
    list_remove(&m->node);
    probe_free(m->probe);
    backend_unref(m->be);
    free(m);
}

bool member_follow(struct member *m, const struct member_place *at,
                   const struct member_want *w)
{
    struct backend_spec spec = spec_of(at, w);
    struct backend *old = m->be;
    bool fits = backend_fits(old, &spec), returns = m->leaving;

    if (!fits) {
        spec.shared = old->shared;
        m->be = backend_new(&spec);
        backend_unref(old);
    }
    m->instance = w->instance;
    m->leaving = false;
    m->drain_wanted = w->drain;
    watch(m, at, w);
    apply_admin(m);
    return !fits || returns;
}

void member_leave(struct member *m)
{
    m->leaving = true;
    probe_free(m->probe);
    m->probe = NULL;
    apply_admin(m);
}

void member_drain(struct member *m, bool drain)
{
    m->drain_by_operator = drain;
    apply_admin(m);
}

bool member_settled(const struct member *m)
{
    return m->instance || health_of(m) != BACKEND_UNKNOWN;
}
