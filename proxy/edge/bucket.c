#include "proxy/edge/bucket.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

#define WAYS      4 /* of one cache line */
#define NS_PER_US 1000
#define NS_PER_S  1e9
/* A century: times stay far from the end of an int64_t. */
#define DEPTH_MAX_NS 3e18

/* `full` is in nanoseconds. */
struct bucket {
    _Atomic uint64_t key; /* 0: free */
    _Atomic int64_t full;
};

struct set {
    struct bucket way[WAYS];
};
_Static_assert(sizeof(struct set) == CACHE_LINE, "a look-up touches one line");

struct bucket_table {
    int64_t token_ns; /* one token's worth of time */
    int64_t depth_ns; /* that a bucket may be filled up ahead of now: all but one */
    size_t mask;
    struct set *sets;
};

struct bucket_table *bucket_table_new(double rate, uint32_t burst, size_t entries)
{
    struct bucket_table *t = MEM_NEW(struct bucket_table);
    size_t n = 1;

    while (n * WAYS < entries)
        n *= 2;
    t->token_ns = (int64_t)(NS_PER_S / rate);
    t->depth_ns = (int64_t)fmin(NS_PER_S / rate * (burst - 1.0), DEPTH_MAX_NS);
    t->mask = n - 1;
    t->sets = mem_new_line(n * sizeof(struct set));
    return t;
}

void bucket_table_free(struct bucket_table *t)
{
    if (t == NULL)
        return;
    free(t->sets);
    free(t);
}

static struct bucket *known(struct set *s, uint64_t key)
{
    for (int i = 0; i < WAYS; i++)
        if (atomic_load_explicit(&s->way[i].key, memory_order_relaxed) == key)
            return &s->way[i];
    return NULL;
}

/*
 * A bucket in the place of the one that is full first.  Between the two writes others may
 * see the new key with the old time: for them it is less full than it should be.
 */
static struct bucket *replace(struct set *s, uint64_t key, int64_t now)
{
    struct bucket *b = &s->way[0];
    uint64_t old;
    int64_t full;

    for (int i = 1; i < WAYS; i++)
        if (atomic_load_explicit(&s->way[i].full, memory_order_relaxed) <
            atomic_load_explicit(&b->full, memory_order_relaxed))
            b = &s->way[i];
    old = atomic_load_explicit(&b->key, memory_order_relaxed);
    full = atomic_load_explicit(&b->full, memory_order_relaxed);
    if (!atomic_compare_exchange_strong(&b->key, &old, key))
        return NULL;
    atomic_compare_exchange_strong(&b->full, &full, now);
    return b;
}

bool bucket_take(struct bucket_table *t, uint64_t key, mono_us now_us, mono_us *wait_us)
{
    int64_t now = now_us * NS_PER_US, full, from;
    struct set *s;
    struct bucket *b;

    key |= 1;
    s = &t->sets[key >> 32 & t->mask];
    while ((b = known(s, key)) == NULL && (b = replace(s, key, now)) == NULL)
        continue;
    full = atomic_load_explicit(&b->full, memory_order_relaxed);
    do {
        from = full > now ? full : now;
        if (from - now > t->depth_ns) {
            *wait_us = (from - now - t->depth_ns + NS_PER_US - 1) / NS_PER_US;
            return false;
        }
    } while (!atomic_compare_exchange_weak(&b->full, &full, from + t->token_ns));
    *wait_us = 0;
    return true;
}
