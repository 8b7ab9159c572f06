#include "proxy/repeat.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

#define BUCKETS  8192
#define WAYS     8
#define TAG_BITS 32
#define TICK_MS  16 /* 2^32 ticks are two years */

/* A token: tag in the high half, tick at which it expires in the low one; 0: free. */
struct repeat {
    _Atomic uint64_t slot[BUCKETS][WAYS];
    /* No token is younger than this: most requests look no further. */
    _Atomic int64_t last_expiry;
};

static uint32_t tick_of(mono_us t)
{
    return (uint32_t)(t / (TICK_MS * US_PER_MS));
}

struct repeat *repeat_new(void)
{
    return mem_new_line(sizeof(struct repeat));
}

void repeat_free(struct repeat *r)
{
    free(r);
}

uint64_t repeat_key(uint64_t user, uint64_t path, unsigned method)
{
    uint64_t k = (user ^ (path << 1 | path >> 63)) + method;

    k = (k ^ k >> 31) * 0x9e3779b97f4a7c15u;
    return k ^ k >> 29;
}

void repeat_failed(struct repeat *r, uint64_t key, mono_us now, uint32_t window_ms)
{
    _Atomic uint64_t *bucket = r->slot[key % BUCKETS];
    mono_us expiry = now + (mono_us)window_ms * US_PER_MS;
    uint64_t token = (key >> TAG_BITS | 1) << TAG_BITS | tick_of(expiry);
    int oldest = 0;
    uint32_t oldest_tick = UINT32_MAX;

    for (int i = 0; i < WAYS; i++) {
        uint64_t have = atomic_load_explicit(&bucket[i], memory_order_relaxed);

        if (have == 0 || (uint32_t)have < oldest_tick) {
            oldest = i;
            oldest_tick = have == 0 ? 0 : (uint32_t)have;
        }
    }
    atomic_store_explicit(&bucket[oldest], token, memory_order_relaxed);
    if (expiry > atomic_load_explicit(&r->last_expiry, memory_order_relaxed))
        atomic_store_explicit(&r->last_expiry, expiry, memory_order_relaxed);
}

bool repeat_take(struct repeat *r, uint64_t key, mono_us now)
{
    _Atomic uint64_t *bucket;
    uint64_t tag = key >> TAG_BITS | 1;

    if (atomic_load_explicit(&r->last_expiry, memory_order_relaxed) < now)
        return false;
    bucket = r->slot[key % BUCKETS];
    for (int i = 0; i < WAYS; i++) {
        uint64_t have = atomic_load_explicit(&bucket[i], memory_order_relaxed);

        if (have >> TAG_BITS == tag && (uint32_t)have >= tick_of(now) &&
            atomic_compare_exchange_strong(&bucket[i], &have, 0))
            return true;
    }
    return false;
}
