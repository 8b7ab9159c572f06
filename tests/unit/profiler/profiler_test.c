#include "profiler/profiler.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/kv.h"
#include "base/log.h"
#include "conf/cfg_load.h"
#include "profiler/pathkey.h"

#define T0 1704067200000 /* a Monday, 00:00 */

static const char config[] =
    "listeners: [ { bind: 127.0.0.1:1 } ]\n"
    "services:\n"
    "  shop: { pools: { baseline: { backends: [ 127.0.0.1:2 ] } } }\n"
    "  report: { pools: { baseline: { backends: [ 127.0.0.1:3 ] } }, time_zone: "
    "Asia/Kolkata }\n"
    "routes:\n"
    "  - { path: /report, service: report }\n"
    "  - { path: /, service: shop }\n"
    "profiler: { identity: [ \"header:x-user\" ], max_users: 1000 }\n";

static struct cfg *cfg;
static struct kv *kv;
static struct profiler *profiler;
static struct outlook last;
static unsigned n_outlooks;

static void on_outlook(void *ctx, const struct outlook *o)
{
    (void)ctx;
    last = *o;
    n_outlooks++;
}

static void open_profiler(void)
{
    static const struct profiler_out out = {NULL, on_outlook};
    struct why w;

    cr_assert_eq(profiler_new(cfg, kv, &out, &profiler, &w), RC_OK, "%s", w.text);
}

static void load_config(const char *text)
{
    struct cfg_errors errs;

    cfg_errors_init(&errs);
    cr_assert_eq(cfg_load_text("test", text, strlen(text), &cfg, &errs), RC_OK, "%s",
                 errs.n > 0 ? errs.list[0].text : "");
    cfg_errors_fini(&errs);
}

static void setup(void)
{
    log_set_level(LOG_ERROR);
    load_config(config);
    kv = kv_open_memory();
    open_profiler();
}

static void teardown(void)
{
    profiler_free(profiler);
    kv_close(kv);
    cfg_unref(cfg);
}

static void feed(uint64_t user, wall_ms at, const char *path)
{
    struct observation o = {.user = user,
                            .path = pathkey_of(path, strlen(path)),
                            .start = at,
                            .status = 200,
                            .latency_us = 2000,
                            .device = OBS_DESKTOP,
                            .service = strncmp(path, "/report", 7) == 0};
    struct path_text t = {
        .path = o.path, .service = o.service, .len = (uint16_t)strlen(path)};

    memcpy(t.text, path, strlen(path));
    profiler_feed_path(profiler, &t);
    profiler_feed(profiler, &o);
}

/* Twenty people browse and then read a report, all day. */
static wall_ms a_day(wall_ms from)
{
    wall_ms t = from;

    for (int hour = 0; hour < 24; hour++)
        for (uint64_t user = 1; user <= 20; user++) {
            wall_ms at = from + hour * 3600000 + (wall_ms)user * 60000;

            feed(user, at, "/");
            feed(user, at + 5000, "/item/7");
            feed(user, at + 9000, "/item/8");
            feed(user, at + 15000, "/report/9");
            t = at + 15000;
            profiler_tick(profiler, t);
        }
    profiler_tick(profiler, t + 10000);
    return t + 10000;
}

static json_t *user_json(const char *id)
{
    json_t *j = profiler_user_json_mt(profiler, id);

    cr_assert_not_null(j, "%s", id);
    return j;
}

static json_int_t number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

Test(profiler, a_user_is_learned_and_shown, .init = setup, .fini = teardown)
{
    json_t *u, *next;

    a_day(T0);
    u = user_json("0000000000000007");
    cr_expect_eq(number(u, "requests"), 96);
    cr_expect_eq(number(u, "sessions"), 24);
    cr_expect_str_eq(json_string_value(json_object_get(u, "device")), "desktop");
    cr_expect_eq(json_array_size(json_object_get(u, "recent")), 12);
    cr_expect_eq(json_array_size(json_object_get(u, "week")), 168);
    cr_expect_float_eq(
        json_real_value(json_object_get(json_object_get(u, "services"), "report")), .25,
        .05);
    next = json_array_get(json_object_get(u, "next"), 0);
    cr_expect_not_null(next);
    json_decref(u);
}

Test(profiler, the_next_resource_is_foretold, .init = setup, .fini = teardown)
{
    wall_ms t = a_day(T0);
    const json_t *next;
    json_t *u;

    feed(3, t + 3600000, "/");
    feed(3, t + 3605000, "/item/7");
    feed(3, t + 3609000, "/item/123");
    profiler_tick(profiler, t + 3620000);
    u = user_json("0000000000000003");
    next = json_array_get(json_object_get(u, "next"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(next, "resource")), "/report/*");
    cr_expect_str_eq(json_string_value(json_object_get(next, "service")), "report");
    cr_expect_gt(json_real_value(json_object_get(next, "p")), .8);
    json_decref(u);
}

