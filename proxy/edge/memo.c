#include "proxy/edge/memo.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/siphash.h"

#define WAYS      8
#define GOOD_WAYS 6

/*
 * The two words of an entry are written one after the other.  Who reads one of an old and
 * one of a new entry has a key that nobody asks for: a miss, never a wrong verdict.  The
 * lowest bit of the second is the verdict.
 */
struct entry {
    _Atomic uint64_t a, b;
};

struct set {
    struct entry way[WAYS];
};

struct memo {
    struct sip_key secret[2];
    size_t mask; /* number of sets, a power of two, less one */
    _Atomic uint32_t next;
    struct set *sets;
};

struct memo *memo_new(size_t entries)
{
    struct memo *m = MEM_NEW(struct memo);
    size_t n = 1;

    while (n * WAYS < entries)
        n *= 2;
    rng_secret(m->secret, sizeof(m->secret));
    m->mask = n - 1;
    m->sets = mem_new_line(n * sizeof(struct set));
    return m;
}

void memo_free(struct memo *m)
{
    if (m == NULL)
        return;
    free(m->sets);
    free(m);
}

struct memo_key memo_key(const struct memo *m, const void *question, size_t len)
{
    return (struct memo_key){siphash(&m->secret[0], question, len) | 1,
                             siphash(&m->secret[1], question, len) & ~(uint64_t)1};
}

static struct set *set_of(const struct memo *m, struct memo_key k)
{
    return &m->sets[k.a >> 32 & m->mask];
}

enum memo_verdict memo_find(const struct memo *m, struct memo_key k)
{
    struct set *s = set_of(m, k);

    for (int i = 0; i < WAYS; i++) {
        uint64_t b;

        if (atomic_load_explicit(&s->way[i].a, memory_order_relaxed) != k.a)
            continue;
        b = atomic_load_explicit(&s->way[i].b, memory_order_relaxed);
        if ((b & ~(uint64_t)1) == k.b)
            return (b & 1) != 0 ? MEMO_GOOD : MEMO_BAD;
    }
    return MEMO_UNKNOWN;
}

void memo_put(struct memo *m, struct memo_key k, bool good)
{
    struct set *s = set_of(m, k);
    int from = good ? 0 : GOOD_WAYS, to = good ? GOOD_WAYS : WAYS;
    uint32_t turn = atomic_fetch_add_explicit(&m->next, 1, memory_order_relaxed);
    struct entry *e = &s->way[from + (int)(turn % (uint32_t)(to - from))];

    for (int i = from; i < to; i++)
        if (atomic_load_explicit(&s->way[i].a, memory_order_relaxed) == 0)
            e = &s->way[i];
    atomic_store_explicit(&e->b, k.b | good, memory_order_relaxed);
    atomic_store_explicit(&e->a, k.a, memory_order_relaxed);
}
