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

#include "proxy/pool.h"

#define WORKERS_MAX 64

struct service_stats;

/* Outlives reloads: one per service name. */
struct service_shared {
    _Atomic int64_t retry_tokens; /* budget.h */
    _Atomic uint32_t waiting;     /* requests queued over all workers */
    /* When the oldest request in a worker's queue began to wait; 0: nobody waits there. */
    _Atomic int64_t oldest_wait[WORKERS_MAX];
    struct pool_shared pool[N_TIERS];
    /* One block a worker (stats.h); set before a topology with it is published. */
    struct service_stats *stats;
    char name[NAME_MAX_LEN]; /* fixed */
    _Atomic unsigned refs;   /* private */
};

struct service { /* immutable, part of a topology */
    const struct cfg_service *cfg;
    struct service_shared *shared;
    struct pool pools[N_TIERS];
};

struct service_shared *service_shared_new(const char *name);
struct service_shared *service_shared_ref(struct service_shared *s);
void service_shared_unref(struct service_shared *s); /* any thread */

/* *out is borrowed from the topology. */
enum pick_verdict service_pick(const struct service *s, const struct pick *p,
                               struct backend **out);

/* True while a backend has not passed its first probe yet: waiting for it makes sense. */
bool service_starting(const struct service *s);

#endif
