#include "proxy/repeat.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

#define BUCKETS 8192
#define WAYS    8

/*
 * An entry: tag (24 bits), tick at which it expires (20 bits), tokens (20 bits); 0 is
 * free.  A tick is 64 ms, so ticks come round after 18 hours; an entry that old is
 * compared wrongly at worst.
 */
#define TICK_US    64000
#define TICK_BITS  20
#define COUNT_BITS 20
#define TICK_MASK  ((1u << TICK_BITS) - 1)
#define COUNT_MASK ((1u << COUNT_BITS) - 1)

struct repeat {
    _Atomic uint64_t slot[BUCKETS][WAYS];
    /* No token lives longer than this: most requests look no further. */
    _Atomic int64_t last_expiry;
};

struct entry {
    uint32_t tag, tick, count;
};

static uint64_t pack(struct entry e)
{
    return (uint64_t)e.tag << (TICK_BITS + COUNT_BITS) | (uint64_t)e.tick << COUNT_BITS |
           e.count;
}

static struct entry unpack(uint64_t v)
{
    return (struct entry){.tag = (uint32_t)(v >> (TICK_BITS + COUNT_BITS)),
                          .tick = (uint32_t)(v >> COUNT_BITS) & TICK_MASK,
                          .count = (uint32_t)v & COUNT_MASK};
}

static uint32_t tick_of(mono_us t)
{
    return (uint32_t)(t / TICK_US) & TICK_MASK;
}

/* Ticks from now until e expires; 0 or less: it has. */
static int32_t ticks_left(struct entry e, uint32_t now)
{
    int32_t d = (int32_t)((e.tick - now) & TICK_MASK);

    return d < (int32_t)(TICK_MASK / 2) ? d : d - (int32_t)(TICK_MASK + 1);
}

/* The bucket of requests that were tried `tries` times, and their tag in it. */
static _Atomic uint64_t *bucket_of(struct repeat *r, uint64_t key, unsigned tries,
                                   uint32_t *tag)
{
    uint64_t h = (key + tries) * 0x9e3779b97f4a7c15u;

    h ^= h >> 32;
    *tag = (uint32_t)(h >> 40) | 1;
    return r->slot[h % BUCKETS];
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

/* Takes one token away if a living one with that tag is in the slot. */
static bool take_from(_Atomic uint64_t *slot, uint32_t tag, uint32_t now)
{
    uint64_t have = atomic_load_explicit(slot, memory_order_relaxed);

    for (;;) {
        struct entry e = unpack(have);

        if (have == 0 || e.tag != tag || ticks_left(e, now) <= 0)
            return false;
        e.count--;
        if (atomic_compare_exchange_weak(slot, &have, e.count > 0 ? pack(e) : 0))
            return true;
    }
}

static bool take(struct repeat *r, uint64_t key, unsigned tries, uint32_t now)
{
    uint32_t tag;
    _Atomic uint64_t *bucket = bucket_of(r, key, tries, &tag);

    for (int i = 0; i < WAYS; i++)
        if (take_from(&bucket[i], tag, now))
            return true;
    return false;
}

unsigned repeat_take(struct repeat *r, uint64_t key, mono_us now)
{
    if (atomic_load_explicit(&r->last_expiry, memory_order_relaxed) < now)
        return 0;
    for (unsigned tries = REPEAT_MAX; tries > 0; tries--)
        if (take(r, key, tries, tick_of(now)))
            return tries;
    return 0;
}

/* The slot with that tag, else the one that is free or expires first. */
static _Atomic uint64_t *slot_for(_Atomic uint64_t *bucket, uint32_t tag, uint32_t now)
{
    _Atomic uint64_t *best = &bucket[0];
    int32_t best_left = INT32_MAX;

    for (int i = 0; i < WAYS; i++) {
        uint64_t have = atomic_load_explicit(&bucket[i], memory_order_relaxed);
        int32_t left = have == 0 ? INT32_MIN : ticks_left(unpack(have), now);

        if (have != 0 && unpack(have).tag == tag)
            return &bucket[i];
        if (left < best_left) {
            best = &bucket[i];
            best_left = left;
        }
    }
    return best;
}

static void put(_Atomic uint64_t *slot, uint32_t tag, uint32_t now, uint32_t expiry)
{
    uint64_t have = atomic_load_explicit(slot, memory_order_relaxed);
    struct entry e;

    do {
        e = unpack(have);
        if (have == 0 || e.tag != tag || ticks_left(e, now) <= 0)
            e = (struct entry){.tag = tag};
        e.tick = expiry;
        if (e.count < COUNT_MASK)
            e.count++;
    } while (!atomic_compare_exchange_weak(slot, &have, pack(e)));
}

void repeat_failed(struct repeat *r, uint64_t key, unsigned before, mono_us now,
                   uint32_t window_ms)
{
    mono_us expiry = now + (mono_us)window_ms * US_PER_MS;
    _Atomic uint64_t *bucket;
    uint32_t tag;

    if (before >= REPEAT_MAX || window_ms == 0)
        return;
    bucket = bucket_of(r, key, before + 1, &tag);
    put(slot_for(bucket, tag, tick_of(now)), tag, tick_of(now), tick_of(expiry));
    if (expiry > atomic_load_explicit(&r->last_expiry, memory_order_relaxed))
        atomic_store_explicit(&r->last_expiry, expiry, memory_order_relaxed);
}
