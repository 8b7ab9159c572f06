#include "scaler/forecast/peak.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "scaler/forecast/ewma.h"
#include "scaler/forecast/rls.h"
#include "scaler/forecast/seasonal.h"

enum { DAY = 2880, WEEK = 7 * DAY, SLOT = 10, DAY_SLOTS = DAY / SLOT }; /* in steps */
enum { N_BINS = 200, HOURS = 24, SHORT_MAX = 10, LONG_MAX = 60 };
enum { LEVELS = WEEK + 64 }; /* of the level, for what followed a week ago */
enum { RECENT = 256 };       /* steps of counts; more than lead + window + LONG_MAX */
enum { LEAD_MAX = 120 };     /* an hour */

#define BIN_FROM       (-6.0)
#define BIN_WIDTH      0.1
#define BIN_KEEP       0.9999 /* of the histogram, a step */
#define BIN_PRIOR      50.0   /* samples' worth of the shape it starts with */
#define SMOOTH_REACH   3      /* slots, of the day's shape */
#define FIRST_VARIANCE 0.09   /* of the maximum, in log space */
#define LEAST_VARIANCE 0.0004
#define HOUR_TRUST_MAX 2000.0
#define HOUR_PRIOR     200.0
#define MAX_KEEP       0.9999 /* of the slow maximum, a step */
#define RESTART_GAP    120    /* steps unknown after which the levels begin anew */

enum feature {
    F_ONE,
    F_FAST,
    F_SLOW,
    F_SHAPE_RISE,
    F_SHAPE_NOW,
    F_MAX5,
    F_MAX30,
    F_YESTERDAY,
    F_LAST_WEEK,
    F_SLOPE10,
    F_SLOPE60,
    F_LAST,
    N_FEATURES
};

struct said { /* at one step, about the window that follows it */
    int64_t at;
    double x[N_FEATURES];
    double level; /* what the features are relative to */
    double estimate, scale;
};

struct peak {
    double offset;
    unsigned lead, window;
    int64_t first, last; /* steps; -1: none */
    int64_t last_known;
    struct ewma fast, mid, slow;
    struct seasonal *shape; /* by slots of 5 min */
    double slot_sum;
    unsigned slot_n;       /* known steps of the slot being filled */
    float *levels;         /* of `mid`, by step; NAN: unknown */
    double recent[RECENT]; /* z by step; NAN: unknown */
    double counts[RECENT];
    struct rls model;
    struct said *pending; /* by step; lead + window + 1 of them */
    double bins[N_BINS];
    double variance, hour_variance[HOURS], hour_n[HOURS];
    double n;         /* errors seen */
    double max_count; /* slow */
};

static unsigned reach(const struct peak *p) /* steps to the end of the window */
{
    return p->lead + p->window;
}

static void first_bins(struct peak *p)
{
    double sum = 0;

    for (int i = 0; i < N_BINS; i++) {
        double r = BIN_FROM + BIN_WIDTH * (i + 0.5);

        p->bins[i] = fabs(r) < 3 ? exp(-r * r / 2) : 0.3 * exp(-1.5 * fabs(r));
        sum += p->bins[i];
    }
    for (int i = 0; i < N_BINS; i++)
        p->bins[i] *= BIN_PRIOR / sum;
}

struct peak *peak_new(double offset, unsigned lead)
{
    struct peak *p = MEM_NEW(struct peak);

    CHECK(offset > 0);
    p->offset = offset;
    p->lead = lead < LEAD_MAX ? lead : LEAD_MAX;
    p->window = p->lead > PEAK_WINDOW_MIN ? p->lead : PEAK_WINDOW_MIN;
    p->window = p->window < PEAK_WINDOW_MAX ? p->window : PEAK_WINDOW_MAX;
    p->first = p->last = p->last_known = -1;
    p->shape = seasonal_new(DAY_SLOTS, SMOOTH_REACH);
    p->levels = MEM_NEW_N(float, LEVELS);
    for (int i = 0; i < LEVELS; i++)
        p->levels[i] = NAN;
    for (int i = 0; i < RECENT; i++)
        p->recent[i] = p->counts[i] = NAN;
    p->pending = MEM_NEW_N(struct said, reach(p) + 1);
    for (unsigned i = 0; i <= reach(p); i++)
        p->pending[i].at = -1;
    p->variance = FIRST_VARIANCE;
    first_bins(p);
    rls_init(&p->model, N_FEATURES, 0.9999);
    p->model.w[F_SHAPE_RISE] = 0.8;
    return p;
}

void peak_free(struct peak *p)
{
    if (p == NULL)
        return;
    seasonal_free(p->shape);
    free(p->levels);
    free(p->pending);
    free(p);
}

unsigned peak_window(const struct peak *p)
{
    return p->window;
}

unsigned peak_lead(const struct peak *p)
{
    return p->lead;
}

bool peak_ready(const struct peak *p)
{
    return p->first >= 0 && p->last - p->first >= DAY;
}

/* ---- what was seen ---- */

