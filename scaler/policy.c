#include "scaler/policy.h"

#include <math.h>

#define REACTIVE_MARGIN 1.25
#define SHRINK_BELOW    0.75 /* of current */

const char *const policy_rule_name[N_POLICY_RULES] = {
#define X(sym, name, text) name,
    POLICY_RULES(X)
#undef X
};

const char *const policy_rule_text[N_POLICY_RULES] = {
#define X(sym, name, text) text,
    POLICY_RULES(X)
#undef X
};

const char *const policy_limit_name[N_POLICY_LIMITS] = {
#define X(sym, name) name,
    POLICY_LIMITS(X)
#undef X
};

static unsigned min_u(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned max_u(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* Whole instances for so much load; a hair above a whole number is that number. */
static unsigned instances(double need)
{
    return need > 0 ? (unsigned)ceil(fmin(need, 1e6) - 1e-9) : 0;
}

static unsigned above(unsigned a, unsigned b)
{
    return a > b ? a - b : 0;
}

static void limit(struct policy_wish *w, enum policy_limit l)
{
    w->limits |= 1u << l;
}

/* Bounds of the pool, then of a single step. */
static void bound(struct policy_wish *w, const struct policy_in *in, enum tier t)
{
    const struct policy_tier *p = &in->tier[t];

    if (w->wish < p->min)
        limit(w, LIMIT_MIN);
    if (w->wish > p->max)
        limit(w, LIMIT_MAX);
    w->wish = min_u(max_u(w->wish, p->min), p->max);
    w->wanted = w->wish;
    if (in->max_step_up > 0 && w->wanted > p->wanted + in->max_step_up) {
        w->wanted = p->wanted + in->max_step_up;
        limit(w, LIMIT_STEP_UP);
    }
    if (in->max_step_down > 0 && w->wanted + in->max_step_down < p->wanted) {
        w->wanted = p->wanted - in->max_step_down;
        limit(w, LIMIT_STEP_DOWN);
    }
}

/* A lower wish waits until nothing within the hold-down was higher. */
static void hold(struct policy_wish *w, const struct policy_tier *p)
{
    unsigned floor = min_u(max_u(p->held, w->wish), p->wanted);

    if (w->wanted >= floor)
        return;
    w->wanted = floor;
    limit(w, LIMIT_HOLD);
}

static void as_configured(const struct policy_in *in, struct policy_wish *w)
{
    *w = (struct policy_wish){.wish = in->tier[TIER_BASELINE].min, .rule = RULE_CONFIGURED};
    bound(w, in, TIER_BASELINE);
}

/* What the tiers that are paid for anyway cannot take now, on top of the reserve. */
static void burst(const struct policy_in *in, struct policy_wish *w)
{
    const struct policy_tier *t = in->tier;
    unsigned carried = t[TIER_BASELINE].ready + t[TIER_PREDICTIVE].ready;
    unsigned over = above(instances(in->now_rps / in->instance_rps), carried);

    over = above(over, t[TIER_BURST].fixed);
    *w = (struct policy_wish){.wish = t[TIER_BURST].reserve + over,
                              .rule = over > 0 ? RULE_OVERFLOW : RULE_RESERVE};
    bound(w, in, TIER_BURST);
    hold(w, &t[TIER_BURST]);
}

static unsigned baseline_carries(const struct policy_in *in, const struct policy_out *out)
{
    return in->tier[TIER_BASELINE].fixed + out->tier[TIER_BASELINE].wanted;
}

static enum policy_rule predictive_need(const struct policy_in *in, double *need)
{
    double k = fmax(1, 0.8 + fmax(0, -log10(1 - in->quantile) - 1));
    double floor = k * in->now_rps / in->instance_rps;
    double ahead = in->forecast_rps / in->instance_rps;

    if (!in->forecast_ok) {
        *need = REACTIVE_MARGIN * fmax(in->recent_rps, in->now_rps) / in->instance_rps;
        return RULE_REACTIVE;
    }
    *need = fmax(ahead, floor);
    return ahead >= floor ? RULE_FORECAST : RULE_FLOOR;
}

void policy_predictive(const struct policy_in *in, struct policy_out *out)
{
    const struct policy_tier *p = &in->tier[TIER_PREDICTIVE];
    struct policy_wish *w = &out->tier[TIER_PREDICTIVE];
    enum policy_rule rule;

    *out = (struct policy_out){0};
    as_configured(in, &out->tier[TIER_BASELINE]);
    rule = predictive_need(in, &out->need);
    w->rule = rule;
    w->wish = above(instances(out->need), baseline_carries(in, out) + p->fixed);
    if (rule == RULE_FORECAST && in->growth_capped)
        limit(w, LIMIT_GROWTH);
    bound(w, in, TIER_PREDICTIVE);
    hold(w, p);
    burst(in, &out->tier[TIER_BURST]);
}

static void threshold_terms(const struct policy_in *in, struct policy_out *out)
{
    const struct policy_tier *b = &in->tier[TIER_BASELINE], *p = &in->tier[TIER_PREDICTIVE];
    double carries = baseline_carries(in, out);
    double predicted = in->users_rps / in->instance_rps;

    if (in->baseline_is == CFG_BASELINE_CARRIES)
        predicted = fmax(predicted - carries, 0);
    out->required = predicted + carries;
    out->current = b->ready + b->starting + p->ready + p->starting;
    out->total = 0;
    for (int t = 0; t < N_TIERS; t++)
        out->total += in->tier[t].fixed + in->tier[t].max;
    out->need = in->now_rps / in->instance_rps;
}

void policy_threshold(const struct policy_in *in, struct policy_out *out)
{
    const struct policy_tier *p = &in->tier[TIER_PREDICTIVE];
    struct policy_wish *w = &out->tier[TIER_PREDICTIVE];
    double all;

    *out = (struct policy_out){0};
    as_configured(in, &out->tier[TIER_BASELINE]);
    threshold_terms(in, out);
    w->rule = RULE_THRESHOLD_STAY;
    all = baseline_carries(in, out) + p->fixed + p->wanted;
    if (out->required > out->current) {
        w->rule = RULE_THRESHOLD_UP;
        all = out->required;
    } else if (out->required < SHRINK_BELOW * out->current) {
        w->rule = RULE_THRESHOLD_DOWN;
        all = out->required;
    }
    if (out->need > all)
        w->rule = RULE_FLOOR;
    w->wish = above(instances(fmax(all, out->need)), baseline_carries(in, out) + p->fixed);
    bound(w, in, TIER_PREDICTIVE);
    burst(in, &out->tier[TIER_BURST]);
}
