/* Mirrors conf/cfg_load.c: whole configurations, from text to struct. */
#include <criterion/criterion.h>
#include <string.h>

#include "conf/cfg_load.h"

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
