#include "proxy/backend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proxy/balance.h"
#include "proxy/breaker.h"
#include "proxy/service.h"
#include "proxy/slots.h"
#include "proxy/tls/tls_peer.h"

static uint64_t bits_of(double d)
{
    uint64_t u;

    memcpy(&u, &d, sizeof(u));
    return u;
}

static double double_of(uint64_t u)
{
    double d;

    memcpy(&d, &u, sizeof(d));
    return d;
}

/* ---- life ---- */

static struct backend_shared *shared_ref(struct backend_shared *sh)
{
    if (sh == NULL)
        sh = mem_new_line(sizeof(*sh));
    atomic_fetch_add_explicit(&sh->refs, 1, memory_order_relaxed);
    return sh;
}

static void shared_unref(struct backend_shared *sh, struct pool_shared *pool)
{
    if (atomic_fetch_sub_explicit(&sh->refs, 1, memory_order_acq_rel) != 1)
        return;
    breaker_forget(sh, pool);
    free(sh);
}

/* What is fixed and plain in a backend. */
static void set_facts(struct backend *be, const struct backend_spec *spec)
{
    const struct cfg_pool *pool = &spec->service->pools[spec->tier];

    be->addr = *spec->addr;
    snprintf(be->id, sizeof(be->id), "%s", spec->id);
    be->service = spec->service->index;
    be->tier = (uint8_t)spec->tier;
    be->probed = spec->probed;
    be->max_requests = pool->max_requests;
    be->max_connections =
        pool->max_connections > 0 ? pool->max_connections : pool->max_requests;
    be->max_idle = pool->max_idle;
    be->protocol = (uint8_t)pool->protocol;
    be->proxy_protocol = (uint8_t)pool->proxy_protocol;
    be->h2_streams = pool->h2_streams;
    be->ping_ms = pool->ping_ms;
    be->weight = spec->weight;
    be->slow_start_ms = pool->slow_start_ms;
    be->ejection = spec->service->ejection;
}

struct backend *backend_new(const struct backend_spec *spec)
{
    struct backend *be = MEM_NEW(struct backend);

    set_facts(be, spec);
    be->home = service_shared_ref(spec->home);
    be->pool = &be->home->pool[spec->tier];
    be->slots = spec->slots;
    be->slot = slots_take(spec->slots);
    be->shared = shared_ref(spec->shared);
    if (spec->tls != NULL)
        be->tls = tls_peer_new(spec->tls, spec->server_name);
    atomic_store_explicit(&be->refs, 1, memory_order_relaxed);
    return be;
}

static bool same_tls(const struct backend *be, const struct backend_spec *spec)
{
    if (be->tls == NULL || spec->tls == NULL)
        return be->tls == NULL && spec->tls == NULL;
    return tls_peer_is(be->tls, spec->tls, spec->server_name);
}

static bool same_ejection(const struct cfg_ejection *a, const struct cfg_ejection *b)
{
    return a->enabled == b->enabled && a->failures == b->failures &&
           a->base_ms == b->base_ms && a->max_ms == b->max_ms &&
           !islessgreater(a->max_share, b->max_share);
}

bool backend_fits(const struct backend *be, const struct backend_spec *spec)
{
    struct backend b = {0};

    set_facts(&b, spec);
    return addr_equal(&be->addr, &b.addr) && strcmp(be->id, b.id) == 0 &&
           be->service == b.service && be->tier == b.tier && be->probed == b.probed &&
           be->max_requests == b.max_requests && be->max_connections == b.max_connections &&
           be->max_idle == b.max_idle && be->weight == b.weight &&
           be->slow_start_ms == b.slow_start_ms && be->protocol == b.protocol &&
           be->proxy_protocol == b.proxy_protocol && be->h2_streams == b.h2_streams &&
           be->ping_ms == b.ping_ms && same_tls(be, spec) &&
           same_ejection(&be->ejection, &b.ejection);
}

struct backend *backend_ref(struct backend *be)
{
    atomic_fetch_add_explicit(&be->refs, 1, memory_order_relaxed);
    return be;
}

void backend_unref(struct backend *be)
{
    if (atomic_fetch_sub_explicit(&be->refs, 1, memory_order_acq_rel) != 1)
        return;
    shared_unref(be->shared, be->pool);
    service_shared_unref(be->home);
    slots_give(be->slots, be->slot);
    tls_peer_unref(be->tls);
    free(be);
}

/* ---- state ---- */

static uint8_t health_of(const struct backend *be)
{
    return atomic_load_explicit(&be->shared->health, memory_order_relaxed);
}

static uint8_t admin_of(const struct backend *be)
{
    return atomic_load_explicit(&be->shared->admin, memory_order_relaxed);
}

void backend_set_health(struct backend *be, enum backend_health health, mono_us now)
{
    struct backend_shared *sh = be->shared;

    if (health == BACKEND_UP && health_of(be) != BACKEND_UP)
        atomic_store_explicit(&sh->up_since, now, memory_order_relaxed);
    atomic_store_explicit(&sh->health, (uint8_t)health, memory_order_relaxed);
    if (health != BACKEND_UP)
        breaker_forget(sh, be->pool);
}

