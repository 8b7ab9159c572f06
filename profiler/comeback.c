#include "profiler/comeback.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/varint.h"

#define KEEPS    .99 /* of what sums were worth, from window to window */
#define PRIOR    5   /* requests for which a sum is taken at its word */
#define NEW_RATE .3  /* of the last window in the rate of new users */
#define FORMAT   1
#define SCALE    256

struct sums {                       /* of one service */
    double walk[COMEBACK_CLASSES];  /* being added up */
    double now[COMEBACK_CLASSES];   /* by the last walk */
    double start[COMEBACK_CLASSES]; /* ... when the window began */
    double came[COMEBACK_CLASSES];  /* requests in the window */
    double fresh;                   /* requests of new users in a horizon */
};

struct comeback {
    size_t n_services;
    unsigned n_windows; /* complete ones; the first begins in the middle of things */
    double expected[COMEBACK_CLASSES],
        came[COMEBACK_CLASSES]; /* over the windows, fading */
    struct sums sum[];
};

struct comeback *comeback_new(size_t n_services)
{
    struct comeback *c = mem_new(1, sizeof(*c) + n_services * sizeof(c->sum[0]));

    c->n_services = n_services;
    return c;
}

void comeback_free(struct comeback *c)
{
    free(c);
}

enum comeback_class comeback_class(uint32_t sessions)
{
    if (sessions == 0)
        return COMEBACK_NEW;
    if (sessions == 1)
        return COMEBACK_ONCE;
    return sessions < 4 ? COMEBACK_SOME : COMEBACK_OFTEN;
}

void comeback_begin(struct comeback *c)
{
    for (size_t i = 0; i < c->n_services; i++)
        memset(c->sum[i].walk, 0, sizeof(c->sum[i].walk));
}

void comeback_add(struct comeback *c, enum comeback_class class, uint16_t service,
                  double requests)
{
    CHECK(service < c->n_services);
    c->sum[service].walk[class] += requests;
}

void comeback_end(struct comeback *c)
{
    for (size_t i = 0; i < c->n_services; i++)
        memcpy(c->sum[i].now, c->sum[i].walk, sizeof(c->sum[i].now));
}

void comeback_count(struct comeback *c, enum comeback_class class, uint16_t service)
{
    CHECK(service < c->n_services);
    c->sum[service].came[class]++;
}

void comeback_turn(struct comeback *c)
{
    double rate = c->n_windows == 0 ? 1 : NEW_RATE;

    for (unsigned k = COMEBACK_ONCE; k < COMEBACK_CLASSES; k++) {
        c->expected[k] *= KEEPS;
        c->came[k] *= KEEPS;
    }
    for (size_t i = 0; i < c->n_services; i++) {
        struct sums *s = &c->sum[i];

        for (unsigned k = COMEBACK_ONCE; k < COMEBACK_CLASSES; k++) {
            c->expected[k] += s->start[k];
            c->came[k] += s->came[k];
        }
        s->fresh += rate * (s->came[COMEBACK_NEW] - s->fresh);
        memset(s->came, 0, sizeof(s->came));
        memcpy(s->start, s->now, sizeof(s->start));
    }
    c->n_windows++;
}

void comeback_expect(const struct comeback *c, uint16_t service, double *back,
                     double *fresh)
{
    const struct sums *s = &c->sum[service];

    *back = 0;
    for (unsigned k = COMEBACK_ONCE; k < COMEBACK_CLASSES; k++)
        *back += s->now[k] * (c->came[k] + PRIOR) / (c->expected[k] + PRIOR);
    *fresh = s->fresh;
}

size_t comeback_save(const struct comeback *c, uint8_t out[COMEBACK_BYTES_MAX])
{
    struct varint_out o = {out, out + COMEBACK_BYTES_MAX, false};

    varint_put(&o, FORMAT);
    for (unsigned k = COMEBACK_ONCE; k < COMEBACK_CLASSES; k++) {
        varint_put(&o, (uint64_t)llrint(c->expected[k] * SCALE));
        varint_put(&o, (uint64_t)llrint(c->came[k] * SCALE));
    }
    CHECK(!o.bad);
    return (size_t)(o.at - out);
}

int comeback_load(struct comeback *c, const uint8_t *in, size_t len)
{
    struct varint_in from = {in, in + len, false};

    from.bad = varint_get(&from) != FORMAT;
    for (unsigned k = COMEBACK_ONCE; k < COMEBACK_CLASSES; k++) {
        c->expected[k] = (double)varint_get(&from) / SCALE;
        c->came[k] = (double)varint_get(&from) / SCALE;
    }
    if (!from.bad && from.at == from.end)
        return RC_OK;
    memset(c->expected, 0, sizeof(c->expected));
    memset(c->came, 0, sizeof(c->came));
    return RC_CORRUPT;
}
