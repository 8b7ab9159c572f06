/* Mirrors conf/cfg_load.c: whole configurations, from text to struct. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/check.h"
#include "conf/cfg_load.h"
#include "tests/unit/conf/loading.h"

static struct cfg *load_example(void)
{
    struct cfg_errors errs;
    struct cfg *c;
    int rc;

    cfg_errors_init(&errs);
    rc = cfg_load("conf/example.yaml", &c, &errs);
    cfg_errors_print(&errs, stderr);
    cfg_errors_fini(&errs);
    cr_assert_eq(rc, RC_OK);
    return c;
}

Test(cfg_load, the_example_of_the_manual_works_as_printed)
{
    struct cfg *c = load_example();
    const struct cfg_service *s = cfg_service_find(c, "shop");

    cr_assert_eq(c->n_listeners, 1);
    cr_expect_str_eq(c->listeners[0].bind.text, "0.0.0.0:8080");
    cr_assert_not_null(s);
    cr_assert_eq(s->pools[TIER_BASELINE].n_backends, 1);
    cr_expect_str_eq(s->pools[TIER_BASELINE].backends[0].addr.text, "127.0.0.1:9001");
    cr_expect_str_eq(s->pools[TIER_PREDICTIVE].provider, "local");
    cr_expect_eq(s->pools[TIER_PREDICTIVE].max, 8);
    cr_expect_eq(s->pools[TIER_BURST].reserve, 1);
    cr_expect_eq(s->pools[TIER_BURST].max, 4);
    cr_expect_str_eq(s->local.command, "./app --port {port}");
    cr_expect_str_eq(s->local.ready, "/healthz");
    cr_assert_eq(c->n_routes, 1);
    cr_expect_str_eq(c->routes[0].path, "/");
    cr_expect_eq(c->routes[0].service, s->index);
    cr_expect(c->admin.enabled);
    cr_expect_str_eq(c->admin.bind.text, "127.0.0.1:9900");
    cfg_unref(c);
}

Test(cfg_load, routes_are_in_the_order_in_which_they_are_tried)
{
    struct cfg *c = loading_good("listeners: 127.0.0.1:80\n"
                                 "services:\n"
                                 "  a: { pools: { baseline: { backends: 127.0.0.1:1 } } }\n"
                                 "  b: { pools: { baseline: { backends: 127.0.0.1:2 } } }\n"
                                 "routes:\n"
                                 "  - { path: /, service: a }\n"
                                 "  - { path: /api/v1/, service: b }\n"
                                 "  - { host: X.example, service: b }\n"
                                 "  - { host: x.example, path: /api, service: a }\n"
                                 "  - { path: /api, service: a }\n");
    static const struct {
        const char *host, *path, *service;
    } want[] = {
        {"x.example", "/api", "a"}, {"x.example", "/", "b"}, {"", "/api/v1", "b"},
        {"", "/api", "a"},          {"", "/", "a"},
    };

    cr_assert_eq(c->n_routes, N_ELEMS(want));
    for (size_t i = 0; i < N_ELEMS(want); i++) {
        const struct cfg_route *r = &c->routes[i];

        cr_expect_str_eq(r->host, want[i].host);
        cr_expect_str_eq(r->path, want[i].path);
        cr_expect_str_eq(c->services[r->service].name, want[i].service);
        cr_expect_eq(r->index, i);
    }
    cfg_unref(c);
}

Test(cfg_load, what_is_computed_is_filled_in)
{
    struct cfg *c = loading_good(LOADING_GOOD);

    cr_expect_gt(c->workers, 0);
    cr_expect_str_eq(c->listeners[0].name, "127.0.0.1:8080");
    cr_expect_not(c->services[0].health.enabled);
    cr_expect_not(c->admin.enabled);
    cr_expect_eq(c->services[0].index, 0);
    cfg_unref(c);
}

Test(cfg_load, what_probes_ask_is_the_most_particular_of_what_is_given)
{
    struct cfg *c = loading_good(
        "listeners: 127.0.0.1:80\n"
        "defaults: { service: { health: /up, pools: { baseline: { protocol: h2 } } } }\n"
        "services:\n"
        "  a: { pools: { baseline: { backends: 127.0.0.1:1 } } }\n"
        "  b: { pools: { baseline: { backends: 127.0.0.1:2 } }, health: { grpc: '' } }\n"
        "  c: { pools: { baseline: { backends: 127.0.0.1:3 } }, health: { tcp: true } }\n"
        "  d: { pools: { baseline: { backends: 127.0.0.1:4 } }, health: { grpc: off } }\n"
        "routes: { service: a }\n");

    cr_expect_eq(c->services[0].health.kind, CFG_HEALTH_HTTP);
    cr_expect_eq(c->services[1].health.kind, CFG_HEALTH_GRPC);
    cr_expect_str_eq(c->services[1].health.grpc, "");
    cr_expect_eq(c->services[2].health.kind, CFG_HEALTH_TCP);
    cr_expect_eq(c->services[3].health.kind, CFG_HEALTH_HTTP);
    for (size_t i = 0; i < c->n_services; i++)
        cr_expect(c->services[i].health.enabled);
    cfg_unref(c);
}

Test(cfg_load, a_connection_or_grpc_is_probed_without_a_path)
{
    struct cfg *c = loading_good(
        "listeners: 127.0.0.1:80\n"
        "services:\n"
        "  a: { pools: { baseline: { backends: 127.0.0.1:1, protocol: h2 } }, health: { "
        "grpc: a "
        "} }\n"
        "  b: { pools: { baseline: { backends: 127.0.0.1:2 } }, health: { tcp: true } }\n"
        "  c: { pools: { baseline: { backends: 127.0.0.1:3 } }, health: { tcp: true, "
        "enabled: "
        "false } }\n"
        "routes: { service: a }\n");

    cr_expect(c->services[0].health.enabled);
    cr_expect(c->services[1].health.enabled);
    cr_expect_not(c->services[2].health.enabled);
    cfg_unref(c);
}

Test(cfg_load, probing_needs_a_path_and_can_be_switched_off)
{
    struct cfg *c = loading_good("listeners: 127.0.0.1:80\n"
                                 "defaults: { service: { health: /up } }\n"
                                 "services:\n"
                                 "  a: { pools: { baseline: { backends: 127.0.0.1:1 } } }\n"
                                 "  b: { pools: { baseline: { backends: 127.0.0.1:2 } },\n"
                                 "       health: { enabled: false } }\n"
                                 "routes: { service: a }\n");

    cr_expect(c->services[0].health.enabled);
    cr_expect_not(c->services[1].health.enabled);
    cfg_unref(c);
}
