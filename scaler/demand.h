/*
 * demand.h - what was asked of one service, and when.
 *
 * Arrivals (original demand: what clients repeat after a failure is left out), work,
 * bytes and concurrency, in three rings: steps of 30 s for 8 days, minutes for five
 * weeks, hours for a year.  Time in which nobody counted is unknown, not zero: a slot of
 * which less than half was watched is NAN, one watched in part is scaled up.
 *
 * It forecasts nothing and knows no capacity.  Pure: time and counters are arguments, all
 * times are virtual.  About 1.3 MB a service.  One thread.
 */
#ifndef SCALER_DEMAND_H
#define SCALER_DEMAND_H

#include <stddef.h>
#include <stdint.h>

#include "base/handover.h"

enum demand_ring { DEMAND_STEP, DEMAND_MINUTE, DEMAND_HOUR, N_DEMAND_RINGS };

#define DEMAND_STEP_MS     30000
#define DEMAND_STEPS_A_DAY (MS_PER_DAY / DEMAND_STEP_MS)

struct demand_cell {
    float requests; /* arrivals; NAN: unknown, then the rest means nothing */
    float work_s;   /* requests times the service cost of that time, in instance-seconds */
    float bytes;    /* both ways */
    float concurrency; /* mean number of requests at the backends */
};

struct demand;

struct demand *demand_new(void);
void demand_free(struct demand *d); /* NULL is fine */

/*
 * Takes the counters as they stand at `now` and accounts for what came since the last
 * call, spread evenly over that time.  The first call, and one whose counters or clock
 * went back, only sets the mark.  History from more than a minute after `now` was written
 * under a clock that ran ahead; it is dropped.  cost_s: instance-seconds of one request.
 * speed: virtual seconds in a real one (busy_us of the load is real time).
 */
void demand_read(struct demand *d, wall_ms now, const struct load *l, double cost_s,
                 double speed);

/* The process goes away or was asleep: what follows is not accounted for. */
void demand_pause(struct demand *d);

/*
 * From a log: n requests at `at`.  Calls come in order of time; the time between two is
 * known to be empty unless it is longer than six hours.  What lies before the newest
 * known time is left out.
 */
void demand_learn(struct demand *d, wall_ms at, double n);

/*
 * Arrivals per second over the last span_ms (at most a minute).  0 before there are two
 * readings.  *n, if given, is the number of requests that the rate was taken from.
 */
double demand_rate(const struct demand *d, wall_ms now, uint32_t span_ms, double *n);

/* Slots count from the Unix epoch: slot = time / slot length. */
int64_t demand_newest(const struct demand *d, enum demand_ring r); /* closed; -1: none */
int64_t demand_oldest(const struct demand *d, enum demand_ring r); /* -1: none */
/* Requests are NAN for a slot that is unknown or outside the ring. */
struct demand_cell demand_get(const struct demand *d, enum demand_ring r, int64_t slot);

/*
 * For storing: a ring is cut into blocks of DEMAND_BLOCK slots, aligned.  The open slots
 * of all rings are one record of their own.
 */
#define DEMAND_BLOCK 120

size_t demand_blocks(enum demand_ring r);
void demand_put(struct demand *d, enum demand_ring r, int64_t slot, struct demand_cell c);

struct demand_open { /* the slot that is being filled */
    int64_t slot;    /* -1: none */
    int64_t known_ms;
    double requests, work_s, bytes, busy_ms;
};
struct demand_open demand_open(const struct demand *d, enum demand_ring r);
void demand_set_open(struct demand *d, enum demand_ring r, const struct demand_open *o);

#endif
