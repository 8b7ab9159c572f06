#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/kv.h"
#include "base/log.h"
#include "scaler/fleet.h"
#include "tests/unit/scaler/fake.h"

#define S ((mono_us)US_PER_S)

static char name[] = "shop", none[] = "", local_name[] = "local";
static struct cfg cfg;
static struct cfg_service svc;
static struct fake_proxy proxy;
static struct fake_provider provider;
static struct scaler_in in;
static struct kv *kv;
static struct ledger *ledger;
static struct fleet *f;
static mono_us now;

static void make_fleet(void)
{
    struct fleet_env env = {&in, &provider.base, ledger};

    f = fleet_new(&env, &cfg, &svc);
}

static void setup(void)
{
    log_set_level(LOG_ERROR);
    cfg = (struct cfg){.drain_timeout_ms = 30000};
    svc = (struct cfg_service){.name = name, .local.present = true, .local.ready = none};
    svc.local.start_timeout_ms = 20000;
    for (int t = 0; t < N_TIERS; t++)
        svc.pools[t] = (struct cfg_pool){.provider = local_name, .max = 10};
    proxy = (struct fake_proxy){0};
    provider = (struct fake_provider){.base.ops = &fake_ops};
    in = (struct scaler_in){&proxy, fake_load, fake_backends, fake_change};
    kv = kv_open_memory();
    cr_assert_eq(ledger_new(kv, &ledger, NULL), RC_OK);
    now = 100 * S;
    make_fleet();
}

static void teardown(void)
{
    fleet_free(f);
    ledger_free(ledger);
    kv_close(kv);
}

TestSuite(fleet, .init = setup, .fini = teardown);

static void tick(unsigned n)
{
    while (n-- > 0) {
        now += S / 10;
        fleet_tick(f, now, 1000000 + now / 1000 * 60); /* 60 x */
    }
}

static struct fleet_count count(enum tier t)
{
    struct fleet_count c;

    fleet_count(f, t, &c);
    return c;
}

static void have_ready(enum tier t, unsigned n)
{
    fleet_want(f, t, n);
    tick(5);
    cr_assert_eq(count(t).ready, n);
}

static bool remember(void *ctx, const void *key, size_t key_len, const void *value,
                     size_t len)
{
    (void)key;
    (void)key_len;
    snprintf(ctx, 512, "%.*s", (int)len, (const char *)value);
    return true;
}

/* The records in the store; the last one's text in *last. */
static unsigned records(char last[512])
{
    unsigned n = 0;

    ledger_flush(ledger);
    last[0] = 0;
    kv_each(kv, FLEET_KEY, strlen(FLEET_KEY), remember, last);
    n = last[0] != 0;
    return n;
}

Test(fleet, an_instance_lives_its_whole_life)
{
    char last[512], id[NAME_MAX_LEN], want[256];

    have_ready(TIER_PREDICTIVE, 1);
    snprintf(id, sizeof(id), "%s", proxy.views[0].id);
    cr_expect_eq(records(last), 1);
    cr_expect_neq(strstr(last, "\"ready\""), NULL, "%s", last);
    fleet_want(f, TIER_PREDICTIVE, 0);
    tick(10);
    cr_expect(fleet_empty(f));
    snprintf(want, sizeof(want), "add %s\ndrain %s\nremove %s\n", id, id, id);
    cr_expect_str_eq(proxy.journal, want);
    cr_expect_eq(provider.ended, 1);
    cr_expect_eq(records(last), 0);
}

Test(fleet, an_order_is_stored_before_it_is_carried_out)
{
    char last[512];

    provider.create_rc = RC_BUSY;
    fleet_want(f, TIER_BURST, 1);
    tick(1);
    cr_expect_eq(provider.created, 0);
    cr_expect_eq(records(last), 1);
    cr_expect_neq(strstr(last, "\"ordered\""), NULL, "%s", last);
}

Test(fleet, an_instance_joins_the_pool_once_it_takes_connections)
{
    provider.slow = true;
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(10);
    cr_expect_eq(count(TIER_PREDICTIVE).starting, 1);
    cr_expect_str_empty(proxy.journal);
    provider.at[0].phase = PROVIDER_SERVING;
    tick(2);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 1);
}

Test(fleet, it_is_ready_once_the_pool_says_so_and_the_lead_is_virtual)
{
    uint32_t ms = 0;

    proxy.probes_fail = true;
    svc.local.ready = local_name; /* probed */
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(10);
    cr_expect_eq(count(TIER_PREDICTIVE).starting, 1);
    cr_expect_not(fleet_take_lead(f, &ms));
    proxy.views[0].health = BACKEND_UP;
    tick(1);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 1);
    cr_expect(fleet_take_lead(f, &ms));
    cr_expect_eq(ms, 60000); /* a second, at 60 x */
}

Test(fleet, without_a_path_it_is_ready_when_the_health_of_its_service_says_so)
{
    proxy.probes_fail = true;
    svc.health.enabled = true;
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(10);
    cr_expect_eq(count(TIER_PREDICTIVE).starting, 1);
    proxy.views[0].health = BACKEND_UP;
    tick(1);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 1);
}

