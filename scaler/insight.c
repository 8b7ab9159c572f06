#include "scaler/insight.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "scaler/capacity.h"
#include "scaler/lead.h"

#define NOW_SPAN_MS         10000
#define RECENT_STEPS        10 /* 5 min */
#define SIGNIFICANT         2.0 /* standard deviations of a count before a rise is believed */
#define CAPACITY_SAMPLE_S   2.0 /* real */
#define CHANGED_MUCH        1.5 /* a factor, of capacity or lead, that is worth rebuilding for */
#define REBUILD_AFTER_STEPS 20
#define OUTLOOK_FRESH_MS    600000
#define SEED_SLOTS          (35 * 288)

struct insight {
    /* fixed between configurations */
    const struct cfg_service *svc;
    struct capacity_rules rules;
    double speed;
    /* what was learned */
    struct demand *demand;
    struct capacity capacity;
    struct lead lead;
    struct load sampled; /* counters of the last capacity sample */
    wall_ms sampled_at;  /* 0: none */
    /* what follows from it */
    struct window *window;
    double built_rps; /* capacity the window was built for */
    uint32_t built_lead_ms;
    int64_t built_at, fed; /* steps; -1: none */
    /* the last outlook, as requests/s */
    double users_rps;
    wall_ms users_made; /* 0: none yet */
};

static double slots_of_instance(const struct cfg_service *svc)
{
    const struct cfg_pool *p = &svc->pools[TIER_PREDICTIVE];

    if (!p->present)
        p = &svc->pools[TIER_BASELINE];
    return p->max_requests > 0 ? p->max_requests : 1;
}

void insight_configure(struct insight *i, const struct cfg_service *svc)
{
    const struct cfg_scaling *s = &svc->scaling;

    i->svc = svc;
    i->rules = (struct capacity_rules){
        .instance_rps = s->instance_rps,
        .target_utilisation = s->target_utilisation > 0 ? s->target_utilisation : 1,
        .target_latency_s = s->target_latency_ms / (double)MS_PER_S,
        .max_requests = slots_of_instance(svc),
    };
}

struct insight *insight_new(const struct cfg_service *svc, double speed)
{
    struct insight *i = MEM_NEW(struct insight);

    i->speed = speed;
    i->demand = demand_new();
    i->users_rps = NAN;
    i->fed = -1;
    insight_configure(i, svc);
    insight_rebuild(i);
    return i;
}

void insight_free(struct insight *i)
{
    if (i == NULL)
        return;
    demand_free(i->demand);
    window_free(i->window);
    free(i);
}

struct demand *insight_demand(struct insight *i)
{
    return i->demand;
}

const struct window *insight_window(const struct insight *i)
{
    return i->window;
}

double insight_instance_rps(const struct insight *i)
{
    return capacity_rps(&i->capacity, &i->rules) / i->speed;
}

bool insight_capacity_guess(const struct insight *i)
{
    return capacity_is_guess(&i->capacity, &i->rules);
}

uint32_t insight_lead_ms(const struct insight *i)
{
    return lead_ms(&i->lead, i->svc->scaling.lead_ms);
}

void insight_lead(struct insight *i, uint32_t ms)
{
    lead_add(&i->lead, ms);
}

/* ---- the forecast follows the history ---- */

/* Minutes that are older than the steps, as slots of 5 min. */
static void seed(struct insight *i, int64_t before_step)
{
    int64_t end = before_step * DEMAND_STEP_MS / WINDOW_SLOT_MS;
    int64_t slot = demand_oldest(i->demand, DEMAND_MINUTE) / 5;

    if (demand_oldest(i->demand, DEMAND_MINUTE) < 0)
        return;
    for (slot = slot > end - SEED_SLOTS ? slot : end - SEED_SLOTS; slot < end; slot++) {
        double sum = 0;

        for (int64_t m = slot * 5; m < slot * 5 + 5; m++)
            sum += demand_get(i->demand, DEMAND_MINUTE, m).requests;
        window_seed(i->window, slot, sum);
    }
}

static void feed(struct insight *i)
{
    int64_t newest = demand_newest(i->demand, DEMAND_STEP);
    int64_t oldest = demand_oldest(i->demand, DEMAND_STEP);

    if (i->fed < oldest - 1)
        i->fed = oldest - 1;
    for (i->fed++; i->fed <= newest; i->fed++)
        window_observe(i->window, i->fed,
                       demand_get(i->demand, DEMAND_STEP, i->fed).requests);
    i->fed = newest;
}

