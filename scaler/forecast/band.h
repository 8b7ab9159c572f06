/*
 * band.h - how far from its median a forecast of one horizon may be.
 *
 * A quantile is median + a S.  S is the size of the errors at that time of day plus the
 * noise of counting; a is tracked by stochastic gradient descent on the quantile loss of
 * the errors divided by S, so that the share of values below it is right whatever their
 * distribution.  No quantile is above 1.2 times the largest count ever seen, unless the
 * median is.  Pure; memory grows with the horizon.
 */
#ifndef SCALER_FORECAST_BAND_H
#define SCALER_FORECAST_BAND_H

#include <stdint.h>

struct band;

/* day: slots a day; rate: the smallest step of the descent. */
struct band *band_new(unsigned day, unsigned horizon, double rate);
void band_free(struct band *b);

/* At `slot`, `median` is the forecast of z at `slot + horizon`. */
void band_forecast(struct band *b, int64_t slot, double median);
/* z of `slot` has become known. */
void band_learn(struct band *b, int64_t slot, double z);

/* Of z at `target`, for a median made now; q in [0.5, 0.9995]. */
double band_quantile(const struct band *b, int64_t target, double median, double q);

#endif
