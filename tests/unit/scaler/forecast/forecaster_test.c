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
    cr_assert_eq(n, 4);
    cr_expect_str_eq(v[1].name, "level");
    cr_expect_lt(v[1].requests, 0.9 * day_shape(forecaster_last(f) + 6));
    cr_expect_float_eq(forecaster_predict(f, HORIZON_30M, 0.5),
                       day_shape(forecaster_last(f) + 6),
                       0.1 * day_shape(forecaster_last(f) + 6));
    cr_expect_gt(v[2].weight + v[3].weight, 0.8);
}

/* Of the jump to 2.5 times the shape: what half an hour later is said to stay of it. */
static double carried(int days)
{
    int64_t from = days * DAY + DAY / 3, s = from;

    observe_days(days + 1.0 / 3);
    for (; s < from + 6; s++)
        forecaster_observe(f, s, 2.5 * day_shape(s));
    return forecaster_predict(f, HORIZON_30M, 0.5) / day_shape(s + 5);
}

/* Most jumps do not last: how much is believed depends on how well the shape is known. */
Test(forecaster, a_level_that_jumps_is_followed_within_half_an_hour)
{
    double young = carried(5), old;

    cr_expect(young > 1.45 && young < 2.5, "%.2f", young);
    forecaster_free(f);
    f = forecaster_new(STEP_MS);
    old = carried(28);
    cr_expect(old > 1.95 && old < 2.5, "%.2f", old);
}

/* An hour and a half around twenty past eight; it doubles every ten minutes at first. */
static double rush(int64_t slot)
{
    double from_peak = ((double)(slot % DAY) - 100) / 6;

    return 10 + 600 * exp(-from_peak * from_peak / 2);
}

Test(forecaster, a_steep_morning_is_seen_half_an_hour_before)
{
    for (int64_t s = 0; s < 7 * DAY; s++) {
        double said, comes = rush(s + 6);

        forecaster_observe(f, s, rush(s));
        said = forecaster_predict(f, HORIZON_30M, 0.5);
        if (s > 4 * DAY && s % DAY >= 84 && s % DAY < 106)
            cr_expect_float_eq(said / comes, 1, 0.3, "%d: %.0f for %.0f", (int)(s % DAY),
                               said, comes);
    }
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
