#include "app/admin/show.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/admin/ask.h"
#include "app/admin/figures.h"
#include "app/admin/parts.h"
#include "app/admin/vitals.h"
#include "app/version.h"
#include "base/check.h"
#include "conf/cfg_json.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX     1000
#define USERS         "/api/v1/users/" /* an identifier follows, which may hold slashes */

/* ---- is it there ---- */

void show_healthz(const struct parts *p, struct ask *a)
{
    (void)p;
    ask_reply(a, 200, "text/plain; charset=utf-8", "ok\n", 3);
}

void show_readyz(const struct parts *p, struct ask *a)
{
    const char *why = vitals_not_ready(p->wire);

    if (why == NULL)
        ask_reply(a, 200, "text/plain; charset=utf-8", "ready\n", 6);
    else
        ask_reply_problem(a, 503, "%s", why);
}

/* ---- the data plane ---- */

/* False: `service` is given and there is none such; that was answered. */
static bool wanted_service(const struct cfg *cfg, struct ask *a,
                           const struct cfg_service **out)
{
    const char *name = ask_text(a, "service");

    *out = NULL;
    if (name[0] == 0)
        return true;
    *out = cfg_service_find(cfg, name);
    if (*out == NULL)
        ask_reply_problem(a, 404, "no service '%s'", name);
    return *out != NULL;
}

/* Appends what `add` makes of each wanted service to a list called `name`; answers. */
static void list_services(const struct parts *p, struct ask *a, const char *name,
                          void (*add)(struct wire *w, const struct cfg_service *s,
                                      json_t *list))
{
    struct cfg *cfg = proxy_cfg_mt(p->wire->proxy);
    const struct cfg_service *only;
    json_t *list = json_array();

    if (wanted_service(cfg, a, &only)) {
        for (size_t i = 0; i < cfg->n_services; i++)
            if (only == NULL || only == &cfg->services[i])
                add(p->wire, &cfg->services[i], list);
        ask_reply_json(a, 200, json_pack("{s:O}", name, list));
    }
    json_decref(list);
    cfg_unref(cfg);
}

static void add_service(struct wire *w, const struct cfg_service *s, json_t *list)
{
    json_array_append_new(list, figures_service(w, s));
}

void show_services(const struct parts *p, struct ask *a)
{
    list_services(p, a, "services", add_service);
}

static void add_pools(struct wire *w, const struct cfg_service *s, json_t *list)
{
    for (int t = 0; t < N_TIERS; t++)
        if (s->pools[t].present)
            json_array_append_new(list, figures_pool(w, s, (enum tier)t));
}

void show_pools(const struct parts *p, struct ask *a)
{
    list_services(p, a, "pools", add_pools);
}

void show_routes(const struct parts *p, struct ask *a)
{
    struct cfg *cfg = proxy_cfg_mt(p->wire->proxy);
    json_t *list = json_array();

    for (size_t i = 0; i < cfg->n_routes; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "host", cfg->routes[i].host,
                                        "path", cfg->routes[i].path, "service",
                                        cfg->services[cfg->routes[i].service].name));
    cfg_unref(cfg);
    ask_reply_json(a, 200, json_pack("{s:o}", "routes", list));
}

void show_listeners(const struct parts *p, struct ask *a)
{
    struct cfg *cfg = proxy_cfg_mt(p->wire->proxy);
    json_t *list = json_array();

    for (size_t i = 0; i < cfg->n_listeners; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:I}", "name", cfg->listeners[i].name, "bind",
                            cfg->listeners[i].bind.text, "max_connections",
                            (json_int_t)cfg->listeners[i].max_connections));
    cfg_unref(cfg);
    ask_reply_json(
        a, 200,
        json_pack("{s:o, s:o}", "listeners", list, "process", vitals_process(p->wire)));
}

void show_config(const struct parts *p, struct ask *a)
{
    struct cfg *cfg = proxy_cfg_mt(p->wire->proxy);

    ask_reply_json(a, 200, cfg_json(cfg));
    cfg_unref(cfg);
}

/* Lines of the build report, without their ends. */
static json_t *build_json(void)
{
    char *text = NULL, *rest, *line;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    json_t *list = json_array();

    CHECK(to != NULL);
    version_print_build(to);
    CHECK(fclose(to) == 0);
    rest = text;
    while ((line = strsep(&rest, "\n")) != NULL)
        if (line[0] != 0)
            json_array_append_new(list, json_string(line));
    free(text);
    return list;
}

void show_version(const struct parts *p, struct ask *a)
{
    json_t *o = vitals_state(p);

    json_object_set_new(o, "build", build_json());
    ask_reply_json(a, 200, o);
}

/* ---- the scaler ---- */

/* False: `limit` is no such number; that was answered. */
static bool wanted_limit(struct ask *a, long *out)
{
    if (ask_number(a, "limit", LIMIT_DEFAULT, LIMIT_MAX, out) == RC_OK)
        return true;
    ask_reply_problem(a, 400, "limit is a number from 1 to %d", LIMIT_MAX);
    return false;
}

void show_forecast(const struct parts *p, struct ask *a)
{
    ask_reply_json(a, 200, scaler_forecast_json_mt(p->wire->scaler));
}

void show_decisions(const struct parts *p, struct ask *a)
{
    struct cfg *cfg = proxy_cfg_mt(p->wire->proxy);
    const struct cfg_service *only;
    long limit;

    if (wanted_service(cfg, a, &only) && wanted_limit(a, &limit))
        ask_reply_json(a, 200,
                       scaler_decisions_json_mt(p->wire->scaler, ask_text(a, "service"),
                                                (size_t)limit));
    cfg_unref(cfg);
}

void show_fleet(const struct parts *p, struct ask *a)
{
    ask_reply_json(a, 200, scaler_fleet_json_mt(p->wire->scaler));
}

/* ---- the profiler ---- */

/* NULL: it is switched off; that was answered. */
static struct profiler *profiler_of(const struct parts *p, struct ask *a)
{
    if (p->wire->profiler == NULL)
        ask_reply_problem(a, 404, "the profiler is switched off");
    return p->wire->profiler;
}

void show_users(const struct parts *p, struct ask *a)
{
    struct profiler *pr = profiler_of(p, a);
    long limit;

    if (pr != NULL && wanted_limit(a, &limit))
        ask_reply_json(
            a, 200, json_pack("{s:o}", "users", profiler_users_json_mt(pr, (size_t)limit)));
}

void show_user(const struct parts *p, struct ask *a)
{
    const char *id = ask_path(a) + strlen(USERS);
    struct profiler *pr = profiler_of(p, a);
    json_t *user;

    if (pr == NULL)
        return;
    user = profiler_user_json_mt(pr, id);
    if (user != NULL)
        ask_reply_json(a, 200, user);
    else
        ask_reply_problem(a, 404, "no such user");
}

void show_templates(const struct parts *p, struct ask *a)
{
    struct profiler *pr = profiler_of(p, a);
    struct cfg *cfg = proxy_cfg_mt(p->wire->proxy);
    const struct cfg_service *only;
    json_t *all = json_object();

    if (pr != NULL && wanted_service(cfg, a, &only)) {
        for (size_t i = 0; i < cfg->n_services; i++)
            if (only == NULL || only == &cfg->services[i])
                json_object_set_new(all, cfg->services[i].name,
                                    profiler_templates_json_mt(pr, (uint16_t)i));
        ask_reply_json(a, 200, json_pack("{s:O}", "services", all));
    }
    json_decref(all);
    cfg_unref(cfg);
}