static double recent(const struct peak *p, const double *ring, int64_t step)
{
    return step > p->last - RECENT && step <= p->last && step >= 0 ? ring[step % RECENT]
                                                                   : NAN;
}

static double level_at(const struct peak *p, int64_t step)
{
    return step > p->last - LEVELS && step <= p->last && step >= 0
               ? p->levels[step % LEVELS]
               : (double)NAN;
}

/* NAN when one of them is unknown. */
static double highest(const struct peak *p, int64_t from, int64_t to)
{
    double most = -INFINITY;

    for (int64_t s = from; s <= to; s++) {
        double z = recent(p, p->recent, s);

        if (isnan(z))
            return NAN;
        most = fmax(most, z);
    }
    return most;
}

/* Of those that are known; NAN when none is. */
static double highest_known(const struct peak *p, int64_t from, int64_t to)
{
    double most = NAN;

    for (int64_t s = from; s <= to; s++)
        most = fmax(most, recent(p, p->recent, s)); /* fmax() leaves NAN out */
    return most;
}

static double highest_level(const struct peak *p, int64_t from, int64_t to)
{
    double most = NAN;

    for (int64_t s = from; s <= to; s++)
        most = fmax(most, level_at(p, s));
    return most;
}

static void fill_slot(struct peak *p, int64_t step, double requests)
{
    if (!isnan(requests)) {
        p->slot_sum += requests;
        p->slot_n++;
    }
    if ((step + 1) % SLOT != 0)
        return;
    if (p->slot_n * 2 >= SLOT)
        seasonal_add(p->shape, step / SLOT, log(p->slot_sum / p->slot_n + p->offset));
    p->slot_sum = 0;
    p->slot_n = 0;
}

/* A level that has seen few samples is their plain mean. */
static void add_level(struct ewma *e, double alpha, double n, double z)
{
    e->alpha = fmax(alpha, 1 / (n + 1));
    ewma_add(e, z);
}

static void take(struct peak *p, int64_t step, double requests)
{
    double z = log(fmax(requests, 0) + p->offset), n = (double)(step - p->first);

    if (p->last_known >= 0 && step - p->last_known > RESTART_GAP)
        p->fast.any = p->mid.any = p->slow.any = false;
    add_level(&p->fast, 0.5, n, z);
    add_level(&p->mid, 0.1, n, z);
    add_level(&p->slow, 0.0167, n, z);
    p->last_known = step;
    p->recent[step % RECENT] = z;
    p->counts[step % RECENT] = requests;
    p->max_count = fmax(p->max_count, requests);
}

/* ---- learning ---- */

static unsigned hour_of(int64_t step)
{
    return (unsigned)(step % DAY * HOURS / DAY);
}

static double counting_noise(double z)
{
    return 1 / (1 + exp(z));
}

static double scale(const struct peak *p, int64_t target, double estimate)
{
    unsigned h = hour_of(target);
    double k = fmin(p->hour_n[h], HOUR_TRUST_MAX);

    return sqrt((k * p->hour_variance[h] + HOUR_PRIOR * p->variance) / (k + HOUR_PRIOR) +
                counting_noise(estimate));
}

static void count_error(struct peak *p, double error)
{
    double at = (error - BIN_FROM) / BIN_WIDTH;
    int bin = at <= 0 ? 0 : at >= N_BINS ? N_BINS - 1 : (int)at;

    for (int i = 0; i < N_BINS; i++)
        p->bins[i] *= BIN_KEEP;
    p->bins[bin]++;
}

static void learn_variance(struct peak *p, int64_t target, double square)
{
    unsigned h = hour_of(target);
    double v = fmin(fmax(square, 0), 16 * (p->variance + 0.01));

    p->variance += fmax(0.001, 1 / (p->n + 50)) * (v - p->variance);
    p->variance = fmax(p->variance, LEAST_VARIANCE);
    p->hour_n[h]++;
    p->hour_variance[h] += fmax(0.002, 1 / (p->hour_n[h] + 1)) * (v - p->hour_variance[h]);
}

/* The window that was spoken of when `origin` was now is over. */
static void learn(struct peak *p, int64_t origin)
{
    const struct said *s = &p->pending[origin % (reach(p) + 1)];
    double y, error, noise, clip;

    if (origin < 0 || s->at != origin)
        return;
    y = highest(p, origin + 1 + p->lead, origin + reach(p));
    if (isnan(y))
        return;
    p->n++;
    error = y - s->estimate;
    noise = counting_noise(s->estimate);
    count_error(p, error / s->scale);
    learn_variance(p, origin + 1 + p->lead, error * error - noise);
    clip = 3 * sqrt(p->variance + noise);
    error = y - s->level - rls_predict(&p->model, s->x);
    rls_learn(&p->model, s->x, fmin(fmax(error, -clip), clip));
}

/* ---- speaking ---- */

static double known_or_zero(double v)
{
    return isnan(v) ? 0 : v;
}

