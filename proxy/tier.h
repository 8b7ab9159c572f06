/*
 * tier.h - in which order a request tries the tiers of its service.
 *
 * Baseline and predictive are paid for whether they work or not; burst is not.  So
 * baseline takes requests alone until its utilisation passes spill_at, then the two
 * share them in proportion to what they have free.  Burst comes after both: it sees a
 * request only when they are full, or still starting, and therefore empties first.
 *
 * Pure.  The order names every tier; the caller goes on to the next one when a tier
 * turns out to have no room.
 */
#ifndef PROXY_TIER_H
#define PROXY_TIER_H

#include "base/handover.h"

struct tier_use {
    uint32_t takes;    /* backends that take requests now */
    uint32_t capacity; /* requests at once that these may have */
    uint32_t inflight; /* requests that these have */
};

/* `unit` is a random number in [0, 1). */
void tier_order(const struct tier_use use[N_TIERS], double spill_at, double unit,
                enum tier out[N_TIERS]);

#endif
