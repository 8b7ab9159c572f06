#include "scaler/forecast/band.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

#define HOURS          24
#define FIRST_VARIANCE 0.09 /* of z, before anything is known */
#define LEAST_VARIANCE 0.0004
#define HOUR_TRUST_MAX 200.0 /* samples of an hour that count as full trust in it */
#define HOUR_PRIOR     20.0
#define CEILING        1.2 /* of the largest count seen */

static const double tracked[] = {0.5, 0.9, 0.95, 0.99};
static const double first_a[] = {0, 1.25, 1.65, 2.4};

enum { N_TRACKED = N_ELEMS(tracked) };

struct said {
    int64_t at; /* slot; -1: nothing */
    double median, scale;
};

struct band {
    unsigned day, horizon;
    double rate;
    double a[N_TRACKED];
    double variance, hour_variance[HOURS], hour_n[HOURS];
    double n;     /* errors seen */
    double z_max; /* the largest z ever */
    struct said *pending;
};

struct band *band_new(unsigned day, unsigned horizon, double rate)
{
    struct band *b = MEM_NEW(struct band);

    b->day = day;
    b->horizon = horizon;
    b->rate = rate;
    b->variance = FIRST_VARIANCE;
    for (int i = 0; i < N_TRACKED; i++)
        b->a[i] = first_a[i];
    b->pending = MEM_NEW_N(struct said, horizon + 1);
    for (unsigned i = 0; i <= horizon; i++)
        b->pending[i].at = -1;
    return b;
}

void band_free(struct band *b)
{
    if (b == NULL)
        return;
    free(b->pending);
    free(b);
}

static unsigned hour_of(const struct band *b, int64_t slot)
{
    return (unsigned)((uint64_t)(slot % b->day) * HOURS / b->day);
}

/* Variance of z that counting alone makes around exp(median). */
static double counting_noise(double median)
{
    return 1 / (1 + exp(median));
}

static double scale(const struct band *b, int64_t target, double median)
{
    unsigned h = hour_of(b, target);
    double k = fmin(b->hour_n[h], HOUR_TRUST_MAX);

    return sqrt((k * b->hour_variance[h] + HOUR_PRIOR * b->variance) / (k + HOUR_PRIOR) +
                counting_noise(median));
}

void band_forecast(struct band *b, int64_t slot, double median)
{
    b->pending[slot % (b->horizon + 1)] =
        (struct said){slot, median, scale(b, slot + b->horizon, median)};
}

static void learn_quantiles(struct band *b, double error)
{
    double step = fmax(b->rate, 1 / (b->n + 20));

    for (int i = 0; i < N_TRACKED; i++)
        b->a[i] += step * (tracked[i] - (error < b->a[i] ? 1 : 0));
    for (int i = 1; i < N_TRACKED; i++)
        b->a[i] = fmax(b->a[i], b->a[i - 1]);
}

static void learn_variance(struct band *b, int64_t slot, double square)
{
    unsigned h = hour_of(b, slot);
    double v = fmin(fmax(square, 0), 16 * (b->variance + 0.01));

    b->variance += fmax(0.01, 1 / (b->n + 10)) * (v - b->variance);
    b->variance = fmax(b->variance, LEAST_VARIANCE);
    b->hour_n[h]++;
    b->hour_variance[h] += fmax(0.02, 1 / (b->hour_n[h] + 1)) * (v - b->hour_variance[h]);
}

void band_learn(struct band *b, int64_t slot, double z)
{
    const struct said *s;
    double error;

    if (isnan(z))
        return;
    b->z_max = fmax(b->z_max, z);
    if (slot < b->horizon)
        return;
    s = &b->pending[(slot - b->horizon) % (b->horizon + 1)];
    if (s->at != slot - b->horizon)
        return;
    error = z - s->median;
    b->n++;
    learn_quantiles(b, error / s->scale);
    learn_variance(b, slot, error * error - counting_noise(s->median));
}

/* Between the tracked ones, and beyond the last, a is linear in log10(1 - q). */
static double a_of(const struct band *b, double q)
{
    double u = -log10(1 - q);
    int i = 0;

    while (i < N_TRACKED - 2 && q > tracked[i + 1])
        i++;
    double lo = -log10(1 - tracked[i]), hi = -log10(1 - tracked[i + 1]);

    return b->a[i] + (b->a[i + 1] - b->a[i]) * (u - lo) / (hi - lo);
}

double band_quantile(const struct band *b, int64_t target, double median, double q)
{
    double z = median + a_of(b, q) * scale(b, target, median);

    return fmin(z, fmax(log1p(CEILING * expm1(b->z_max)), median));
}
