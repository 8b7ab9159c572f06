#include <criterion/criterion.h>

#include "scaler/capacity.h"

static const struct capacity_rules rules = {
    .target_utilisation = 0.7, .target_latency_s = 0.2, .max_requests = 10};
static struct capacity c;

/* An interval of ten seconds of two instances: rate of each, time a request takes. */
static void sample(double rps, double cost_s, double p95_s)
{
    struct capacity_sample s = {.seconds = 10,
                                .instances = 2,
                                .completed = rps * 20,
                                .busy_s = rps * 20 * cost_s,
                                .p95_s = p95_s};

    capacity_learn(&c, &rules, &s);
}

Test(capacity, a_configured_value_is_the_answer)
{
    struct capacity_rules fixed = rules;

    fixed.instance_rps = 33;
    sample(20, 0.05, 0.06);
    cr_expect_float_eq(capacity_rps(&c, &fixed), 33, 1e-9);
    cr_expect_not(capacity_is_guess(&c, &fixed));
}

Test(capacity, the_first_answer_is_a_guess_and_says_so)
{
    cr_expect(capacity_is_guess(&c, &rules));
    cr_expect_float_eq(capacity_rps(&c, &rules), 10 * 0.7 / 0.1, 1e-9);
}

Test(capacity, slots_and_cost_give_the_rate)
{
    for (int i = 0; i < 20; i++)
        sample(20, 0.05, 0.06);
    cr_expect_not(capacity_is_guess(&c, &rules));
    cr_expect_float_eq(capacity_rps(&c, &rules), 10 * 0.7 / 0.05, 1e-6);
}

Test(capacity, overload_does_not_make_requests_look_dear)
{
    for (int i = 0; i < 20; i++)
        sample(20, 0.05, 0.06);
    for (int i = 0; i < 20; i++)
        sample(18, 0.5, 0.15); /* 9 of 10 slots are taken */
    cr_expect_float_eq(capacity_cost_s(&c, &rules), 0.05, 1e-6);
}

Test(capacity, a_rate_that_broke_the_target_becomes_the_ceiling)
{
    for (int i = 0; i < 20; i++)
        sample(20, 0.05, 0.06);
    for (int i = 0; i < 30; i++)
        sample(60, 0.15, 0.5);
    cr_expect_float_eq(capacity_rps(&c, &rules), 60, 1);
}

Test(capacity, a_ceiling_that_holds_rises_again)
{
    for (int i = 0; i < 20; i++)
        sample(20, 0.05, 0.06);
    sample(60, 0.15, 0.5);
    for (int i = 0; i < 20; i++)
        sample(capacity_rps(&c, &rules), 0.05, 0.1);
    cr_expect_gt(capacity_rps(&c, &rules), 100);
    cr_expect_leq(capacity_rps(&c, &rules), 140 + 1e-6);
}

Test(capacity, a_service_that_is_always_slow_is_not_overloaded)
{
    for (int i = 0; i < 40; i++)
        sample(3, 1, 1.2);
    cr_expect_float_eq(capacity_rps(&c, &rules), 7, 1e-6);
}

Test(capacity, the_ceiling_never_falls_to_nothing)
{
    for (int i = 0; i < 20; i++)
        sample(20, 0.05, 0.06);
    for (int i = 0; i < 1000; i++)
        sample(1, 0.05, 5);
    cr_expect_geq(capacity_rps(&c, &rules), 14 - 1e-6);
}

Test(capacity, few_requests_say_nothing_about_latency)
{
    for (int i = 0; i < 20; i++)
        sample(20, 0.05, 0.06);
    for (int i = 0; i < 20; i++)
        sample(0.5, 0.05, 3);
    cr_expect_float_eq(capacity_rps(&c, &rules), 140, 1);
}

Test(capacity, nothing_done_or_nobody_there_teaches_nothing)
{
    struct capacity_sample s = {0};

    capacity_learn(&c, &rules, &s);
    s = (struct capacity_sample){
        .seconds = 1, .instances = 0, .completed = 100, .busy_s = 1};
    capacity_learn(&c, &rules, &s);
    cr_expect(capacity_is_guess(&c, &rules));
}
