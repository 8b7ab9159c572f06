#include <jansson.h>
#include <math.h>

#include "scaler/insight.h"

#define HISTORY_STEPS 240 /* two hours */

static json_t *number(double v) /* null when there is none */
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *votes_json(const struct insight *i, enum horizon h)
{
    struct plan_vote votes[PLAN_VOTES_MAX];
    unsigned n = insight_votes(i, h, votes, PLAN_VOTES_MAX);
    json_t *a = json_array();

    for (unsigned k = 0; k < n; k++)
        json_array_append_new(a, json_pack("{s:s, s:o, s:o}", "expert", votes[k].name,
                                           "rps", number(votes[k].rps), "weight",
                                           number(votes[k].weight)));
    return a;
}

static json_t *horizon_json(const struct insight *i, enum horizon h)
{
    static const struct {
        const char *name;
        double q;
    } shown[] = {{"median", 0.5}, {"0.9", 0.9}, {"0.95", 0.95}, {"0.99", 0.99}};
    json_t *o = json_object();

    json_object_set_new(o, "horizon_ms", json_integer(horizon_ms[h]));
    for (size_t k = 0; k < sizeof(shown) / sizeof(shown[0]); k++)
        json_object_set_new(o, shown[k].name,
                            number(window_horizon(insight_window(i), h, shown[k].q)));
    json_object_set_new(o, "votes", votes_json(i, h));
    return o;
}

static json_t *horizons_json(const struct insight *i)
{
    json_t *o = json_object();

    for (int h = 0; h < N_HORIZONS; h++)
        json_object_set_new(o, horizon_name[h], horizon_json(i, (enum horizon)h));
    return o;
}

/* Rates of the last steps, oldest first; null: unknown. */
static json_t *history_json(struct demand *d)
{
    int64_t newest = demand_newest(d, DEMAND_STEP), from = newest - HISTORY_STEPS + 1;
    json_t *o = json_object(), *rps = json_array();

    if (from < demand_oldest(d, DEMAND_STEP))
        from = demand_oldest(d, DEMAND_STEP);
    for (int64_t s = from; s >= 0 && s <= newest; s++)
        json_array_append_new(rps, number(demand_get(d, DEMAND_STEP, s).requests *
                                          MS_PER_S / DEMAND_STEP_MS));
    json_object_set_new(o, "step_ms", json_integer(DEMAND_STEP_MS));
    json_object_set_new(o, "from_ms", json_integer(from < 0 ? 0 : from * DEMAND_STEP_MS));
    json_object_set_new(o, "rps", rps);
    return o;
}

static json_t *outlook_json(const struct insight *i, wall_ms now)
{
    if (!insight_outlook_fresh(i, now))
        return json_null();
    return json_pack("{s:o, s:o}", "rps", number(insight_users_rps(i, now)), "weight",
                     number(window_outlook_weight(insight_window(i))));
}

struct json_t *insight_json(struct insight *i, wall_ms now)
{
    json_t *o = json_object();

    json_object_set_new(o, "now_rps", number(insight_now_rps(i, now)));
    json_object_set_new(o, "step_rps", number(insight_step_rps(i, now)));
    json_object_set_new(o, "forecast_ready", json_boolean(window_ready(insight_window(i))));
    json_object_set_new(o, "horizons", horizons_json(i));
    json_object_set_new(o, "outlook", outlook_json(i, now));
    json_object_set_new(o, "capacity",
                        json_pack("{s:o, s:b}", "instance_rps",
                                  number(insight_instance_rps(i)), "guess",
                                  insight_capacity_guess(i)));
    json_object_set_new(o, "lead_ms", json_integer(insight_lead_ms(i)));
    json_object_set_new(o, "history", history_json(insight_demand(i)));
    return o;
}
