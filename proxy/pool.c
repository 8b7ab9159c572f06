#include "proxy/pool.h"

#include <stdlib.h>

#include "base/check.h"
#include "proxy/balance.h"
#include "proxy/breaker.h"

#define DRAWS      4 /* pairs drawn before all are looked at */
#define RECOUNT_US 1000

void pool_init(struct pool *p, const struct cfg_pool *cfg, struct pool_shared *shared,
               struct backend *const *backends, uint32_t n)
{
    uint32_t sum = 0;
    bool equal = true;

    *p = (struct pool){.cfg = cfg, .shared = shared, .n_backends = n};
    p->backends = MEM_NEW_N(struct backend *, n);
    p->weight_upto = MEM_NEW_N(uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        p->backends[i] = backend_ref(backends[i]);
        p->weight_upto[i] = sum += backends[i]->weight;
        equal = equal && backends[i]->weight == backends[0]->weight;
    }
    p->mean_weight = n > 0 ? (double)sum / n : 1;
    if (equal) {
        free(p->weight_upto);
        p->weight_upto = NULL;
    }
}

void pool_fini(struct pool *p)
{
    for (uint32_t i = 0; i < p->n_backends; i++)
        backend_unref(p->backends[i]);
    free(p->backends);
    free(p->weight_upto);
}

/* May this request go there now? */
static bool usable(const struct backend *be, const struct pick *pk)
{
    return be != pk->avoid && backend_takes(be, pk->now) &&
           atomic_load_explicit(&be->shared->inflight, memory_order_relaxed) <
               be->max_requests;
}

static double ramp(const struct backend *be, mono_us now)
{
    mono_us since = atomic_load_explicit(&be->shared->up_since, memory_order_relaxed);

    return balance_ramp(be->slow_start_ms, since, now);
}

static bool prefers(const struct pool *p, const struct backend *a, double ramp_a,
                    const struct backend *b, double ramp_b, mono_us now)
{
    struct balance_side sa = {
        .ewma_us = backend_ewma_us(a, now),
        .inflight = atomic_load_explicit(&a->shared->inflight, memory_order_relaxed),
        .weight = a->weight * ramp_a / p->mean_weight};
    struct balance_side sb = {
        .ewma_us = backend_ewma_us(b, now),
        .inflight = atomic_load_explicit(&b->shared->inflight, memory_order_relaxed),
        .weight = b->weight * ramp_b / p->mean_weight};

    return balance_prefers(&sa, &sb);
}

/* Of two drawn backends.  One that is starting slowly is compared only in as many draws
 * as it is warmer or colder than the other, so that an idle pool warms it too. */
static struct backend *better(const struct pool *p, const struct pick *pk,
                              struct backend *a, struct backend *b)
{
    double ra = ramp(a, pk->now), rb = ramp(b, pk->now);

    if (ra < rb && rng_unit(pk->rng) * rb >= ra)
        return b;
    if (rb < ra && rng_unit(pk->rng) * ra >= rb)
        return a;
    return prefers(p, a, ra, b, rb, pk->now) ? b : a;
}

/* Index of a backend, drawn in proportion to weight. */
static uint32_t draw_weighted(const struct pool *p, struct rng *rng)
{
    uint32_t at = rng_below(rng, p->weight_upto[p->n_backends - 1]);
    uint32_t low = 0, high = p->n_backends - 1;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (p->weight_upto[mid] > at)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

/* Different ones when all weigh the same.  Else the same may come twice: if it could not,
 * two backends would be drawn always, whatever they weigh. */
static void draw_two(const struct pool *p, struct rng *rng, struct backend *two[2])
{
    uint32_t i, j;

    if (p->weight_upto == NULL) {
        balance_two(rng, p->n_backends, &i, &j);
    } else {
        i = draw_weighted(p, rng);
        j = draw_weighted(p, rng);
    }
    two[0] = p->backends[i];
    two[1] = p->backends[j];
}

static struct backend *draw(const struct pool *p, const struct pick *pk)
{
    struct backend *two[2], *first = NULL;

    for (int n = 0; n < DRAWS; n++) {
        draw_two(p, pk->rng, two);
        for (int i = 0; i < 2; i++) {
            if (!usable(two[i], pk) || breaker_suspects(two[i], pk->now))
                continue;
            if (first != NULL)
                return better(p, pk, first, two[i]);
            first = two[i];
        }
    }
    return first;
}

/* The best of all that are, or are not, suspect; from a random place on so that equal
 * ones take turns. */
static struct backend *scan(const struct pool *p, const struct pick *pk, bool suspects)
{
    uint32_t start = rng_below(pk->rng, p->n_backends);
    struct backend *best = NULL;

    for (uint32_t i = 0; i < p->n_backends; i++) {
        struct backend *be = p->backends[(start + i) % p->n_backends];

        if (!usable(be, pk) || breaker_suspects(be, pk->now) != suspects)
            continue;
        if (best == NULL ||
            prefers(p, best, ramp(best, pk->now), be, ramp(be, pk->now), pk->now))
            best = be;
    }
    return best;
}

static enum pick_verdict why_nobody(const struct pool *p, const struct pick *pk)
{
    for (uint32_t i = 0; i < p->n_backends; i++)
        if (p->backends[i] != pk->avoid && backend_takes(p->backends[i], pk->now))
            return PICK_FULL;
    return PICK_NONE;
}

enum pick_verdict pool_pick(const struct pool *p, const struct pick *pk,
                            struct backend **out)
{
    struct backend *be;

    if (p->n_backends == 0)
        return PICK_NONE;
    be = draw(p, pk);
    if (be == NULL || !backend_reserve(be))
        /* Other workers may take the last slots meanwhile; each time one of them did. */
        do
            if ((be = scan(p, pk, false)) == NULL)
                be = scan(p, pk, true);
        while (be != NULL && !backend_reserve(be));
    if (be == NULL)
        return why_nobody(p, pk);
    *out = be;
    return PICK_OK;
}

static uint64_t count_use(const struct pool *p, mono_us now)
{
    uint64_t takes = 0, inflight = 0;

    for (uint32_t i = 0; i < p->n_backends; i++)
        if (backend_takes(p->backends[i], now)) {
            takes++;
            inflight += atomic_load_explicit(&p->backends[i]->shared->inflight,
                                             memory_order_relaxed);
        }
    return takes << 32 | inflight;
}

struct tier_use pool_use(const struct pool *p, mono_us now)
{
    struct pool_shared *sh = p->shared;
    int64_t at = atomic_load_explicit(&sh->use_at, memory_order_relaxed);
    uint64_t use;

    if (now - at >= RECOUNT_US &&
        atomic_compare_exchange_strong_explicit(&sh->use_at, &at, now, memory_order_relaxed,
                                                memory_order_relaxed))
        atomic_store_explicit(&sh->use, count_use(p, now), memory_order_relaxed);
    use = atomic_load_explicit(&sh->use, memory_order_relaxed);
    return (struct tier_use){.takes = (uint32_t)(use >> 32),
                             .capacity = (uint32_t)(use >> 32) * p->cfg->max_requests,
                             .inflight = (uint32_t)use};
}
