/*
 * seasonal.h - the shape of a day and of a week, and the expert that follows it.
 *
 * Two tables of the logarithm of the load, by slot of the day and by slot of the week,
 * whose memory fades; they are read smoothed over neighbouring slots, the week drawn
 * towards the day until it has been seen often enough.  The expert says
 *
 *     p(t + h) + r^h (level - p(t))
 *
 * the shape at the target plus what is left by then of the present distance from the
 * shape.  Before a day is known it repeats the level.
 */
#ifndef SCALER_FORECAST_SEASONAL_H
#define SCALER_FORECAST_SEASONAL_H

#include <stdbool.h>

#include "scaler/forecast/expert.h"

struct seasonal;

/* day: slots a day.  reach: neighbours on either side that smooth a reading. */
struct seasonal *seasonal_new(unsigned day, unsigned reach);
void seasonal_free(struct seasonal *s);

void seasonal_add(struct seasonal *s, int64_t slot, double z); /* NAN is left out */

/* Whether the day before that slot was watched: from then on its shape is worth asking. */
bool seasonal_knows(const struct seasonal *s, int64_t slot);
/* The shape at that slot; false when nothing near it was ever seen. */
bool seasonal_at(const struct seasonal *s, int64_t slot, double *p);

struct expert *seasonal_expert(unsigned day);

/*
 * The same with the faded mean of z - p instead of level - p(t): the level lags, so where
 * the shape is steep the other one takes its slope for a distance.  Calm series are better
 * off with the level.  Borrows the shape; observes a slot before that expert does.
 */
struct expert *seasonal_distance_expert(const struct expert *seasonal);

#endif
