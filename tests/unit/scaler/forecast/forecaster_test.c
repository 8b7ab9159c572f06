#include <criterion/criterion.h>
#include <math.h>

#include "base/rng.h"
#include "scaler/forecast/forecaster.h"

#define STEP_MS 300000
#define DAY     288

static struct forecaster *f;

static void setup(void)
{
    f = forecaster_new(STEP_MS);
}

static void teardown(void)
{
    forecaster_free(f);
}

TestSuite(forecaster, .init = setup, .fini = teardown);

/* A day with a broad peak, between 20 and 420 requests a slot. */
static double day_shape(int64_t slot)
{
    return 220 - 200 * cos(2 * M_PI * (double)(slot % DAY) / DAY);
}

static void observe_days(double days)
{
    for (int64_t s = 0; s < (int64_t)(days * DAY); s++)
        forecaster_observe(f, s, day_shape(s));
}

Test(forecaster, knows_nothing_before_the_first_slot)
{
    cr_expect(isnan(forecaster_predict(f, HORIZON_5M, 0.5)));
    cr_expect(isnan(forecaster_at(f, 3, 0.9)));
    cr_expect_eq(forecaster_last(f), -1);
}

Test(forecaster, the_first_slot_is_already_a_forecast)
{
    forecaster_observe(f, 1000, 50);
    cr_expect_float_eq(forecaster_predict(f, HORIZON_30M, 0.5), 50, 1e-6);
    cr_expect_gt(forecaster_predict(f, HORIZON_30M, 0.9), 50);
}

Test(forecaster, a_day_ahead_follows_the_shape_after_three_days)
{
    for (int64_t s = 0; s < 4 * DAY; s++) {
        forecaster_observe(f, s, day_shape(s));
        if (s < 3 * DAY)
            continue;
        cr_expect_float_eq(forecaster_predict(f, HORIZON_24H, 0.5) / day_shape(s + DAY), 1,
                           0.1, "slot %d", (int)s);
    }
}

Test(forecaster, sees_the_morning_rise_that_the_level_cannot)
{
    struct forecaster_vote v[8];
    unsigned n;

    observe_days(3.2); /* rising */
    n = forecaster_votes(f, HORIZON_30M, v, 8);
    cr_assert_eq(n, 3);
    cr_expect_str_eq(v[1].name, "level");
    cr_expect_lt(v[1].requests, 0.9 * day_shape(forecaster_last(f) + 6));
    cr_expect_float_eq(forecaster_predict(f, HORIZON_30M, 0.5),
                       day_shape(forecaster_last(f) + 6),
                       0.1 * day_shape(forecaster_last(f) + 6));
    cr_expect_gt(v[2].weight, 0.8);
}

Test(forecaster, learns_that_the_days_are_twice_as_busy_now)
{
    int64_t last = 7 * DAY + DAY / 2;
    double want;

    observe_days(5);
    for (int64_t s = 5 * DAY; s <= last; s++)
        forecaster_observe(f, s, 2 * day_shape(s));
    want = 2 * day_shape(last + 6);
    cr_expect_float_eq(forecaster_predict(f, HORIZON_30M, 0.5), want, 0.25 * want);
}

Test(forecaster, a_gap_is_unknown_and_not_silence)
{
    double before;

    observe_days(2);
    before = forecaster_at(f, 1, 0.5);
    forecaster_observe(f, 2 * DAY + 40, NAN);
    cr_expect_eq(forecaster_last(f), 2 * DAY + 40);
    cr_expect_gt(forecaster_at(f, 1, 0.5), 0.5 * before);
}

Test(forecaster, a_gap_of_months_costs_nothing)
{
    observe_days(2);
    forecaster_observe(f, 1000000000, 100);
    cr_expect_eq(forecaster_last(f), 1000000000);
    cr_expect_gt(forecaster_predict(f, HORIZON_5M, 0.5), 0);
}

Test(forecaster, slots_that_come_late_are_ignored)
{
    forecaster_observe(f, 100, 50);
    forecaster_observe(f, 99, 5000);
    forecaster_observe(f, 100, 5000);
    cr_expect_float_eq(forecaster_predict(f, HORIZON_5M, 0.5), 50, 1e-6);
}

Test(forecaster, quantiles_rise_and_hold_what_they_say)
{
    struct rng r;
    double above = 0, judged = 0;

    rng_init(&r, 7);
    for (int64_t s = 0; s < 8 * DAY; s++) {
        double y =
            day_shape(s) * exp(0.5 * (rng_unit(&r) + rng_unit(&r) + rng_unit(&r) - 1.5));

        if (s > DAY) {
            above += y > forecaster_predict(f, HORIZON_5M, 0.9);
            judged++;
        }
        forecaster_observe(f, s, y);
        cr_expect_leq(forecaster_predict(f, HORIZON_5M, 0.5),
                      forecaster_predict(f, HORIZON_5M, 0.9) + 1e-9);
        cr_expect_leq(forecaster_predict(f, HORIZON_5M, 0.9),
                      forecaster_predict(f, HORIZON_5M, 0.999) + 1e-9);
    }
    cr_expect_float_eq(above / judged, 0.1, 0.02);
}

Test(forecaster, no_quantile_is_far_above_what_was_ever_seen)
{
    for (int64_t s = 0; s < 600; s++)
        forecaster_observe(f, s, s % 2 ? 100 : 1);
    cr_expect_leq(forecaster_predict(f, HORIZON_5M, 0.9995), 120 + 1e-6);
}

Test(forecaster, a_horizon_shorter_than_a_slot_is_not_forecast)
{
    struct forecaster *half_hours = forecaster_new(1800000);

    forecaster_observe(half_hours, 0, 10);
    forecaster_observe(half_hours, 1, 10);
    cr_expect(isnan(forecaster_predict(half_hours, HORIZON_5M, 0.5)));
    cr_expect_float_eq(forecaster_predict(half_hours, HORIZON_30M, 0.5), 10, 1e-6);
    forecaster_free(half_hours);
}
