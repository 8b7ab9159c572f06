#include "app/admin/scrape.h"

#include <stdlib.h>

#include "app/admin/ask.h"
#include "app/admin/census.h"
#include "app/admin/metric_table.h"
#include "app/admin/parts.h"
#include "app/admin/vitals.h"
#include "app/version.h"
#include "base/check.h"
#include "base/mem.h"
#include "scaler/plan.h"

#define US_PER_S_F   1e6
#define MS_PER_S_F   1e3
#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum scope {
#define X(sym, labels) SCOPE_##sym,
    METRIC_SCOPES(X)
#undef X
};

/* ---- what is read, once a scrape ---- */

struct seen_service {
    const struct cfg_service *cfg;
    struct load load;
    struct stats_edge edge;
    struct scaler_service_stats plan;
    struct census pools[N_TIERS];
};

struct reading {
    struct cfg *cfg; /* a reference */
    struct proxy_totals totals;
    struct profiler_stats users;
    bool profiled;
    double start_s, up_s, virtual_s, clock_speed, reload_s;
    uint64_t reloads, main_slow_turns;
    bool reload_ok, store_ok;
    size_t n_logs;
    struct access_place *logs;
    size_t n_services;
    struct seen_service *services;
};

/* Where a sample is taken.  Set as far as the scope of the metric goes. */
struct place {
    const struct reading *in;
    const struct access_place *log;
    const struct load *load;
    const struct stats_edge *edge;
    const struct scaler_service_stats *plan;
    double wait_s;
    int tier;
    const struct load_tier *tier_load;
    const struct census *pool;
    const struct backend_view *backend;
    int i; /* of the reason, code, horizon, mode or state */
};

static void read_service(struct wire *w, const struct cfg_service *cfg,
                         struct seen_service *s)
{
    s->cfg = cfg;
    proxy_load_mt(w->proxy, cfg->index, &s->load);
    proxy_edge_mt(w->proxy, cfg->index, &s->edge);
    scaler_stats_mt(w->scaler, cfg->index, &s->plan);
    for (int t = 0; t < N_TIERS; t++)
        if (cfg->pools[t].present)
            census_take(w->proxy, cfg->index, (enum tier)t, &s->pools[t]);
}

static void read_clocks(const struct parts *p, struct reading *r)
{
    r->start_s = (double)p->started / MS_PER_S_F;
    r->up_s = (double)(clock_mono() - p->wire->started) / US_PER_S_F;
    r->virtual_s = (double)clock_virtual() / MS_PER_S_F;
    r->clock_speed = clock_speed();
    r->reload_s = (double)p->wire->reload_at / MS_PER_S_F;
}

static void read_all(const struct parts *p, struct reading *r)
{
    struct wire *w = p->wire;

    *r = (struct reading){.cfg = proxy_cfg_mt(w->proxy)};
    read_clocks(p, r);
    proxy_totals_mt(w->proxy, &r->totals);
    r->profiled = w->profiler != NULL;
    if (r->profiled)
        profiler_stats_mt(w->profiler, &r->users);
    r->store_ok = vitals_store_ok(w);
    r->reloads = w->reloads;
    r->reload_ok = w->reload_ok;
    r->main_slow_turns = loop_slow_turns_mt(w->loop);
    r->n_logs = proxy_logs_mt(w->proxy, &r->logs);
    r->n_services = r->cfg->n_services;
    r->services = MEM_NEW_N(struct seen_service, r->n_services);
    for (size_t i = 0; i < r->n_services; i++)
        read_service(w, &r->cfg->services[i], &r->services[i]);
}

static void reading_fini(struct reading *r)
{
    for (size_t i = 0; i < r->n_services; i++)
        for (int t = 0; t < N_TIERS; t++)
            census_fini(&r->services[i].pools[t]);
    free(r->services);
    free(r->logs);
    cfg_unref(r->cfg);
}

/* ---- the table as code ---- */

struct metric {
    enum scope scope;
    enum metrics_type type;
    const char *name, *help;
    void (*sample)(struct metrics *out, const char *name, const struct metrics_labels *l,
                   const struct place *p);
};

#define SAMPLE_GAUGE(v)     metrics_sample(out, name, l, (double)(v))
#define SAMPLE_COUNTER(v)   metrics_sample(out, name, l, (double)(v))
#define SAMPLE_HISTOGRAM(v) metrics_hist(out, name, l, &(v))

#define X(scope, metric, type, help, value)                                                \
    static void sample_##metric(struct metrics *out, const char *name,                     \
                                const struct metrics_labels *l, const struct place *p)     \
    {                                                                                      \
        (void)p;                                                                           \
        SAMPLE_##type(value);                                                              \
    }
METRIC_TABLE(X)
#undef X

