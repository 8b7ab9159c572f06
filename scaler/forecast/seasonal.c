#include "scaler/forecast/seasonal.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "scaler/forecast/ewma.h"

#define KEEP_DAY        0.9   /* of a day table's weight, when its slot comes again */
#define KEEP_WEEK       0.85  /* the same of the week table */
#define DRAW_TO_DAY     3.0   /* weeks' worth of trust in the day */
#define EXPERT_REACH    4     /* slots of 5 min */
#define EXPERT_SLOTS    288.0 /* a day, for which the constants below were chosen */
#define LEVEL_HALF_LIFE 1.943 /* slots; alpha = .3 */
#define RETURN_KEEP     0.995 /* of the distance from the shape, a slot */

struct table {
    unsigned n;
    double *sum, *weight;
};

struct seasonal {
    struct table day, week;
    unsigned reach;
    int64_t first; /* slot; -1: none */
};

static void table_init(struct table *t, unsigned n)
{
    *t = (struct table){n, MEM_NEW_N(double, n), MEM_NEW_N(double, n)};
}

static void table_fini(struct table *t)
{
    free(t->sum);
    free(t->weight);
}

static void table_add(struct table *t, int64_t slot, double keep, double z)
{
    size_t i = (size_t)(slot % t->n);

    t->sum[i] = keep * t->sum[i] + z;
    t->weight[i] = keep * t->weight[i] + 1;
}

/* Triangular smoothing around the slot. */
static void table_read(const struct table *t, int64_t slot, unsigned reach, double *sum,
                       double *weight)
{
    int64_t at = slot + t->n - reach;

    *sum = *weight = 0;
    for (unsigned k = 0; k <= 2 * reach; k++) {
        double w = 1 - fabs((double)k - reach) / (reach + 1.0);
        size_t i = (size_t)((at + k) % t->n);

        *sum += w * t->sum[i];
        *weight += w * t->weight[i];
    }
}

struct seasonal *seasonal_new(unsigned day, unsigned reach)
{
    struct seasonal *s = MEM_NEW(struct seasonal);

    table_init(&s->day, day);
    table_init(&s->week, 7 * day);
    s->reach = reach;
    s->first = -1;
    return s;
}

void seasonal_free(struct seasonal *s)
{
    if (s == NULL)
        return;
    table_fini(&s->day);
    table_fini(&s->week);
    free(s);
}

void seasonal_add(struct seasonal *s, int64_t slot, double z)
{
    if (isnan(z))
        return;
    if (s->first < 0)
        s->first = slot;
    table_add(&s->day, slot, KEEP_DAY, z);
    table_add(&s->week, slot, KEEP_WEEK, z);
}

bool seasonal_knows(const struct seasonal *s, int64_t slot)
{
    return s->first >= 0 && slot - s->day.n >= s->first;
}

bool seasonal_at(const struct seasonal *s, int64_t slot, double *p)
{
    double sum, weight, sum7, weight7;

    table_read(&s->day, slot, s->reach, &sum, &weight);
    if (weight <= 0)
        return false;
    table_read(&s->week, slot, s->reach, &sum7, &weight7);
    *p = (sum7 + DRAW_TO_DAY * sum / weight) / (weight7 + DRAW_TO_DAY);
    return true;
}

struct seasonal_expert {
    struct expert base;
    struct seasonal *shape;
    struct ewma level;
    int64_t last;
    double keep; /* RETURN_KEEP for this length of slot */
};

static void observe(struct expert *x, int64_t slot, double z)
{
    struct seasonal_expert *e = (struct seasonal_expert *)x;

    ewma_add(&e->level, z);
    seasonal_add(e->shape, slot, z);
    e->last = slot;
}

static double predict(const struct expert *x, unsigned h)
{
    const struct seasonal_expert *e = (const struct seasonal_expert *)x;
    double then, now;

    if (!seasonal_knows(e->shape, e->last + h) ||
        !seasonal_at(e->shape, e->last + h, &then) || !seasonal_at(e->shape, e->last, &now))
        return e->level.value;
    return then + pow(e->keep, h) * (e->level.value - now);
}

static void release(struct expert *x)
{
    seasonal_free(((struct seasonal_expert *)x)->shape);
    free(x);
}

struct distance_expert {
    struct expert base;
    const struct seasonal_expert *of;
    struct ewma distance; /* of each slot from its shape */
};

static void observe_distance(struct expert *x, int64_t slot, double z)
{
    struct distance_expert *e = (struct distance_expert *)x;
    double shape;

    if (seasonal_knows(e->of->shape, slot) && seasonal_at(e->of->shape, slot, &shape))
        ewma_add(&e->distance, z - shape);
}

static double predict_distance(const struct expert *x, unsigned h)
{
    const struct distance_expert *e = (const struct distance_expert *)x;
    const struct seasonal_expert *s = e->of;
    double then;

    if (!seasonal_knows(s->shape, s->last + h) ||
        !seasonal_at(s->shape, s->last + h, &then))
        return s->level.value;
    return then + pow(s->keep, h) * e->distance.value;
}

static void release_distance(struct expert *x)
{
    free(x);
}

struct expert *seasonal_expert(unsigned day)
{
    static const struct expert_ops ops = {"seasonal", observe, predict, release};
    struct seasonal_expert *e = MEM_NEW(struct seasonal_expert);

    e->base.ops = &ops;
    e->shape = seasonal_new(day, EXPERT_REACH);
    e->keep = pow(RETURN_KEEP, EXPERT_SLOTS / day);
    ewma_init(&e->level, LEVEL_HALF_LIFE, 1);
    return &e->base;
}

struct expert *seasonal_distance_expert(const struct expert *seasonal)
{
    static const struct expert_ops ops = {"distance", observe_distance, predict_distance,
                                          release_distance};
    struct distance_expert *e = MEM_NEW(struct distance_expert);

    e->base.ops = &ops;
    e->of = (const struct seasonal_expert *)seasonal;
    ewma_init(&e->distance, LEVEL_HALF_LIFE, 1);
    return &e->base;
}
