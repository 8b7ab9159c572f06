/*
 * balance.h - which of two backends a request should go to.
 *
 * Peak-EWMA, as in Finagle's PeakEwma balancer (Twitter, 2015): a backend's latency is
 * an average that jumps to each new peak and decays with time, and its cost is that
 * latency times the work already on it.  The two come from a random draw: the power of
 * two choices (Mitzenmacher, 2001) needs no look at all the others.
 *
 * Differences to Finagle: a backend without a measurement is compared by load alone
 * (there it is held to one request until its first answer, which a long first answer
 * turns into starvation), and load is counted in units of the backend's weight.
 *
 * Pure.
 */
#ifndef PROXY_BALANCE_H
#define PROXY_BALANCE_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/rng.h"

struct balance_side {
    double ewma_us; /* as balance_decay() gives it; 0: none yet */
    double inflight;
    double weight; /* 1 is an ordinary backend */
};

/* How much of its weight a backend has `now`: from 0.1 when it came up to 1. */
double balance_ramp(uint32_t slow_start_ms, mono_us up_since, mono_us now);

/* The average as it has become at `now` without further measurements. */
double balance_decay(double ewma_us, mono_us at, mono_us now);
/* ... and with one more. */
double balance_observe(double ewma_us, mono_us at, double latency_us, mono_us now);

/* True when `b` costs less than `a`. */
bool balance_prefers(const struct balance_side *a, const struct balance_side *b);

/* Two numbers below n, different ones when n > 1; n > 0. */
void balance_two(struct rng *rng, uint32_t n, uint32_t *i, uint32_t *j);

#endif
