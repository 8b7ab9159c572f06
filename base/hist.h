/*
 * hist.h - latency histogram with fixed buckets of Prometheus style.
 *
 * One writer, any readers: counters are relaxed atomics, so a reader on another
 * thread sees each count whole, and a snapshot may be a few events torn.
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stdatomic.h>
#include <stdint.h>

/* Upper bounds in microseconds; the last bucket is +Inf. */
#define HIST_BOUNDS(X)                                                                     \
    X(500)                                                                                 \
    X(1000)                                                                                \
    X(2500)                                                                                \
    X(5000)                                                                                \
    X(10000)                                                                               \
    X(25000)                                                                               \
    X(50000)                                                                               \
    X(100000)                                                                              \
    X(250000)                                                                              \
    X(500000)                                                                              \
    X(1000000)                                                                             \
    X(2500000)                                                                             \
    X(5000000)                                                                             \
    X(10000000)
#define X(b) +1
enum { HIST_BUCKETS = 0 HIST_BOUNDS(X) + 1 };
#undef X

struct hist {
    _Atomic uint64_t n[HIST_BUCKETS]; /* not cumulative */
    _Atomic uint64_t sum_us;
};

/* A plain copy, which may be added up and subtracted. */
struct hist_view {
    uint64_t n[HIST_BUCKETS];
    uint64_t sum_us;
};

extern const uint32_t hist_bound_us[HIST_BUCKETS - 1];

void hist_add(struct hist *h, uint64_t us);
void hist_read(const struct hist *h, struct hist_view *out);
void hist_sum(struct hist_view *into, const struct hist_view *from);
uint64_t hist_count(const struct hist_view *v);

/* Linear inside a bucket; 0 when empty.  q in (0, 1]. */
double hist_quantile_us(const struct hist_view *v, double q);

#endif
