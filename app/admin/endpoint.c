#include "app/admin/endpoint.h"

#include <stdbool.h>
#include <string.h>

#include "app/admin/change.h"
#include "app/admin/overview.h"
#include "app/admin/page.h"
#include "app/admin/scrape.h"
#include "app/admin/show.h"
#include "base/check.h"

static const struct endpoint endpoints[] = {
    {"/", page_show, NULL, "the live page"},
    {"/healthz", show_healthz, NULL, "200 while the process is alive"},
    {"/readyz", show_readyz, NULL,
     "200 when requests are taken; 503 before, and while draining"},
    {"/metrics", scrape_show, NULL, "all figures as Prometheus reads them"},
    {"/api/v1/overview", overview_show, NULL, "what the page shows, in one answer"},
    {"/api/v1/services", show_services, NULL, "what was asked of each service"},
    {"/api/v1/pools", show_pools, NULL, "pools and their backends"},
    {"/api/v1/routes", show_routes, NULL, "routes, most specific first"},
    {"/api/v1/listeners", show_listeners, NULL, "listeners and connections"},
    {"/api/v1/config", show_config, NULL, "the effective configuration, secrets redacted"},
    {"/api/v1/version", show_version, NULL, "version, build, start, clocks"},
    {"/api/v1/forecast", show_forecast, NULL, "demand, its history and forecasts"},
    {"/api/v1/decisions", show_decisions, NULL, "plans with reasons, newest first"},
    {"/api/v1/fleet", show_fleet, NULL, "instances of the providers"},
    {"/api/v1/users", show_users, NULL, "the busiest users"},
    {"/api/v1/users/", show_user, NULL, "one user, by key or identifier"},
    {"/api/v1/templates", show_templates, NULL, "learned resource templates"},
    {"/api/v1/reload", NULL, change_reload, "reads the configuration file again"},
    {"/api/v1/reopen_logs", NULL, change_reopen_logs, "opens the access logs again"},
    {"/api/v1/drain", NULL, change_drain, "drains a backend, or takes it back"},
    {"/api/v1/mode", NULL, change_mode, "what the scaler may do"},
};

static bool fits(const char *pattern, const char *path)
{
    size_t n = strlen(pattern);

    if (n > 1 && pattern[n - 1] == '/')
        return strncmp(pattern, path, n) == 0 && path[n] != 0;
    return strcmp(pattern, path) == 0;
}

const struct endpoint *endpoint_find(const char *path)
{
    for (size_t i = 0; i < N_ELEMS(endpoints); i++)
        if (fits(endpoints[i].path, path))
            return &endpoints[i];
    return NULL;
}

const struct endpoint *endpoint_list(size_t *n)
{
    *n = N_ELEMS(endpoints);
    return endpoints;
}
