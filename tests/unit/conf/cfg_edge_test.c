/* Mirrors conf/cfg_edge.c: what follows from the settings of the edge. */
#include "conf/cfg_edge.h"

#include "base/check.h"
#include "tests/unit/conf/loading.h"

#define TWO                                                                                \
    "listeners: 127.0.0.1:80\n"                                                            \
    "services:\n"                                                                          \
    "  a: { pools: { baseline: { backends: 127.0.0.1:1 } }%s }\n"                          \
    "  b: { pools: { baseline: { backends: 127.0.0.1:1 } } }\n"                            \
    "routes:\n"                                                                            \
    "  - { path: /a/x, service: a }\n"                                                     \
    "  - { path: /a, service: a%s }\n"                                                     \
    "  - { path: /b, service: b }\n%s"

/* Routes come out as /a/x, /a, /b. */
static struct cfg *loaded(const char *service, const char *route, const char *top)
{
    char text[1024];

    snprintf(text, sizeof(text), TWO, service, route, top);
    return loading_good(text);
}

static const char *edged(const char *service, const char *route, const char *top)
{
    static char out[4];
    struct cfg *c = loaded(service, route, top);

    for (size_t i = 0; i < 3; i++)
        out[i] = c->routes[i].edged ? '1' : '0';
    cfg_unref(c);
    return out;
}

Test(cfg_edge, a_route_is_marked_when_there_is_something_to_do_for_it)
{
    static const struct {
        const char *service, *route, *top, *marks;
    } cases[] = {
        {"", "", "", "000"},
        {", compression: on", "", "", "110"},
        {", compression: on", ", compression: off", "", "100"},
        {"", ", compression: { }", "", "010"},
        {", deny: 10.0.0.0/8", "", "", "110"},
        {"", ", allow: 10.0.0.0/8", "", "010"},
        {"", ", rate_limit: 1/s", "", "010"},
        {"", ", mirror: b", "", "010"},
        {"", ", auth: { basic: 'a:b' }", "", "110"},
        {"", ", errors: { status: 404, file: a.html }", "", "000"},
        {"", ", errors: { status: 404, file: a.html, intercept: on }", "", "010"},
        {"", "", "errors: { status: 404, file: a.html, intercept: on }\n", "111"},
        {"", "", "defaults: { service: { compression: { } } }\n", "111"},
        {", compression: off", "", "defaults: { service: { compression: on } }\n", "001"},
        {"", "", "defaults: { service: { compression: off } }\n", "000"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++)
        cr_expect_str_eq(edged(cases[i].service, cases[i].route, cases[i].top),
                         cases[i].marks, "%s%s%s", cases[i].service, cases[i].route,
                         cases[i].top);
}

Test(cfg_edge, a_routes_compression_goes_in_place_of_its_services)
{
    struct cfg *c =
        loaded(", compression: { min_size: 5 }", ", compression: { br_level: 2 }", "");

    cr_expect_eq(cfg_edge_compression(c, &c->routes[0])->min_bytes, 5);
    cr_expect_eq(cfg_edge_compression(c, &c->routes[1])->min_bytes, 1024);
    cr_expect_eq(cfg_edge_compression(c, &c->routes[1])->level[CFG_CODING_BR], 2);
    cr_expect_null(cfg_edge_compression(c, &c->routes[2]));
    cfg_unref(c);
}

Test(cfg_edge, what_was_left_out_is_filled_in)
{
    struct cfg *c =
        loaded("",
               ", rate_limit: [ 2.5/s, 1/h ], errors: { status: 5xx, file: a.JSON }"
               ", auth: { jwt: { keys: k, forward: { sub: X-User } } }",
               "");
    const struct cfg_route *r = &c->routes[1];

    cr_expect_eq(r->edge.limits[0].burst, 3);
    cr_expect_eq(r->edge.limits[1].burst, 1);
    cr_expect_str_eq(r->edge.errors[0].content_type, "application/json");
    cr_expect_str_eq(r->auth.jwt.forward[0].header, "x-user");
    cr_expect_eq(r->auth.jwt.n_algorithms, 9);
    cr_expect_eq(r->edge.compression.n_types, 15);
    cfg_unref(c);
}
