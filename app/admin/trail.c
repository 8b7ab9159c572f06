#include "app/admin/trail.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/wire.h"
#include "base/check.h"
#include "base/mem.h"

#define PERIOD_US (1 * US_PER_S)
#define STEP_MS   30000 /* virtual */

enum { AHEAD_5M, AHEAD_30M, N_AHEAD };

struct sample {
    wall_ms at; /* virtual */
    float rps, instance_rps;
    float median[N_AHEAD], high[N_AHEAD]; /* NAN: no forecast */
    uint16_t ready[N_TIERS];
};

struct path { /* of one service */
    char name[NAME_MAX_LEN];
    uint64_t n; /* samples ever; the newest is at (n - 1) % TRAIL_SAMPLES */
    struct sample samples[TRAIL_SAMPLES];
};

struct trail {
    struct wire *wire;
    struct loop_timer timer;
    wall_ms last;
    struct path *paths[SERVICES_MAX]; /* as in the newest configuration */
    size_t n_paths;
};

/* ---- sampling ---- */

static struct path *find(const struct trail *t, const char *name)
{
    for (size_t i = 0; i < t->n_paths; i++)
        if (t->paths[i] != NULL && strcmp(t->paths[i]->name, name) == 0)
            return t->paths[i];
    return NULL;
}

static void forget(struct trail *t, const struct cfg *cfg)
{
    size_t kept = 0;

    for (size_t i = 0; i < t->n_paths; i++)
        if (cfg_service_find(cfg, t->paths[i]->name) != NULL)
            t->paths[kept++] = t->paths[i];
        else
            free(t->paths[i]);
    t->n_paths = kept;
}

static struct path *path_of(struct trail *t, const char *name)
{
    struct path *p = find(t, name);

    if (p != NULL)
        return p;
    CHECK(t->n_paths < SERVICES_MAX);
    p = MEM_NEW(struct path);
    memcpy(p->name, name, strlen(name) + 1);
    t->paths[t->n_paths++] = p;
    return p;
}

static void note(struct path *p, wall_ms now, const struct scaler_service_stats *s)
{
    struct sample *to = &p->samples[p->n++ % TRAIL_SAMPLES];

    *to = (struct sample){
        .at = now, .rps = (float)s->rps, .instance_rps = (float)s->capacity_rps};
    for (int i = 0; i < N_AHEAD; i++) {
        to->median[i] = s->degraded < 2 ? (float)s->forecast_rps[i] : NAN;
        to->high[i] = s->degraded < 2 ? (float)s->quantile_rps[i] : NAN;
    }
    for (int i = 0; i < N_TIERS; i++)
        to->ready[i] = (uint16_t)s->ready[i];
}

static void sample(struct trail *t, wall_ms now)
{
    struct cfg *cfg = proxy_cfg_mt(t->wire->proxy);
    struct scaler_service_stats s;

    forget(t, cfg);
    for (size_t i = 0; i < cfg->n_services; i++)
        if (scaler_stats_mt(t->wire->scaler, (uint16_t)i, &s))
            note(path_of(t, cfg->services[i].name), now, &s);
    cfg_unref(cfg);
}

static void on_timer(struct loop_timer *timer)
{
    struct trail *t = CONTAINER_OF(timer, struct trail, timer);
    wall_ms now = clock_virtual();

    if (now - t->last >= STEP_MS) {
        t->last = now;
        sample(t, now);
    }
    loop_timer_set(t->wire->loop, timer, loop_now(t->wire->loop) + PERIOD_US);
}

struct trail *trail_new(struct wire *w)
{
    struct trail *t = MEM_NEW(struct trail);

    t->wire = w;
    loop_timer_init(&t->timer, on_timer);
    loop_timer_set(w->loop, &t->timer, loop_now(w->loop) + PERIOD_US);
    return t;
}

void trail_free(struct trail *t)
{
    if (t == NULL)
        return;
    loop_timer_remove(&t->timer);
    for (size_t i = 0; i < t->n_paths; i++)
        free(t->paths[i]);
    free(t);
}

/* ---- as JSON ---- */

static void append(json_t *lists, const char *name, json_t *value_take)
{
    json_t *list = json_object_get(lists, name);

    if (list == NULL) {
        list = json_array();
        json_object_set_new(lists, name, list);
    }
    json_array_append_new(list, value_take);
}

static json_t *number(float v)
{
    return isfinite(v) ? json_real((double)v) : json_null();
}

static void append_sample(json_t *lists, const struct sample *s)
{
    append(lists, "at_ms", json_integer(s->at));
    append(lists, "rps", number(s->rps));
    append(lists, "instance_rps", number(s->instance_rps));
    append(lists, "median_5m", number(s->median[AHEAD_5M]));
    append(lists, "high_5m", number(s->high[AHEAD_5M]));
    append(lists, "median_30m", number(s->median[AHEAD_30M]));
    append(lists, "high_30m", number(s->high[AHEAD_30M]));
    append(lists, "baseline", json_integer(s->ready[TIER_BASELINE]));
    append(lists, "predictive", json_integer(s->ready[TIER_PREDICTIVE]));
    append(lists, "burst", json_integer(s->ready[TIER_BURST]));
}

struct json_t *trail_json(const struct trail *t, const char *service, wall_ms since)
{
    const struct path *p = find(t, service);
    json_t *lists = json_object();
    uint64_t i;

    if (p == NULL)
        return lists;
    for (i = p->n > TRAIL_SAMPLES ? p->n - TRAIL_SAMPLES : 0; i < p->n; i++)
        if (p->samples[i % TRAIL_SAMPLES].at > since)
            append_sample(lists, &p->samples[i % TRAIL_SAMPLES]);
    return lists;
}
