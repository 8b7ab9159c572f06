#include "base/hist.h"

#include "base/check.h"

const uint32_t hist_bound_us[HIST_BUCKETS - 1] = {
#define X(b) b,
    HIST_BOUNDS(X)
#undef X
};

#define BUMP(c, k)                                                                         \
    atomic_store_explicit(&(c), atomic_load_explicit(&(c), memory_order_relaxed) + (k),    \
                          memory_order_relaxed)

void hist_add(struct hist *h, uint64_t us)
{
    int i = 0;

    while (i < HIST_BUCKETS - 1 && us > hist_bound_us[i])
        i++;
    BUMP(h->n[i], 1);
    BUMP(h->sum_us, us);
}

void hist_read(const struct hist *h, struct hist_view *out)
{
    for (int i = 0; i < HIST_BUCKETS; i++)
        out->n[i] = atomic_load_explicit(&h->n[i], memory_order_relaxed);
    out->sum_us = atomic_load_explicit(&h->sum_us, memory_order_relaxed);
}

void hist_sum(struct hist_view *into, const struct hist_view *from)
{
    for (int i = 0; i < HIST_BUCKETS; i++)
        into->n[i] += from->n[i];
    into->sum_us += from->sum_us;
}

uint64_t hist_count(const struct hist_view *v)
{
    uint64_t total = 0;

    for (int i = 0; i < HIST_BUCKETS; i++)
        total += v->n[i];
    return total;
}

double hist_quantile_us(const struct hist_view *v, double q)
{
    double want = q * (double)hist_count(v), seen = 0;

    for (int i = 0; i < HIST_BUCKETS; i++) {
        double lo = i > 0 ? hist_bound_us[i - 1] : 0;
        double hi = i < HIST_BUCKETS - 1 ? hist_bound_us[i] : 2 * lo;

        if (v->n[i] > 0 && seen + (double)v->n[i] >= want)
            return lo + (hi - lo) * (want - seen) / (double)v->n[i];
        seen += (double)v->n[i];
    }
    return 0;
}
