#include <criterion/criterion.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/kv.h"
#include "base/log.h"
#include "scaler/provider/child.h"
#include "scaler/scaler.h"
#include "tests/unit/scaler/fake.h"

#define AWAIT_MS 15000

static char shop[] = "shop", blog[] = "blog", nothing[] = "", local_name[] = "local";
static char dir[] = "/tmp/tidegate-scaler-test.XXXXXX";
/* Does not end by the signal that the kernel sends it at our death. */
static char command[] = "/usr/bin/python3 -S -c 'import signal,socket,sys,time\n"
                        "signal.signal(15,signal.SIG_IGN)\n"
                        "s=socket.socket()\n"
                        "s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n"
                        "s.bind((\"127.0.0.1\",int(sys.argv[1])));s.listen()\n"
                        "time.sleep(60)' {port}";

static struct cfg_service services[2];
static struct cfg cfg;
static struct fake_proxy proxy;
static struct scaler_in in;
static struct kv *kv;

static void fill_service(struct cfg_service *s, char *name, uint16_t index)
{
    *s = (struct cfg_service){
        .name = name,
        .index = index,
        .local = {.present = true,
                  .command = command,
                  .ready = nothing,
                  .log = nothing,
                  .start_timeout_ms = 10000,
                  .stop_timeout_ms = 200},
        .pools[TIER_BASELINE] = {.provider = nothing},
        .pools[TIER_PREDICTIVE] = {.provider = local_name, .min = 1, .max = 4},
        .pools[TIER_BURST] = {.provider = nothing},
        .scaling = {.quantile = 0.95, .instance_rps = 10, .target_latency_ms = 200},
    };
    s->local.port_from = (uint16_t)(31000 + getpid() % 100 * 10);
    s->local.port_to = (uint16_t)(s->local.port_from + 9);
}

static void setup(void)
{
    log_set_level(LOG_ERROR);
    fill_service(&services[0], shop, 0);
    fill_service(&services[1], blog, 1);
    cfg = (struct cfg){.refs = 1, .services = services, .n_services = 1, .clock.speed = 1};
    proxy = (struct fake_proxy){0};
    in = (struct scaler_in){&proxy, fake_load, fake_backends, fake_change};
    kv = kv_open_memory();
}

TestSuite(scaler, .init = setup, .timeout = 60);

static struct scaler *make(struct kv *store)
{
    struct scaler *s;
    struct why w;

    cr_assert_eq(scaler_new(&cfg, store, &in, &s, &w), RC_OK);
    return s;
}

static struct scaler_service_stats stats(struct scaler *s)
{
    struct scaler_service_stats st;

    cr_assert(scaler_stats_mt(s, 0, &st));
    return st;
}

/* Ticks until that many are ready, in real time. */
static void await_ready(struct scaler *s, unsigned n)
{
    mono_us until = clock_mono() + (mono_us)AWAIT_MS * US_PER_MS;

    for (wall_ms now = 1; stats(s).ready[TIER_PREDICTIVE] != n; poll(NULL, 0, 5)) {
        cr_assert_lt(clock_mono(), until, "%u are ready", stats(s).ready[TIER_PREDICTIVE]);
        scaler_tick(s, now += 1000);
    }
}

/* Processes that are there of the instances that the scaler knows. */
static unsigned marked(struct scaler *s)
{
    json_t *o = scaler_fleet_json_mt(s), *list, *i;
    unsigned n = 0;
    size_t k;

    list = json_object_get(json_array_get(json_object_get(o, "services"), 0), "instances");
    json_array_foreach(list, k, i) n +=
        child_sweep(json_string_value(json_object_get(i, "id")), 0);
    json_decref(o);
    return n;
}

Test(scaler, instances_run_and_none_is_left_behind)
{
    struct scaler *s = make(kv);

    await_ready(s, 1);
    cr_expect_eq(marked(s), 1);
    scaler_stop(s, false);
    cr_expect_eq(stats(s).actual[TIER_PREDICTIVE], 0);
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
    cr_expect_eq(proxy.n, 0);
    scaler_free(s);
    kv_close(kv);
}

Test(scaler, the_thread_does_it_alone)
{
    struct scaler *s = make(kv);
    mono_us until = clock_mono() + (mono_us)AWAIT_MS * US_PER_MS;

    cr_assert_eq(scaler_start(s, NULL), RC_OK);
    while (stats(s).ready[TIER_PREDICTIVE] != 1 && clock_mono() < until)
        poll(NULL, 0, 5);
    cr_expect_eq(stats(s).ready[TIER_PREDICTIVE], 1);
    scaler_stop(s, false);
    scaler_stop(s, false);
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
    scaler_free(s);
    kv_close(kv);
}

/* A process that is killed while an instance runs; the store is on disk. */
static void run_and_be_killed(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct kv *mine;
        struct scaler *s;

        if (kv_open_lmdb(dir, 10 << 20, KV_SHARED, &mine, NULL) != RC_OK)
            _exit(1);
        s = make(mine);
        await_ready(s, 1);
        scaler_save(s); /* waits for the writer */
        raise(SIGKILL);
    }
    waitpid(pid, NULL, 0);
}

