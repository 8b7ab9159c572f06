/* Mirrors base/hist.c. */
#include <criterion/criterion.h>

#include "base/hist.h"

Test(hist, a_value_on_a_bound_belongs_below_it)
{
    struct hist h = {0};
    struct hist_view v;

    hist_add(&h, 500);
    hist_add(&h, 501);
    hist_add(&h, 20000000);
    hist_read(&h, &v);
    cr_expect_eq(v.n[0], 1u);
    cr_expect_eq(v.n[1], 1u);
    cr_expect_eq(v.n[HIST_BUCKETS - 1], 1u);
    cr_expect_eq(v.sum_us, 20001001u);
    cr_expect_eq(hist_count(&v), 3u);
}

Test(hist, quantiles_are_linear_inside_a_bucket)
{
    struct hist h = {0};
    struct hist_view v;

    for (int i = 0; i < 100; i++)
        hist_add(&h, 2000); /* between 1000 and 2500 */
    hist_read(&h, &v);
    cr_expect_float_eq(hist_quantile_us(&v, .5), 1750, 1e-6);
    cr_expect_float_eq(hist_quantile_us(&v, 1), 2500, 1e-6);
}

Test(hist, an_empty_histogram_has_no_quantile)
{
    struct hist_view v = {0};

    cr_expect_eq(hist_quantile_us(&v, .99), 0);
}

Test(hist, views_add_up)
{
    struct hist_view a = {.n = {1, 2}, .sum_us = 10}, b = {.n = {3, 0, 5}, .sum_us = 5};

    hist_sum(&a, &b);
    cr_expect_eq(a.n[0], 4u);
    cr_expect_eq(a.n[1], 2u);
    cr_expect_eq(a.n[2], 5u);
    cr_expect_eq(a.sum_us, 15u);
}
