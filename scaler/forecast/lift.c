#include "scaler/forecast/lift.h"

#include <math.h>

#define FACTOR_MAX 3.0
#define HELD_BACK  12.0 /* statements; one in 5 min */
#define LEAST_RATE 0.02

void lift_say(struct lift *l, double outlook, double median)
{
    l->open = !isnan(outlook) && !isnan(median);
    if (!l->open)
        return;
    l->outlook_z = log1p(fmax(outlook, 0));
    l->median_z = log1p(fmax(median, 0));
}

void lift_judge(struct lift *l, double requests)
{
    double z = log1p(fmax(requests, 0)), rate = fmax(LEAST_RATE, 1 / (l->n + 1));
    double eo = z - l->outlook_z, em = z - l->median_z;

    if (!l->open)
        return;
    l->open = false;
    if (isnan(requests))
        return;
    l->outlook_square += rate * (eo * eo - l->outlook_square);
    l->median_square += rate * (em * em - l->median_square);
    l->n++;
}

double lift_weight(const struct lift *l)
{
    double sum = l->outlook_square + l->median_square;

    return sum > 0 ? l->median_square / sum * l->n / (l->n + HELD_BACK) : 0;
}

double lift_factor(const struct lift *l, double outlook, double median)
{
    double above;

    if (isnan(outlook) || isnan(median))
        return 1;
    above = log1p(fmax(outlook, 0)) - log1p(fmax(median, 0));
    return fmin(exp(fmax(0, lift_weight(l) * above)), FACTOR_MAX);
}
