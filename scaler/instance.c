#include "scaler/instance.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

#define BACKOFF_FIRST_US US_PER_S
#define BACKOFF_MAX_US   (60 * (mono_us)US_PER_S)
/* Without a request for so long: the workers have heard of the drain. */
#define QUIET_US (300 * US_PER_MS)
/* Out of the pool for so long, though nobody here took it out. */
#define LOST_US (5 * US_PER_S)
/* Down for so long, or for start_timeout if that is longer: replaced. */
#define DOWN_LEAST_US (10 * (mono_us)US_PER_S)

void instance_store(const struct instance *i)
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

void instance_go(struct instance *i, enum fleet_state to)
{
    CHECK(fleet_may(i->state, to));
    i->spent_us[i->state] += i->fleet->now - i->since;
    i->since = i->fleet->now;
    log_debug("fleet", "instance %s to %s id=%s", fleet_state_name[i->state],
              fleet_state_name[to], i->id);
    i->state = to;
    instance_store(i);
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

void instance_see(struct instance *i, const struct backend_view *v)
{
    const struct cfg_service *svc = i->fleet->svc;
    bool unprobed =
        svc->local.ready[0] == 0 && !svc->health.enabled && v->health == BACKEND_UNKNOWN;

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

/* ---- steps ---- */

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
    instance_go(i, FLEET_FAILED);
    leave_pool(i);
}

static void stop(struct instance *i)
{
    leave_pool(i);
    instance_go(i, FLEET_STOPPING);
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
    instance_go(i, FLEET_STARTING);
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
    instance_go(i, FLEET_PROBING);
}

static void note_lead(struct instance *i)
{
    struct fleet *f = i->fleet;
    wall_ms took = f->virtual_now - i->ordered_at;

    if (i->ordered_at != 0 && took >= 0 && f->n_leads < INSTANCE_LEADS_MAX)
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
    instance_go(i, FLEET_READY);
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
        instance_go(i, FLEET_DRAINED);
    } else if (age(i) >= (mono_us)i->fleet->cfg->drain_timeout_ms * US_PER_MS) {
        log_warn("fleet", "drain timeout, %u requests are cut id=%s", i->inflight, i->id);
        instance_go(i, FLEET_DRAINED);
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
    instance_go(i, FLEET_GONE);
}

void instance_step(struct instance *i)
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

void instance_release(struct instance *i)
{
    if (i->state == FLEET_READY && !i->fleet->ending) {
        instance_go(i, FLEET_DRAINING);
        change(i, POOL_DRAIN);
    } else if (i->state == FLEET_READY || i->state == FLEET_PROBING) {
        instance_go(i, FLEET_DRAINED);
    } else {
        stop(i);
    }
}

/* ---- as JSON ---- */

struct json_t *instance_json(const struct instance *i, mono_us now)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:i, s:s}", "id", i->id,
                     "service", i->fleet->service, "tier", tier_name[i->tier], "state",
                     fleet_state_name[i->state], "addr", i->addr.text, "for_ms",
                     (json_int_t)((now - i->since) / US_PER_MS), "up", i->up, "inflight",
                     (int)i->inflight, "detail", i->detail);
}
