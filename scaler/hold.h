/*
 * hold.h - the largest of the wishes made within a span of time.
 *
 * Memory of the hold-down: a pool shrinks only to the largest wish of the last minutes.
 * A wish that a later, larger one outlives is forgotten at once.  Pure.
 */
#ifndef SCALER_HOLD_H
#define SCALER_HOLD_H

#include <stddef.h>

#include "base/clock.h"

#define HOLD_MAX 64 /* wishes kept; more would have to fall one by one within the span */

struct hold {
    struct {
        wall_ms at;
        unsigned wish;
    } kept[HOLD_MAX]; /* private: oldest first, each smaller than the one before */
    size_t n;
};

void hold_add(struct hold *h, wall_ms now, unsigned wish);
/* Of the wishes not older than span_ms; 0 when there are none. */
unsigned hold_largest(struct hold *h, wall_ms now, uint32_t span_ms);

#endif
