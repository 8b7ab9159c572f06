#include <criterion/criterion.h>

#include "scaler/policy.h"

static struct policy_in in;
static struct policy_out out;

/* Three fixed backends, 0..10 predictive, 1..4 burst; an instance carries 10 requests/s. */
static void setup(void)
{
    in = (struct policy_in){
        .instance_rps = 10,
        .quantile = 0.9,
        .forecast_ok = true,
        .baseline_is = CFG_BASELINE_CARRIES,
        .tier[TIER_BASELINE] = {.fixed = 3, .ready = 3},
        .tier[TIER_PREDICTIVE] = {.max = 10},
        .tier[TIER_BURST] = {.min = 1, .max = 4, .reserve = 1, .ready = 1, .wanted = 1},
    };
}

TestSuite(policy, .init = setup);

static unsigned predictive(void)
{
    return out.tier[TIER_PREDICTIVE].wanted;
}

static void have_predictive(unsigned n)
{
    in.tier[TIER_PREDICTIVE].ready = in.tier[TIER_PREDICTIVE].wanted = n;
}

static bool limited(enum tier t, enum policy_limit l)
{
    return (out.tier[t].limits & 1u << l) != 0;
}

/* ---- threshold, the rule with numbers ---- */

Test(policy, threshold_carries_predicts_only_what_is_above_the_baseline)
{
    in.users_rps = 52; /* 5.2 instances, of which baseline carries 3 */
    policy_threshold(&in, &out);
    cr_expect_float_eq(out.required, 5.2, 1e-9);
    cr_expect_float_eq(out.current, 3, 1e-9);
    cr_expect_float_eq(out.total, 3 + 10 + 4, 1e-9);
    cr_expect_eq(predictive(), 3); /* up by 2.2, in whole instances */
    cr_expect_eq(out.tier[TIER_PREDICTIVE].rule, RULE_THRESHOLD_UP);
}

Test(policy, threshold_reserve_adds_the_baseline_to_the_whole_forecast)
{
    in.baseline_is = CFG_BASELINE_RESERVE;
    in.users_rps = 52;
    policy_threshold(&in, &out);
    cr_expect_float_eq(out.required, 5.2 + 3, 1e-9);
    cr_expect_eq(predictive(), 6); /* 8.2 needed, 3 are baseline */
}

Test(policy, threshold_carries_never_predicts_less_than_nothing)
{
    in.users_rps = 5;
    policy_threshold(&in, &out);
    cr_expect_float_eq(out.required, 3, 1e-9);
    cr_expect_eq(predictive(), 0);
}

Test(policy, threshold_reserve_asks_for_more_even_when_nobody_comes)
{
    in.baseline_is = CFG_BASELINE_RESERVE;
    in.users_rps = 5;
    policy_threshold(&in, &out);
    cr_expect_float_eq(out.required, 3.5, 1e-9);
    cr_expect_eq(predictive(), 1);
}

Test(policy, threshold_counts_what_is_starting_as_there)
{
    in.users_rps = 52;
    in.tier[TIER_PREDICTIVE].starting = in.tier[TIER_PREDICTIVE].wanted = 3;
    policy_threshold(&in, &out);
    cr_expect_float_eq(out.current, 6, 1e-9);
    cr_expect_eq(predictive(), 3);
    cr_expect_eq(out.tier[TIER_PREDICTIVE].rule, RULE_THRESHOLD_STAY);
}

Test(policy, threshold_stays_between_three_quarters_and_current)
{
    have_predictive(5); /* current 8, three quarters are 6 */
    in.users_rps = 60;
    policy_threshold(&in, &out);
    cr_expect_eq(predictive(), 5);
    in.users_rps = 59.9;
    policy_threshold(&in, &out);
    cr_expect_eq(predictive(), 3); /* 5.99 required */
    cr_expect_eq(out.tier[TIER_PREDICTIVE].rule, RULE_THRESHOLD_DOWN);
}

Test(policy, threshold_reserve_shrinks_to_the_sum)
{
    in.baseline_is = CFG_BASELINE_RESERVE;
    have_predictive(9); /* current 12, three quarters are 9 */
    in.users_rps = 25;
    policy_threshold(&in, &out);
    cr_expect_float_eq(out.required, 5.5, 1e-9);
    cr_expect_eq(predictive(), 3);
}

Test(policy, threshold_never_goes_below_the_present_need)
{
    have_predictive(7);
    in.users_rps = 10;
    in.now_rps = 71;
    policy_threshold(&in, &out);
    cr_expect_eq(predictive(), 5); /* 7.1 instances are at work */
}

/* ---- predictive ---- */

Test(policy, predictive_orders_for_the_forecast_quantile)
{
    in.forecast_rps = 61;
    in.now_rps = 10;
    policy_predictive(&in, &out);
    cr_expect_float_eq(out.need, 6.1, 1e-9);
    cr_expect_eq(predictive(), 4);
    cr_expect_eq(out.tier[TIER_PREDICTIVE].rule, RULE_FORECAST);
}

