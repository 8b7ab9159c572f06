/*
 * capacity.h - how much work one instance is planned to carry.
 *
 * Planned requests/s = max_requests x target utilisation / service cost, where the cost
 * is the time a request keeps a slot of an instance, learned while the instances were
 * less than half used: overload makes requests slow and would make them look dear.
 *
 * A ceiling lies above that: when the 95th percentile of the latency passed the target
 * (and twice what it is at low load, so that a service which is always slow is not taken
 * for an overloaded one), the rate an instance had then is too much.  The ceiling falls
 * towards such a rate and rises by 5 % an interval when a rate near it was carried well.
 *
 * Rates here are real, per second of the wall clock.  Pure; one thread.
 */
#ifndef SCALER_CAPACITY_H
#define SCALER_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

struct capacity_rules {
    double instance_rps;       /* configured; > 0: that is the answer */
    double target_utilisation; /* 0..1 */
    double target_latency_s;
    double max_requests; /* at once, of one instance */
};

/* One interval of a service, all tiers together. */
struct capacity_sample {
    double seconds;   /* real */
    double completed; /* requests */
    double busy_s;    /* integral of the requests in flight */
    double instances; /* ready, mean */
    double p95_s;     /* latency; 0: nothing completed */
};

struct capacity {
    double cost_s;      /* of one request; 0: not known yet */
    double weight;      /* requests behind it, fading */
    double low_p95_s;   /* latency at low load; 0: not known yet */
    double ceiling_rps; /* of one instance; 0: none was ever met */
};

void capacity_learn(struct capacity *c, const struct capacity_rules *r,
                    const struct capacity_sample *s);

/* Planned requests per real second of one ready instance; > 0. */
double capacity_rps(const struct capacity *c, const struct capacity_rules *r);
/* Nothing was configured and nothing learned: half the target latency is taken for the
 * cost. */
bool capacity_is_guess(const struct capacity *c, const struct capacity_rules *r);
/* Seconds of a slot that a request takes, learned or guessed. */
double capacity_cost_s(const struct capacity *c, const struct capacity_rules *r);

#endif
