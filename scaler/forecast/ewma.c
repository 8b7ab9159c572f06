#include "scaler/forecast/ewma.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct ewma_expert {
    struct expert base;
    struct expert_ops ops; /* own copy: the name differs */
    struct ewma level;
};

void ewma_init(struct ewma *e, double half_life, double step)
{
    *e = (struct ewma){.alpha = half_life > 0 ? 1 - exp2(-step / half_life) : 1};
}

void ewma_add(struct ewma *e, double x)
{
    if (isnan(x))
        return;
    if (!e->any)
        e->value = x;
    e->any = true;
    e->value += e->alpha * (x - e->value);
}

static void observe(struct expert *x, int64_t slot, double z)
{
    (void)slot;
    ewma_add(&((struct ewma_expert *)x)->level, z);
}

static double predict(const struct expert *x, unsigned h)
{
    (void)h;
    return ((const struct ewma_expert *)x)->level.value;
}

static void release(struct expert *x)
{
    free(x);
}

struct expert *ewma_expert(const char *name, double half_life, double step)
{
    struct ewma_expert *e = MEM_NEW(struct ewma_expert);

    e->ops = (struct expert_ops){name, observe, predict, release};
    e->base.ops = &e->ops;
    ewma_init(&e->level, half_life, step);
    return &e->base;
}