Test(fleet, what_never_opens_its_port_fails_and_is_ended)
{
    provider.slow = true;
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(199);
    cr_expect_eq(fleet_failures(f), 0);
    tick(5);
    cr_expect_eq(fleet_failures(f), 1);
    cr_expect_eq(provider.ended, 1);
}

Test(fleet, what_never_answers_its_probe_fails_and_leaves_the_pool)
{
    svc.local.ready = local_name;
    proxy.probes_fail = true;
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(205);
    cr_expect_eq(fleet_failures(f), 1);
    cr_expect_eq(proxy.n, 0);
    cr_expect_eq(provider.ended, 1);
}

Test(fleet, one_that_dies_is_replaced)
{
    have_ready(TIER_PREDICTIVE, 2);
    provider.at[0].phase = PROVIDER_ENDED;
    tick(2);
    cr_expect_eq(fleet_failures(f), 1);
    cr_expect_eq(proxy.n, 1);
    tick(20);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 2);
    cr_expect_eq(provider.created, 3);
}

Test(fleet, orders_pause_longer_after_each_failure)
{
    provider.create_rc = RC_SYS;
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(10);
    cr_expect_eq(fleet_failures(f), 1);
    cr_expect(fleet_backing_off(f));
    tick(5); /* one second after the first */
    cr_expect_eq(fleet_failures(f), 2);
    tick(15);
    cr_expect_eq(fleet_failures(f), 2);
    tick(10); /* two more after the second */
    cr_expect_eq(fleet_failures(f), 3);
    tick(5000);
    cr_expect_lt(fleet_failures(f), 20);
}

Test(fleet, success_ends_the_pause)
{
    provider.create_rc = RC_SYS;
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(10);
    provider.create_rc = RC_OK;
    tick(20);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 1);
    cr_expect_not(fleet_backing_off(f));
}

Test(fleet, a_provider_that_is_busy_is_asked_again_for_a_while)
{
    provider.create_rc = RC_BUSY;
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(50);
    cr_expect_eq(fleet_failures(f), 0);
    provider.create_rc = RC_OK;
    tick(5);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 1);
}

Test(fleet, the_emptiest_goes_first_and_drains)
{
    char busy[NAME_MAX_LEN];

    have_ready(TIER_PREDICTIVE, 3);
    proxy.views[0].inflight = 5;
    proxy.views[1].inflight = 2;
    proxy.views[2].inflight = 9;
    snprintf(busy, sizeof(busy), "%s", proxy.views[1].id);
    fleet_want(f, TIER_PREDICTIVE, 2);
    tick(10);
    cr_expect_eq(fake_view(&proxy, busy)->admin, BACKEND_DRAIN);
    cr_expect_eq(provider.ended, 0);
    fake_view(&proxy, busy)->inflight = 0;
    tick(10);
    cr_expect_eq(fake_view(&proxy, busy), NULL);
    cr_expect_eq(provider.ended, 1);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 2);
}

Test(fleet, a_drain_is_not_over_before_the_pool_says_that_it_drains)
{
    have_ready(TIER_PREDICTIVE, 1);
    proxy.refuses = true; /* the change is on its way */
    fleet_want(f, TIER_PREDICTIVE, 0);
    tick(20);
    cr_expect_eq(count(TIER_PREDICTIVE).ending, 1);
    cr_expect_eq(provider.ended, 0);
    proxy.refuses = false;
    proxy.views[0].admin = BACKEND_DRAIN;
    tick(2);
    proxy.views[0].inflight = 1; /* a worker that had not heard of it */
    tick(5);
    proxy.views[0].inflight = 0;
    tick(2);
    cr_expect_eq(provider.ended, 0);
    tick(5);
    cr_expect_eq(provider.ended, 1);
}

Test(fleet, draining_ends_with_the_timeout)
{
    have_ready(TIER_PREDICTIVE, 1);
    proxy.views[0].inflight = 1;
    fleet_want(f, TIER_PREDICTIVE, 0);
    tick(290);
    cr_expect_eq(count(TIER_PREDICTIVE).ending, 1);
    tick(20);
    cr_expect(fleet_empty(f));
}

Test(fleet, what_does_not_serve_yet_is_cancelled_before_what_serves)
{
    have_ready(TIER_PREDICTIVE, 1);
    provider.slow = true;
    fleet_want(f, TIER_PREDICTIVE, 3);
    tick(2);
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(3);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 1);
    cr_expect_eq(count(TIER_PREDICTIVE).actual, 1);
    cr_expect_eq(strstr(proxy.journal, "drain"), NULL);
}

Test(fleet, tiers_do_not_touch_each_other)
{
    have_ready(TIER_PREDICTIVE, 2);
    have_ready(TIER_BURST, 1);
    fleet_want(f, TIER_BURST, 0);
    tick(10);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 2);
    cr_expect_eq(count(TIER_BURST).actual, 0);
}

Test(fleet, one_that_somebody_took_out_of_the_pool_is_replaced)
{
    have_ready(TIER_PREDICTIVE, 1);
    proxy.n = 0;
    tick(100);
    cr_expect_eq(fleet_failures(f), 1);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 1);
    cr_expect_eq(provider.ended, 1);
}