Test(profiler, the_model_keeps_a_record_of_its_guesses, .init = setup, .fini = teardown)
{
    struct profiler_stats s;

    a_day(T0);
    profiler_stats_mt(profiler, &s);
    cr_expect_eq(s.observations, 1920);
    cr_expect_eq(s.sessions, 480);
    cr_expect_eq(s.users, 20);
    cr_expect_eq(s.templates, 3);
    cr_expect_eq(s.tokens, 3 * 480);
    cr_expect_gt(s.top1, .9);
    cr_expect(s.store_ok);
}

/* Without what a restart changes: nobody is active yet, and shares are kept to a 64th. */
static json_t *lasting(const char *id)
{
    json_t *u = user_json(id);

    json_object_del(u, "active");
    json_object_del(u, "session");
    json_object_del(u, "mix");
    return u;
}

Test(profiler, a_profile_is_the_same_after_a_restart, .init = setup, .fini = teardown)
{
    json_t *before, *after;

    for (uint64_t user = 1; user <= 12; user++) {
        feed(user, T0 + 1000, "/");
        feed(user, T0 + 8000, "/item/5");
    }
    profiler_tick(profiler, T0 + 20000);
    before = lasting("0000000000000007");
    profiler_free(profiler);
    open_profiler();
    after = lasting("0000000000000007");
    cr_expect_eq(number(before, "requests"), 2);
    cr_expect(json_equal(before, after));
    json_decref(before);
    json_decref(after);
}

Test(profiler, an_open_session_and_the_models_go_on_after_a_restart, .init = setup,
     .fini = teardown)
{
    wall_ms t = a_day(T0);
    struct profiler_stats s;
    json_t *u;

    feed(7, t + 1000, "/");
    profiler_tick(profiler, t + 70000);
    profiler_free(profiler);
    open_profiler();
    profiler_stats_mt(profiler, &s);
    cr_expect_eq(s.users, 20);
    cr_expect_eq(s.templates, 3);
    feed(7, t + 80000, "/item/99");
    profiler_tick(profiler, t + 90000);
    u = user_json("0000000000000007");
    cr_expect_eq(number(json_object_get(u, "session"), "requests"), 6);
    cr_expect_eq(number(u, "sessions"), 24);
    cr_expect_str_eq(json_string_value(json_object_get(
                         json_array_get(json_object_get(u, "next"), 0), "resource")),
                     "/item/*");
    json_decref(u);
}

Test(profiler, an_outlook_is_given_for_each_service, .init = setup, .fini = teardown)
{
    wall_ms t = a_day(T0);

    for (int i = 0; i < 10; i++)
        t = a_day(t + 3600000);
    cr_expect_gt(n_outlooks, 1000);
    cr_expect_eq(last.n_services, 2);
    cr_expect_eq(last.horizon_ms, 300000);
    cr_expect_gt(last.service[0].active_users + last.service[1].active_users, 15);
}

Test(profiler, users_beyond_the_limit_are_found_in_the_store, .init = setup,
     .fini = teardown)
{
    struct profiler_stats s;
    json_t *u;

    for (uint64_t user = 1; user <= 5000; user++) {
        feed(user, T0 + (wall_ms)user * 1000, "/");
        if (user % 100 == 0)
            profiler_tick(profiler, T0 + (wall_ms)user * 1000);
    }
    profiler_tick(profiler, T0 + 6000000);
    profiler_stats_mt(profiler, &s);
    cr_expect_eq(s.users, 1000);
    u = user_json("0000000000000001");
    cr_expect_eq(number(u, "requests"), 1);
    json_decref(u);
    feed(1, T0 + 7000000, "/");
    profiler_tick(profiler, T0 + 7010000);
    u = user_json("0000000000000001");
    cr_expect_eq(number(u, "requests"), 2);
    json_decref(u);
    profiler_free(profiler);
    open_profiler();
    profiler_stats_mt(profiler, &s);
    cr_expect_eq(s.users, 1000, "the latest are loaded");
    cr_expect_not_null((u = profiler_user_json_mt(profiler, "0000000000001388")));
    json_decref(u);
}

Test(profiler, the_busiest_users_come_first, .init = setup, .fini = teardown)
{
    json_t *list;

    for (uint64_t user = 1; user <= 30; user++)
        for (uint64_t i = 0; i < user; i++)
            feed(user, T0 + (wall_ms)i * 1000, "/");
    profiler_tick(profiler, T0 + 100000);
    list = profiler_users_json_mt(profiler, 5);
    cr_expect_eq(json_array_size(list), 5);
    cr_expect_eq(number(json_array_get(list, 0), "requests"), 30);
    json_decref(list);
}

