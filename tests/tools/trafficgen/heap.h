/*
 * heap.h - who is next: a binary min-heap of (time, number) pairs.
 *
 * Equal times come out in the order of their numbers, so that one seed gives one
 * sequence.  Grows as needed; memory running out ends the program.
 */
#ifndef TESTS_TOOLS_TRAFFICGEN_HEAP_H
#define TESTS_TOOLS_TRAFFICGEN_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t at;
    uint32_t id;
};

struct heap {
    struct heap_item *items;
    size_t n, cap;
};

void heap_add(struct heap *h, int64_t at, uint32_t id);
const struct heap_item *heap_first(const struct heap *h); /* NULL: empty */
struct heap_item heap_take(struct heap *h);               /* must not be empty */
void heap_fini(struct heap *h);

#endif
