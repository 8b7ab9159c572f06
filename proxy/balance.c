#include "proxy/balance.h"

#include <math.h>

#define RAMP_FROM 0.1
#define DECAY_US  (10.0 * US_PER_S) /* time in which an old measurement fades to 1/e */

double balance_ramp(uint32_t slow_start_ms, mono_us up_since, mono_us now)
{
    mono_us length = (mono_us)slow_start_ms * US_PER_MS, up = now - up_since;

    if (up >= length)
        return 1;
    if (up <= 0)
        return RAMP_FROM;
    return RAMP_FROM + (1 - RAMP_FROM) * (double)up / (double)length;
}

/* exp(-age / DECAY_US).  On a busy backend the age is small, and the first term of the
 * series is right to a millionth at a fraction of the cost. */
static double fade(mono_us age)
{
    double x = age > 0 ? (double)age / DECAY_US : 0;

    return x < 1e-3 ? 1 - x : exp(-x);
}

double balance_decay(double ewma_us, mono_us at, mono_us now)
{
    return ewma_us * fade(now - at);
}

double balance_observe(double ewma_us, mono_us at, double latency_us, mono_us now)
{
    double kept = fade(now - at);

    if (latency_us >= ewma_us * kept)
        return latency_us;
    return ewma_us * kept + latency_us * (1 - kept);
}

static double cost(const struct balance_side *s, double latency_us)
{
    return latency_us * (s->inflight / s->weight + 1);
}

bool balance_prefers(const struct balance_side *a, const struct balance_side *b)
{
    bool measured = a->ewma_us > 0 && b->ewma_us > 0;

    return cost(b, measured ? b->ewma_us : 1) < cost(a, measured ? a->ewma_us : 1);
}

void balance_two(struct rng *rng, uint32_t n, uint32_t *i, uint32_t *j)
{
    uint64_t r = rng_next(rng);

    *i = (uint32_t)((r >> 32) * n >> 32);
    *j = *i;
    if (n < 2)
        return;
    *j = (uint32_t)((r & UINT32_MAX) * (n - 1) >> 32);
    if (*j >= *i)
        ++*j;
}