void backend_set_admin(struct backend *be, enum backend_admin admin)
{
    atomic_store_explicit(&be->shared->admin, (uint8_t)admin, memory_order_relaxed);
    if (admin != BACKEND_READY)
        breaker_forget(be->shared, be->pool);
}

bool backend_serves(const struct backend *be)
{
    return health_of(be) == BACKEND_UP && admin_of(be) != BACKEND_DRAIN;
}

bool backend_stays(const struct backend *be)
{
    return admin_of(be) == BACKEND_READY;
}

bool backend_takes(const struct backend *be, mono_us now)
{
    return backend_serves(be) && breaker_lets(be, now);
}

/* ---- counts ---- */

/* Never over `max`, not even for a moment: a count that was raised and taken back would
 * make another worker find no room when there is some, and wait for nobody. */
static bool take_one(_Atomic uint32_t *n, uint32_t max)
{
    uint32_t have = atomic_load(n);

    while (have < max)
        if (atomic_compare_exchange_weak(n, &have, have + 1))
            return true;
    return false;
}

static void give_one(_Atomic uint32_t *n)
{
    CHECK(atomic_fetch_sub(n, 1) > 0);
}

bool backend_reserve(struct backend *be)
{
    return take_one(&be->shared->inflight, be->max_requests);
}

bool backend_connection_reserve(struct backend *be)
{
    return take_one(&be->shared->connections, be->max_connections);
}

void backend_connection_release(struct backend *be)
{
    give_one(&be->shared->connections);
}

bool backend_idle_reserve(struct backend *be)
{
    return take_one(&be->shared->idle, be->max_idle);
}

void backend_idle_release(struct backend *be)
{
    give_one(&be->shared->idle);
}

double backend_ewma_us(const struct backend *be, mono_us now)
{
    const struct backend_shared *sh = be->shared;
    double ewma = double_of(atomic_load_explicit(&sh->ewma_us, memory_order_relaxed));
    mono_us at = atomic_load_explicit(&sh->ewma_at, memory_order_relaxed);

    return balance_decay(ewma, at, now);
}

/* Two workers may write at once and one measurement is lost: it is an average. */
static void learn_latency(struct backend_shared *sh, mono_us latency_us, mono_us now)
{
    double ewma = double_of(atomic_load_explicit(&sh->ewma_us, memory_order_relaxed));
    mono_us at = atomic_load_explicit(&sh->ewma_at, memory_order_relaxed);

    ewma = balance_observe(ewma, at, (double)latency_us, now);
    atomic_store_explicit(&sh->ewma_us, bits_of(ewma), memory_order_relaxed);
    atomic_store_explicit(&sh->ewma_at, now, memory_order_relaxed);
}

static void count_failure(struct backend *be, mono_us now)
{
    mono_us length;

    atomic_fetch_add_explicit(&be->shared->failures, 1, memory_order_relaxed);
    length = breaker_failure(be, now);
    if (length > 0)
        log_warn("pool", "backend ejected service=%s tier=%s addr=%s for_ms=%lld",
                 be->home->name, tier_name[be->tier], be->addr.text,
                 (long long)(length / US_PER_MS));
}

void backend_unreserve(struct backend *be)
{
    give_one(&be->shared->inflight);
}

void backend_release(struct backend *be, enum backend_outcome oc, mono_us latency_us,
                     mono_us now)
{
    atomic_fetch_add_explicit(&be->shared->requests, 1, memory_order_relaxed);
    if (oc == BACKEND_OK) {
        if (latency_us > 0)
            learn_latency(be->shared, latency_us, now);
        breaker_success(be, now);
    } else if (oc == BACKEND_FAILED) {
        count_failure(be, now);
    }
    give_one(&be->shared->inflight);
}

void backend_view(const struct backend *be, mono_us now, struct backend_view *out)
{
    const struct backend_shared *sh = be->shared;

    *out = (struct backend_view){
        .addr = be->addr,
        .tier = be->tier,
        .health = health_of(be),
        .admin = admin_of(be),
        .ejected = breaker_out(be, now),
        .inflight = atomic_load_explicit(&sh->inflight, memory_order_relaxed),
        .connections = atomic_load_explicit(&sh->connections, memory_order_relaxed),
        .idle = atomic_load_explicit(&sh->idle, memory_order_relaxed),
        .max_requests = be->max_requests,
        .weight = be->weight,
        .requests = atomic_load_explicit(&sh->requests, memory_order_relaxed),
        .failures = atomic_load_explicit(&sh->failures, memory_order_relaxed),
        .ejections = atomic_load_explicit(&sh->ejections, memory_order_relaxed),
        .up_since = atomic_load_explicit(&sh->up_since, memory_order_relaxed),
        .ewma_us = backend_ewma_us(be, now),
    };
    memcpy(out->id, be->id, sizeof(out->id));
}
