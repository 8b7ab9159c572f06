#include "base/bytering.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define PAGE_BYTES 4096
#define ALIGN      _Alignof(max_align_t)

/* Stands before each record.  A record does not wrap: what is left before the end of the
 * memory is one without a record. */
struct head {
    _Alignas(ALIGN) uint32_t bytes; /* with this head, a multiple of ALIGN */
    uint32_t len;                   /* of the record */
};
#define NO_RECORD UINT32_MAX

struct bytering {
    /* fixed after new */
    size_t mask;
    uint8_t *data;
    /* producer's line */
    _Alignas(CACHE_LINE) _Atomic uint64_t end;
    uint64_t begin_seen;
    uint64_t reserved; /* `end` once the reservation is committed */
    _Atomic uint64_t dropped;
    /* consumer's line */
    _Alignas(CACHE_LINE) _Atomic uint64_t begin;
};

struct bytering *bytering_new(size_t bytes)
{
    struct bytering *r = mem_new_line(sizeof(*r));

    CHECK(bytes >= 4 * sizeof(struct head) && (bytes & (bytes - 1)) == 0);
    r->mask = bytes - 1;
    r->data = mem_new_line(bytes);
    /* The first lap shall not pay a page fault for every few records. */
    for (size_t i = 0; i < bytes; i += PAGE_BYTES)
        ((volatile uint8_t *)r->data)[i] = 0;
    return r;
}

void bytering_free(struct bytering *r)
{
    if (r == NULL)
        return;
    free(r->data);
    free(r);
}

static struct head *head_at(const struct bytering *r, uint64_t pos)
{
    return (struct head *)(void *)(r->data + (pos & r->mask));
}

static bool has_room(struct bytering *r, uint64_t end, size_t bytes)
{
    if (end + bytes - r->begin_seen <= r->mask + 1)
        return true;
    r->begin_seen = atomic_load_explicit(&r->begin, memory_order_acquire);
    return end + bytes - r->begin_seen <= r->mask + 1;
}

void *bytering_reserve(struct bytering *r, size_t n)
{
    uint64_t end = atomic_load_explicit(&r->end, memory_order_relaxed);
    size_t to_edge = r->mask + 1 - (end & r->mask);
    size_t bytes = (sizeof(struct head) + n + ALIGN - 1) & ~(ALIGN - 1);
    size_t skip = bytes > to_edge ? to_edge : 0;
    struct head *h;

    if (n > r->mask || !has_room(r, end, skip + bytes)) {
        atomic_fetch_add_explicit(&r->dropped, 1, memory_order_relaxed);
        return NULL;
    }
    if (skip > 0)
        *head_at(r, end) = (struct head){.bytes = (uint32_t)skip, .len = NO_RECORD};
    h = head_at(r, end + skip);
    *h = (struct head){.bytes = (uint32_t)bytes, .len = (uint32_t)n};
    r->reserved = end + skip + bytes;
    return h + 1;
}

void bytering_commit(struct bytering *r)
{
    atomic_store_explicit(&r->end, r->reserved, memory_order_release);
}

const void *bytering_peek(struct bytering *r, size_t *n)
{
    uint64_t begin = atomic_load_explicit(&r->begin, memory_order_relaxed);
    uint64_t end = atomic_load_explicit(&r->end, memory_order_acquire);
    const struct head *h;

    if (begin == end)
        return NULL;
    h = head_at(r, begin);
    if (h->len == NO_RECORD) {
        begin += h->bytes;
        atomic_store_explicit(&r->begin, begin, memory_order_release);
        h = head_at(r, begin); /* committed together with what was skipped */
    }
    *n = h->len;
    return h + 1;
}

void bytering_release(struct bytering *r)
{
    uint64_t begin = atomic_load_explicit(&r->begin, memory_order_relaxed);

    atomic_store_explicit(&r->begin, begin + head_at(r, begin)->bytes,
                          memory_order_release);
}

size_t bytering_used(const struct bytering *r)
{
    uint64_t begin = atomic_load_explicit(&r->begin, memory_order_relaxed);

    return (size_t)(atomic_load_explicit(&r->end, memory_order_relaxed) - begin);
}

uint64_t bytering_dropped(const struct bytering *r)
{
    return atomic_load_explicit(&r->dropped, memory_order_relaxed);
}
