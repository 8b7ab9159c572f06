#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>

#include "base/kv.h"
#include "base/log.h"
#include "scaler/steer.h"
#include "tests/unit/scaler/fake.h"

#define TICK_MS 2000
#define T0      (20000LL * MS_PER_DAY)
#define HOUR_MS (3600LL * MS_PER_S)

static char name[] = "shop", nothing[] = "", local_name[] = "local";
static struct cfg_service svc;
static struct cfg cfg;
static struct fake_proxy proxy;
static struct fake_provider provider;
static struct scaler_in in;
static struct decisions *decisions;
static struct steer *st;
static wall_ms now;
static double sent; /* requests ever, with fractions */

static void make_steer(struct kv *kv, struct ledger *ledger)
{
    struct steer_env env = {{&in, &provider.base, ledger}, decisions, 1};

    st = steer_new(&env, &cfg, 0, kv);
}

/* Two fixed backends, 0..12 predictive, 1..6 burst; an instance carries 10 requests/s. */
static void setup(void)
{
    log_set_level(LOG_ERROR);
    svc = (struct cfg_service){
        .name = name,
        .local = {.present = true, .ready = nothing, .start_timeout_ms = 20000},
        .pools[TIER_BASELINE] = {.present = true, .provider = nothing, .max_requests = 8},
        .pools[TIER_PREDICTIVE] = {.present = true, .provider = local_name, .max = 12},
        .pools[TIER_BURST] = {.present = true,
                              .provider = local_name,
                              .max = 6,
                              .reserve = 1},
        .scaling = {.quantile = 0.95,
                    .instance_rps = 10,
                    .target_latency_ms = 200,
                    .target_utilisation = 0.7,
                    .lead_ms = 60000,
                    .hold_down_ms = 120000},
    };
    cfg = (struct cfg){.refs = 1, .services = &svc, .n_services = 1};
    proxy = (struct fake_proxy){0};
    fake_fixed(&proxy, TIER_BASELINE, 2);
    provider = (struct fake_provider){.base.ops = &fake_ops};
    in = (struct scaler_in){&proxy, fake_load, fake_backends, fake_change};
    decisions = decisions_new();
    now = T0;
    sent = 0;
    make_steer(NULL, NULL);
}

static void teardown(void)
{
    steer_free(st);
    decisions_free(decisions);
}

TestSuite(steer, .init = setup, .fini = teardown);

/* Between 5 and 85 requests/s, least at midnight. */
static double rhythm(wall_ms t)
{
    return 45 - 40 * cos(2 * M_PI * (double)(t % MS_PER_DAY) / MS_PER_DAY);
}

static void learn_days(int days)
{
    for (wall_ms t = T0 - days * (wall_ms)MS_PER_DAY; t < T0; t += 10000)
        insight_learn(steer_insight(st), t, floor(rhythm(t) * 10));
}

static void step(double rps)
{
    now += TICK_MS;
    sent += rps * TICK_MS / MS_PER_S;
    proxy.load.arrivals = (uint64_t)sent;
    steer_read(st, now);
    steer_check(st, now);
    steer_tick(st, now * US_PER_MS, now);
}

static void steps(double rps, int seconds)
{
    for (int s = 0; s < seconds; s += TICK_MS / MS_PER_S)
        step(rps);
}

static struct scaler_service_stats stats(void)
{
    struct scaler_service_stats s;

    steer_stats(st, now, &s);
    return s;
}

/* The newest of the predictive pool; borrowed until the next call. */
static json_t *last_plan(void)
{
    static json_t *list;
    json_t *p;
    size_t i;

    json_decref(list);
    list = decisions_json(decisions, "", DECISIONS_MAX);
    json_array_foreach(list, i, p)
    {
        if (strcmp(json_string_value(json_object_get(p, "tier")), "predictive") == 0)
            return p;
    }
    return NULL;
}

static const char *text_of(json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

Test(steer, predictive_grows_before_the_load_comes)
{
    int short_of = 0, n = 0;

    learn_days(3);
    for (; now < T0 + 10 * HOUR_MS; n++) {
        step(rhythm(now));
        if (n > 100) /* what is ready carries what comes a minute later */
            short_of +=
                10 * (stats().ready[TIER_BASELINE] + stats().ready[TIER_PREDICTIVE]) <
                rhythm(now + 60000);
    }
    cr_expect_lt(short_of, n / 50, "%d of %d", short_of, n);
    cr_expect_geq(stats().wanted[TIER_PREDICTIVE], 6);
    cr_expect_eq(stats().degraded, 0);
}

Test(steer, it_shrinks_when_the_day_is_over)
{
    learn_days(3);
    now = T0 + 14 * HOUR_MS;
    steps(rhythm(now), 600);
    cr_assert_geq(stats().wanted[TIER_PREDICTIVE], 6);
    while (now < T0 + 23 * HOUR_MS)
        step(rhythm(now));
    cr_expect_leq(stats().wanted[TIER_PREDICTIVE], 1);
    cr_expect_eq(stats().instance_failures, 0);
}

Test(steer, without_history_the_load_itself_decides)
{
    steps(5, 120);
    cr_expect_eq(stats().degraded, 2);
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], 0);
    steps(40, 60);
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], 3); /* 1.25 x 4 instances, 2 are fixed */
    cr_expect_str_eq(text_of(last_plan(), "rule"), "reactive");
}

