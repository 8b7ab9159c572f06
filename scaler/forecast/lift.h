/*
 * lift.h - what the profiler's outlook may add to a counted forecast.
 *
 * The outlook says how many requests the users now known will send in the next minutes.
 * It may raise a forecast, never lower one: what was counted stays.  It is believed by
 * its own record: each statement is judged against what came, beside the median of the
 * counted forecast for the same time, and the lift is
 *
 *     max(0, w (ln outlook - ln median)),   w = E_median / (E_median + E_outlook)
 *
 * with E the fading mean of the squared errors in ln(1 + count), and w held back by
 * n / (n + 12) until an hour of statements has been judged.  At most a factor of 3.
 * Pure.
 */
#ifndef SCALER_FORECAST_LIFT_H
#define SCALER_FORECAST_LIFT_H

#include <stdbool.h>

struct lift {
    double outlook_square, median_square; /* errors, fading means */
    double n;                             /* statements judged */
    bool open;                            /* a pair waits to be judged */
    double outlook_z, median_z;
};

/* At the start of a slot: what the outlook and the counted forecast say it will bring. */
void lift_say(struct lift *l, double outlook, double median);
/* The slot is over; NAN: unknown, the pair is dropped. */
void lift_judge(struct lift *l, double requests);

double lift_weight(const struct lift *l); /* w, 0..1 */
/* Factor >= 1 on the counted forecast. */
double lift_factor(const struct lift *l, double outlook, double median);

#endif
