#include "scaler/plan.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

const char *const plan_mode_name[4] = {
    [CFG_MODE_LIVE] = "live",
    [CFG_MODE_SHADOW] = "shadow",
    [CFG_MODE_OFF] = "off",
    [CFG_MODE_REACTIVE] = "reactive",
};

const char *const plan_policy_name[2] = {
    [CFG_POLICY_PREDICTIVE] = "predictive",
    [CFG_POLICY_THRESHOLD] = "threshold",
};

static int say_need(const struct plan *p, char *out, size_t room)
{
    switch (p->rule) {
    case RULE_FORECAST:
        return snprintf(
            out, room,
            "%.3g requests/s may come within %u s of an order serving (quantile %g), "
            "%.3g instances of %.3g/s",
            p->forecast_rps, p->window_ms / MS_PER_S, p->quantile, p->need,
            p->instance_rps);
    case RULE_FLOOR:
        return snprintf(
            out, room,
            "%.3g requests/s come now, more than was forecast (%.3g); with its margin "
            "%.3g instances of %.3g/s",
            p->now_rps, p->forecast_rps, p->need, p->instance_rps);
    case RULE_REACTIVE:
        return snprintf(
            out, room,
            "no forecast: at most %.3g requests/s in the last 5 min, with its margin "
            "%.3g instances of %.3g/s",
            p->recent_rps, p->need, p->instance_rps);
    case RULE_THRESHOLD_UP:
    case RULE_THRESHOLD_DOWN:
    case RULE_THRESHOLD_STAY:
        return snprintf(out, room, "required %.3g, current %.3g instances of %.3g/s",
                        p->required, p->current, p->instance_rps);
    case RULE_OVERFLOW:
        return snprintf(
            out, room,
            "%.3g requests/s come now, more than %u ready instances of %.3g/s carry",
            p->now_rps, p->ready[TIER_BASELINE] + p->ready[TIER_PREDICTIVE],
            p->instance_rps);
    case RULE_CONFIGURED:
    case RULE_RESERVE:
    case N_POLICY_RULES:
        break;
    }
    return snprintf(out, room, "%s", policy_rule_text[p->rule]);
}

void plan_reason(const struct plan *p, char *out, size_t room)
{
    size_t n = (size_t)say_need(p, out, room);

    for (int l = 0; l < N_POLICY_LIMITS && n < room; l++)
        if (p->limits & 1u << l)
            n += (size_t)snprintf(out + n, room - n, "; limited by %s",
                                  policy_limit_name[l]);
    if (p->capacity_guess && n < room)
        snprintf(out + n, room - n, "; what an instance carries is a guess");
}

static json_t *counts_json(const unsigned *n)
{
    json_t *o = json_object();

    for (int t = 0; t < N_TIERS; t++)
        json_object_set_new(o, tier_name[t], json_integer(n[t]));
    return o;
}

static json_t *limits_json(unsigned limits)
{
    json_t *a = json_array();

    for (int l = 0; l < N_POLICY_LIMITS; l++)
        if (limits & 1u << l)
            json_array_append_new(a, json_string(policy_limit_name[l]));
    return a;
}

static json_t *votes_json(const struct plan *p)
{
    json_t *a = json_array();

    for (unsigned i = 0; i < p->n_votes; i++)
        json_array_append_new(a, json_pack("{s:s, s:f, s:f}", "expert", p->votes[i].name,
                                           "rps", p->votes[i].rps, "weight",
                                           p->votes[i].weight));
    return a;
}

static json_t *inputs_json(const struct plan *p)
{
    json_t *o = json_pack(
        "{s:f, s:f, s:f, s:b, s:f, s:f, s:f, s:f, s:b, s:I, s:I, s:f}", "now_rps",
        p->now_rps, "recent_rps", p->recent_rps, "forecast_rps", p->forecast_rps,
        "forecast_used", p->forecast_ok, "outlook_factor", p->lift, "users_rps",
        p->users_rps, "quantile", p->quantile, "instance_rps", p->instance_rps,
        "instance_rps_is_guess", p->capacity_guess, "lead_ms", (json_int_t)p->lead_ms,
        "window_ms", (json_int_t)p->window_ms, "need", p->need);

    json_object_set_new(o, "ready", counts_json(p->ready));
    json_object_set_new(o, "starting", counts_json(p->starting));
    if (p->policy == CFG_POLICY_THRESHOLD)
        json_object_set_new(o, "threshold",
                            json_pack("{s:f, s:f, s:f}", "required", p->required, "current",
                                      p->current, "total", p->total));
    return o;
}

static json_t *outcome_json(const struct plan_outcome *o)
{
    if (!o->known)
        return json_null();
    return json_pack("{s:f, s:i}", "peak_rps", o->peak_rps, "over", o->over);
}

struct json_t *plan_json(const struct plan *p)
{
    char reason[320];
    json_t *o;

    plan_reason(p, reason, sizeof(reason));
    o = json_pack("{s:I, s:I, s:i, s:I, s:s, s:s, s:i, s:i, s:s, s:s, s:s, s:s}", "id",
                  (json_int_t)p->id, "at_ms", (json_int_t)p->at, "repeats", (int)p->repeats,
                  "last_ms", (json_int_t)p->last_at, "service", p->service, "tier",
                  tier_name[p->tier], "from", (int)p->from, "to", (int)p->to, "mode",
                  plan_mode_name[p->mode], "policy", plan_policy_name[p->policy], "rule",
                  policy_rule_name[p->rule], "reason", reason);
    CHECK(o != NULL);
    json_object_set_new(o, "limits", limits_json(p->limits));
    json_object_set_new(o, "inputs", inputs_json(p));
    json_object_set_new(o, "votes", votes_json(p));
    json_object_set_new(o, "outcome", outcome_json(&p->outcome));
    return o;
}

bool plan_repeats(const struct plan *p, const struct plan *before)
{
    return p->from == p->to && p->to == before->to && p->tier == before->tier &&
           p->mode == before->mode && p->policy == before->policy &&
           p->rule == before->rule && p->limits == before->limits &&
           strcmp(p->service, before->service) == 0;
}

wall_ms plan_judge_from(const struct plan *p)
{
    return p->at + p->lead_ms;
}

wall_ms plan_judge_to(const struct plan *p)
{
    return plan_judge_from(p) + p->window_ms;
}

void plan_judge(struct plan *p, double peak_rps)
{
    double need = ceil(peak_rps / p->instance_rps - 1e-9);

    p->outcome = (struct plan_outcome){.known = true,
                                       .peak_rps = peak_rps,
                                       .over = (int)p->planned - (int)fmin(need, 1e6)};
}
