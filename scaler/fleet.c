#include "scaler/fleet.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"

#define BACKOFF_FIRST_US US_PER_S
#define BACKOFF_MAX_US   (60 * (mono_us)US_PER_S)
#define VIEWS_MAX        256
#define LEADS_MAX        32
/* Without a request for so long: the workers have heard of the drain. */
#define QUIET_US (300 * US_PER_MS)
/* Out of the pool for so long, though nobody here took it out. */
#define LOST_US (5 * US_PER_S)
/* Down for so long, or for start_timeout if that is longer: replaced. */
#define DOWN_LEAST_US (10 * (mono_us)US_PER_S)

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

struct instance {
    struct list node;
    struct fleet *fleet;
    char id[NAME_MAX_LEN];
    enum tier tier;
    enum fleet_state state; /* written by go() alone */
    mono_us since;          /* when `state` was entered */
    mono_us spent_us[N_FLEET_STATES];
    wall_ms ordered_at; /* virtual; 0: taken over from an earlier process */
    bool in_pool;       /* POOL_ADD was sent and POOL_REMOVE not yet */
    struct addr addr;
    char handle[PROVIDER_HANDLE_MAX];
    char detail[160]; /* why it failed */
    /* as the proxy sees it */
    bool seen, up, drains;
    uint32_t inflight;
    mono_us seen_at, up_at, busy_at; /* last */
};

struct tier_state {
    unsigned wanted;
    unsigned failures; /* in a row */
    mono_us retry_at;  /* nothing is ordered before */
};

struct fleet {
    struct fleet_env env;
    const struct cfg *cfg;
    const struct cfg_service *svc;
    char service[NAME_MAX_LEN]; /* lives longer than svc where the service is gone */
    struct list instances;
    struct tier_state tier[N_TIERS];
    bool ending;
    uint64_t failures;
    uint32_t leads[LEADS_MAX]; /* not yet taken */
    unsigned n_leads;
    struct backend_view *views; /* scratch */
    mono_us now;
    wall_ms virtual_now;
};

#define EACH_INSTANCE(f, i)                                                                \
    for (struct instance *i = LIST_FIRST(&(f)->instances, struct instance, node);          \
         &i->node != &(f)->instances; i = LIST_FIRST(&i->node, struct instance, node))

bool fleet_may(enum fleet_state from, enum fleet_state to)
{
    return (allowed[from] & 1u << to) != 0;
}

/* ---- records ---- */

static void store(const struct instance *i)
{
    struct ledger *l = i->fleet->env.ledger;
    char key[sizeof(FLEET_KEY) + NAME_MAX_LEN];
    json_t *o;
    char *text;

    if (l == NULL)
        return;
    snprintf(key, sizeof(key), FLEET_KEY "%s", i->id);
    if (i->state == FLEET_GONE) {
        ledger_put(l, key, NULL, 0);
        return;
    }
    o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", i->id, "service",
                  i->fleet->service, "tier", tier_name[i->tier], "state",
                  fleet_state_name[i->state], "addr", i->addr.text, "handle", i->handle);
    text = json_dumps(o, JSON_COMPACT);
    ledger_put(l, key, text, strlen(text));
    free(text);
    json_decref(o);
}