void insight_rebuild(struct insight *i)
{
    int64_t oldest = demand_oldest(i->demand, DEMAND_STEP);

    window_free(i->window);
    i->built_rps = insight_instance_rps(i);
    i->built_lead_ms = insight_lead_ms(i);
    i->window = window_new(i->built_rps, i->built_lead_ms);
    i->fed = -1;
    if (oldest >= 0) {
        seed(i, oldest);
        feed(i);
    }
    i->built_at = i->fed;
    if (i->users_made != 0)
        window_outlook(i->window, i->users_made, i->users_rps * WINDOW_SLOT_MS / MS_PER_S);
}

static bool differs_much(double a, double b)
{
    return a > b * CHANGED_MUCH || b > a * CHANGED_MUCH;
}

static void follow(struct insight *i)
{
    int64_t newest = demand_newest(i->demand, DEMAND_STEP);

    if (newest == i->fed)
        return;
    if (i->fed < 0 || newest < i->fed ||
        (newest - i->built_at > REBUILD_AFTER_STEPS &&
         (differs_much(i->built_rps, insight_instance_rps(i)) ||
          differs_much(i->built_lead_ms, insight_lead_ms(i)))))
        insight_rebuild(i);
    else
        feed(i);
}

/* ---- what comes in ---- */

static struct capacity_sample since(const struct load *was, const struct load *is,
                                    double seconds, unsigned ready)
{
    struct capacity_sample s = {.seconds = seconds, .instances = ready};
    struct hist_view latency = {0};

    for (int t = 0; t < N_TIERS; t++) {
        const struct load_tier *a = &was->tier[t], *b = &is->tier[t];

        s.completed += (double)(b->completed - a->completed);
        s.busy_s += (double)(b->busy_us - a->busy_us) / US_PER_S;
        for (int k = 0; k < HIST_BUCKETS; k++)
            latency.n[k] += b->latency.n[k] - a->latency.n[k];
    }
    s.p95_s = hist_quantile_us(&latency, 0.95) / US_PER_S;
    return s;
}

static void sample_capacity(struct insight *i, wall_ms now, const struct load *l,
                            unsigned ready)
{
    double seconds = (double)(now - i->sampled_at) / MS_PER_S / i->speed;
    struct capacity_sample s;

    if (i->sampled_at != 0 && seconds >= 0 && seconds < CAPACITY_SAMPLE_S)
        return;
    if (i->sampled_at != 0 && seconds > 0 && l->arrivals >= i->sampled.arrivals) {
        s = since(&i->sampled, l, seconds, ready);
        capacity_learn(&i->capacity, &i->rules, &s);
    }
    i->sampled = *l;
    i->sampled_at = now;
}

void insight_read(struct insight *i, wall_ms now, const struct load *l, unsigned ready)
{
    sample_capacity(i, now, l, ready);
    demand_read(i->demand, now, l, capacity_cost_s(&i->capacity, &i->rules), i->speed);
    follow(i);
}

void insight_learn(struct insight *i, wall_ms at, double n)
{
    demand_learn(i->demand, at, n);
    feed(i);
}

void insight_outlook(struct insight *i, wall_ms made, const struct outlook_service *o,
                     uint32_t horizon)
{
    if (horizon == 0 || !isfinite(o->expected) || o->expected < 0)
        return;
    i->users_rps = o->expected * MS_PER_S / horizon;
    i->users_made = made;
    window_outlook(i->window, made, i->users_rps * WINDOW_SLOT_MS / MS_PER_S);
}

/* ---- what is kept over a restart ---- */

static json_t *open_json(const struct demand *d)
{
    json_t *list = json_array();

    for (int r = 0; r < N_DEMAND_RINGS; r++) {
        struct demand_open o = demand_open(d, (enum demand_ring)r);

        json_array_append_new(list, json_pack("[I, I, f, f, f, f]", (json_int_t)o.slot,
                                              (json_int_t)o.known_ms, o.requests, o.work_s,
                                              o.bytes, o.busy_ms));
    }
    return list;
}

