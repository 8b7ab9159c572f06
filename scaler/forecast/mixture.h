/*
 * mixture.h - weighs experts by how they did, for one horizon.
 *
 * Bernstein online aggregation (Wintenberger, 2017) under the absolute error of z, with
 * forgetting.  It is within a little of the best expert without being told which that is.
 * Pure; memory grows with the horizon (what was said is kept until it can be judged).
 */
#ifndef SCALER_FORECAST_MIXTURE_H
#define SCALER_FORECAST_MIXTURE_H

#include <stdint.h>

#define MIXTURE_MAX 16 /* experts */

struct mixture;

/* n experts; horizon in slots; keep: of the regrets, a slot (1: for ever). */
struct mixture *mixture_new(unsigned n, unsigned horizon, double keep);
void mixture_free(struct mixture *m);

/* What the experts say at `slot` about `slot + horizon`; returns the weighted mean. */
double mixture_combine(struct mixture *m, int64_t slot, const double *said);

/* z of `slot` has become known: judges what was said a horizon ago. */
void mixture_learn(struct mixture *m, int64_t slot, double z);

double mixture_weight(const struct mixture *m, unsigned i); /* sums to 1 */

#endif
