/*
 * peak.h - the highest step in a window that begins when an order made now would serve.
 *
 * Predicts max ln(count + offset) over the steps (now + lead, now + lead + window]
 * directly, by recursive least squares on twelve features: levels of three speeds, the
 * shape of day and week at the window against now, what followed at this time yesterday
 * and a week ago, recent maxima and slopes.  Until it has learned, its weights say "the
 * level, plus 0.8 of the rise that the day's shape promises".  The errors, divided by
 * their size at that hour plus counting noise, fill a fading histogram; any quantile of
 * the maximum is read from it.
 *
 * No quantile may exceed what growth so far makes believable: 1.1 times the slow maximum
 * of the counts, or that times the present growth (at most 3) while load is near it.
 *
 * Pure.  About 100 kB; a microsecond or two a step.
 */
#ifndef SCALER_FORECAST_PEAK_H
#define SCALER_FORECAST_PEAK_H

#include <stdbool.h>
#include <stdint.h>

#define PEAK_STEP_MS    30000
#define PEAK_WINDOW_MIN 4
#define PEAK_WINDOW_MAX 20

struct peak;

/* offset: requests a step, of the size of two instances' work; keeps small counts from
 * dominating.  lead: steps from order to serving; the window is as long, within bounds. */
struct peak *peak_new(double offset, unsigned lead);
void peak_free(struct peak *p); /* NULL is fine */

unsigned peak_window(const struct peak *p); /* steps */
unsigned peak_lead(const struct peak *p);

/* Requests of a step, NAN: unknown.  Steps come one after the other. */
void peak_observe(struct peak *p, int64_t step, double requests);

bool peak_ready(const struct peak *p); /* a day has been seen */

/* Requests in the highest step of the window; 0 before the first step.  q in [0.02,
 * 0.9995].  *capped, if given: the growth cap cut it. */
double peak_quantile(const struct peak *p, double q, bool *capped);

#endif