Test(fleet, one_that_stays_down_is_replaced)
{
    have_ready(TIER_PREDICTIVE, 1);
    proxy.views[0].health = BACKEND_DOWN;
    tick(190);
    cr_expect_eq(fleet_failures(f), 0);
    tick(30);
    cr_expect_eq(fleet_failures(f), 1);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 1);
}

Test(fleet, the_end_stops_everything_without_draining)
{
    have_ready(TIER_PREDICTIVE, 2);
    proxy.views[0].inflight = 7;
    provider.slow = true;
    fleet_want(f, TIER_BURST, 1);
    tick(2);
    fleet_end(f);
    tick(3);
    cr_expect(fleet_empty(f));
    cr_expect_eq(proxy.n, 0);
    tick(20);
    cr_expect_eq(provider.created, 3);
}

Test(fleet, a_stubborn_instance_is_waited_for)
{
    char last[512];

    have_ready(TIER_PREDICTIVE, 1);
    provider.stubborn = true;
    fleet_want(f, TIER_PREDICTIVE, 0);
    tick(50);
    cr_expect_eq(count(TIER_PREDICTIVE).ending, 1);
    cr_expect_eq(records(last), 1);
    provider.at[0].phase = PROVIDER_ENDED;
    tick(2);
    cr_expect(fleet_empty(f));
}

/* ---- a process that ends at any point, and the next one ---- */

static void crash_and_restart(void)
{
    char last[512];
    unsigned n = records(last);

    fleet_free(f);
    proxy = (struct fake_proxy){0};
    provider.n = 0;
    make_fleet();
    if (n > 0)
        cr_assert(fleet_restore(f, last, strlen(last), now));
}

Test(fleet, a_ready_instance_is_taken_over_after_a_crash)
{
    uint32_t ms;

    have_ready(TIER_PREDICTIVE, 1);
    cr_expect(fleet_take_lead(f, &ms));
    crash_and_restart();
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(3);
    cr_expect_eq(count(TIER_PREDICTIVE).ready, 1);
    cr_expect_eq(provider.created, 1);
    cr_expect_not(fleet_take_lead(f, &ms)); /* it was not ordered now */
}

Test(fleet, an_instance_that_died_with_the_crash_is_forgotten)
{
    char last[512];

    have_ready(TIER_PREDICTIVE, 1);
    provider.adopts_gone = true;
    crash_and_restart();
    tick(3);
    cr_expect(fleet_empty(f));
    cr_expect_eq(records(last), 0);
    cr_expect_eq(fleet_failures(f), 0);
}

Test(fleet, one_that_was_draining_at_the_crash_is_ended)
{
    have_ready(TIER_PREDICTIVE, 1);
    proxy.views[0].inflight = 1;
    fleet_want(f, TIER_PREDICTIVE, 0);
    tick(2);
    crash_and_restart();
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(1);
    cr_expect(provider.ended == 1 || provider.at[0].destroyed);
    tick(4);
    cr_expect_eq(count(TIER_PREDICTIVE).actual, 1);
    cr_expect_eq(provider.created, 2);
}

Test(fleet, an_order_that_was_not_carried_out_leaves_no_trace)
{
    char last[512];

    provider.create_rc = RC_BUSY;
    fleet_want(f, TIER_PREDICTIVE, 1);
    tick(1);
    crash_and_restart();
    tick(3);
    cr_expect(fleet_empty(f));
    cr_expect_eq(records(last), 0);
}

Test(fleet, records_of_another_service_or_damaged_ones_are_refused)
{
    static const char *const bad[] = {
        "",
        "nonsense",
        "{}",
        "[1]",
        "{\"id\":\"x\",\"service\":\"other\",\"tier\":\"burst\",\"state\":\"ready\","
        "\"addr\":\"\",\"handle\":\"\"}",
        "{\"id\":\"x\",\"service\":\"shop\",\"tier\":\"burst\",\"state\":\"dancing\","
        "\"addr\":\"\",\"handle\":\"\"}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(fleet_restore(f, bad[i], strlen(bad[i]), now), "%s", bad[i]);
    cr_expect(fleet_empty(f));
}

Test(fleet, the_table_has_one_way_in_and_one_way_out)
{
    for (int s = 0; s < N_FLEET_STATES; s++) {
        cr_expect_not(fleet_may((enum fleet_state)s, FLEET_ORDERED));
        cr_expect_not(fleet_may(FLEET_GONE, (enum fleet_state)s));
        cr_expect_eq(fleet_may((enum fleet_state)s, FLEET_GONE), s == FLEET_STOPPING);
    }
    cr_expect_not(fleet_may(FLEET_READY, FLEET_STOPPING));
}

Test(fleet, its_json_tells_each_instance)
{
    json_t *list;

    have_ready(TIER_PREDICTIVE, 2);
    list = fleet_json(f, now);
    cr_expect_eq(json_array_size(list), 2);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "state")),
                     "ready");
    json_decref(list);
}
