/*
 * insight.h - what is known of one service: demand, forecast, capacity, lead time.
 *
 * Takes counters and events, answers questions; decides nothing.  All times and rates are
 * virtual but those of capacity.h, which are real and converted here: at speed 60 an
 * instance that answers 120 requests a second carries 2 per virtual second.
 *
 * Pure: time and counters are arguments.  One thread.
 */
#ifndef SCALER_INSIGHT_H
#define SCALER_INSIGHT_H

#include "conf/cfg.h"
#include "scaler/demand.h"
#include "scaler/forecast/window.h"
#include "scaler/plan.h"

struct json_t;
struct insight;

/* svc is borrowed until insight_configure() or insight_free(). */
struct insight *insight_new(const struct cfg_service *svc, double speed);
void insight_free(struct insight *i); /* NULL is fine */
void insight_configure(struct insight *i, const struct cfg_service *svc);

/* Counters at `now`; ready: instances that take traffic, all tiers together. */
void insight_read(struct insight *i, wall_ms now, const struct load *l, unsigned ready);
void insight_learn(struct insight *i, wall_ms at, double n); /* as demand_learn() */
void insight_outlook(struct insight *i, wall_ms made, const struct outlook_service *o,
                     uint32_t horizon_ms);
void insight_lead(struct insight *i, uint32_t ms); /* an order took so long to serve */

struct demand *insight_demand(struct insight *i); /* borrowed */
/* Builds the forecast anew from the demand history: after it was loaded, after lead time
 * or capacity changed much.  Some 50 ms for 8 days. */
void insight_rebuild(struct insight *i);

/* What was learned of capacity and lead, and the slots being filled, as text to free. */
char *insight_state(const struct insight *i);
bool insight_restore(struct insight *i, const char *text, size_t len); /* false: damaged */

double insight_instance_rps(const struct insight *i); /* planned, of one instance; > 0 */
bool insight_capacity_guess(const struct insight *i);
uint32_t insight_lead_ms(const struct insight *i);

double insight_now_rps(const struct insight *i, wall_ms now);
double insight_step_rps(const struct insight *i, wall_ms now);   /* the last 30 s */
double insight_recent_rps(const struct insight *i, wall_ms now); /* highest of 5 min */
/* Highest 30 s between two times that are over; NAN: unknown. */
double insight_peak_rps(const struct insight *i, wall_ms from, wall_ms to);
/* What users are expected to ask for in the next 5 min: the outlook, else the median of
 * the forecast, else the present load. */
double insight_users_rps(const struct insight *i, wall_ms now);

const struct window *insight_window(const struct insight *i); /* for asking; borrowed */
bool insight_outlook_fresh(const struct insight *i, wall_ms now);
unsigned insight_votes(const struct insight *i, enum horizon h, struct plan_vote *out,
                       unsigned max);

/* Level, horizons with quantiles and votes, history of the last steps, outlook, capacity,
 * lead; new reference. */
struct json_t *insight_json(struct insight *i, wall_ms now);

#endif
