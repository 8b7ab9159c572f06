/*
 * expert.h - one opinion about the future of a series.
 *
 * An expert sees z = ln(1 + count) slot by slot and says what the median of z will be
 * some slots later.  It knows nothing of the other experts, of errors or of quantiles;
 * mixture.h weighs experts, band.h says how wrong they are.  Pure.
 */
#ifndef SCALER_FORECAST_EXPERT_H
#define SCALER_FORECAST_EXPERT_H

#include <stdint.h>

struct expert;

struct expert_ops {
    const char *name;
    /* Slots come one after the other; z is NAN for one that is unknown. */
    void (*observe)(struct expert *e, int64_t slot, double z);
    /* The median of z, h >= 1 slots after the last one observed.  Never NAN: an expert
     * with nothing to say repeats the level. */
    double (*predict)(const struct expert *e, unsigned h);
    void (*free)(struct expert *e);
};

struct expert {
    const struct expert_ops *ops;
};

#endif