static const struct metric metrics[] = {
#define X(scope, metric, type, help, value)                                                \
    {SCOPE_##scope, METRICS_##type, METRIC_NAME(metric), help, sample_##metric},
    METRIC_TABLE(X)
#undef X
};

/* ---- the places of each scope ---- */

struct pen {
    struct metrics *out;
    const struct metric *m;
};

static void write_at(const struct pen *pen, const struct metrics_labels *l,
                     const struct place *p)
{
    pen->m->sample(pen->out, pen->m->name, l, p);
}

/* A sample for each name of a fixed list, which becomes the value of one more label. */
static void write_each(const struct pen *pen, struct metrics_labels l, struct place p,
                       const char *label, const char *const *names, int n)
{
    metrics_label_add(&l, label, "");
    for (p.i = 0; p.i < n; p.i++) {
        l.list[l.n - 1].value = names[p.i];
        write_at(pen, &l, &p);
    }
}

static void write_backends(const struct pen *pen, struct metrics_labels l, struct place p)
{
    metrics_label_add(&l, "backend", "");
    for (size_t i = 0; i < p.pool->n; i++) {
        p.backend = &p.pool->views[i];
        l.list[l.n - 1].value = p.backend->addr.text;
        write_at(pen, &l, &p);
    }
}

/* `l` has the service and the tier. */
static void write_tier(const struct pen *pen, struct metrics_labels l, struct place p)
{
    if (pen->m->scope == SCOPE_STATE)
        write_each(pen, l, p, "state", census_state_name, N_CENSUS_STATES);
    else if (pen->m->scope == SCOPE_BACKEND)
        write_backends(pen, l, p);
    else
        write_at(pen, &l, &p);
}

static void write_tiers(const struct pen *pen, struct metrics_labels l, struct place p,
                        const struct seen_service *s)
{
    metrics_label_add(&l, "tier", "");
    for (p.tier = 0; p.tier < N_TIERS; p.tier++) {
        if (!s->cfg->pools[p.tier].present)
            continue;
        p.tier_load = &s->load.tier[p.tier];
        p.pool = &s->pools[p.tier];
        l.list[l.n - 1].value = tier_name[p.tier];
        write_tier(pen, l, p);
    }
}

/* `l` has the service. */
static void write_service(const struct pen *pen, struct metrics_labels l, struct place p,
                          const struct seen_service *s)
{
    static const char *const codes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    static const char *const horizons[] = {"5m", "30m", "24h"};

    if (pen->m->scope == SCOPE_SERVICE)
        write_at(pen, &l, &p);
    else if (pen->m->scope == SCOPE_CODE)
        write_each(pen, l, p, "code", codes, N_ELEMS(codes));
    else if (pen->m->scope == SCOPE_ERROR)
        write_each(pen, l, p, "reason", load_error_name, N_LOAD_ERRORS);
    else if (pen->m->scope == SCOPE_DENIAL)
        write_each(pen, l, p, "reason", stats_denial_name, N_DENIALS);
    else if (pen->m->scope == SCOPE_CODING)
        write_each(pen, l, p, "algorithm", stats_coding_name, N_CODINGS);
    else if (pen->m->scope == SCOPE_BYPASS)
        write_each(pen, l, p, "reason", stats_bypass_name, N_BYPASSES);
    else if (pen->m->scope == SCOPE_MIRROR)
        write_each(pen, l, p, "outcome", stats_mirror_name, N_MIRRORS);
    else if (pen->m->scope == SCOPE_HORIZON)
        write_each(pen, l, p, "horizon", horizons, N_ELEMS(horizons));
    else if (pen->m->scope == SCOPE_MODE)
        write_each(pen, l, p, "mode", plan_mode_name, N_ELEMS(plan_mode_name));
    else
        write_tiers(pen, l, p, s);
}

static double waited_s(const struct load *l)
{
    return l->oldest_wait != 0 ? (double)(clock_mono() - l->oldest_wait) / US_PER_S_F : 0;
}

static void write_services(const struct pen *pen, struct metrics_labels l, struct place p)
{
    metrics_label_add(&l, "service", "");
    for (size_t i = 0; i < p.in->n_services; i++) {
        const struct seen_service *s = &p.in->services[i];

        p.load = &s->load;
        p.edge = &s->edge;
        p.plan = &s->plan;
        p.wait_s = waited_s(&s->load);
        l.list[0].value = s->cfg->name;
        write_service(pen, l, p, s);
    }
}

static void write_logs(const struct pen *pen, struct metrics_labels l, struct place p)
{
    metrics_label_add(&l, "log", "");
    for (size_t i = 0; i < p.in->n_logs; i++) {
        p.log = &p.in->logs[i];
        l.list[0].value = p.log->path;
        write_at(pen, &l, &p);
    }
}

static void write_family(const struct pen *pen, const struct place *p)
{
    struct metrics_labels l = {.n = 0};

    if ((pen->m->scope == SCOPE_PROFILER && !p->in->profiled) ||
        (pen->m->scope == SCOPE_LOG && p->in->n_logs == 0))
        return;
    metrics_family(pen->out, pen->m->name, pen->m->type, pen->m->help);
    if (pen->m->scope == SCOPE_PROCESS || pen->m->scope == SCOPE_PROFILER)
        write_at(pen, &l, p);
    else if (pen->m->scope == SCOPE_BUILD)
        write_each(pen, l, *p, "version", (const char *[]){version_text()}, 1);
    else if (pen->m->scope == SCOPE_REFUSAL)
        write_each(pen, l, *p, "reason", stats_refusal_name, N_REFUSALS);
    else if (pen->m->scope == SCOPE_LOG)
        write_logs(pen, l, *p);
    else if (pen->m->scope == SCOPE_TLS_FAULT)
        write_each(pen, l, *p, "reason", tls_io_fault_name, TLS_IO_N_FAULTS);
    else
        write_services(pen, l, *p);
}

void scrape_write(const struct parts *p, struct metrics *out)
{
    struct reading r;
    struct place at = {.in = &r};

    read_all(p, &r);
    for (size_t i = 0; i < N_ELEMS(metrics); i++)
        write_family(&(struct pen){out, &metrics[i]}, &at);
    reading_fini(&r);
}

void scrape_show(const struct parts *p, struct ask *a)
{
    struct metrics out = {0};

    scrape_write(p, &out);
    ask_reply(a, 200, CONTENT_TYPE, out.text, out.len);
    free(out.text);
}
