#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "proxy/route.h"

/* What nobody writes to may be a literal. */
#define ROUTE(h, p, i)                                                                     \
    {                                                                                      \
        .host = (char *)(h), .path = (char *)(p), .index = (i)                             \
    }

/* index is the place in the table */
static struct cfg_route routes[] = {
    ROUTE("", "/", 0),
    ROUTE("", "/api", 1),
    ROUTE("", "/api/v2", 2),
    ROUTE("", "/static/", 3),
    ROUTE("shop.example", "/api", 4),
    ROUTE("shop.example", "/cart", 5),
    ROUTE("other.example", "/", 6),
    ROUTE("shop.example", "/api", 7), /* the second of its kind */
};

/* Index of the route, or -1. */
static int find_in(const struct cfg_route *r, size_t n, const char *host, const char *path)
{
    struct route_index *x = route_index_new(r, n);
    const struct cfg_route *got =
        route_index_find(x, host, strlen(host), path, strlen(path));
    int index = got != NULL ? got->index : -1;

    route_index_free(x);
    return index;
}

static void expect(const char *host, const char *path, int index)
{
    int got = find_in(routes, N_ELEMS(routes), host, path);

    cr_expect_eq(got, index, "%s%s: route %d, expected %d", host, path, got, index);
}

Test(route, the_longest_prefix_holds)
{
    expect("", "/", 0);
    expect("", "/elsewhere", 0);
    expect("", "/api", 1);
    expect("", "/api/v1", 1);
    expect("", "/api/v2", 2);
    expect("", "/api/v2/users/7", 2);
}

Test(route, a_prefix_ends_at_a_segment)
{
    expect("", "/apis", 0);
    expect("", "/api/v22", 1);
    expect("", "/api/", 1);
}

Test(route, a_prefix_with_a_slash_holds_for_what_is_below)
{
    expect("", "/static/a.css", 3);
    expect("", "/static/", 3);
    expect("", "/static", 0);
}

Test(route, an_exact_host_comes_before_a_longer_prefix_for_any_host)
{
    expect("shop.example", "/api/v2", 4);
    expect("other.example", "/api/v2", 6);
}

Test(route, a_host_without_a_matching_prefix_falls_back_to_any_host)
{
    expect("shop.example", "/static/a.css", 3);
    expect("unknown.example", "/api", 1);
}

Test(route, host_and_path_do_not_run_into_each_other)
{
    struct cfg_route r[] = {ROUTE("a/b", "/c", 0)};

    cr_assert_eq(find_in(r, 1, "a", "/b/c"), -1);
}

Test(route, nothing_configured_matches_nothing)
{
    cr_assert_eq(find_in(routes, 0, "shop.example", "/"), -1);
    cr_assert_eq(find_in(&routes[1], 1, "", "/"), -1);
    cr_assert_eq(find_in(&routes[5], 1, "", "/cart"), -1);
}

Test(route, thousands_are_found_each)
{
    static char paths[3000][16], hosts[3000][24];
    static struct cfg_route many[3000];
    struct route_index *x;

    for (int i = 0; i < 3000; i++) {
        snprintf(paths[i], sizeof(paths[i]), "/p%d", i % 100);
        snprintf(hosts[i], sizeof(hosts[i]), "h%d.example", i / 100);
        many[i] = (struct cfg_route)ROUTE(hosts[i], paths[i], (uint16_t)i);
    }
    x = route_index_new(many, N_ELEMS(many));
    for (int i = 0; i < 3000; i++)
        cr_expect_eq(
            route_index_find(x, hosts[i], strlen(hosts[i]), paths[i], strlen(paths[i])),
            &many[i]);
    route_index_free(x);
}

Test(route, a_hostile_path_is_walked_no_further_than_the_longest_prefix)
{
    /* The walk would read behind the end if it followed path_len. */
    struct route_index *x = route_index_new(routes, N_ELEMS(routes));

    cr_assert_eq(route_index_find(x, "", 0, "/api/v2/x", 1 << 30)->index, 2);
    route_index_free(x);
}
