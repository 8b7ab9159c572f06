#include "scaler/lead.h"

#include <stdlib.h>
#include <string.h>

#define QUANTILE 0.9

void lead_add(struct lead *l, uint32_t ms)
{
    l->ms[l->n++ % LEAD_KEPT] = ms;
}

bool lead_learned(const struct lead *l)
{
    return l->n >= LEAD_ENOUGH;
}

static int by_length(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

uint32_t lead_ms(const struct lead *l, uint32_t configured_ms)
{
    unsigned n = l->n < LEAD_KEPT ? l->n : LEAD_KEPT;
    uint32_t sorted[LEAD_KEPT];

    if (!lead_learned(l))
        return configured_ms;
    memcpy(sorted, l->ms, n * sizeof(sorted[0]));
    qsort(sorted, n, sizeof(sorted[0]), by_length);
    return sorted[(unsigned)(QUANTILE * (n - 1) + 0.5)];
}
