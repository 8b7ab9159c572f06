#include "app/admin/vitals.h"

#include <jansson.h>
#include <unistd.h>

#include "app/admin/ask.h"
#include "app/version.h"

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *refused_json(const struct proxy_totals *t)
{
    json_t *o = json_object();

    for (int i = 0; i < N_REFUSALS; i++)
        json_object_set_new(o, stats_refusal_name[i], count(t->refused[i]));
    return o;
}

struct json_t *vitals_process(struct wire *w)
{
    struct proxy_totals t;

    proxy_totals_mt(w->proxy, &t);
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "accepted",
        count(t.accepted), "requests", count(t.requests), "bytes_in", count(t.bytes_in),
        "bytes_out", count(t.bytes_out), "connections", (json_int_t)t.connections,
        "max_connections", (json_int_t)t.max_connections, "upstream_connections",
        (json_int_t)t.upstream_connections, "exchanges", (json_int_t)t.exchanges,
        "upstream_opened", count(t.upstream_opened), "upstream_reused",
        count(t.upstream_reused), "upstream_stale", count(t.upstream_stale), "slow_turns",
        count(t.slow_turns), "refused", refused_json(&t));
}

bool vitals_store_ok(const struct wire *w)
{
    struct scaler_service_stats plan;
    struct profiler_stats users;

    if (!w->kv_ok || (scaler_stats_mt(w->scaler, 0, &plan) && !plan.store_ok))
        return false;
    if (w->profiler == NULL)
        return true;
    profiler_stats_mt(w->profiler, &users);
    return users.store_ok;
}

const char *vitals_not_ready(const struct wire *w)
{
    if (w->leaving)
        return "draining";
    return proxy_settled(w->proxy) ? NULL : "backends are not known yet";
}

static json_t *clock_json(void)
{
    return json_pack("{s:I, s:f, s:I}", "now_ms", (json_int_t)clock_virtual(), "speed",
                     clock_speed(), "wall_ms", (json_int_t)clock_wall());
}

struct json_t *vitals_state(const struct parts *p)
{
    const struct wire *w = p->wire;
    const char *not_ready = vitals_not_ready(w);
    mono_us up = clock_mono() - w->started;
    json_t *reload =
        json_pack("{s:b, s:I, s:o}", "ok", w->reload_ok, "at_ms", (json_int_t)w->reload_at,
                  "error", ask_string(w->reload_error));

    return json_pack("{s:s, s:I, s:I, s:I, s:o, s:s, s:b, s:o}", "version", version_text(),
                     "started_ms", (json_int_t)p->started, "uptime_ms",
                     (json_int_t)(up / US_PER_MS), "pid", (json_int_t)getpid(), "clock",
                     clock_json(), "not_ready", not_ready != NULL ? not_ready : "",
                     "store_ok", vitals_store_ok(w), "reload", reload);
}

struct json_t *vitals_users(struct wire *w)
{
    struct profiler_stats s;

    if (w->profiler == NULL)
        return json_null();
    profiler_stats_mt(w->profiler, &s);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:f}", "users", count(s.users),
                     "active", count(s.active_users), "sessions", count(s.sessions),
                     "templates", count(s.templates), "observations", count(s.observations),
                     "dropped", count(s.dropped), "top1", s.top1, "guesses", s.tokens);
}
