#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scaler/insight.h"

#define T0 (20000LL * MS_PER_DAY)

static struct cfg_service svc;
static struct insight *i;
static struct load l;
static wall_ms now;

static void make(double speed)
{
    insight_free(i);
    i = insight_new(&svc, speed);
    l = (struct load){0};
    now = T0;
}

static void setup(void)
{
    svc = (struct cfg_service){
        .pools[TIER_BASELINE] = {.present = true, .max_requests = 10},
        .scaling = {.target_utilisation = 0.5, .target_latency_ms = 200, .lead_ms = 60000}};
    make(1);
}

static void teardown(void)
{
    insight_free(i);
}

TestSuite(insight, .init = setup, .fini = teardown);

/* Requests/s of virtual time, each of which keeps a slot for cost_s real seconds. */
static void run(int seconds, double rps, double cost_s)
{
    for (int s = 0; s < seconds; s++) {
        struct load_tier *t = &l.tier[TIER_BASELINE];

        now += MS_PER_S;
        l.arrivals += (uint64_t)rps;
        t->admitted += (uint64_t)rps;
        t->completed += (uint64_t)rps;
        t->busy_us += (uint64_t)(rps * cost_s * US_PER_S);
        t->latency.n[6] += (uint64_t)rps; /* 25 to 50 ms */
        insight_read(i, now, &l, 2);
    }
}

Test(insight, capacity_is_learned_from_the_counters)
{
    cr_expect(insight_capacity_guess(i));
    run(60, 20, 0.05);
    cr_expect_not(insight_capacity_guess(i));
    cr_expect_float_eq(insight_instance_rps(i), 10 * 0.5 / 0.05, 1e-3);
}

Test(insight, under_a_fast_clock_an_instance_carries_less_per_virtual_second)
{
    svc.scaling.instance_rps = 120;
    make(60);
    cr_expect_float_eq(insight_instance_rps(i), 2, 1e-9);
}

Test(insight, work_and_concurrency_are_real_seconds_whatever_the_clock)
{
    struct demand_cell c;

    make(60); /* 30 virtual seconds are half a second: 60 requests of 50 ms */
    run(181, 2, 0.05);
    c = demand_get(insight_demand(i), DEMAND_STEP, now / DEMAND_STEP_MS - 1);
    cr_expect_float_eq(c.requests, 60, 1e-3);
    cr_expect_float_eq(c.work_s, 3, 0.01);
    cr_expect_float_eq(c.concurrency, 6, 0.01);
}

Test(insight, a_rise_of_seconds_counts_when_it_cannot_be_chance)
{
    run(60, 20, 0.01);
    run(4, 200, 0.01);
    cr_expect_gt(insight_now_rps(i, now), insight_step_rps(i, now));
    cr_expect_gt(insight_now_rps(i, now), 80);
}

Test(insight, a_handful_of_requests_is_no_rise)
{
    run(60, 0, 0.01);
    run(4, 1, 0.01); /* 0.4/s over ten seconds, 0.13/s over thirty */
    cr_expect_float_eq(insight_now_rps(i, now), insight_step_rps(i, now), 1e-9);
}

Test(insight, the_highest_of_five_minutes_is_remembered)
{
    run(60, 90, 0.01);
    run(200, 10, 0.01);
    cr_expect_float_eq(insight_recent_rps(i, now), 90, 1);
    run(120, 10, 0.01);
    cr_expect_float_eq(insight_recent_rps(i, now), 10, 1);
}

Test(insight, users_are_the_outlook_while_it_is_fresh)
{
    struct outlook_service o = {.expected = 1500};

    run(700, 10, 0.01);
    cr_expect_float_eq(insight_users_rps(i, now), 10, 1);
    insight_outlook(i, now, &o, 300000);
    cr_expect_float_eq(insight_users_rps(i, now), 5, 1e-9);
    cr_expect(insight_outlook_fresh(i, now));
    cr_expect_not(insight_outlook_fresh(i, now + 601000));
    cr_expect_float_eq(insight_users_rps(i, now + 601000), 10, 1);
}

Test(insight, an_absurd_outlook_is_ignored)
{
    struct outlook_service bad[] = {
        {.expected = NAN}, {.expected = -1}, {.expected = INFINITY}};

    for (int k = 0; k < 3; k++)
        insight_outlook(i, now, &bad[k], 300000);
    bad[0].expected = 5;
    insight_outlook(i, now, &bad[0], 0);
    cr_expect_not(insight_outlook_fresh(i, now));
}

Test(insight, a_lead_that_changed_much_is_planned_with)
{
    run(700, 10, 0.01);
    cr_expect_eq(window_lead_ms(insight_window(i)), 60000);
    for (int k = 0; k < 10; k++)
        insight_lead(i, 290000);
    run(60, 10, 0.01);
    cr_expect_eq(window_lead_ms(insight_window(i)), 300000);
}

Test(insight, what_it_learned_survives_as_text)
{
    struct insight *other = insight_new(&svc, 1);
    char *text;

    run(65, 20, 0.05);
    for (int k = 0; k < 10; k++)
        insight_lead(i, 7000);
    text = insight_state(i);
    cr_expect(insight_restore(other, text, strlen(text)));
    cr_expect_float_eq(insight_instance_rps(other), insight_instance_rps(i), 1e-6);
    cr_expect_eq(insight_lead_ms(other), 7000);
    cr_expect_float_eq(demand_open(insight_demand(other), DEMAND_STEP).requests,
                       demand_open(insight_demand(i), DEMAND_STEP).requests, 1e-6);
    insight_free(other);
    other = insight_new(&svc, 60); /* at another speed its leads say nothing */
    cr_expect(insight_restore(other, text, strlen(text)));
    cr_expect_eq(insight_lead_ms(other), 60000);
    insight_free(other);
    free(text);
}

Test(insight, damaged_text_is_refused)
{
    static const char *const bad[] = {"", "{", "[]", "{}", "{\"cost_s\":\"x\"}"};

    for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
        cr_expect_not(insight_restore(i, bad[k], strlen(bad[k])), "%s", bad[k]);
    cr_expect(insight_capacity_guess(i));
}
