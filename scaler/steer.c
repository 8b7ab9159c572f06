#include "scaler/steer.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "scaler/archive.h"
#include "scaler/hold.h"
#include "scaler/policy.h"

#define BURST_HOLD_PART                                                                    \
    2 /* burst is held half as long as predictive: it is emptied first */
#define TELL_AGAIN_MS (600 * MS_PER_S) /* that a maximum is too small */
#define VIEWS_MAX     256              /* backends of a pool that are looked at */

struct seen {
    unsigned fixed, ready, starting;
};

struct steer {
    /* fixed between configurations */
    struct steer_env env;
    struct cfg *cfg;
    const struct cfg_service *svc;
    char name[NAME_MAX_LEN];
    /* scaler's thread */
    struct insight *insight;
    struct archive archive;
    struct fleet *fleet;
    enum cfg_mode mode;
    struct hold hold[N_TIERS];
    unsigned wanted[N_TIERS];
    unsigned shadow[N_TIERS]; /* what it would be had the plans been carried out */
    wall_ms told_at[N_TIERS]; /* that the maximum is too small */
    struct policy_in in;      /* of the last decision */
    struct policy_out out;
    struct window_answer answer;
    struct seen seen[N_TIERS];
    uint64_t plans;
    bool decided;               /* once at least */
    struct backend_view *views; /* scratch */
};

static unsigned tier_min(const struct cfg_service *svc, enum tier t)
{
    const struct cfg_pool *p = &svc->pools[t];
    unsigned min = p->min;

    if (t == TIER_BURST && p->reserve > min)
        min = p->reserve;
    return p->provider[0] == 0 ? 0 : min;
}

static unsigned tier_max(const struct cfg_service *svc, enum tier t)
{
    return svc->pools[t].provider[0] == 0 ? 0 : svc->pools[t].max;
}

/* The shadow leaves from what there is. */
static void enter(struct steer *st, enum cfg_mode mode)
{
    if (mode == CFG_MODE_SHADOW && st->mode != CFG_MODE_SHADOW)
        memcpy(st->shadow, st->wanted, sizeof(st->shadow));
    st->mode = mode;
}

/* What the last plan made of the tier: plans follow one another, carried out or not. */
static unsigned *planned(struct steer *st, enum tier t)
{
    return st->mode == CFG_MODE_SHADOW ? &st->shadow[t] : &st->wanted[t];
}

static unsigned within(unsigned n, unsigned min, unsigned max)
{
    n = n < min ? min : n;
    return n > max ? max : n;
}

void steer_configure(struct steer *st, struct cfg *cfg, uint16_t service)
{
    struct cfg *old = st->cfg;

    st->cfg = cfg_ref(cfg);
    st->svc = &cfg->services[service];
    snprintf(st->name, sizeof(st->name), "%s", st->svc->name);
    insight_configure(st->insight, st->svc);
    fleet_configure(st->fleet, cfg, st->svc);
    for (int t = 0; t < N_TIERS; t++) {
        unsigned min = tier_min(st->svc, (enum tier)t),
                 max = tier_max(st->svc, (enum tier)t);

        st->wanted[t] = within(st->wanted[t], min, max);
        st->shadow[t] = within(st->shadow[t], min, max);
        fleet_want(st->fleet, (enum tier)t, st->wanted[t]);
    }
    enter(st, st->svc->scaling.mode);
    cfg_unref(old);
}

struct steer *steer_new(const struct steer_env *env, struct cfg *cfg, uint16_t service,
                        struct kv *kv)
{
    const struct cfg_service *svc = &cfg->services[service];
    struct steer *st = MEM_NEW(struct steer);

    st->env = *env;
    st->insight = insight_new(svc, env->speed);
    st->fleet = fleet_new(&env->fleet, cfg, svc);
    st->views = MEM_NEW_N(struct backend_view, VIEWS_MAX);
    if (kv != NULL && archive_load(&st->archive, kv, svc->name, st->insight) != RC_OK)
        log_warn("scaler", "history could not be read, starting without service=%s",
                 svc->name);
    steer_configure(st, cfg, service);
    return st;
}

void steer_free(struct steer *st)
{
    if (st == NULL)
        return;
    insight_free(st->insight);
    fleet_free(st->fleet);
    free(st->views);
    cfg_unref(st->cfg);
    free(st);
}

const char *steer_name(const struct steer *st)
{
    return st->name;
}

struct insight *steer_insight(struct steer *st)
{
    return st->insight;
}

