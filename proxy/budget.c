#include "proxy/budget.h"

#define RETRY   1000000 /* one retry in the bucket's unit */
#define FLOOR   ((int64_t)10 * RETRY)
#define CEILING ((int64_t)1000 * RETRY)

void budget_init(_Atomic int64_t *tokens)
{
    atomic_store_explicit(tokens, FLOOR, memory_order_relaxed);
}

void budget_request(_Atomic int64_t *tokens, double share)
{
    /* Workers that add at the same moment may pass the ceiling by one request each. */
    if (atomic_load_explicit(tokens, memory_order_relaxed) < CEILING)
        atomic_fetch_add_explicit(tokens, (int64_t)(share * RETRY), memory_order_relaxed);
}

bool budget_retry(_Atomic int64_t *tokens)
{
    int64_t have = atomic_load_explicit(tokens, memory_order_relaxed);

    while (have >= RETRY)
        if (atomic_compare_exchange_weak_explicit(
                tokens, &have, have - RETRY, memory_order_relaxed, memory_order_relaxed))
            return true;
    return false;
}
