#include <criterion/criterion.h>

#include "proxy/balance.h"

#define T0 ((mono_us)1000 * US_PER_S)

Test(balance, slow_start_goes_from_a_tenth_to_the_whole)
{
    cr_expect_float_eq(balance_ramp(10000, T0, T0), 0.1, 1e-9);
    cr_expect_float_eq(balance_ramp(10000, T0, T0 + 5 * US_PER_S), 0.55, 1e-9);
    cr_expect_float_eq(balance_ramp(10000, T0, T0 + 10 * US_PER_S), 1, 1e-9);
    cr_expect_float_eq(balance_ramp(10000, T0, T0 + 99 * US_PER_S), 1, 1e-9);
}

Test(balance, a_worker_whose_clock_is_behind_sees_the_start_of_the_ramp)
{
    cr_assert_float_eq(balance_ramp(10000, T0, T0 - 500), 0.1, 1e-9);
}

Test(balance, without_slow_start_the_whole_weight_is_there_at_once)
{
    cr_assert_float_eq(balance_ramp(0, T0, T0), 1, 1e-9);
}

Test(balance, the_average_jumps_to_a_peak)
{
    cr_assert_float_eq(balance_observe(1000, T0, 50000, T0 + 1), 50000, 1e-9);
}

Test(balance, the_average_comes_down_slowly)
{
    /* exp(-1) of 50 ms after ten seconds, and the rest of 1 ms */
    double e = 0.36787944117144233;

    cr_assert_float_eq(balance_observe(50000, T0, 1000, T0 + 10 * US_PER_S),
                       50000 * e + 1000 * (1 - e), 1e-6);
}

Test(balance, a_measurement_at_the_same_moment_keeps_the_higher)
{
    cr_assert_float_eq(balance_observe(50000, T0, 1000, T0), 50000, 1e-9);
}

Test(balance, without_traffic_an_average_fades)
{
    cr_expect_float_eq(balance_decay(50000, T0, T0), 50000, 1e-9);
    cr_expect_float_eq(balance_decay(50000, T0, T0 + 10 * US_PER_S), 18393.972, 1e-3);
    cr_expect_float_eq(balance_decay(50000, T0, T0 - 1), 50000, 1e-9);
}

Test(balance, an_average_fades_without_a_step_where_the_formula_changes)
{
    cr_expect_float_eq(balance_decay(1e6, T0, T0 + 9999), 999000.6, 1);
    cr_expect_float_eq(balance_decay(1e6, T0, T0 + 10001), 999000.4, 1);
}

Test(balance, of_two_idle_ones_the_faster_is_preferred)
{
    struct balance_side slow = {2000, 0, 1}, fast = {1000, 0, 1};

    cr_expect(balance_prefers(&slow, &fast));
    cr_expect_not(balance_prefers(&fast, &slow));
}

Test(balance, cost_is_latency_times_the_work_there)
{
    struct balance_side slow = {3000, 1, 1}, fast = {1000, 4, 1}; /* 6000 and 5000 */

    cr_expect(balance_prefers(&slow, &fast));
    fast.inflight = 6; /* 7000 */
    cr_expect(balance_prefers(&fast, &slow));
}

Test(balance, equal_cost_is_no_preference)
{
    struct balance_side a = {1000, 3, 1}, b = {2000, 1, 1};

    cr_expect_not(balance_prefers(&a, &b));
    cr_expect_not(balance_prefers(&b, &a));
}

Test(balance, one_that_was_never_measured_is_compared_by_load)
{
    struct balance_side known = {1000, 2, 1}, fresh = {0, 1, 1};

    cr_expect(balance_prefers(&known, &fresh));
    fresh.inflight = 3;
    cr_expect(balance_prefers(&fresh, &known));
}

Test(balance, twice_the_weight_carries_twice_the_load)
{
    struct balance_side light = {1000, 10, 1}, heavy = {1000, 19, 2};

    cr_expect(balance_prefers(&light, &heavy));
    heavy.inflight = 21;
    cr_expect_not(balance_prefers(&light, &heavy));
}

Test(balance, two_draws_differ_and_all_pairs_are_equally_likely)
{
    unsigned seen[5][5] = {{0}};
    struct rng rng;

    rng_init(&rng, 1);
    for (int n = 0; n < 200000; n++) {
        uint32_t i, j;

        balance_two(&rng, 5, &i, &j);
        seen[i][j]++;
    }
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++)
            if (i == j)
                cr_expect_eq(seen[i][j], 0u);
            else
                cr_expect(seen[i][j] > 9500 && seen[i][j] < 10500, "%d %d: %u", i, j,
                          seen[i][j]);
}

Test(balance, of_one_there_is_one)
{
    uint32_t i = 9, j = 9;
    struct rng rng;

    rng_init(&rng, 1);
    balance_two(&rng, 1, &i, &j);
    cr_assert_eq(i, 0u);
    cr_assert_eq(j, 0u);
}