void steer_set_mode(struct steer *st, enum cfg_mode mode)
{
    if (mode != st->mode)
        log_info("plan", "mode changed service=%s from=%s to=%s", st->name,
                 plan_mode_name[st->mode], plan_mode_name[mode]);
    enter(st, mode);
}

/* ---- the fleet ---- */

void steer_tick(struct steer *st, mono_us now, wall_ms virtual_now)
{
    uint32_t ms;

    fleet_tick(st->fleet, now, virtual_now);
    while (fleet_take_lead(st->fleet, &ms))
        insight_lead(st->insight, ms);
}

bool steer_busy(const struct steer *st)
{
    return fleet_busy(st->fleet);
}

void steer_end(struct steer *st)
{
    fleet_end(st->fleet);
}

bool steer_ended(const struct steer *st)
{
    return fleet_empty(st->fleet);
}

bool steer_restore(struct steer *st, const char *text, size_t len, mono_us now)
{
    if (!fleet_restore(st->fleet, text, len, now))
        return false;
    for (int t = 0; t < N_TIERS; t++) {
        unsigned max = tier_max(st->svc, (enum tier)t);
        struct fleet_count c;

        fleet_count(st->fleet, (enum tier)t, &c);
        if (c.starting > st->wanted[t])
            st->wanted[t] = c.starting < max ? c.starting : max;
        st->shadow[t] = st->wanted[t];
        fleet_want(st->fleet, (enum tier)t, st->wanted[t]);
    }
    return true;
}

void steer_save(struct steer *st)
{
    archive_save(&st->archive, st->env.fleet.ledger, st->name, st->insight);
}

/* ---- what the pools are ---- */

/* A configured backend nobody probes counts as up until it is found down. */
static bool serves(const struct backend_view *v)
{
    if (v->admin != BACKEND_READY || v->ejected)
        return false;
    return v->id[0] == 0 ? v->health != BACKEND_DOWN : v->health == BACKEND_UP;
}

static void look(struct steer *st, enum tier t)
{
    struct seen *s = &st->seen[t];
    struct fleet_count c;
    size_t n = st->env.fleet.in->backends(st->env.fleet.in->ctx, st->svc->index, t,
                                          st->views, VIEWS_MAX);

    fleet_count(st->fleet, t, &c);
    *s = (struct seen){.starting = c.starting};
    for (size_t i = 0; i < n && i < VIEWS_MAX; i++) {
        s->fixed += st->views[i].id[0] == 0;
        s->ready += serves(&st->views[i]);
    }
}

static unsigned ready_in_all(const struct steer *st)
{
    unsigned n = 0;

    for (int t = 0; t < N_TIERS; t++)
        n += st->seen[t].ready;
    return n;
}

void steer_read(struct steer *st, wall_ms now)
{
    struct load l;

    for (int t = 0; t < N_TIERS; t++)
        look(st, (enum tier)t);
    st->env.fleet.in->load(st->env.fleet.in->ctx, st->svc->index, &l);
    insight_read(st->insight, now, &l, ready_in_all(st));
}

/* ---- deciding ---- */

static uint32_t hold_ms(const struct steer *st, enum tier t)
{
    uint32_t ms = st->svc->scaling.hold_down_ms;

    return t == TIER_BURST ? ms / BURST_HOLD_PART : ms;
}

static void fill_tiers(struct steer *st, wall_ms now)
{
    for (int t = 0; t < N_TIERS; t++)
        st->in.tier[t] = (struct policy_tier){
            .fixed = st->seen[t].fixed,
            .min = tier_min(st->svc, (enum tier)t),
            .max = tier_max(st->svc, (enum tier)t),
            .reserve = st->svc->pools[t].reserve,
            .ready = st->seen[t].ready,
            .starting = st->seen[t].starting,
            .wanted = *planned(st, (enum tier)t),
            .held = hold_largest(&st->hold[t], now, hold_ms(st, (enum tier)t)),
        };
}

static void ask(struct steer *st, wall_ms now, struct window_answer *out)
{
    const struct window *w = insight_window(st->insight);

    window_ask(w, now + window_lead_ms(w), now + window_reach_ms(w),
               st->svc->scaling.quantile, out);
}