char *insight_state(const struct insight *i)
{
    unsigned n = i->lead.n < LEAD_KEPT ? i->lead.n : LEAD_KEPT;
    json_t *leads = json_array(), *o;
    char *text;

    for (unsigned k = 0; k < n; k++)
        json_array_append_new(leads, json_integer(i->lead.ms[k]));
    o = json_pack("{s:f, s:f, s:f, s:f, s:f, s:o, s:o}", "cost_s", i->capacity.cost_s,
                  "weight", i->capacity.weight, "low_p95_s", i->capacity.low_p95_s,
                  "ceiling_rps", i->capacity.ceiling_rps, "speed", i->speed, "lead_ms",
                  leads, "open", open_json(i->demand));
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

static void restore_open(struct demand *d, json_t *list)
{
    for (int r = 0; r < N_DEMAND_RINGS; r++) {
        struct demand_open o;
        json_int_t slot, known_ms;

        if (json_unpack(json_array_get(list, (size_t)r), "[I, I, F, F, F, F]", &slot,
                        &known_ms, &o.requests, &o.work_s, &o.bytes, &o.busy_ms) != 0)
            continue;
        o.slot = slot;
        o.known_ms = known_ms;
        demand_set_open(d, (enum demand_ring)r, &o);
    }
}

/* Leads are virtual: those of a run at another speed say nothing. */
static void restore_leads(struct insight *i, json_t *list, double speed)
{
    json_t *v;
    size_t k;

    if (speed != i->speed)
        return;
    json_array_foreach(list, k, v) if (json_integer_value(v) >= 0)
        lead_add(&i->lead, (uint32_t)json_integer_value(v));
}

bool insight_restore(struct insight *i, const char *text, size_t len)
{
    json_t *o = json_loadb(text, len, 0, NULL), *leads, *open;
    struct capacity c = {0};
    double speed;
    bool ok =
        json_unpack(o, "{s:F, s:F, s:F, s:F, s:F, s:o, s:o}", "cost_s", &c.cost_s, "weight",
                    &c.weight, "low_p95_s", &c.low_p95_s, "ceiling_rps", &c.ceiling_rps,
                    "speed", &speed, "lead_ms", &leads, "open", &open) == 0;

    if (ok) {
        i->capacity = c;
        restore_leads(i, leads, speed);
        restore_open(i->demand, open);
    }
    json_decref(o);
    return ok;
}

/* ---- questions ---- */

double insight_step_rps(const struct insight *i, wall_ms now)
{
    return demand_rate(i->demand, now, DEMAND_STEP_MS, NULL);
}

/* A rise within seconds counts once it cannot be the chance of few requests. */
double insight_now_rps(const struct insight *i, wall_ms now)
{
    double n, rps = demand_rate(i->demand, now, NOW_SPAN_MS, &n);
    double sure = n > 0 ? rps * (1 - SIGNIFICANT / sqrt(n)) : 0;

    return fmax(insight_step_rps(i, now), sure);
}

double insight_peak_rps(const struct insight *i, wall_ms from, wall_ms to)
{
    double most = NAN;

    for (int64_t s = from / DEMAND_STEP_MS; s * DEMAND_STEP_MS < to; s++)
        most = fmax(most, demand_get(i->demand, DEMAND_STEP, s).requests);
    return most * MS_PER_S / DEMAND_STEP_MS;
}

double insight_recent_rps(const struct insight *i, wall_ms now)
{
    wall_ms end = (demand_newest(i->demand, DEMAND_STEP) + 1) * DEMAND_STEP_MS;

    return fmax(insight_peak_rps(i, end - RECENT_STEPS * DEMAND_STEP_MS, end),
                insight_now_rps(i, now));
}

bool insight_outlook_fresh(const struct insight *i, wall_ms now)
{
    return i->users_made != 0 && now - i->users_made <= OUTLOOK_FRESH_MS;
}

double insight_users_rps(const struct insight *i, wall_ms now)
{
    double median;

    if (insight_outlook_fresh(i, now))
        return i->users_rps;
    median = window_horizon(i->window, HORIZON_5M, 0.5);
    return isnan(median) ? insight_now_rps(i, now) : median;
}

unsigned insight_votes(const struct insight *i, enum horizon h, struct plan_vote *out,
                       unsigned max)
{
    struct forecaster_vote votes[PLAN_VOTES_MAX];
    unsigned n =
        window_votes(i->window, h, votes, max < PLAN_VOTES_MAX ? max : PLAN_VOTES_MAX);

    for (unsigned k = 0; k < n; k++)
        out[k] = (struct plan_vote){
            votes[k].name, votes[k].requests * MS_PER_S / WINDOW_SLOT_MS, votes[k].weight};
    if (h == HORIZON_5M && n < max && i->users_made != 0)
        out[n++] =
            (struct plan_vote){"outlook", i->users_rps, window_outlook_weight(i->window)};
    return n;
}
