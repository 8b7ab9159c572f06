/*
 * service.h - chooses the backend for a request: tier first, then inside the pool.
 *
 * Tier choice (tier.h): baseline and ready predictive backends share the requests in
 * proportion to free capacity once baseline passes spill_at; burst only when both are
 * full or still starting.  Inside a pool: peak-EWMA with power of two choices
 * (balance.h).
 *
 * Any worker; reads the immutable topology and the shared counts.
 */
#ifndef PROXY_SERVICE_H
#define PROXY_SERVICE_H

#include "base/rng.h"
#include "proxy/backend.h"

#define WORKERS_MAX 64

struct pool_shared {
    _Atomic uint32_t ejected; /* backends now ejected; never more than max_share */
    _Atomic uint32_t members; /* of the newest topology */
};

/* Outlives reloads: one per service name. */
struct service_shared {
    _Atomic int64_t retry_tokens; /* in hundredths of a retry (budget.h) */
    _Atomic uint32_t waiting;     /* requests queued over all workers */
    /* When the oldest request in a worker's queue began to wait; 0: nobody waits there. */
    _Atomic int64_t oldest_wait[WORKERS_MAX];
    struct pool_shared pool[N_TIERS];
    _Atomic unsigned refs; /* private */
};

struct pool { /* immutable, part of a topology */
    const struct cfg_pool *cfg;
    struct pool_shared *shared;
    struct backend **backends;
    uint32_t n_backends;
};

struct service { /* immutable, part of a topology */
    const struct cfg_service *cfg;
    struct service_shared *shared;
    struct pool pools[N_TIERS];
};

struct pick {
    mono_us now;
    struct rng *rng;
    const struct backend *avoid; /* one that just failed; taken only if there is no other */
};

enum pick_verdict {
    PICK_OK,   /* *out is reserved: backend_release() it */
    PICK_FULL, /* backends are up, all are at max_requests */
    PICK_NONE, /* no backend takes requests */
};

/* *out is borrowed from the topology. */
enum pick_verdict service_pick(const struct service *s, const struct pick *p,
                               struct backend **out);

#endif
