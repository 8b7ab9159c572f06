/* Mirrors conf/cfg_origin.c. */
#include "conf/cfg_origin.h"

#include "tests/unit/conf/loading.h"

Test(cfg_origin, a_loaded_configuration_knows_where_it_was_written)
{
    struct cfg *c = loading_good(LOADING_GOOD "log: { level: warn }\n");
    struct cfg_at at = cfg_origin_at(c, &c->log_level, c);

    cr_expect_str_eq(at.file, "t");
    cr_expect(at.line == 4 && at.col == 15, "%u:%u", at.line, at.col);
    cfg_unref(c);
}

Test(cfg_origin, what_was_not_written_is_where_the_object_around_it_is)
{
    struct cfg *c = loading_good(LOADING_GOOD);
    struct cfg_listener *l = &c->listeners[0];
    struct cfg_at at = cfg_origin_at(c, &l->backlog, l);

    cr_expect(at.line == 1 && at.col == 14, "%u:%u", at.line, at.col);
    cr_expect_eq(cfg_origin_at(c, &c->drain_timeout_ms, c).line, 0);
    cfg_unref(c);
}

Test(cfg_origin, one_that_was_read_from_nothing_has_no_place)
{
    struct cfg c = {.file = NULL};

    cr_expect_eq(cfg_origin_at(&c, &c.workers, &c).line, 0);
    cr_expect_str_eq(cfg_origin_at(&c, &c.workers, &c).file, "");
}

Test(cfg_origin, a_route_keeps_its_place_though_it_is_sorted)
{
    struct cfg *c =
        loading_good("listeners: 127.0.0.1:80\n"
                     "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
                     "routes:\n"
                     "  - { path: /, service: s }\n"
                     "  - { path: /long, service: s }\n");

    cr_expect_eq(cfg_origin_at(c, &c->routes[0].path, &c->routes[0]).line, 5);
    cr_expect_eq(cfg_origin_at(c, &c->routes[1].path, &c->routes[1]).line, 4);
    cfg_unref(c);
}
