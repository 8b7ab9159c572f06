#include "tests/tools/trafficgen/heap.h"

#include <stdlib.h>

static bool before(const struct heap_item *a, const struct heap_item *b)
{
    return a->at != b->at ? a->at < b->at : a->id < b->id;
}

void heap_add(struct heap *h, int64_t at, uint32_t id)
{
    struct heap_item item = {at, id};
    size_t i = h->n++;

    if (h->n > h->cap) {
        h->cap = h->cap == 0 ? 64 : h->cap * 2;
        h->items = reallocarray(h->items, h->cap, sizeof(*h->items));
        if (h->items == NULL)
            abort();
    }
    while (i > 0 && before(&item, &h->items[(i - 1) / 2])) {
        h->items[i] = h->items[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->items[i] = item;
}

const struct heap_item *heap_first(const struct heap *h)
{
    return h->n > 0 ? &h->items[0] : NULL;
}

struct heap_item heap_take(struct heap *h)
{
    struct heap_item first = h->items[0], last = h->items[--h->n];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < h->n) {
        if (child + 1 < h->n && before(&h->items[child + 1], &h->items[child]))
            child++;
        if (!before(&h->items[child], &last))
            break;
        h->items[i] = h->items[child];
        i = child;
    }
    h->items[i] = last;
    return first;
}

void heap_fini(struct heap *h)
{
    free(h->items);
    *h = (struct heap){0};
}
