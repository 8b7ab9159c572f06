/*
 * pool.h - the backends that serve one tier of a service.
 *
 * Answers "which backend takes this request?".  Opens no connection, queues nothing,
 * reads no clock.
 *
 * A pool is part of an immutable topology and belongs to no thread; what changes lies in
 * pool_shared and in the backends' own blocks.
 */
#ifndef PROXY_POOL_H
#define PROXY_POOL_H

#include "base/rng.h"
#include "proxy/backend.h"
#include "proxy/tier.h"

struct pool_shared {
    _Alignas(
        CACHE_LINE) _Atomic uint32_t ejected; /* never more than max_share of members */
    _Atomic uint32_t members;                 /* healthy and ready; written by main */
    _Atomic int64_t use_at;                   /* private: mono_us, when `use` was counted */
    _Atomic uint64_t use; /* private: backends that take, and requests on them */
};

struct pool { /* immutable, part of a topology */
    const struct cfg_pool *cfg;
    struct pool_shared *shared;
    struct backend **backends;
    uint32_t n_backends;
    double mean_weight;
    uint32_t *weight_upto; /* weights added up, one a backend; NULL: all are equal */
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

/* References the backends; shared is borrowed. */
void pool_init(struct pool *p, const struct cfg_pool *cfg, struct pool_shared *shared,
               struct backend *const *backends, uint32_t n);
void pool_fini(struct pool *p);

/*
 * Draws two backends that have room, by weight, and takes the better one (balance.h);
 * its cost does not depend on n_backends.  Only when some draws found nothing are all
 * looked at.  `avoid` is never taken here.  *out is borrowed.
 */
enum pick_verdict pool_pick(const struct pool *p, const struct pick *pk,
                            struct backend **out);

/* Counted at most once a millisecond over all workers; that call looks at all backends. */
struct tier_use pool_use(const struct pool *p, mono_us now);

#endif
