#include "proxy/breaker.h"

#include "proxy/pool.h"

#define JITTER 0.1
#define MIDDLE 0.5

static mono_us out_until(const struct backend *be)
{
    return atomic_load_explicit(&be->shared->ejected_until, memory_order_relaxed);
}

mono_us breaker_length(const struct cfg_ejection *c, uint32_t n, double unit)
{
    uint64_t ms = c->base_ms;

    while (--n > 0 && ms < c->max_ms)
        ms *= 2;
    if (ms > c->max_ms)
        ms = c->max_ms;
    return (mono_us)((double)ms * US_PER_MS * (1 - JITTER + 2 * JITTER * unit));
}

bool breaker_out(const struct backend *be, mono_us now)
{
    return now < out_until(be);
}

bool breaker_lets(const struct backend *be, mono_us now)
{
    const struct backend_shared *sh = be->shared;
    mono_us until = out_until(be);
    uint32_t n;

    if (until == 0)
        return true;
    if (now < until)
        return false;
    n = atomic_load_explicit(&sh->ejections_in_row, memory_order_relaxed);
    return atomic_load_explicit(&sh->inflight, memory_order_relaxed) == 0 ||
           now >= until + breaker_length(&be->ejection, n, MIDDLE);
}

/* Milliseconds that come round after 49 days; never 0. */
static uint32_t short_ms(mono_us t)
{
    return (uint32_t)(t / US_PER_MS) | 1;
}

bool breaker_suspects(const struct backend *be, mono_us now)
{
    uint32_t until = atomic_load_explicit(&be->shared->suspect_ms, memory_order_relaxed);

    return until != 0 && (int32_t)(until - short_ms(now)) > 0;
}

/* One of the pool's ejections; false: max_share of it is out. */
static bool share_take(const struct backend *be)
{
    struct pool_shared *pool = be->pool;
    uint32_t members = atomic_load_explicit(&pool->members, memory_order_relaxed);
    uint32_t n = atomic_load_explicit(&pool->ejected, memory_order_relaxed);
    /* The small term makes 0.3 of ten three. */
    uint32_t most = (uint32_t)(members * be->ejection.max_share + 1e-9);

    while (n < most)
        if (atomic_compare_exchange_weak_explicit(
                &pool->ejected, &n, n + 1, memory_order_relaxed, memory_order_relaxed))
            return true;
    return false;
}

static void share_give(struct pool_shared *pool)
{
    atomic_fetch_sub_explicit(&pool->ejected, 1, memory_order_relaxed);
}

/* How many ejections in a row the one that begins now is. */
static uint32_t next_in_row(const struct backend *be, bool trial, mono_us now)
{
    const struct backend_shared *sh = be->shared;
    uint32_t n = atomic_load_explicit(&sh->ejections_in_row, memory_order_relaxed);
    mono_us calm, step = (mono_us)be->ejection.max_ms * US_PER_MS;

    if (trial || n == 0 || step == 0)
        return n + 1;
    calm = (now - atomic_load_explicit(&sh->calm_since, memory_order_relaxed)) / step;
    return calm >= n ? 1 : n - (uint32_t)calm + 1;
}

/* [0, 1), different for backends that fail at the same moment. */
static double spread(const struct backend *be, mono_us now)
{
    uint64_t z = ((uint64_t)now + be->slot) * 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    return (double)(z >> 11) * 0x1p-53;
}

static mono_us eject(struct backend *be, mono_us was_until, mono_us now)
{
    struct backend_shared *sh = be->shared;
    bool trial = was_until != 0;
    uint32_t n = next_in_row(be, trial, now);
    mono_us length = breaker_length(&be->ejection, n, spread(be, now));

    if (!trial && !share_take(be))
        return 0;
    if (!atomic_compare_exchange_strong(&sh->ejected_until, &was_until, now + length)) {
        if (!trial)
            share_give(be->pool);
        return 0;
    }
    atomic_store_explicit(&sh->ejections_in_row, n, memory_order_relaxed);
    atomic_store_explicit(&sh->fails_in_row, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&sh->ejections, 1, memory_order_relaxed);
    return length;
}

mono_us breaker_failure(struct backend *be, mono_us now)
{
    mono_us until = out_until(be);
    uint32_t fails =
        atomic_fetch_add_explicit(&be->shared->fails_in_row, 1, memory_order_relaxed) + 1;

    if (!be->ejection.enabled || !backend_serves(be))
        return 0;
    atomic_store_explicit(&be->shared->suspect_ms,
                          short_ms(now + (mono_us)be->ejection.base_ms * US_PER_MS),
                          memory_order_relaxed);
    if (now < until)
        return 0;
    if (until == 0 && fails < be->ejection.failures)
        return 0;
    return eject(be, until, now);
}

void breaker_success(struct backend *be, mono_us now)
{
    struct backend_shared *sh = be->shared;
    mono_us until = out_until(be);

    if (atomic_load_explicit(&sh->fails_in_row, memory_order_relaxed) != 0) {
        atomic_store_explicit(&sh->fails_in_row, 0, memory_order_relaxed);
        atomic_store_explicit(&sh->suspect_ms, 0, memory_order_relaxed);
    }
    /* An answer to a request from before the ejection proves nothing. */
    if (until == 0 || now < until)
        return;
    if (!atomic_compare_exchange_strong(&sh->ejected_until, &until, 0))
        return;
    atomic_store_explicit(&sh->calm_since, now, memory_order_relaxed);
    share_give(be->pool);
}

void breaker_forget(struct backend_shared *sh, struct pool_shared *pool)
{
    atomic_store_explicit(&sh->fails_in_row, 0, memory_order_relaxed);
    atomic_store_explicit(&sh->suspect_ms, 0, memory_order_relaxed);
    if (atomic_exchange(&sh->ejected_until, 0) != 0)
        share_give(pool);
}
