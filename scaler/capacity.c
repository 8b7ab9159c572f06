#include "scaler/capacity.h"

#include <math.h>

#define LOW_LOAD      0.5    /* utilisation below which cost and latency are learned */
#define SAMPLE_MIN    20.0   /* completed requests that say something about latency */
#define MEMORY        2000.0 /* requests over which the cost is averaged */
#define SLOW_FACTOR   2.0    /* of the latency at low load */
#define CEILING_PULL  0.3    /* towards a rate that was too much */
#define CEILING_RISE  1.05   /* an interval */
#define CEILING_NEAR  0.9    /* a rate above this share of the ceiling tests it */
#define CEILING_LEAST 0.1    /* of what the cost allows: below, something else is wrong */

static double allowed_by_cost(const struct capacity *c, const struct capacity_rules *r)
{
    return r->max_requests * r->target_utilisation / capacity_cost_s(c, r);
}

static void learn_cost(struct capacity *c, const struct capacity_sample *s)
{
    double cost = s->busy_s / s->completed;

    c->weight = fmin(c->weight + s->completed, MEMORY);
    c->cost_s += (cost - c->cost_s) * fmin(s->completed / c->weight, 1);
    if (s->completed < SAMPLE_MIN)
        return;
    if (c->low_p95_s <= 0)
        c->low_p95_s = s->p95_s;
    c->low_p95_s += 0.1 * (s->p95_s - c->low_p95_s);
}

static void learn_ceiling(struct capacity *c, const struct capacity_rules *r,
                          const struct capacity_sample *s)
{
    double rate = s->completed / s->seconds / s->instances;
    bool slow = s->p95_s > fmax(r->target_latency_s, SLOW_FACTOR * c->low_p95_s);

    if (s->completed < SAMPLE_MIN || c->low_p95_s <= 0)
        return;
    if (slow && c->ceiling_rps <= 0)
        c->ceiling_rps = rate;
    else if (slow && rate < c->ceiling_rps)
        c->ceiling_rps += CEILING_PULL * (rate - c->ceiling_rps);
    else if (!slow && rate > CEILING_NEAR * c->ceiling_rps)
        c->ceiling_rps *= CEILING_RISE;
    if (c->ceiling_rps > 0)
        c->ceiling_rps = fmax(c->ceiling_rps, CEILING_LEAST * allowed_by_cost(c, r));
}

void capacity_learn(struct capacity *c, const struct capacity_rules *r,
                    const struct capacity_sample *s)
{
    if (s->seconds <= 0 || s->instances <= 0 || s->completed <= 0)
        return;
    if (s->busy_s / (s->seconds * s->instances * r->max_requests) < LOW_LOAD)
        learn_cost(c, s);
    learn_ceiling(c, r, s);
}

double capacity_cost_s(const struct capacity *c, const struct capacity_rules *r)
{
    if (c->cost_s > 0)
        return c->cost_s;
    return fmax(r->target_latency_s / 2, 1e-6);
}

bool capacity_is_guess(const struct capacity *c, const struct capacity_rules *r)
{
    return r->instance_rps <= 0 && c->cost_s <= 0;
}

double capacity_rps(const struct capacity *c, const struct capacity_rules *r)
{
    double rps;

    if (r->instance_rps > 0)
        return r->instance_rps;
    rps = allowed_by_cost(c, r);
    return c->ceiling_rps > 0 ? fmin(rps, c->ceiling_rps) : rps;
}
