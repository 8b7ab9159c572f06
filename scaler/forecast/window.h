/*
 * window.h - the one question every decision asks: how much, at most, from then to then?
 *
 * Holds what a service's load is forecast with: peak.h for the time in which an order
 * made now begins to serve, on steps of 30 s; forecaster.h for everything further, on
 * slots of 5 min; lift.h for the outlook on top.  Steps are folded into slots here.
 *
 * Nothing of this is stored: it is rebuilt from the demand history.  Pure; times are
 * virtual; rates are requests per virtual second.  One thread.
 */
#ifndef SCALER_FORECAST_WINDOW_H
#define SCALER_FORECAST_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "scaler/forecast/forecaster.h"

#define WINDOW_STEP_MS 30000
#define WINDOW_SLOT_MS 300000

struct window;

/* instance_rps: planned requests/s of an instance, for the scale of what matters.
 * lead_ms: from ordering to serving. */
struct window *window_new(double instance_rps, uint32_t lead_ms);
void window_free(struct window *w); /* NULL is fine */

/* The end of the time that peak.h answers for: lead and window, in whole steps. */
uint32_t window_reach_ms(const struct window *w);
uint32_t window_lead_ms(const struct window *w); /* in whole steps */

/* History from before the steps, oldest first.  Only before the first step. */
void window_seed(struct window *w, int64_t slot, double requests);
/* Steps in order; NAN: unknown. */
void window_observe(struct window *w, int64_t step, double requests);

/* Requests expected of the users now known, in the 5 min from `made`. */
void window_outlook(struct window *w, wall_ms made, double requests);

/* False until a day has been seen: decide reactively. */
bool window_ready(const struct window *w);

struct window_answer {
    double rps;  /* the quantile of the highest rate between `from` and `to` */
    bool capped; /* cut by the growth cap */
    double lift; /* the factor that the outlook put on it; 1: none */
};

/* from >= the last step's end.  q in [0.5, 0.9995]. */
void window_ask(const struct window *w, wall_ms from, wall_ms to, double q,
                struct window_answer *out);

/* Rate in the slot that ends a horizon after the last full one; NAN: no slot yet. */
double window_horizon(const struct window *w, enum horizon h, double q);
unsigned window_votes(const struct window *w, enum horizon h, struct forecaster_vote *out,
                      unsigned max);
double window_outlook_weight(const struct window *w);

#endif
