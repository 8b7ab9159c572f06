#include "scaler/forecast/forecaster.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "scaler/forecast/band.h"
#include "scaler/forecast/ewma.h"
#include "scaler/forecast/mixture.h"
#include "scaler/forecast/seasonal.h"

#define LEVEL_HALF_LIFE 1.943 /* slots; alpha = .3 */
#define FORGET_SHORT    0.999 /* of the experts' regrets, a slot; 24 h: never */
#define BAND_RATE_SHORT 0.01
#define BAND_RATE_DAY   0.005

const uint32_t horizon_ms[N_HORIZONS] = {300 * MS_PER_S, 1800 * MS_PER_S, MS_PER_DAY};
const char *const horizon_name[N_HORIZONS] = {"5m", "30m", "24h"};

/* Judged besides the horizons, for questions about the hours between them: who is good a
 * whole day ahead may know nothing of the half day. */
static const uint32_t between_ms[] = {3 * 3600 * MS_PER_S, 12 * 3600 * MS_PER_S};

enum { N_AHEAD = N_HORIZONS + N_ELEMS(between_ms) };

enum { N_EXPERTS = 4 };

struct ahead {
    unsigned slots;     /* 0: shorter than a slot, not forecast */
    unsigned n_experts; /* the first of all */
    struct mixture *mix;
    struct band *band;
    double median; /* of z, as of the last slot */
};

struct forecaster {
    unsigned day; /* slots */
    int64_t first, last;
    struct expert *experts[N_EXPERTS];
    struct ahead ahead[N_AHEAD];
};

static void ahead_init(struct ahead *a, uint32_t ms, uint32_t step_ms)
{
    unsigned day = MS_PER_DAY / step_ms;
    bool whole_day = ms == MS_PER_DAY;

    a->slots = ms / step_ms;
    a->median = NAN;
    if (a->slots == 0)
        return;
    a->n_experts = whole_day ? N_EXPERTS - 1 : N_EXPERTS; /* today's distance says little */
    a->mix = mixture_new(a->n_experts, a->slots, whole_day ? 1 : FORGET_SHORT);
    a->band = band_new(day, a->slots, whole_day ? BAND_RATE_DAY : BAND_RATE_SHORT);
}

struct forecaster *forecaster_new(uint32_t step_ms)
{
    struct forecaster *f = MEM_NEW(struct forecaster);

    CHECK(step_ms > 0 && MS_PER_DAY % step_ms == 0);
    f->day = MS_PER_DAY / step_ms;
    f->first = f->last = -1;
    f->experts[0] = ewma_expert("last", 0, 1);
    f->experts[1] = ewma_expert("level", LEVEL_HALF_LIFE, 1);
    f->experts[2] = seasonal_expert(f->day);
    f->experts[3] = seasonal_distance_expert(f->experts[2]);
    for (unsigned h = 0; h < N_AHEAD; h++)
        ahead_init(&f->ahead[h],
                   h < N_HORIZONS ? horizon_ms[h] : between_ms[h - N_HORIZONS], step_ms);
    return f;
}

void forecaster_free(struct forecaster *f)
{
    if (f == NULL)
        return;
    for (int i = 0; i < N_EXPERTS; i++)
        f->experts[i]->ops->free(f->experts[i]);
    for (int h = 0; h < N_AHEAD; h++) {
        mixture_free(f->ahead[h].mix);
        band_free(f->ahead[h].band);
    }
    free(f);
}

static double opinion(const struct forecaster *f, int i, unsigned slots)
{
    return f->experts[i]->ops->predict(f->experts[i], slots);
}

static void look_ahead(struct forecaster *f, struct ahead *a, double z)
{
    double said[N_EXPERTS];

    if (a->slots == 0)
        return;
    mixture_learn(a->mix, f->last, z);
    band_learn(a->band, f->last, z);
    for (unsigned i = 0; i < a->n_experts; i++)
        said[i] = opinion(f, (int)i, a->slots);
    a->median = mixture_combine(a->mix, f->last, said);
    band_forecast(a->band, f->last, a->median);
}

static void observe_one(struct forecaster *f, int64_t slot, double requests)
{
    double z = isnan(requests) ? NAN : log1p(fmax(requests, 0));

    if (f->first < 0) {
        if (isnan(z))
            return;
        f->first = slot;
    }
    f->last = slot;
    for (int i = N_EXPERTS; i-- > 0;) /* the last looks at the shape without this slot */
        f->experts[i]->ops->observe(f->experts[i], slot, z);
    for (int h = 0; h < N_AHEAD; h++)
        look_ahead(f, &f->ahead[h], z);
}

void forecaster_observe(struct forecaster *f, int64_t slot, double requests)
{
    if (slot <= f->last)
        return;
    /* What was said before a gap of over a week can no longer be judged. */
    if (f->first >= 0 && slot - f->last <= 7 * (int64_t)f->day)
        while (f->last + 1 < slot)
            observe_one(f, f->last + 1, NAN);
    observe_one(f, slot, requests);
}

int64_t forecaster_last(const struct forecaster *f)
{
    return f->last;
}

double forecaster_predict(const struct forecaster *f, enum horizon h, double q)
{
    const struct ahead *a = &f->ahead[h];

    if (isnan(a->median))
        return NAN;
    if (q == 0.5)
        return expm1(a->median);
    return expm1(band_quantile(a->band, f->last + a->slots, a->median, q));
}

/* Of those that are judged the one nearest in ratio; a day only for about a day. */
static const struct ahead *nearest(const struct forecaster *f, unsigned slots)
{
    const struct ahead *best = NULL;

    if (slots + f->ahead[HORIZON_30M].slots >= f->day)
        return &f->ahead[HORIZON_24H];
    for (int h = 0; h < N_AHEAD; h++) {
        const struct ahead *a = &f->ahead[h];

        if (h == HORIZON_24H || a->slots == 0)
            continue;
        if (best == NULL ||
            fabs(log((double)slots / a->slots)) < fabs(log((double)slots / best->slots)))
            best = a;
    }
    CHECK(best != NULL);
    return best;
}

double forecaster_at(const struct forecaster *f, unsigned ahead, double q)
{
    const struct ahead *a = nearest(f, ahead);
    double median = 0;

    if (f->first < 0)
        return NAN;
    for (unsigned i = 0; i < a->n_experts; i++)
        median += mixture_weight(a->mix, i) * opinion(f, (int)i, ahead);
    if (q == 0.5)
        return expm1(median);
    return expm1(band_quantile(a->band, f->last + ahead, median, q));
}

unsigned forecaster_votes(const struct forecaster *f, enum horizon h,
                          struct forecaster_vote *out, unsigned max)
{
    const struct ahead *a = &f->ahead[h];
    unsigned n = 0;

    if (f->first < 0 || a->slots == 0)
        return 0;
    for (; n < a->n_experts && n < max; n++)
        out[n] = (struct forecaster_vote){f->experts[n]->ops->name,
                                          expm1(opinion(f, (int)n, a->slots)),
                                          mixture_weight(a->mix, n)};
    return n;
}
