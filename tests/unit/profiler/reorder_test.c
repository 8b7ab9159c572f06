#include "profiler/reorder.h"

#include <criterion/criterion.h>

#include "base/rng.h"

#define T0 1000000000000

struct got {
    wall_ms start[4096];
    uint64_t user[4096];
    size_t n;
};

static void note(void *ctx, const struct observation *o)
{
    struct got *g = ctx;

    g->start[g->n] = o->start;
    g->user[g->n++] = o->user;
}

static void put(struct reorder *r, wall_ms start, uint64_t user)
{
    struct observation o = {.start = start, .user = user};

    reorder_put(r, &o);
}

Test(reorder, they_come_out_as_they_began)
{
    static struct got g;
    struct reorder *r = reorder_new(2000, 10000, note, &g);
    struct rng rng;

    rng_init(&rng, 3);
    for (unsigned i = 0; i < 3000; i++) {
        put(r, T0 + i * 10 + rng_below(&rng, 1900), i);
        reorder_release(r, T0 + i * 10 - 2000);
    }
    reorder_release_all(r);
    cr_assert_eq(g.n, 3000);
    for (size_t i = 1; i < g.n; i++)
        cr_assert_geq(g.start[i], g.start[i - 1]);
    reorder_free(r);
}

Test(reorder, what_began_together_keeps_its_order)
{
    static struct got g;
    struct reorder *r = reorder_new(2000, 100, note, &g);

    for (uint64_t i = 0; i < 10; i++)
        put(r, T0, i);
    reorder_release_all(r);
    for (uint64_t i = 0; i < 10; i++)
        cr_expect_eq(g.user[i], i);
    reorder_free(r);
}

Test(reorder, nothing_comes_out_before_its_time)
{
    static struct got g;
    struct reorder *r = reorder_new(2000, 100, note, &g);

    cr_expect_eq(reorder_earliest(r), INT64_MAX);
    put(r, T0 + 100, 2);
    put(r, T0, 1);
    cr_expect_eq(reorder_earliest(r), T0);
    reorder_release(r, T0 - 1);
    cr_expect_eq(g.n, 0);
    reorder_release(r, T0 + 50);
    cr_expect_eq(g.n, 1);
    reorder_release(r, T0 + 5000);
    cr_expect_eq(g.n, 2);
    reorder_free(r);
}

Test(reorder, what_comes_too_late_comes_out_at_once)
{
    static struct got g;
    struct reorder *r = reorder_new(2000, 100, note, &g);

    put(r, T0, 1);
    reorder_release(r, T0 + 10000);
    put(r, T0 + 3000, 2);
    cr_expect(g.n == 2 && g.user[1] == 2);
    reorder_free(r);
}

Test(reorder, a_full_calendar_lets_the_oldest_go)
{
    static struct got g;
    struct reorder *r = reorder_new(2000, 10, note, &g);

    for (uint64_t i = 0; i < 30; i++)
        put(r, T0 + (wall_ms)(i * 7 % 30) * 20, i);
    cr_expect_geq(g.n, 20);
    reorder_release_all(r);
    cr_expect_eq(g.n, 30);
    reorder_free(r);
}

Test(reorder, a_leap_of_the_clock_loses_nothing)
{
    static struct got g;
    struct reorder *r = reorder_new(2000, 100, note, &g);

    put(r, T0, 1);
    put(r, T0 + 100000000, 2);
    put(r, T0 - 100000000, 3);
    put(r, T0 + 100000001, 4);
    reorder_release_all(r);
    cr_expect_eq(g.n, 4);
    cr_expect_eq(g.user[0], 1);
    reorder_free(r);
}

Test(reorder, a_long_window_has_coarser_buckets_but_the_same_order_between_them)
{
    static struct got g;
    struct reorder *r = reorder_new(120000, 1000, note, &g);

    for (uint64_t i = 0; i < 100; i++)
        put(r, T0 + (wall_ms)(i * 37 % 100) * 1000, i);
    reorder_release_all(r);
    for (size_t i = 1; i < g.n; i++)
        cr_expect_geq(g.start[i], g.start[i - 1]);
    reorder_free(r);
}

/* Round the end of the calendar, over words with and without something in them. */
Test(reorder, a_sparse_calendar_lets_all_out_in_order)
{
    static const wall_ms gap[] = {1, 63, 64, 65, 127, 700, 2047, 1, 1900, 4095, 2, 1999};
    static struct got g;
    static wall_ms start[512];
    struct reorder *r = reorder_new(2000, 100, note, &g);
    size_t n = 0, out = 0;
    wall_ms at = T0;

    for (size_t i = 0; i < 240; i++) {
        at += gap[i % 12];
        start[n++] = at - (wall_ms)(i % 12 % 2);
        put(r, start[n - 1], n);
        reorder_release(r, at - 2000);
        while (start[out] < at - 2000)
            out++;
        cr_expect_eq(reorder_earliest(r), start[out]);
        cr_expect_eq(g.n, out);
    }
    reorder_release_all(r);
    cr_assert_eq(g.n, n);
    for (size_t i = 0; i < n; i++)
        cr_expect_eq(g.start[i], start[i]);
    reorder_free(r);
}

Test(reorder, a_clock_that_begins_at_nothing_is_in_order_too)
{
    static struct got g;
    struct reorder *r = reorder_new(2000, 100, note, &g);

    put(r, 1, 2);
    put(r, -700, 1);
    cr_expect_eq(reorder_earliest(r), -700);
    reorder_release(r, 0);
    cr_expect(g.n == 1 && g.user[0] == 1);
    reorder_release_all(r);
    cr_expect(g.n == 2 && g.user[1] == 2);
    reorder_free(r);
}