Test(steer, burst_takes_a_spike_within_seconds_and_goes_first)
{
    int until = 0;

    provider.slow = false;
    steps(15, 300);
    cr_expect_eq(stats().wanted[TIER_BURST], 1);
    provider.slow = true; /* the predictive pool needs its time */
    for (; until < 60 && stats().wanted[TIER_BURST] <= 1; until += 2)
        step(60);
    cr_expect_leq(until, 10);
    provider.slow = false;
    for (size_t i = 0; i < provider.n; i++)
        provider.at[i].phase = PROVIDER_SERVING;
    steps(60, 90);
    cr_expect_eq(stats().wanted[TIER_BURST], 1); /* predictive has taken over */
    cr_expect_geq(stats().wanted[TIER_PREDICTIVE], 4);
}

Test(steer, a_lower_wish_waits_for_the_hold_down)
{
    steps(40, 60);
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], 3);
    steps(5, 300); /* the last five minutes still count, and the hold-down after them */
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], 3);
    steps(5, 200);
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], 0);
}

Test(steer, shadow_plans_and_does_nothing)
{
    steer_set_mode(st, CFG_MODE_SHADOW);
    steps(60, 120);
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], 0);
    cr_expect_eq(stats().wanted[TIER_BURST], 1);
    cr_expect_gt(stats().plans, 0);
    cr_expect_str_eq(text_of(last_plan(), "mode"), "shadow");
}

Test(steer, off_neither_plans_nor_stops_what_runs)
{
    steps(60, 120);
    uint64_t plans = stats().plans;
    unsigned n = stats().wanted[TIER_PREDICTIVE];

    steer_set_mode(st, CFG_MODE_OFF);
    steps(0, 1200);
    cr_expect_eq(stats().plans, plans);
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], n);
}

Test(steer, reactive_mode_needs_no_forecast)
{
    learn_days(3);
    steer_set_mode(st, CFG_MODE_REACTIVE);
    now = T0 + 12 * HOUR_MS; /* the forecast would ask for eight */
    steps(30, 400);
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], 2);
    cr_expect_str_eq(text_of(last_plan(), "rule"), "reactive");
}

Test(steer, threshold_follows_the_outlook_of_the_users)
{
    struct outlook_service users = {.expected = 300 * 52, .variance = 1};

    svc.scaling.policy = CFG_POLICY_THRESHOLD;
    steps(10, 60);
    insight_outlook(steer_insight(st), now, &users, 300000);
    steps(10, 10);
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], 4); /* 5.2 required, 2 are baseline */
    cr_expect_str_eq(text_of(last_plan(), "rule"), "threshold_up");
    cr_expect_float_eq(stats().resource_utilization, 6.0 / 20, 1e-9);
}

Test(steer, a_plan_tells_why_and_later_what_came_of_it)
{
    json_t *p;

    steps(5, 700);
    steps(45, 40);
    p = last_plan();
    cr_expect_str_eq(text_of(p, "service"), "shop");
    cr_expect_neq(strstr(text_of(p, "reason"), "instances"), NULL);
    cr_expect(json_is_null(json_object_get(p, "outcome")));
    cr_expect_gt(json_array_size(json_object_get(p, "votes")), 0);
    steps(45, 300);
    p = last_plan();
    cr_expect(json_is_object(json_object_get(p, "outcome")));
    cr_expect_float_eq(
        json_number_value(json_object_get(json_object_get(p, "outcome"), "peak_rps")), 45,
        1.5);
}

Test(steer, a_maximum_that_is_too_small_is_told_once_and_counted)
{
    uint64_t plans;

    steps(400, 60);
    plans = stats().plans;
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], 12);
    steps(400, 2 * 3600);
    cr_expect_eq(stats().plans, plans);
    cr_expect_geq(json_integer_value(json_object_get(last_plan(), "repeats")), 10);
}