static void gather(struct steer *st, wall_ms now)
{
    const struct cfg_scaling *s = &st->svc->scaling;

    ask(st, now, &st->answer);
    st->in = (struct policy_in){
        .instance_rps = insight_instance_rps(st->insight),
        .now_rps = insight_now_rps(st->insight, now),
        .recent_rps = insight_recent_rps(st->insight, now),
        .forecast_ok =
            st->mode != CFG_MODE_REACTIVE && window_ready(insight_window(st->insight)),
        .growth_capped = st->answer.capped,
        .forecast_rps = st->answer.rps,
        .users_rps = insight_users_rps(st->insight, now),
        .quantile = s->quantile,
        .baseline_is = s->baseline_is,
        .max_step_up = s->max_step_up,
        .max_step_down = s->max_step_down,
    };
    fill_tiers(st, now);
}

static void fill_plan(struct steer *st, enum tier t, wall_ms now, struct plan *p)
{
    const struct window *w = insight_window(st->insight);
    const struct policy_wish *wish = &st->out.tier[t];

    *p = (struct plan){
        .at = now,
        .tier = t,
        .from = *planned(st, t),
        .to = wish->wanted,
        .mode = st->mode,
        .policy = st->svc->scaling.policy,
        .rule = wish->rule,
        .limits = wish->limits,
        .now_rps = st->in.now_rps,
        .recent_rps = st->in.recent_rps,
        .forecast_rps = st->in.forecast_rps,
        .users_rps = st->in.users_rps,
        .quantile = st->in.quantile,
        .instance_rps = st->in.instance_rps,
        .capacity_guess = insight_capacity_guess(st->insight),
        .forecast_ok = st->in.forecast_ok,
        .lift = st->answer.lift,
        .lead_ms = window_lead_ms(w),
        .window_ms = window_reach_ms(w) - window_lead_ms(w),
        .need = st->out.need,
        .required = st->out.required,
        .current = st->out.current,
        .total = st->out.total,
    };
    snprintf(p->service, sizeof(p->service), "%s", st->name);
    for (int k = 0; k < N_TIERS; k++) {
        p->ready[k] = st->in.tier[k].ready;
        p->starting[k] = st->in.tier[k].starting;
    }
    for (int k = TIER_BASELINE; k <= TIER_PREDICTIVE; k++)
        p->planned += st->in.tier[k].fixed + st->out.tier[k].wanted;
    p->n_votes = insight_votes(st->insight, HORIZON_5M, p->votes, PLAN_VOTES_MAX);
}

static void say(const struct plan *p)
{
    unsigned n = p->to > p->from ? p->to - p->from : p->from - p->to;
    char reason[320];

    plan_reason(p, reason, sizeof(reason));
    log_info("plan",
             "%s resources by %u (%s): %s service=%s tier=%s from=%u to=%u rule=%s "
             "resource_utilization=%.2f",
             p->mode == CFG_MODE_SHADOW ? "Would have scaled" : "Scaled", n,
             p->to > p->from ? "scaleUp" : "scaleDown", reason, p->service,
             tier_name[p->tier], p->from, p->to, policy_rule_name[p->rule],
             p->total > 0 ? p->current / p->total : 0);
}

/* A plan is kept when it changes something, and while the maximum is too small. */
static bool is_news(struct steer *st, enum tier t, wall_ms now)
{
    const struct policy_wish *w = &st->out.tier[t];
    bool short_of = (w->limits & 1u << LIMIT_MAX) != 0;

    if (st->in.tier[t].max == 0 && *planned(st, t) == 0)
        return false; /* no provider */
    if (w->wanted == *planned(st, t) && (!short_of || now - st->told_at[t] < TELL_AGAIN_MS))
        return false;
    if (short_of)
        st->told_at[t] = now;
    return true;
}

static void act(struct steer *st, enum tier t, wall_ms now)
{
    const struct policy_wish *w = &st->out.tier[t];
    struct plan p;

    hold_add(&st->hold[t], now, w->wish);
    if (!is_news(st, t, now))
        return;
    fill_plan(st, t, now, &p);
    st->plans += decisions_add(st->env.decisions, &p);
    if (p.from != p.to)
        say(&p);
    *planned(st, t) = w->wanted;
    fleet_want(st->fleet, t, st->wanted[t]);
}

static double peak_between(void *ctx, wall_ms from, wall_ms to)
{
    return insight_peak_rps(ctx, from, to);
}

/* The seed's gauge, whichever policy decides. */
static void measure(struct steer *st)
{
    st->out.current = st->out.total = 0;
    for (int t = TIER_BASELINE; t <= TIER_PREDICTIVE; t++)
        st->out.current += st->in.tier[t].ready + st->in.tier[t].starting;
    for (int t = 0; t < N_TIERS; t++)
        st->out.total += st->in.tier[t].fixed + st->in.tier[t].max;
}

