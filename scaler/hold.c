#include "scaler/hold.h"

#include <string.h>

static void drop_first(struct hold *h)
{
    h->n--;
    memmove(&h->kept[0], &h->kept[1], h->n * sizeof(h->kept[0]));
}

void hold_add(struct hold *h, wall_ms now, unsigned wish)
{
    while (h->n > 0 && h->kept[h->n - 1].wish <= wish)
        h->n--;
    /* Full: the last but one stands for the last as well, which can only hold longer. */
    if (h->n == HOLD_MAX) {
        h->kept[h->n - 2].at = h->kept[h->n - 1].at;
        h->n--;
    }
    h->kept[h->n].at = now;
    h->kept[h->n++].wish = wish;
}

unsigned hold_largest(struct hold *h, wall_ms now, uint32_t span_ms)
{
    while (h->n > 0 && now - h->kept[0].at > span_ms)
        drop_first(h);
    return h->n > 0 ? h->kept[0].wish : 0;
}
