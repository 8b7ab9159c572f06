#include <criterion/criterion.h>
#include <math.h>

#include "base/clock.h"
#include "scaler/demand.h"

#define T0                                                                                 \
    (1000000LL * DEMAND_STEP_MS) /* the start of a step, a minute and not of an hour */
#define STEP0 1000000

static struct demand *d;

static void setup(void)
{
    d = demand_new();
}

static void teardown(void)
{
    demand_free(d);
}

TestSuite(demand, .init = setup, .fini = teardown);

static void read_at(wall_ms now, uint64_t arrivals)
{
    struct load l = {.arrivals = arrivals};

    l.tier[TIER_BASELINE].busy_us = arrivals * 10000;
    l.tier[TIER_BASELINE].bytes_down = arrivals * 100;
    demand_read(d, now, &l, 0.5, 1);
}

static double requests(int64_t step)
{
    return demand_get(d, DEMAND_STEP, step).requests;
}

Test(demand, a_step_holds_what_came_in_it)
{
    for (int s = 0; s <= 60; s++)
        read_at(T0 + s * 1000, (uint64_t)s * 7);
    cr_assert_eq(demand_newest(d, DEMAND_STEP), STEP0 + 1);
    cr_assert_float_eq(requests(STEP0), 210, 1e-6);
    cr_assert_float_eq(requests(STEP0 + 1), 210, 1e-6);
}

Test(demand, work_bytes_and_concurrency_follow_the_requests)
{
    struct demand_cell c;

    for (int s = 0; s <= 30; s++)
        read_at(T0 + s * 1000, (uint64_t)s * 6);
    c = demand_get(d, DEMAND_STEP, STEP0);
    cr_expect_float_eq(c.work_s, 90, 1e-3); /* 180 requests of half a second */
    cr_expect_float_eq(c.bytes, 18000, 1e-1);
    cr_expect_float_eq(c.concurrency, 0.06, 1e-6); /* 1.8 s busy in 30 s */
}

Test(demand, the_sum_over_steps_is_exact_however_readings_fall)
{
    double sum = 0;

    for (int i = 0; i <= 300; i++)
        read_at(T0 + i * 1237, (uint64_t)i * 11);
    read_at(T0 + 400000, 5000);
    read_at(T0 + 30000 * 20, 5000);
    for (int i = 0; i < 20; i++) {
        sum += requests(STEP0 + i);
        cr_expect_float_eq(requests(STEP0 + i), floor(requests(STEP0 + i)), 1e-9);
    }
    cr_assert_float_eq(sum, 5000, 1e-6);
}

Test(demand, a_long_interval_is_spread_over_its_steps)
{
    read_at(T0, 0);
    read_at(T0 + 4 * DEMAND_STEP_MS, 400);
    for (int i = 0; i < 4; i++)
        cr_expect_float_eq(requests(STEP0 + i), 100, 1e-6);
}

Test(demand, time_before_the_first_reading_is_unknown)
{
    read_at(T0 + 20000, 1000); /* two thirds of the step went by unseen */
    read_at(T0 + 30000, 1100);
    read_at(T0 + 60000, 1200);
    cr_expect(isnan(requests(STEP0)));
    cr_expect_float_eq(requests(STEP0 + 1), 100, 1e-6);
}

Test(demand, a_step_watched_for_most_of_it_is_scaled_up)
{
    read_at(T0 + 10000, 0);
    read_at(T0 + 30000, 200);
    cr_assert_float_eq(requests(STEP0), 300, 1e-6);
}

Test(demand, a_pause_is_unknown_and_not_zero)
{
    read_at(T0, 0);
    read_at(T0 + 30000, 30);
    demand_pause(d);
    read_at(T0 + 300000, 900);
    read_at(T0 + 330000, 930);
    cr_expect_float_eq(requests(STEP0), 30, 1e-6);
    for (int i = 1; i < 10; i++)
        cr_expect(isnan(requests(STEP0 + i)), "step %d", i);
    cr_expect_float_eq(requests(STEP0 + 10), 30, 1e-6);
}

Test(demand, counters_that_went_back_set_a_new_mark)
{
    read_at(T0, 5000);
    read_at(T0 + 15000, 5015);
    read_at(T0 + 15001, 3);
    read_at(T0 + 30000, 18);
    cr_assert_float_eq(requests(STEP0), 30, 0.01);
}

