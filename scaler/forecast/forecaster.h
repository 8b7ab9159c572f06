/*
 * forecaster.h - how many requests a slot will bring: 5 min, 30 min, 24 h ahead.
 *
 * Experts (expert.h) say what they think, a mixture for each horizon weighs them, a band
 * for each horizon turns the median into quantiles.  Useful from the second slot: the
 * level carries it until there is a day of history.  Works in z = ln(1 + count).
 *
 * Pure.  About 100 kB with slots of 5 min.  One thread.
 */
#ifndef SCALER_FORECAST_FORECASTER_H
#define SCALER_FORECAST_FORECASTER_H

#include <stdint.h>

enum horizon { HORIZON_5M, HORIZON_30M, HORIZON_24H, N_HORIZONS };
extern const uint32_t horizon_ms[N_HORIZONS];
extern const char *const horizon_name[N_HORIZONS]; /* "5m", "30m", "24h" */

struct forecaster;

/* step_ms: length of a slot, a whole part of a day.  A horizon shorter than a slot is
 * not forecast. */
struct forecaster *forecaster_new(uint32_t step_ms);
void forecaster_free(struct forecaster *f); /* NULL is fine */

/* Requests of a slot, NAN when unknown; slots that were left out are unknown too.  A slot
 * that is not after the last one is ignored. */
void forecaster_observe(struct forecaster *f, int64_t slot, double requests);

int64_t forecaster_last(const struct forecaster *f); /* slot; -1: none */

/* Requests in the slot that ends a horizon after the last one; NAN before the first slot
 * and for a horizon that is not forecast.  q = 0.5: the median. */
double forecaster_predict(const struct forecaster *f, enum horizon h, double q);

/* The same, any number of slots ahead (at least 1): with the weights and the band of the
 * judged distance nearest to that: the horizons, 3 h and 12 h. */
double forecaster_at(const struct forecaster *f, unsigned ahead, double q);

/* Each expert's vote for a horizon. */
struct forecaster_vote {
    const char *name;
    double requests, weight;
};
unsigned forecaster_votes(const struct forecaster *f, enum horizon h,
                          struct forecaster_vote *out, unsigned max);

#endif
