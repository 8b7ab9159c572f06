#include "scaler/fleet.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "scaler/instance.h"

#define VIEWS_MAX 256

#define TO(s) (1u << FLEET_##s)

/* Row: from.  Bits: where it may go.  The drawing in fleet.h, as data. */
static const unsigned allowed[N_FLEET_STATES] = {
    [FLEET_ORDERED] = TO(STARTING) | TO(STOPPING) | TO(FAILED),
    [FLEET_STARTING] = TO(PROBING) | TO(STOPPING) | TO(FAILED),
    [FLEET_PROBING] = TO(READY) | TO(DRAINED) | TO(FAILED),
    [FLEET_READY] = TO(DRAINING) | TO(DRAINED) | TO(FAILED),
    [FLEET_DRAINING] = TO(DRAINED) | TO(FAILED),
    [FLEET_DRAINED] = TO(STOPPING) | TO(FAILED),
    [FLEET_STOPPING] = TO(GONE),
    [FLEET_FAILED] = TO(STOPPING),
};

const char *const fleet_state_name[N_FLEET_STATES] = {
#define X(sym, name, text) name,
    FLEET_STATES(X)
#undef X
};

bool fleet_may(enum fleet_state from, enum fleet_state to)
{
    return (allowed[from] & 1u << to) != 0;
}

/* ---- life of the fleet ---- */

void fleet_configure(struct fleet *f, const struct cfg *cfg, const struct cfg_service *svc)
{
    f->cfg = cfg;
    f->svc = svc;
    snprintf(f->service, sizeof(f->service), "%s", svc->name);
}

struct fleet *fleet_new(const struct fleet_env *env, const struct cfg *cfg,
                        const struct cfg_service *svc)
{
    struct fleet *f = MEM_NEW(struct fleet);

    f->env = *env;
    list_init(&f->instances);
    f->views = MEM_NEW_N(struct backend_view, VIEWS_MAX);
    fleet_configure(f, cfg, svc);
    return f;
}

static void drop(struct instance *i)
{
    list_remove(&i->node);
    free(i);
}

void fleet_free(struct fleet *f)
{
    if (f == NULL)
        return;
    while (!list_empty(&f->instances))
        drop(LIST_FIRST(&f->instances, struct instance, node));
    free(f->views);
    free(f);
}

void fleet_want(struct fleet *f, enum tier t, unsigned n)
{
    f->tier[t].wanted = n;
}

void fleet_end(struct fleet *f)
{
    f->ending = true;
    for (int t = 0; t < N_TIERS; t++)
        f->tier[t].wanted = 0;
}

bool fleet_empty(const struct fleet *f)
{
    return list_empty(&f->instances);
}

/* ---- the pool ---- */

static void see(struct fleet *f, enum tier t)
{
    size_t n = f->env.in->backends(f->env.in->ctx, f->svc->index, t, f->views, VIEWS_MAX);

    for (size_t k = 0; k < n && k < VIEWS_MAX; k++) {
        const struct backend_view *v = &f->views[k];

        EACH_INSTANCE (f, i) {
            if (i->tier == t && i->in_pool && strcmp(v->id, i->id) == 0)
                instance_see(i, v);
        }
    }
}

static void look_at_pools(struct fleet *f)
{
    EACH_INSTANCE (f, i) {
        i->seen = i->up = i->drains = false;
        i->inflight = 0;
    }
    for (int t = 0; t < N_TIERS; t++)
        see(f, (enum tier)t);
}

/* ---- wanted against actual ---- */

static bool counts(const struct instance *i)
{
    return i->state <= FLEET_READY;
}

static void order(struct fleet *f, enum tier t)
{
    struct instance *i = MEM_NEW(struct instance);
    uint32_t mark;

    rng_secret(&mark, sizeof(mark));
    i->fleet = f;
    i->tier = t;
    i->since = f->now;
    i->ordered_at = f->virtual_now;
    snprintf(i->id, sizeof(i->id), "%.40s-%s-%08x", f->service, tier_name[t], mark);
    list_add_tail(&f->instances, &i->node);
    log_info("fleet", "instance ordered service=%s tier=%s id=%s", f->service, tier_name[t],
             i->id);
    instance_store(i);
}

/* Which of two should rather go: the younger state first, then the emptier, then the
 * younger. */
static bool rather(const struct instance *a, const struct instance *b)
{
    if (a->state != b->state)
        return a->state < b->state;
    if (a->inflight != b->inflight)
        return a->inflight < b->inflight;
    return a->since > b->since;
}

static struct instance *least_needed(struct fleet *f, enum tier t)
{
    struct instance *worst = NULL;

    EACH_INSTANCE (f, i) {
        if (i->tier == t && counts(i) && (worst == NULL || rather(i, worst)))
            worst = i;
    }
    return worst;
}

static void balance(struct fleet *f, enum tier t)
{
    struct tier_state *s = &f->tier[t];
    unsigned have = 0;
    bool ordered = false;

    EACH_INSTANCE (f, i) {
        have += i->tier == t && counts(i);
    }
    for (; have > s->wanted; have--)
        instance_release(least_needed(f, t));
    for (; have < s->wanted && f->now >= s->retry_at; have++) {
        order(f, t);
        ordered = true;
    }
    if (ordered && !ledger_wait(f->env.ledger))
        log_warn("fleet",
                 "an order could not be stored before it was carried out service=%s",
                 f->service);
}

static void drop_gone(struct fleet *f)
{
    struct list *at = f->instances.next;

    while (at != &f->instances) {
        struct instance *i = CONTAINER_OF(at, struct instance, node);

        at = at->next;
        if (i->state == FLEET_GONE)
            drop(i);
    }
}

void fleet_tick(struct fleet *f, mono_us now, wall_ms virtual_now)
{
    f->now = now;
    f->virtual_now = virtual_now;
    look_at_pools(f);
    for (int t = 0; t < N_TIERS; t++)
        balance(f, (enum tier)t);
    EACH_INSTANCE (f, i) {
        if (f->ending && i->state == FLEET_DRAINING)
            instance_go(i, FLEET_DRAINED);
        instance_step(i);
    }
    drop_gone(f);
}

/* ---- answers ---- */

void fleet_count(const struct fleet *f, enum tier t, struct fleet_count *out)
{
    *out = (struct fleet_count){0};
    EACH_INSTANCE (f, i) {
        if (i->tier != t)
            continue;
        out->actual++;
        out->starting += i->state < FLEET_READY;
        out->ready += i->state == FLEET_READY;
        out->ending += i->state > FLEET_READY;
    }
}

bool fleet_busy(const struct fleet *f)
{
    unsigned have[N_TIERS] = {0};

    EACH_INSTANCE (f, i) {
        if (i->state != FLEET_READY)
            return true;
        have[i->tier]++;
    }
    for (int t = 0; t < N_TIERS; t++)
        if (have[t] != f->tier[t].wanted)
            return true;
    return false;
}

uint64_t fleet_failures(const struct fleet *f)
{
    return f->failures;
}

bool fleet_backing_off(const struct fleet *f)
{
    for (int t = 0; t < N_TIERS; t++)
        if (f->tier[t].failures > 0)
            return true;
    return false;
}

bool fleet_take_lead(struct fleet *f, uint32_t *ms)
{
    if (f->n_leads == 0)
        return false;
    *ms = f->leads[--f->n_leads];
    return true;
}

struct json_t *fleet_json(const struct fleet *f, mono_us now)
{
    json_t *list = json_array();

    EACH_INSTANCE (f, i) {
        json_array_append_new(list, instance_json(i, now));
    }
    return list;
}