/* Between two sizes of the pool, now and then. */
static void noisy_steps(double rps, int seconds)
{
    for (int s = 0; s < seconds; s += TICK_MS / MS_PER_S)
        step(rps * (1 + 0.1 * sin(s)));
}

Test(steer, a_shadow_holds_its_sizes_as_live_does)
{
    uint64_t live;

    noisy_steps(60, 3600);
    live = stats().plans;
    cr_assert_leq(live, 10);
    steer_free(st);
    proxy.load = (struct load){0};
    sent = 0;
    make_steer(NULL, NULL);
    steer_set_mode(st, CFG_MODE_SHADOW);
    noisy_steps(60, 3600);
    cr_expect_leq(stats().plans, live + 10);
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], 0);
}

Test(steer, a_shadow_goes_step_by_step)
{
    svc.scaling.max_step_up = 1;
    steer_set_mode(st, CFG_MODE_SHADOW);
    steps(80, 60);
    cr_expect_eq(json_integer_value(json_object_get(last_plan(), "to")), 8);
    cr_expect_eq(json_integer_value(json_object_get(last_plan(), "from")), 7);
}

Test(steer, what_was_only_planned_in_the_shadow_is_not_there_afterwards)
{
    steer_set_mode(st, CFG_MODE_SHADOW);
    steps(60, 60);
    steer_set_mode(st, CFG_MODE_LIVE);
    steps(60, 10);
    cr_expect_eq(json_integer_value(json_object_get(last_plan(), "from")), 0);
    cr_expect_eq(stats().wanted[TIER_PREDICTIVE], 6);
}

Test(steer, the_lead_is_learned_from_orders)
{
    provider.slow = true;
    svc.local.start_timeout_ms = 120000;
    for (int k = 0; k < 8; k++) {
        steps(k % 2 ? 5 : 60, 40);
        for (size_t i = 0; i < provider.n; i++)
            provider.at[i].phase = PROVIDER_SERVING;
        steps(k % 2 ? 5 : 60, 600);
    }
    cr_expect_leq(insight_lead_ms(steer_insight(st)), 60000);
    cr_expect_geq(insight_lead_ms(steer_insight(st)), 30000);
}

Test(steer, forecast_and_fleet_are_json)
{
    json_t *o;

    learn_days(2);
    steps(20, 120);
    o = steer_forecast_json(st, now);
    cr_assert_neq(o, NULL);
    cr_expect_gt(json_number_value(json_object_get(
                     json_object_get(json_object_get(o, "horizons"), "5m"), "0.9")),
                 0);
    cr_expect_gt(json_array_size(json_object_get(json_object_get(o, "history"), "rps")),
                 100);
    json_decref(o);
    o = steer_fleet_json(st, now);
    cr_assert_neq(o, NULL);
    cr_expect_geq(json_array_size(json_object_get(o, "instances")), 1);
    json_decref(o);
}

Test(steer, a_restart_knows_what_the_process_before_it_knew)
{
    struct kv *kv = kv_open_memory();
    struct ledger *ledger;
    double before[N_HORIZONS], rps;

    cr_assert_eq(ledger_new(kv, &ledger, NULL), RC_OK);
    steer_free(st);
    make_steer(kv, ledger);
    learn_days(12);
    while (now < T0 + HOUR_MS)
        step(rhythm(now));
    steer_save(st);
    ledger_flush(ledger);
    for (int h = 0; h < N_HORIZONS; h++)
        before[h] = stats().quantile_rps[h];
    rps = insight_peak_rps(steer_insight(st), now - HOUR_MS / 2, now - HOUR_MS / 4);
    steer_free(st);
    make_steer(kv, ledger);
    cr_expect_float_eq(
        insight_peak_rps(steer_insight(st), now - HOUR_MS / 2, now - HOUR_MS / 4), rps,
        1e-6);
    for (int h = 0; h < N_HORIZONS; h++)
        cr_expect_float_eq(stats().quantile_rps[h] / before[h], 1, 0.15, "horizon %d", h);
    cr_expect(window_ready(insight_window(steer_insight(st))));
    ledger_free(ledger);
    steer_free(st);
    kv_close(kv);
    make_steer(NULL, NULL);
}

Test(steer, absurd_counters_break_nothing)
{
    struct scaler_service_stats s;

    steps(10, 60);
    proxy.load.arrivals = 0;
    steer_read(st, now + 1000);
    proxy.load.arrivals = UINT64_MAX;
    steer_read(st, now + 2000);
    proxy.load.arrivals = 3;
    steer_read(st, now - 100000);
    steer_check(st, now + 3000);
    steer_stats(st, now, &s);
    cr_expect_leq(s.wanted[TIER_PREDICTIVE], 12);
    cr_expect_leq(s.wanted[TIER_BURST], 6);
}
