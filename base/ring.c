#include "base/ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define PAGE_BYTES 4096

struct ring {
    /* fixed after new */
    size_t mask, size;
    uint8_t *data;
    /* producer's line */
    _Alignas(CACHE_LINE) _Atomic uint64_t head;
    uint64_t tail_seen;
    _Atomic uint64_t dropped;
    /* consumer's line */
    _Alignas(CACHE_LINE) _Atomic uint64_t tail;
};

/* The first lap shall not pay a page fault for every few elements. */
static void touch_pages(uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += PAGE_BYTES)
        ((volatile uint8_t *)data)[i] = 0;
}

struct ring *ring_new(size_t n, size_t size)
{
    struct ring *r = mem_new_line(sizeof(*r));

    CHECK(n > 0 && (n & (n - 1)) == 0);
    r->mask = n - 1;
    r->size = size;
    r->data = mem_new(n, size);
    touch_pages(r->data, n * size);
    return r;
}

void ring_free(struct ring *r)
{
    if (r == NULL)
        return;
    free(r->data);
    free(r);
}

bool ring_put(struct ring *r, const void *elem)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    if (head - r->tail_seen > r->mask) {
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        if (head - r->tail_seen > r->mask) {
            atomic_fetch_add_explicit(&r->dropped, 1, memory_order_relaxed);
            return false;
        }
    }
    memcpy(r->data + (head & r->mask) * r->size, elem, r->size);
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    return true;
}

size_t ring_take(struct ring *r, void *out, size_t max)
{
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    uint64_t n = atomic_load_explicit(&r->head, memory_order_acquire) - tail;

    if (n > max)
        n = max;
    for (uint64_t i = 0; i < n; i++)
        memcpy((uint8_t *)out + i * r->size, r->data + ((tail + i) & r->mask) * r->size,
               r->size);
    atomic_store_explicit(&r->tail, tail + n, memory_order_release);
    return (size_t)n;
}

uint64_t ring_dropped(const struct ring *r)
{
    return atomic_load_explicit(&r->dropped, memory_order_relaxed);
}