/* The only writer of `state`.  Stores the change before anybody acts on it. */
static void go(struct instance *i, enum fleet_state to)
{
    CHECK(fleet_may(i->state, to));
    i->spent_us[i->state] += i->fleet->now - i->since;
    i->since = i->fleet->now;
    log_debug("fleet", "instance %s to %s id=%s", fleet_state_name[i->state],
              fleet_state_name[to], i->id);
    i->state = to;
    store(i);
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

static int change(struct instance *i, enum pool_change_kind kind)
{
    struct fleet *f = i->fleet;
    struct pool_change c = {
        .kind = kind, .service = f->svc->index, .tier = i->tier, .addr = i->addr};

    snprintf(c.id, sizeof(c.id), "%s", i->id);
    if (kind == POOL_ADD)
        snprintf(c.probe, sizeof(c.probe), "%s", f->svc->local.ready);
    return f->env.in->change(f->env.in->ctx, &c);
}

static void leave_pool(struct instance *i)
{
    if (i->in_pool)
        change(i, POOL_REMOVE);
    i->in_pool = false;
}

static void see_one(struct instance *i, const struct backend_view *v)
{
    bool unprobed = i->fleet->svc->local.ready[0] == 0 && v->health == BACKEND_UNKNOWN;

    i->seen = true;
    i->seen_at = i->fleet->now;
    i->inflight = v->inflight;
    i->up = v->admin == BACKEND_READY && (v->health == BACKEND_UP || unprobed);
    i->drains = v->admin == BACKEND_DRAIN;
    if (i->up)
        i->up_at = i->fleet->now;
    if (!i->drains || i->inflight > 0)
        i->busy_at = i->fleet->now;
}

static void see(struct fleet *f, enum tier t)
{
    size_t n = f->env.in->backends(f->env.in->ctx, f->svc->index, t, f->views, VIEWS_MAX);

    for (size_t k = 0; k < n && k < VIEWS_MAX; k++) {
        const struct backend_view *v = &f->views[k];

        EACH_INSTANCE (f, i) {
            if (i->tier == t && i->in_pool && strcmp(v->id, i->id) == 0)
                see_one(i, v);
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

/* ---- steps of an instance ---- */

static mono_us age(const struct instance *i)
{
    return i->fleet->now - i->since;
}

static mono_us backoff_us(unsigned failures)
{
    mono_us us = BACKOFF_FIRST_US;

    while (--failures > 0 && us < BACKOFF_MAX_US)
        us *= 2;
    return us < BACKOFF_MAX_US ? us : BACKOFF_MAX_US;
}

static void fail(struct instance *i, const char *why)
{
    struct fleet *f = i->fleet;
    struct tier_state *t = &f->tier[i->tier];

    snprintf(i->detail, sizeof(i->detail), "%s", why);
    f->failures++;
    t->failures++;
    t->retry_at = f->now + backoff_us(t->failures);
    log_warn("fleet",
             "instance failed: %s service=%s tier=%s id=%s state=%s retry_in_ms=%" PRId64,
             why, f->service, tier_name[i->tier], i->id, fleet_state_name[i->state],
             (t->retry_at - f->now) / US_PER_MS);
    go(i, FLEET_FAILED);
    leave_pool(i);
}

static void stop(struct instance *i)
{
    leave_pool(i);
    go(i, FLEET_STOPPING);
    i->fleet->env.local->ops->destroy(i->fleet->env.local, i->id);
}

static void step_ordered(struct instance *i)
{
    struct provider *p = i->fleet->env.local;
    struct provider_status st;
    struct why w = {0};
    int rc = p->ops->create(p, i->fleet->svc, i->tier, i->id, &w);

    if (rc == RC_BUSY &&
        age(i) < (mono_us)i->fleet->svc->local.start_timeout_ms * US_PER_MS)
        return;
    if (rc != RC_OK) {
        fail(i, w.text);
        return;
    }
    p->ops->status(p, i->id, &st);
    i->addr = st.addr;
    snprintf(i->handle, sizeof(i->handle), "%s", st.handle);
    go(i, FLEET_STARTING);
}

/* False: it has ended, and now has failed. */
static bool alive(struct instance *i, struct provider_status *st)
{
    char why[160];

    i->fleet->env.local->ops->status(i->fleet->env.local, i->id, st);
    if (st->phase != PROVIDER_ENDED)
        return true;
    snprintf(why, sizeof(why), "it ended by itself%s%s", st->detail[0] != 0 ? ": " : "",
             st->detail);
    fail(i, why);
    return false;
}

/* True: it had its time. */
static bool too_late(struct instance *i)
{
    mono_us spent = age(i);

    if (i->state == FLEET_PROBING)
        spent += i->spent_us[FLEET_STARTING];
    if (spent < (mono_us)i->fleet->svc->local.start_timeout_ms * US_PER_MS)
        return false;
    fail(i, i->state == FLEET_STARTING ? "its port did not open in time"
                                       : "it did not answer its probe in time");
    return true;
}

static void step_starting(struct instance *i)
{
    struct provider_status st;
    int rc;

    if (!alive(i, &st) || too_late(i) || st.phase != PROVIDER_SERVING)
        return;
    rc = change(i, POOL_ADD);
    if (rc != RC_OK && rc != RC_EXISTS) {
        fail(i, "the proxy did not take it");
        return;
    }
    i->in_pool = true;
    go(i, FLEET_PROBING);
}

static void note_lead(struct instance *i)
{
    struct fleet *f = i->fleet;
    wall_ms took = f->virtual_now - i->ordered_at;

    if (i->ordered_at != 0 && took >= 0 && f->n_leads < LEADS_MAX)
        f->leads[f->n_leads++] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    log_info("fleet", "instance ready service=%s tier=%s id=%s addr=%s after_ms=%" PRId64,
             f->service, tier_name[i->tier], i->id, i->addr.text,
             (i->spent_us[FLEET_ORDERED] + i->spent_us[FLEET_STARTING] +
              i->spent_us[FLEET_PROBING]) /
                 US_PER_MS);
}

static void step_probing(struct instance *i)
{
    struct provider_status st;

    if (!alive(i, &st))
        return;
    if (!i->up) {
        too_late(i);
        return;
    }
    go(i, FLEET_READY);
    i->fleet->tier[i->tier].failures = 0;
    note_lead(i);
}

/* Alive is not enough: who is out of the pool, or down for long, is replaced. */
static void step_ready(struct instance *i)
{
    mono_us patience = (mono_us)i->fleet->svc->local.start_timeout_ms * US_PER_MS;
    struct provider_status st;

    if (!alive(i, &st))
        return;
    if (patience < DOWN_LEAST_US)
        patience = DOWN_LEAST_US;
    if (i->fleet->now - i->seen_at > LOST_US)
        fail(i, "somebody took it out of the pool");
    else if (i->fleet->now - i->up_at > patience)
        fail(i, "it was down for too long");
}

static void step_draining(struct instance *i)
{
    struct provider_status st;

    if (!alive(i, &st))
        return;
    if (!i->seen || i->fleet->now - i->busy_at >= QUIET_US) {
        go(i, FLEET_DRAINED);
    } else if (age(i) >= (mono_us)i->fleet->cfg->drain_timeout_ms * US_PER_MS) {
        log_warn("fleet", "drain timeout, %u requests are cut id=%s", i->inflight, i->id);
        go(i, FLEET_DRAINED);
    }
}

static void step_stopping(struct instance *i)
{
    struct provider *p = i->fleet->env.local;
    struct provider_status st;

    p->ops->status(p, i->id, &st);
    if (st.phase != PROVIDER_ENDED) {
        p->ops->destroy(p, i->id);
        return;
    }
    p->ops->forget(p, i->id);
    log_info("fleet", "instance gone service=%s tier=%s id=%s", i->fleet->service,
             tier_name[i->tier], i->id);
    go(i, FLEET_GONE);
}

static void step(struct instance *i)
{
    static void (*const steps[N_FLEET_STATES])(struct instance *) = {
        [FLEET_ORDERED] = step_ordered,   [FLEET_STARTING] = step_starting,
        [FLEET_PROBING] = step_probing,   [FLEET_READY] = step_ready,
        [FLEET_DRAINING] = step_draining, [FLEET_DRAINED] = stop,
        [FLEET_STOPPING] = step_stopping, [FLEET_FAILED] = stop,
    };

    if (steps[i->state] != NULL)
        steps[i->state](i);
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
    store(i);
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

static void release(struct instance *i)
{
    if (i->state == FLEET_READY && !i->fleet->ending) {
        go(i, FLEET_DRAINING);
        change(i, POOL_DRAIN);
    } else if (i->state == FLEET_READY || i->state == FLEET_PROBING) {
        go(i, FLEET_DRAINED);
    } else {
        stop(i);
    }
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
        release(least_needed(f, t));
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
            go(i, FLEET_DRAINED);
        step(i);
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

static json_t *instance_json(const struct instance *i, mono_us now)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:i, s:s}", "id", i->id,
                     "service", i->fleet->service, "tier", tier_name[i->tier], "state",
                     fleet_state_name[i->state], "addr", i->addr.text, "for_ms",
                     (json_int_t)((now - i->since) / US_PER_MS), "up", i->up, "inflight",
                     (int)i->inflight, "detail", i->detail);
}

struct json_t *fleet_json(const struct fleet *f, mono_us now)
{
    json_t *list = json_array();

    EACH_INSTANCE (f, i) {
        json_array_append_new(list, instance_json(i, now));
    }
    return list;
}

/* ---- after a restart ---- */

static int index_of(const char *name, const char *const *names, int n)
{
    for (int i = 0; name != NULL && i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

/* Where an instance goes on that was stored in that state.  A pool of this process does
 * not know it yet, so one that served begins again as starting. */
static enum fleet_state resume(enum fleet_state was, enum provider_phase phase,
                               bool tier_ok)
{
    bool served = was == FLEET_STARTING || was == FLEET_PROBING || was == FLEET_READY;

    return served && tier_ok && phase != PROVIDER_ENDED ? FLEET_STARTING : FLEET_STOPPING;
}

static void take_over(struct fleet *f, struct instance *i, enum fleet_state was,
                      mono_us now)
{
    struct provider *p = f->env.local;
    bool tier_ok = f->svc->local.present && f->svc->pools[i->tier].max > 0;
    struct provider_status st;

    p->ops->adopt(p, f->svc->local.present ? f->svc : NULL, i->id, &i->addr, i->handle);
    p->ops->status(p, i->id, &st);
    i->fleet = f;
    i->since = now;
    i->state = resume(was, st.phase, tier_ok);
    list_add_tail(&f->instances, &i->node);
    if (i->state == FLEET_STOPPING)
        p->ops->destroy(p, i->id);
    log_info("fleet", "instance of an earlier run %s service=%s tier=%s id=%s",
             i->state == FLEET_STARTING ? "is taken over" : "is ended", f->service,
             tier_name[i->tier], i->id);
}

bool fleet_restore(struct fleet *f, const char *text, size_t len, mono_us now)
{
    json_t *o = json_loadb(text, len, 0, NULL);
    const char *id = json_string_value(json_object_get(o, "id"));
    const char *service = json_string_value(json_object_get(o, "service"));
    const char *addr = json_string_value(json_object_get(o, "addr"));
    const char *handle = json_string_value(json_object_get(o, "handle"));
    int t = index_of(json_string_value(json_object_get(o, "tier")), tier_name, N_TIERS);
    int was = index_of(json_string_value(json_object_get(o, "state")), fleet_state_name,
                       N_FLEET_STATES);
    bool ok = id != NULL && id[0] != 0 && service != NULL && handle != NULL && t >= 0 &&
              was >= 0 && strcmp(service, f->service) == 0;

    if (ok) {
        struct instance *i = MEM_NEW(struct instance);

        snprintf(i->id, sizeof(i->id), "%s", id);
        snprintf(i->handle, sizeof(i->handle), "%s", handle);
        i->tier = (enum tier)t;
        if (addr != NULL && addr[0] != 0 && addr_parse(addr, &i->addr, NULL) != RC_OK)
            i->addr = (struct addr){0};
        take_over(f, i, (enum fleet_state)was, now);
    }
    json_decref(o);
    return ok;
}
