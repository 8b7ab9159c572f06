#include <criterion/criterion.h>
#include <math.h>

#include "base/rng.h"
#include "scaler/forecast/peak.h"

#define DAY  2880
#define LEAD 4

static struct peak *p;

static void setup(void)
{
    p = peak_new(20, LEAD);
}

static void teardown(void)
{
    peak_free(p);
}

TestSuite(peak, .init = setup, .fini = teardown);

static double rhythm(int64_t step)
{
    return 300 - 250 * cos(2 * M_PI * (double)(step % DAY) / DAY);
}

static void observe(int64_t from, int64_t to)
{
    for (int64_t s = from; s < to; s++)
        peak_observe(p, s, rhythm(s));
}

Test(peak, the_window_is_as_long_as_the_lead_within_bounds)
{
    static const unsigned cases[][2] = {{0, 4}, {4, 4}, {9, 9}, {20, 20}, {100, 20}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct peak *q = peak_new(1, cases[i][0]);

        cr_expect_eq(peak_window(q), cases[i][1]);
        peak_free(q);
    }
}

Test(peak, says_nothing_before_the_first_step)
{
    cr_expect_eq(peak_quantile(p, 0.9, NULL), 0);
    peak_observe(p, 5, NAN);
    cr_expect_eq(peak_quantile(p, 0.9, NULL), 0);
    cr_expect_not(peak_ready(p));
}

Test(peak, a_steady_load_is_forecast_close_to_itself)
{
    for (int64_t s = 0; s < 2 * DAY; s++)
        peak_observe(p, s, 400);
    cr_expect(peak_ready(p));
    cr_expect_float_eq(peak_quantile(p, 0.5, NULL), 400, 20);
    cr_expect_lt(peak_quantile(p, 0.99, NULL), 1.1 * 400 + 1e-6);
}

Test(peak, sees_the_rise_of_the_morning_a_window_ahead)
{
    int64_t at = 3 * DAY + DAY / 4; /* the steepest place */
    double high;

    observe(0, at);
    high = rhythm(at + LEAD + (int64_t)peak_window(p) - 1);
    cr_expect_float_eq(peak_quantile(p, 0.5, NULL), high, 0.03 * high);
}

/* Quiet, and from nine to ten in the morning four times as much. */
static double rush(int64_t step)
{
    return step % DAY / 120 == 9 ? 400 : 100;
}

Test(peak, after_a_single_day_its_rush_is_expected)
{
    int64_t before = DAY + 9 * 120 - 70; /* 35 min */
    struct peak *far = peak_new(20, 60);

    for (int64_t s = 0; s < before; s++)
        peak_observe(far, s, rush(s));
    cr_expect_gt(peak_quantile(far, 0.5, NULL), 200);
    peak_free(far);
}

Test(peak, the_share_of_maxima_below_a_quantile_is_that_quantile)
{
    enum { N = 9 * DAY, REACH = LEAD + PEAK_WINDOW_MIN };
    static double x[N], q90[N], q50[N];
    double below90 = 0, below50 = 0, n = 0;
    struct rng r;

    rng_init(&r, 5);
    for (int s = 0; s < N; s++)
        x[s] = rhythm(s) * exp(0.4 * (rng_unit(&r) + rng_unit(&r) - 1));
    for (int s = 0; s < N; s++) {
        peak_observe(p, s, x[s]);
        q90[s] = peak_quantile(p, 0.9, NULL);
        q50[s] = peak_quantile(p, 0.5, NULL);
    }
    for (int s = 2 * DAY; s + REACH < N; s++, n++) {
        double most = 0;

        for (int k = s + 1 + LEAD; k <= s + REACH; k++)
            most = fmax(most, x[k]);
        below90 += most <= q90[s];
        below50 += most <= q50[s];
    }
    cr_expect_float_eq(below90 / n, 0.9, 0.02, "%g", below90 / n);
    cr_expect_float_eq(below50 / n, 0.5, 0.04, "%g", below50 / n);
}

Test(peak, quantiles_rise)
{
    double last = 0;

    observe(0, 2 * DAY + 500);
    for (double q = 0.02; q < 0.9995; q += 0.01) {
        cr_expect_geq(peak_quantile(p, q, NULL), last);
        last = peak_quantile(p, q, NULL);
    }
}

Test(peak, growth_is_capped_and_says_so)
{
    bool capped;

    for (int64_t s = 0; s < 200; s++)
        peak_observe(p, s, s % 10 == 0 ? 100 : 1); /* errors are large */
    cr_expect_leq(peak_quantile(p, 0.9995, &capped), 110.01);
    cr_expect(capped);
}

Test(peak, unknown_steps_are_not_silence)
{
    observe(0, 2 * DAY + 1000);
    for (int64_t s = 2 * DAY + 1000; s < 2 * DAY + 1060; s++)
        peak_observe(p, s, NAN);
    cr_expect_gt(peak_quantile(p, 0.5, NULL), 0.7 * rhythm(2 * DAY + 1060));
}

Test(peak, a_week_that_nobody_saw_is_survived)
{
    observe(0, 2 * DAY);
    peak_observe(p, 2 * DAY + 30LL * DAY, 50);
    cr_expect_gt(peak_quantile(p, 0.9, NULL), 0);
    observe(2 * DAY + 30LL * DAY + 1, 2 * DAY + 30LL * DAY + 200);
    cr_expect(isfinite(peak_quantile(p, 0.9, NULL)));
}

Test(peak, absurd_counts_stay_finite)
{
    observe(0, DAY);
    peak_observe(p, DAY, 1e30);
    peak_observe(p, DAY + 1, -5);
    peak_observe(p, DAY + 2, 0);
    peak_observe(p, DAY + 1, 7); /* late: ignored */
    cr_expect(isfinite(peak_quantile(p, 0.99, NULL)));
    observe(DAY + 3, 2 * DAY);
    cr_expect(isfinite(peak_quantile(p, 0.99, NULL)));
}
