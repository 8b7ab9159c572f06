#include "profiler/reorder.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

#define BUCKETS   4096 /* twice the window: some come from the future */
#define WORD_BITS 64
#define WORDS     (BUCKETS / WORD_BITS)
#define NOTHING   UINT32_MAX

struct bucket {
    uint32_t first, last; /* slots, or NOTHING */
};

struct reorder {
    /* fixed after new */
    int64_t unit_ms;
    size_t max;
    reorder_fn fn;
    void *ctx;
    /* bucket number n is time n * unit_ms, and is at place_of(n) */
    int64_t next; /* the earliest that is not out yet */
    bool begun;
    uint64_t used[WORDS]; /* a bit a bucket: something waits in it */
    struct bucket bucket[BUCKETS];
    /* slots */
    struct observation *slot;
    uint32_t *link; /* to the next in the bucket, or in the free list */
    size_t n_slots, n_waiting;
    uint32_t free;
};

struct reorder *reorder_new(uint32_t window_ms, size_t max, reorder_fn fn, void *ctx)
{
    struct reorder *r = MEM_NEW(struct reorder);

    CHECK(max > 0 && max < NOTHING);
    r->unit_ms = window_ms / (BUCKETS / 2) + 1;
    r->max = max;
    r->fn = fn;
    r->ctx = ctx;
    r->free = NOTHING;
    for (size_t i = 0; i < BUCKETS; i++)
        r->bucket[i].first = NOTHING;
    return r;
}

void reorder_free(struct reorder *r)
{
    if (r == NULL)
        return;
    free(r->slot);
    free(r->link);
    free(r);
}

static void grow(struct reorder *r)
{
    size_t n = r->n_slots > 0 ? 2 * r->n_slots : 256;

    if (n > r->max)
        n = r->max;
    r->slot = mem_grow(r->slot, n, sizeof(r->slot[0]));
    r->link = mem_grow(r->link, n, sizeof(r->link[0]));
    for (; r->n_slots < n; r->n_slots++) {
        r->link[r->n_slots] = r->free;
        r->free = (uint32_t)r->n_slots;
    }
}

/* Numbers may be negative: a clock may begin before 1970. */
static size_t place_of(int64_t number)
{
    return (uint64_t)number % BUCKETS;
}

/* The first used place from `from` on, round the end.  Something waits. */
static size_t first_used(const struct reorder *r, size_t from)
{
    size_t w = from / WORD_BITS;
    uint64_t bits = r->used[w] & (UINT64_MAX << from % WORD_BITS);

    while (bits == 0) {
        w = (w + 1) % WORDS;
        bits = r->used[w];
    }
    return w * WORD_BITS + (size_t)__builtin_ctzll(bits);
}

/* The number of the first bucket that is not empty. */
static int64_t first_number(const struct reorder *r)
{
    size_t from = place_of(r->next);

    return r->next + (int64_t)((first_used(r, from) - from) % BUCKETS);
}

static void release_bucket(struct reorder *r, int64_t number)
{
    size_t place = place_of(number);
    struct bucket *b = &r->bucket[place];
    uint32_t at = b->first;

    r->next = number + 1;
    r->used[place / WORD_BITS] &= ~(1ull << place % WORD_BITS);
    b->first = NOTHING;
    while (at != NOTHING) {
        uint32_t after = r->link[at];

        r->fn(r->ctx, &r->slot[at]);
        r->link[at] = r->free;
        r->free = at;
        r->n_waiting--;
        at = after;
    }
}

static void release_before(struct reorder *r, int64_t number)
{
    while (r->n_waiting > 0 && first_number(r) < number)
        release_bucket(r, first_number(r));
    if (r->next < number)
        r->next = number;
}

void reorder_release(struct reorder *r, wall_ms until)
{
    if (r->begun)
        release_before(r, until / r->unit_ms);
}

void reorder_release_all(struct reorder *r)
{
    while (r->n_waiting > 0)
        release_bucket(r, first_number(r));
}

wall_ms reorder_earliest(const struct reorder *r)
{
    return r->n_waiting > 0 ? first_number(r) * r->unit_ms : INT64_MAX;
}

static uint32_t take_slot(struct reorder *r)
{
    uint32_t at;

    if (r->free == NOTHING && r->n_slots < r->max)
        grow(r);
    while (r->free == NOTHING)
        release_bucket(r, first_number(r));
    at = r->free;
    r->free = r->link[at];
    return at;
}

static void append(struct reorder *r, size_t place, uint32_t slot)
{
    struct bucket *b = &r->bucket[place];

    r->used[place / WORD_BITS] |= 1ull << place % WORD_BITS;
    r->link[slot] = NOTHING;
    if (b->first == NOTHING)
        b->first = slot;
    else
        r->link[b->last] = slot;
    b->last = slot;
    r->n_waiting++;
}

void reorder_put(struct reorder *r, const struct observation *o)
{
    int64_t number = o->start / r->unit_ms;
    uint32_t at;

    if (!r->begun) {
        r->next = number - BUCKETS / 2;
        r->begun = true;
    }
    if (number >= r->next + BUCKETS)
        release_before(r, number - BUCKETS + 1);
    at = take_slot(r); /* may move `next` */
    if (number < r->next) {
        r->link[at] = r->free;
        r->free = at;
        r->fn(r->ctx, o);
        return;
    }
    r->slot[at] = *o;
    append(r, place_of(number), at);
}