Test(policy, predictive_keeps_a_floor_that_grows_with_the_quantile)
{
    in.forecast_rps = 10;
    in.now_rps = 40;
    policy_predictive(&in, &out);
    cr_expect_float_eq(out.need, 4, 1e-9); /* k = 1 */
    cr_expect_eq(out.tier[TIER_PREDICTIVE].rule, RULE_FLOOR);
    in.quantile = 0.99;
    policy_predictive(&in, &out);
    cr_expect_float_eq(out.need, 1.8 * 4, 1e-9);
}

Test(policy, without_a_forecast_the_last_minutes_decide)
{
    in.forecast_ok = false;
    in.forecast_rps = 1000;
    in.recent_rps = 40;
    policy_predictive(&in, &out);
    cr_expect_float_eq(out.need, 5, 1e-9);
    cr_expect_eq(predictive(), 2);
    cr_expect_eq(out.tier[TIER_PREDICTIVE].rule, RULE_REACTIVE);
}

Test(policy, the_maximum_holds_and_is_named)
{
    in.forecast_rps = 500;
    policy_predictive(&in, &out);
    cr_expect_eq(predictive(), 10);
    cr_expect(limited(TIER_PREDICTIVE, LIMIT_MAX));
}

Test(policy, the_minimum_holds_and_is_named)
{
    in.tier[TIER_PREDICTIVE].min = 2;
    policy_predictive(&in, &out);
    cr_expect_eq(predictive(), 2);
    cr_expect(limited(TIER_PREDICTIVE, LIMIT_MIN));
}

Test(policy, a_pool_shrinks_only_to_the_largest_wish_held)
{
    have_predictive(6);
    in.tier[TIER_PREDICTIVE].held = 5;
    policy_predictive(&in, &out);
    cr_expect_eq(predictive(), 5);
    cr_expect_eq(out.tier[TIER_PREDICTIVE].wish, 0);
    cr_expect(limited(TIER_PREDICTIVE, LIMIT_HOLD));
}

Test(policy, what_was_held_never_makes_a_pool_grow)
{
    have_predictive(1);
    in.tier[TIER_PREDICTIVE].held = 8;
    in.forecast_rps = 50;
    policy_predictive(&in, &out);
    cr_expect_eq(predictive(), 2);
}

Test(policy, steps_are_limited_both_ways)
{
    in.max_step_up = 2;
    in.max_step_down = 1;
    in.forecast_rps = 90;
    policy_predictive(&in, &out);
    cr_expect_eq(predictive(), 2);
    cr_expect(limited(TIER_PREDICTIVE, LIMIT_STEP_UP));
    have_predictive(6);
    in.forecast_rps = 0;
    policy_predictive(&in, &out);
    cr_expect_eq(predictive(), 5);
    cr_expect(limited(TIER_PREDICTIVE, LIMIT_STEP_DOWN));
}

Test(policy, the_growth_cap_is_named_when_it_decided)
{
    in.forecast_rps = 90;
    in.growth_capped = true;
    policy_predictive(&in, &out);
    cr_expect(limited(TIER_PREDICTIVE, LIMIT_GROWTH));
}

Test(policy, burst_keeps_its_reserve)
{
    policy_predictive(&in, &out);
    cr_expect_eq(out.tier[TIER_BURST].wanted, 1);
    cr_expect_eq(out.tier[TIER_BURST].rule, RULE_RESERVE);
}

Test(policy, burst_grows_when_the_load_is_above_what_is_ready)
{
    in.now_rps = 45; /* 4.5 instances, 3 are ready, predictive ones are still starting */
    in.tier[TIER_PREDICTIVE].starting = in.tier[TIER_PREDICTIVE].wanted = 2;
    policy_predictive(&in, &out);
    cr_expect_eq(out.tier[TIER_BURST].wanted, 3); /* two for the load, one in reserve */
    cr_expect_eq(out.tier[TIER_BURST].rule, RULE_OVERFLOW);
}

Test(policy, burst_goes_when_predictive_is_ready)
{
    in.now_rps = 45;
    have_predictive(2);
    in.tier[TIER_BURST].wanted = in.tier[TIER_BURST].ready = 3;
    in.forecast_rps = 45;
    policy_predictive(&in, &out);
    cr_expect_eq(out.tier[TIER_BURST].wanted, 1);
    cr_expect_eq(predictive(), 2);
}

Test(policy, a_tier_without_a_provider_stays_empty)
{
    in.tier[TIER_PREDICTIVE].max = 0;
    in.forecast_rps = 500;
    policy_predictive(&in, &out);
    cr_expect_eq(predictive(), 0);
}

Test(policy, wishes_never_fall_when_the_load_rises)
{
    unsigned last = 0;

    for (in.now_rps = 0; in.now_rps < 200; in.now_rps += 0.7) {
        policy_predictive(&in, &out);
        cr_expect_geq(predictive(), last);
        last = predictive();
    }
    cr_expect_eq(last, 10);
}

Test(policy, absurd_loads_stay_within_the_bounds)
{
    in.forecast_rps = 1e300;
    in.now_rps = 1e300;
    policy_predictive(&in, &out);
    cr_expect_eq(predictive(), 10);
    cr_expect_eq(out.tier[TIER_BURST].wanted, 4);
    in.users_rps = 1e300;
    policy_threshold(&in, &out);
    cr_expect_eq(predictive(), 10);
}
