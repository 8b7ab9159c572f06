#include <criterion/criterion.h>
#include <math.h>

#include "scaler/forecast/window.h"

#define DAY_STEPS 2880
#define LEAD_MS   120000

static struct window *w;

static void setup(void)
{
    w = window_new(10, LEAD_MS);
}

static void teardown(void)
{
    window_free(w);
}

TestSuite(window, .init = setup, .fini = teardown);

/* Requests/s, 10 to 90 over the day. */
static double rhythm(wall_ms t)
{
    return 50 - 40 * cos(2 * M_PI * (double)(t % MS_PER_DAY) / MS_PER_DAY);
}

static wall_ms observe_until(double days)
{
    int64_t n = (int64_t)(days * DAY_STEPS);

    for (int64_t s = 0; s < n; s++)
        window_observe(w, s, 30 * rhythm(s * WINDOW_STEP_MS));
    return n * WINDOW_STEP_MS;
}

static struct window_answer ask(wall_ms from, wall_ms to, double q)
{
    struct window_answer a;

    window_ask(w, from, to, q, &a);
    return a;
}

Test(window, lead_is_in_whole_steps)
{
    struct window *other = window_new(10, 31000);

    cr_expect_eq(window_lead_ms(other), 60000);
    cr_expect_eq(window_reach_ms(other), 60000 + 4 * WINDOW_STEP_MS);
    window_free(other);
}

Test(window, knows_nothing_at_first)
{
    cr_expect_eq(ask(1000, 2000, 0.9).rps, 0);
    cr_expect(isnan(window_horizon(w, HORIZON_5M, 0.5)));
    cr_expect_not(window_ready(w));
}

Test(window, the_time_of_an_order_is_answered_to_the_step)
{
    wall_ms now = observe_until(3.25);
    wall_ms from = now + window_lead_ms(w), to = now + window_reach_ms(w);

    cr_expect(window_ready(w));
    cr_expect_float_eq(ask(from, to, 0.5).rps, rhythm(to), 0.04 * rhythm(to));
}

Test(window, the_day_ahead_knows_its_noon)
{
    wall_ms now = observe_until(4);

    cr_expect_float_eq(ask(now, now + MS_PER_DAY, 0.5).rps, 90, 9);
    cr_expect_lt(ask(now, now + 3600 * 1000, 0.5).rps, 25);
}

Test(window, a_longer_window_is_never_answered_with_less)
{
    wall_ms now = observe_until(4.2);
    double last = 0;

    for (int h = 1; h <= 24; h++) {
        double rps = ask(now, now + h * 3600 * 1000LL, 0.9).rps;

        cr_expect_geq(rps, last);
        last = rps;
    }
}

Test(window, older_history_is_seeded_in_slots)
{
    for (int64_t slot = 0; slot < 5 * 288; slot++)
        window_seed(w, slot, 300 * rhythm(slot * WINDOW_SLOT_MS));
    for (int64_t s = 5 * DAY_STEPS; s < 5 * DAY_STEPS + 20; s++)
        window_observe(w, s, 30 * rhythm(s * WINDOW_STEP_MS));
    cr_expect_float_eq(window_horizon(w, HORIZON_24H, 0.5), rhythm(0), 3);
}

/* The level changes each 5 min, and only the users know; returns when the last is over. */
static wall_ms prove_the_outlook_right(wall_ms now)
{
    int64_t s = now / WINDOW_STEP_MS;

    for (int64_t end = s + 1000; s < end; s++) {
        double level = s / 10 % 2 ? 90 : 20;

        window_outlook(w, s * WINDOW_STEP_MS, 300 * (level > 50 ? 20 : 90));
        window_observe(w, s, 30 * level);
    }
    return s * WINDOW_STEP_MS;
}

Test(window, an_outlook_lifts_once_it_has_proved_right)
{
    wall_ms now = observe_until(1.5);

    window_outlook(w, now, 300 * 200);
    cr_expect_float_eq(ask(now, now + 60000, 0.9).lift, 1, 1e-9);
    now = prove_the_outlook_right(now);
    cr_expect_gt(window_outlook_weight(w), 0.5);
    window_outlook(w, now, 300 * 200);
    cr_expect_gt(ask(now, now + 60000, 0.9).lift, 1.2);
}

Test(window, an_old_outlook_lifts_nothing)
{
    wall_ms now = prove_the_outlook_right(observe_until(1.5));

    window_outlook(w, now, 300 * 200);
    for (int i = 0; i < 21; i++, now += WINDOW_STEP_MS) {
        window_observe(w, now / WINDOW_STEP_MS, 30 * 20);
        cr_expect_eq(ask(now + WINDOW_STEP_MS, now + 60000, 0.9).lift > 1, i < 20, "%d", i);
    }
}

Test(window, a_slot_that_was_half_unknown_is_scaled_and_less_is_unknown)
{
    for (int64_t s = 0; s < 10; s++)
        window_observe(w, s, s < 5 ? 60 : NAN);
    cr_expect_float_eq(window_horizon(w, HORIZON_5M, 0.5), 2, 1e-6);
    for (int64_t s = 10; s < 20; s++)
        window_observe(w, s, s < 14 ? 6000 : NAN);
    cr_expect_float_eq(window_horizon(w, HORIZON_5M, 0.5), 2, 1e-6);
}