static bool take_id(void *ctx, const void *key, size_t key_len, const void *value,
                    size_t len)
{
    (void)value;
    (void)len;
    snprintf(ctx, NAME_MAX_LEN, "%.*s", (int)(key_len - strlen("scaler/instance/")),
             (const char *)key + strlen("scaler/instance/"));
    return true;
}

static void remove_store(void)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    char path[128];

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

Test(scaler, after_a_kill_the_next_process_takes_over_and_leaves_nothing)
{
    char id[NAME_MAX_LEN] = "";
    struct scaler *s;

    cr_assert_neq(mkdtemp(dir), NULL);
    run_and_be_killed();
    kv_close(kv);
    cr_assert_eq(kv_open_lmdb(dir, 10 << 20, KV_SHARED, &kv, NULL), RC_OK);
    kv_each(kv, "scaler/instance/", strlen("scaler/instance/"), take_id, id);
    unsigned nn = child_sweep(id, 0);
    cr_assert_eq(nn, 1, "%u of %s", nn, id);
    s = make(kv);
    await_ready(s, 1);
    cr_expect_eq(marked(s), 1);
    cr_expect_eq(child_sweep(id, 0), 1, "it is the same one");
    scaler_stop(s, false);
    cr_expect_eq(stats(s).actual[TIER_PREDICTIVE], 0);
    cr_expect_eq(child_sweep(id, 0), 0);
    scaler_free(s);
    kv_close(kv);
    remove_store();
}

Test(scaler, a_service_that_leaves_the_configuration_takes_its_instances_along)
{
    struct scaler *s = make(kv);
    struct cfg later = cfg;
    mono_us until = clock_mono() + (mono_us)AWAIT_MS * US_PER_MS;

    await_ready(s, 1);
    later.services = &services[1];
    services[1].pools[TIER_PREDICTIVE].min = 0;
    services[1].index = 0;
    scaler_reconfigure_mt(s, &later);
    while (waitpid(-1, NULL, WNOHANG) == 0 && clock_mono() < until) {
        scaler_tick(s, 5000);
        poll(NULL, 0, 5);
    }
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
    scaler_stop(s, false);
    scaler_free(s);
    kv_close(kv);
}

Test(scaler, a_service_keeps_its_history_when_its_place_changes)
{
    struct scaler *s = make(kv);
    struct cfg later = cfg;
    struct cfg_service swapped[2];

    for (int i = 0; i < 100; i++)
        scaler_learn(s, 0, 1000000000LL + i * 30000, 300);
    swapped[0] = services[1];
    swapped[1] = services[0];
    swapped[0].index = 0;
    swapped[1].index = 1;
    swapped[0].pools[TIER_PREDICTIVE].min = swapped[1].pools[TIER_PREDICTIVE].min = 0;
    later.services = swapped;
    later.n_services = 2;
    scaler_reconfigure_mt(s, &later);
    struct scaler_service_stats st;

    cr_assert(scaler_stats_mt(s, 1, &st));
    cr_expect_float_eq(st.forecast_rps[0], 10, 0.5);
    cr_assert(scaler_stats_mt(s, 0, &st));
    cr_expect_eq(st.forecast_rps[0], 0);
    scaler_stop(s, false);
    scaler_free(s);
    kv_close(kv);
}

Test(scaler, what_was_learned_from_a_log_is_there_in_the_next_process)
{
    struct scaler *s;

    services[0].pools[TIER_PREDICTIVE].min = 0;
    s = make(kv);
    for (int i = 0; i < 8 * 288; i++)
        scaler_learn(s, 0, 1000000000LL + i * 300000, 3000);
    scaler_save(s);
    scaler_stop(s, false);
    scaler_free(s);
    s = make(kv);
    cr_expect_float_eq(stats(s).forecast_rps[2], 10, 0.5);
    cr_expect(stats(s).store_ok);
    scaler_stop(s, false);
    scaler_free(s);
    kv_close(kv);
}

Test(scaler, plans_are_there_in_the_next_process)
{
    struct scaler *s = make(kv);
    json_t *o;

    proxy.load.arrivals = 0;
    for (wall_ms now = 1000; now < 100000; now += 1000) {
        proxy.load.arrivals += 35;
        scaler_tick(s, now);
    }
    cr_assert_gt(stats(s).plans, 0);
    scaler_stop(s, false);
    scaler_free(s);
    services[0].pools[TIER_PREDICTIVE].min = 0;
    s = make(kv);
    o = scaler_decisions_json_mt(s, "shop", 100);
    cr_expect_gt(json_array_size(json_object_get(o, "decisions")), 0);
    json_decref(o);
    scaler_stop(s, false);
    scaler_free(s);
    kv_close(kv);
}

Test(scaler, the_brake_is_one_call)
{
    struct scaler *s;

    services[0].pools[TIER_PREDICTIVE].min = 0;
    s = make(NULL);
    cr_expect_eq(scaler_set_mode_mt(s, "", CFG_MODE_REACTIVE), RC_OK);
    cr_expect_eq(stats(s).mode, CFG_MODE_REACTIVE);
    cr_expect_eq(scaler_set_mode_mt(s, "nobody", CFG_MODE_LIVE), RC_NOT_FOUND);
    scaler_stop(s, false);
    scaler_free(s);
    kv_close(kv);
}