/* What an earlier process left running is held as if it had just been wished for. */
static void begin(struct steer *st, wall_ms now)
{
    for (int t = 0; t < N_TIERS && !st->decided; t++)
        hold_add(&st->hold[t], now, st->wanted[t]);
    st->decided = true;
}

void steer_check(struct steer *st, wall_ms now)
{
    begin(st, now);
    gather(st, now);
    if (st->mode == CFG_MODE_OFF) {
        measure(st);
        return;
    }
    if (st->svc->scaling.policy == CFG_POLICY_THRESHOLD && st->mode != CFG_MODE_REACTIVE)
        policy_threshold(&st->in, &st->out);
    else
        policy_predictive(&st->in, &st->out);
    measure(st);
    for (int t = 0; t < N_TIERS; t++)
        act(st, (enum tier)t, now);
    decisions_judge(st->env.decisions, st->name, now, peak_between, st->insight);
}

/* ---- what others ask ---- */

void steer_stats(const struct steer *st, wall_ms now, struct scaler_service_stats *out)
{
    const struct window *w = insight_window(st->insight);

    *out = (struct scaler_service_stats){
        .mode = st->mode,
        .rps = insight_step_rps(st->insight, now),
        .capacity_rps = insight_instance_rps(st->insight),
        .plans = st->plans,
    };
    for (int h = 0; h < N_HORIZONS; h++) {
        double median = window_horizon(w, (enum horizon)h, 0.5);
        double high = window_horizon(w, (enum horizon)h, st->svc->scaling.quantile);

        out->forecast_rps[h] = isfinite(median) ? median : out->rps;
        out->quantile_rps[h] = isfinite(high) ? high : out->rps;
    }
    for (int t = 0; t < N_TIERS; t++) {
        struct fleet_count c;

        fleet_count(st->fleet, (enum tier)t, &c);
        out->wanted[t] = st->seen[t].fixed + st->wanted[t];
        out->actual[t] = st->seen[t].fixed + c.actual;
        out->ready[t] = st->seen[t].ready;
    }
    out->instance_failures = fleet_failures(st->fleet);
    out->provider_ok = !fleet_backing_off(st->fleet);
    out->store_ok = ledger_ok_mt(st->env.fleet.ledger);
    if (st->out.total > 0)
        out->resource_utilization = st->out.current / st->out.total;
    if (st->mode == CFG_MODE_REACTIVE || !window_ready(w))
        out->degraded = 2;
    else if (st->cfg->profiler.enabled && !insight_outlook_fresh(st->insight, now))
        out->degraded = 1;
}

struct json_t *steer_forecast_json(const struct steer *st, wall_ms now)
{
    json_t *o = insight_json(st->insight, now);

    json_object_set_new(o, "service", json_string(st->name));
    json_object_set_new(o, "mode", json_string(plan_mode_name[st->mode]));
    json_object_set_new(o, "policy",
                        json_string(plan_policy_name[st->svc->scaling.policy]));
    json_object_set_new(o, "quantile", json_real(st->svc->scaling.quantile));
    json_object_set_new(o, "planned_for",
                        json_pack("{s:f, s:f, s:b}", "rps", st->answer.rps,
                                  "outlook_factor", st->answer.lift, "growth_capped",
                                  st->answer.capped));
    return o;
}

struct json_t *steer_fleet_json(const struct steer *st, mono_us now)
{
    json_t *o = json_object(), *tiers = json_object();

    for (int t = 0; t < N_TIERS; t++)
        json_object_set_new(tiers, tier_name[t],
                            json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "fixed",
                                      (int)st->seen[t].fixed, "wanted", (int)st->wanted[t],
                                      "min", (int)tier_min(st->svc, (enum tier)t), "max",
                                      (int)tier_max(st->svc, (enum tier)t), "ready",
                                      (int)st->seen[t].ready, "starting",
                                      (int)st->seen[t].starting));
    json_object_set_new(o, "service", json_string(st->name));
    json_object_set_new(o, "mode", json_string(plan_mode_name[st->mode]));
    json_object_set_new(o, "tiers", tiers);
    json_object_set_new(o, "instances", fleet_json(st->fleet, now));
    json_object_set_new(o, "failures", json_integer((json_int_t)fleet_failures(st->fleet)));
    return o;
}
