#include "proxy/tier.h"

static uint32_t free_capacity(const struct tier_use *u)
{
    return u->capacity > u->inflight ? u->capacity - u->inflight : 0;
}

static bool predictive_first(const struct tier_use *base, const struct tier_use *pred,
                             double spill_at, double unit)
{
    double free_base = free_capacity(base), free_pred = free_capacity(pred);

    if ((double)base->inflight <= spill_at * (double)base->capacity)
        return false;
    return unit * (free_base + free_pred) < free_pred;
}

void tier_order(const struct tier_use use[N_TIERS], double spill_at, double unit,
                enum tier out[N_TIERS])
{
    bool swap =
        predictive_first(&use[TIER_BASELINE], &use[TIER_PREDICTIVE], spill_at, unit);
    const enum tier wish[N_TIERS] = {swap ? TIER_PREDICTIVE : TIER_BASELINE,
                                     swap ? TIER_BASELINE : TIER_PREDICTIVE, TIER_BURST};
    size_t n = 0;

    for (size_t i = 0; i < N_TIERS; i++)
        if (use[wish[i]].takes > 0)
            out[n++] = wish[i];
    /* The counts are a moment old: tiers that looked empty are asked too, last. */
    for (size_t i = 0; i < N_TIERS; i++)
        if (use[wish[i]].takes == 0)
            out[n++] = wish[i];
}
