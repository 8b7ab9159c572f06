#include "app/admin/figures.h"

#include <jansson.h>
#include <math.h>

#include "app/admin/census.h"
#include "base/check.h"
#include "scaler/plan.h"

#define US_PER_MS_F 1000.0
#define US_PER_S_F  1e6

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

/* ---- services ---- */

static json_t *latency_json(const struct hist_view *h)
{
    uint64_t n = hist_count(h);

    if (n == 0)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:f}", "mean",
                     (double)h->sum_us / (double)n / US_PER_MS_F, "p50",
                     hist_quantile_us(h, 0.5) / US_PER_MS_F, "p90",
                     hist_quantile_us(h, 0.9) / US_PER_MS_F, "p99",
                     hist_quantile_us(h, 0.99) / US_PER_MS_F);
}

static json_t *tier_json(const struct load_tier *t)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:o}", "admitted",
                     count(t->admitted), "completed", count(t->completed), "attempts",
                     count(t->attempts), "inflight", json_integer(t->inflight), "bytes_up",
                     count(t->bytes_up), "bytes_down", count(t->bytes_down), "busy_s",
                     (double)t->busy_us / US_PER_S_F, "latency_ms",
                     latency_json(&t->latency));
}

static json_t *tiers_json(const struct load *l)
{
    json_t *o = json_object();

    for (int t = 0; t < N_TIERS; t++)
        json_object_set_new(o, tier_name[t], tier_json(&l->tier[t]));
    return o;
}

static json_t *errors_json(const struct load *l)
{
    json_t *o = json_object();

    for (int e = 0; e < N_LOAD_ERRORS; e++)
        json_object_set_new(o, load_error_name[e], count(l->errors[e]));
    return o;
}

static json_t *responses_json(const struct load *l)
{
    static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    json_t *o = json_object();

    for (size_t i = 0; i < N_ELEMS(classes); i++)
        json_object_set_new(o, classes[i], count(l->status[i]));
    return o;
}

static json_t *waited_ms(mono_us since)
{
    if (since == 0)
        return json_integer(0);
    return json_real((double)(clock_mono() - since) / US_PER_MS_F);
}

static void add_counts(json_t *o, const struct load *l)
{
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {
        {"arrivals", l->arrivals},
        {"client_retries", l->client_retries},
        {"proxy_retries", l->proxy_retries},
        {"held", l->held},
        {"shed", l->shed},
        {"timed_out", l->timed_out},
        {"refused", l->refused},
        {"left", l->left},
    };

    for (size_t i = 0; i < N_ELEMS(counts); i++)
        json_object_set_new(o, counts[i].name, count(counts[i].n));
}

static json_t *named_json(const uint64_t *counts, const char *const *names, int n)
{
    json_t *o = json_object();

    for (int i = 0; i < n; i++)
        json_object_set_new(o, names[i], count(counts[i]));
    return o;
}

static json_t *edge_json(const struct stats_edge *e)
{
    json_t *o = json_object();

    json_object_set_new(o, "denied", named_json(e->denied, stats_denial_name, N_DENIALS));
    json_object_set_new(o, "credentials_known", count(e->auth_known[0]));
    json_object_set_new(o, "credentials_checked", count(e->auth_checked[0]));
    json_object_set_new(o, "compressed",
                        named_json(e->compressed, stats_coding_name, N_CODINGS));
    json_object_set_new(o, "bypassed",
                        named_json(e->bypassed, stats_bypass_name, N_BYPASSES));
    json_object_set_new(o, "compression_input_bytes", count(e->plain_bytes[0]));
    json_object_set_new(o, "compression_output_bytes", count(e->coded_bytes[0]));
    json_object_set_new(o, "error_pages", count(e->pages[0]));
    json_object_set_new(o, "mirrored",
                        named_json(e->mirrored, stats_mirror_name, N_MIRRORS));
    return o;
}

struct json_t *figures_service(struct wire *w, const struct cfg_service *s)
{
    json_t *o = json_object();
    struct stats_edge e;
    struct load l;

    proxy_load_mt(w->proxy, s->index, &l);
    proxy_edge_mt(w->proxy, s->index, &e);
    json_object_set_new(o, "name", json_string(s->name));
    add_counts(o, &l);
    json_object_set_new(o, "queued", json_integer(l.queued));
    json_object_set_new(o, "oldest_wait_ms", waited_ms(l.oldest_wait));
    json_object_set_new(o, "long_streams", json_integer(l.long_streams));
    json_object_set_new(o, "errors", errors_json(&l));
    json_object_set_new(o, "responses", responses_json(&l));
    json_object_set_new(o, "tiers", tiers_json(&l));
    json_object_set_new(o, "edge", edge_json(&e));
    return o;
}

/* ---- services, in short ---- */