Test(demand, a_clock_that_goes_back_adds_nothing_twice)
{
    read_at(T0, 0);
    read_at(T0 + 30000, 30);
    read_at(T0 + 10000, 60);
    read_at(T0 + 29000, 90);
    read_at(T0 + 60000, 120);
    cr_expect_float_eq(requests(STEP0), 30, 1e-6);
}

Test(demand, minutes_and_hours_add_up_the_same)
{
    for (int s = 0; s <= 7200; s += 10)
        read_at(T0 + s * 1000, (uint64_t)s);
    int64_t minute = T0 / 60000, hour = demand_newest(d, DEMAND_HOUR);

    cr_expect_float_eq(demand_get(d, DEMAND_MINUTE, minute).requests, 60, 1e-6);
    cr_expect_float_eq(demand_get(d, DEMAND_HOUR, hour).requests, 3600, 1e-6);
}

Test(demand, the_ring_forgets_what_is_older_than_eight_days)
{
    int64_t steps = 9 * DEMAND_STEPS_A_DAY;

    for (int64_t i = 0; i <= steps; i++)
        read_at(T0 + i * DEMAND_STEP_MS, (uint64_t)i);
    cr_expect(isnan(requests(STEP0)));
    cr_expect_eq(demand_newest(d, DEMAND_STEP) - demand_oldest(d, DEMAND_STEP) + 1,
                 8 * DEMAND_STEPS_A_DAY);
    cr_expect_float_eq(requests(demand_oldest(d, DEMAND_STEP)), 1, 1e-6);
}

Test(demand, a_log_fills_the_silence_with_zeros)
{
    demand_learn(d, T0 + 1000, 1);
    demand_learn(d, T0 + 2000, 2);
    demand_learn(d, T0 + 95000, 5);
    cr_expect_float_eq(requests(STEP0), 3, 1e-6);
    cr_expect_float_eq(requests(STEP0 + 1), 0, 1e-6);
    cr_expect_float_eq(requests(STEP0 + 2), 0, 1e-6);
}

Test(demand, a_log_that_is_silent_for_a_day_had_no_server)
{
    demand_learn(d, T0 + 1000, 1);
    demand_learn(d, T0 + 29000, 1);
    demand_learn(d, T0 + MS_PER_DAY, 1);
    cr_expect(isnan(requests(STEP0 + 100)));
}

Test(demand, the_rate_is_that_of_the_span)
{
    double n;

    for (int s = 0; s <= 60; s++)
        read_at(T0 + s * 1000, (uint64_t)(s <= 50 ? s : 50 + (s - 50) * 100));
    cr_expect_float_eq(demand_rate(d, T0 + 60000, 10000, &n), 100, 1e-6);
    cr_expect_float_eq(n, 1000, 1e-6);
    cr_expect_float_eq(demand_rate(d, T0 + 60000, 30000, NULL), (20 + 1000) / 30.0, 1e-6);
}

Test(demand, there_is_no_rate_before_two_readings)
{
    cr_expect_eq(demand_rate(d, T0, 10000, NULL), 0);
    read_at(T0, 100);
    cr_expect_eq(demand_rate(d, T0, 10000, NULL), 0);
}

Test(demand, an_open_slot_can_be_taken_up_again)
{
    struct demand *other = demand_new();
    struct demand_open o;

    read_at(T0, 0);
    read_at(T0 + 20000, 20);
    o = demand_open(d, DEMAND_STEP);
    cr_expect_eq(o.slot, STEP0);
    cr_expect_float_eq(o.requests, 20, 1e-6);
    demand_set_open(other, DEMAND_STEP, &o);
    demand_free(d);
    d = other;
    read_at(T0 + 22000, 100);
    read_at(T0 + 30000, 108);
    cr_expect_float_eq(requests(STEP0), 30, 0.01); /* 28 s of it were watched */
}

Test(demand, history_from_the_future_is_dropped)
{
    for (int s = 0; s <= 7200; s += 10)
        read_at(T0 + s * 1000, (uint64_t)s);
    demand_pause(d);
    read_at(T0 + 600000, 0);
    cr_expect_eq(demand_newest(d, DEMAND_STEP), STEP0 + 19);
    read_at(T0 + 660000, 600);
    cr_expect_float_eq(requests(STEP0 + 20), 300, 1e-6);
    cr_expect_float_eq(requests(STEP0 + 10), 30, 1e-6);
}