Test(profiler, templates_are_listed_for_each_service, .init = setup, .fini = teardown)
{
    json_t *list;

    a_day(T0);
    list = profiler_templates_json_mt(profiler, 1);
    cr_expect_eq(json_array_size(list), 2, "/report/ * and the rest");
    json_decref(list);
}

Test(profiler, nobody_is_nobody, .init = setup, .fini = teardown)
{
    cr_expect_null(profiler_user_json_mt(profiler, "0000000000000001"));
    cr_expect_null(profiler_user_json_mt(profiler, "header:x-user=nobody"));
    cr_expect_null(profiler_user_json_mt(profiler, "what"));
}

Test(profiler, no_identifier_and_no_private_path_reaches_the_store, .init = setup,
     .fini = teardown)
{
    const char *const path = "/account/alice-secret-page";

    for (uint64_t user = 1; user <= 9; user++)
        feed(user, T0 + 1000, path);
    profiler_tick(profiler, T0 + 60000);
    profiler_free(profiler);
    open_profiler();
    {
        json_t *list = profiler_templates_json_mt(profiler, 0);
        char *text = json_dumps(list, 0);

        cr_expect_null(strstr(text, "alice"));
        free(text);
        json_decref(list);
    }
}

Test(profiler, what_makes_no_sense_is_left_out, .init = setup, .fini = teardown)
{
    struct observation o = {.user = 0, .start = T0, .service = 0, .status = 200};
    struct profiler_stats s;

    profiler_feed(profiler, &o);
    o.user = 5;
    o.service = 200;
    profiler_feed(profiler, &o);
    profiler_tick(profiler, T0 + 10000);
    profiler_stats_mt(profiler, &s);
    cr_expect_eq(s.observations, 0);
    cr_expect_eq(s.users, 0);
}

Test(profiler, a_repeat_after_a_failure_is_not_another_wish, .init = setup,
     .fini = teardown)
{
    struct observation o = {.user = 5, .start = T0, .status = 503};
    json_t *u;

    profiler_feed(profiler, &o);
    o.start += 1000;
    o.flags = OBS_REPEAT;
    profiler_feed(profiler, &o);
    profiler_tick(profiler, T0 + 10000);
    u = user_json("0000000000000005");
    cr_expect_eq(number(u, "requests"), 1);
    cr_expect_eq(number(json_object_get(u, "aborts"), "failed"), 1);
    json_decref(u);
}

/* The thread takes what the workers' rings hold; questions are answered meanwhile. */
Test(profiler, the_thread_empties_the_rings, .init = setup, .fini = teardown)
{
    struct ring *obs = ring_new(1024, sizeof(struct observation));
    struct ring *paths = ring_new(64, sizeof(struct path_text));
    struct profiler_stats s = {0};
    struct observation o = {.user = 5, .status = 200};
    struct why w;

    profiler_attach(profiler, obs, paths);
    cr_assert_eq(profiler_start(profiler, &w), RC_OK);
    for (int i = 0; i < 3000; i++) {
        o.start = clock_virtual();
        ring_put(obs, &o);
        if (i % 500 == 0)
            profiler_stats_mt(profiler, &s);
    }
    profiler_stop(profiler);
    profiler_stop(profiler);
    profiler_stats_mt(profiler, &s);
    cr_expect_eq(s.observations + s.dropped, 3000);
    profiler_free(profiler);
    ring_free(obs);
    ring_free(paths);
    open_profiler();
}

Test(profiler, a_reload_keeps_what_was_learned_of_a_service, .init = setup,
     .fini = teardown)
{
    static const char other[] =
        "listeners: [ { bind: 127.0.0.1:1 } ]\n"
        "services:\n"
        "  report: { pools: { baseline: { backends: [ 127.0.0.1:3 ] } } }\n"
        "  news: { pools: { baseline: { backends: [ 127.0.0.1:2 ] } } }\n"
        "routes: [ { path: /, service: news } ]\n";
    wall_ms t = a_day(T0);
    struct cfg *old = cfg;
    const json_t *item;
    json_t *list, *u;

    load_config(other);
    profiler_reconfigure_mt(profiler, cfg);
    cfg_unref(old);
    list = profiler_templates_json_mt(profiler, 0);
    item = json_array_get(list, 1);
    cr_expect_str_eq(json_string_value(json_object_get(item, "resource")), "/report/*");
    json_decref(list);
    u = user_json("0000000000000007");
    cr_expect_eq(number(u, "requests"), 96);
    cr_expect_eq(json_object_size(json_object_get(u, "services")), 1, "the shop is gone");
    json_decref(u);
    a_day(t + 100000);
    cr_expect_eq(last.n_services, 2);
}