/* Completed requests of all tiers by latency; the last bucket has no bound. */
static json_t *buckets_json(const struct load *l)
{
    struct hist_view all = {.sum_us = 0};
    json_t *bounds = json_array(), *n = json_array();

    for (int t = 0; t < N_TIERS; t++)
        hist_sum(&all, &l->tier[t].latency);
    for (int i = 0; i < HIST_BUCKETS; i++)
        json_array_append_new(n, count(all.n[i]));
    for (int i = 0; i < HIST_BUCKETS - 1; i++)
        json_array_append_new(bounds, json_real(hist_bound_us[i] / US_PER_MS_F));
    return json_pack("{s:o, s:o}", "bounds_ms", bounds, "n", n);
}

static json_t *brief_tiers_json(const struct load *l, const struct scaler_service_stats *s)
{
    json_t *o = json_object();

    for (int t = 0; t < N_TIERS; t++)
        json_object_set_new(
            o, tier_name[t],
            json_pack("{s:o, s:I, s:I, s:I, s:I}", "admitted", count(l->tier[t].admitted),
                      "inflight", (json_int_t)l->tier[t].inflight, "ready",
                      (json_int_t)s->ready[t], "actual", (json_int_t)s->actual[t], "wanted",
                      (json_int_t)s->wanted[t]));
    return o;
}

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *scaling_json(const struct scaler_service_stats *s)
{
    bool forecast = s->degraded < 2;

    return json_pack("{s:s, s:I, s:b, s:o, s:o, s:o, s:I, s:I, s:o, s:o}", "mode",
                     plan_mode_name[s->mode], "degraded", (json_int_t)s->degraded,
                     "provider_ok", s->provider_ok, "rps", number(s->rps), "instance_rps",
                     number(s->capacity_rps), "utilization",
                     number(s->resource_utilization), "plans", (json_int_t)s->plans,
                     "instance_failures", (json_int_t)s->instance_failures,
                     "forecast_5m_rps", number(forecast ? s->forecast_rps[0] : NAN),
                     "forecast_30m_rps", number(forecast ? s->forecast_rps[1] : NAN));
}

struct json_t *figures_brief(struct wire *w, const struct cfg_service *s)
{
    struct scaler_service_stats plan = {0};
    json_t *o = json_object();
    struct load l;

    proxy_load_mt(w->proxy, s->index, &l);
    scaler_stats_mt(w->scaler, s->index, &plan);
    json_object_set_new(o, "name", json_string(s->name));
    add_counts(o, &l);
    json_object_set_new(o, "queued", json_integer(l.queued));
    json_object_set_new(o, "errors", errors_json(&l));
    json_object_set_new(o, "responses", responses_json(&l));
    json_object_set_new(o, "latency", buckets_json(&l));
    json_object_set_new(o, "tiers", brief_tiers_json(&l, &plan));
    json_object_set_new(o, "plan", scaling_json(&plan));
    return o;
}

/* ---- pools ---- */

static const char *health_name(enum backend_health h)
{
    static const char *const names[] = {
        [BACKEND_UNKNOWN] = "unknown", [BACKEND_UP] = "up", [BACKEND_DOWN] = "down"};

    return names[h];
}

static json_t *backend_json(const struct backend_view *v)
{
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:b}", "address", v->addr.text, "id", v->id, "state",
        census_state_name[census_state_of(v)], "health", health_name(v->health), "admin",
        v->admin == BACKEND_READY ? "ready" : "drain", "ejected", v->ejected);

    json_object_update_new(
        o, json_pack(
               "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "inflight",
               (json_int_t)v->inflight, "max_requests", (json_int_t)v->max_requests,
               "connections", (json_int_t)v->connections, "idle", (json_int_t)v->idle,
               "weight", (json_int_t)v->weight, "requests", (json_int_t)v->requests,
               "failures", (json_int_t)v->failures, "ejections", (json_int_t)v->ejections,
               "latency_ms", v->ewma_us / US_PER_MS_F, "up_s",
               v->up_since != 0 ? (double)(clock_mono() - v->up_since) / US_PER_S_F : 0.0));
    return o;
}

static json_t *backends_json(const struct census *t)
{
    json_t *a = json_array();

    for (size_t i = 0; i < t->n; i++)
        json_array_append_new(a, backend_json(&t->views[i]));
    return a;
}

static json_t *states_json(const struct census *t)
{
    json_t *o = json_object();

    for (int s = 0; s < N_CENSUS_STATES; s++)
        json_object_set_new(o, census_state_name[s], count(t->in_state[s]));
    return o;
}

struct json_t *figures_pool(struct wire *w, const struct cfg_service *s, enum tier tier)
{
    struct scaler_service_stats sc = {0};
    struct census t;
    json_t *o;

    census_take(w->proxy, s->index, tier, &t);
    scaler_stats_mt(w->scaler, s->index, &sc);
    o = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "service", s->name,
                  "tier", tier_name[tier], "provider", s->pools[tier].provider, "min",
                  (json_int_t)s->pools[tier].min, "max", (json_int_t)s->pools[tier].max,
                  "wanted", (json_int_t)sc.wanted[tier], "actual",
                  (json_int_t)sc.actual[tier], "states", states_json(&t), "backends",
                  backends_json(&t));
    census_fini(&t);
    return o;
}