static void shape_features(const struct peak *p, double *x)
{
    int64_t slot = p->last / SLOT, to = (p->last + reach(p)) / SLOT;
    double now, then, most = -INFINITY;

    if (!peak_ready(p) || !seasonal_at(p->shape, slot, &now))
        return;
    for (int64_t s = (p->last + 1 + p->lead) / SLOT; s <= to; s++)
        if (seasonal_at(p->shape, s, &then))
            most = fmax(most, then);
    if (most > -INFINITY)
        x[F_SHAPE_RISE] = most - now;
    x[F_SHAPE_NOW] = now - p->mid.value;
}

/* How far the level rose in the same window, a day or a week ago. */
static double rise_then(const struct peak *p, int64_t now_then)
{
    int64_t from = now_then + 1 + p->lead - SLOT, to = now_then + reach(p) + SLOT;

    if (to > p->last)
        to = p->last;
    return known_or_zero(highest_level(p, from, to) - level_at(p, now_then));
}

static void features(const struct peak *p, double *x)
{
    double level = p->mid.value;
    int64_t t = p->last;

    x[F_ONE] = 0.2;
    x[F_FAST] = p->fast.value - level;
    x[F_SLOW] = p->slow.value - level;
    shape_features(p, x);
    x[F_MAX5] = known_or_zero(highest_known(p, t - SHORT_MAX + 1, t) - level);
    x[F_MAX30] = known_or_zero(highest_known(p, t - LONG_MAX + 1, t) - level);
    x[F_YESTERDAY] = rise_then(p, t - DAY);
    x[F_LAST_WEEK] = rise_then(p, t - WEEK);
    x[F_SLOPE10] = known_or_zero(level - level_at(p, t - 20));
    x[F_SLOPE60] = known_or_zero(level - level_at(p, t - 120));
    x[F_LAST] = known_or_zero(recent(p, p->recent, t) - level);
}

static void speak(struct peak *p)
{
    struct said *s = &p->pending[p->last % (reach(p) + 1)];
    double level = p->mid.value, top;

    *s = (struct said){.at = p->last, .level = level};
    features(p, s->x);
    top = fmax(p->slow.value, level + s->x[F_MAX30]) + 2;
    s->estimate = fmin(fmax(level + rls_predict(&p->model, s->x), level - 3), top);
    s->scale = scale(p, p->last + 1 + p->lead, s->estimate);
}

static void observe_one(struct peak *p, int64_t step, double requests)
{
    p->last = step;
    p->recent[step % RECENT] = p->counts[step % RECENT] = NAN;
    p->max_count *= MAX_KEEP;
    if (!isnan(requests))
        take(p, step, requests);
    p->levels[step % LEVELS] = isnan(requests) ? NAN : (float)p->mid.value;
    fill_slot(p, step, requests);
    learn(p, step - reach(p));
    speak(p);
}

void peak_observe(struct peak *p, int64_t step, double requests)
{
    if (p->first < 0 && isnan(requests))
        return;
    if (p->first < 0)
        p->first = step;
    else if (step <= p->last)
        return;
    for (int64_t s = step - p->last > LEVELS || p->last < 0 ? step : p->last + 1; s < step;
         s++)
        observe_one(p, s, NAN);
    observe_one(p, step, requests);
}

/* ---- answering ---- */

/* Of the errors divided by their scale. */
static double error_quantile(const struct peak *p, double q)
{
    double total = 0, seen = 0;

    for (int i = 0; i < N_BINS; i++)
        total += p->bins[i];
    for (int i = 0; i < N_BINS; i++) {
        if (seen + p->bins[i] >= q * total)
            return BIN_FROM +
                   BIN_WIDTH * (i + (q * total - seen) / fmax(p->bins[i], 1e-12));
        seen += p->bins[i];
    }
    return BIN_FROM + BIN_WIDTH * N_BINS;
}

/* Mean count of the three steps up to `step`; NAN when none is known. */
static double mean3(const struct peak *p, int64_t step)
{
    double sum = 0;
    int n = 0;

    for (int64_t s = step - 2; s <= step; s++) {
        double c = recent(p, p->counts, s);

        if (isnan(c))
            continue;
        sum += c;
        n++;
    }
    return n > 0 ? sum / n : NAN;
}

static double growth_ceiling(const struct peak *p)
{
    double now = known_or_zero(recent(p, p->counts, p->last));
    double grown = mean3(p, p->last) / fmax(mean3(p, p->last - reach(p) - 1), 1e-9);
    double factor = 1.1;

    if (now >= 0.8 * p->max_count && !isnan(grown))
        factor = fmax(factor, fmin(grown, 3));
    return fmax(p->max_count, now) * factor;
}

double peak_quantile(const struct peak *p, double q, bool *capped)
{
    const struct said *s;
    double count, most;

    if (capped != NULL)
        *capped = false;
    if (p->last < 0)
        return 0;
    s = &p->pending[p->last % (reach(p) + 1)];
    count = fmax(exp(s->estimate + error_quantile(p, q) * s->scale) - p->offset, 0);
    most = growth_ceiling(p);
    if (capped != NULL)
        *capped = count > most;
    return fmin(count, most);
}
