#include "profiler/outlook.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define T0   1704067200u /* a Monday, 00:00 */
#define HOUR 3600u
#define DAY  86400u
#define GAP  1800
#define STEP 10

static const char *const names[] = {"shop", "report"};
static struct zone *const zones[] = {NULL, NULL};

static struct token_table *tokens;
static struct users *users;
static struct outlook_model *model;
static struct outlook out;
static uint16_t browse, login, report;

static void open_model(void)
{
    const struct outlook_setup setup = {2, names, zones, tokens, 1000};

    model = outlook_new(&setup);
}

static void setup(void)
{
    tokens = token_new(names, 2);
    browse = token_add(tokens, 0, "/browse");
    login = token_add(tokens, 0, "/login");
    report = token_add(tokens, 1, "/report");
    users = users_new(10000);
    open_model();
}

static void teardown(void)
{
    outlook_free(model);
    users_free(users);
    token_free(tokens);
}

static void ask(uint64_t key, uint32_t at_s, uint16_t token)
{
    struct user *u = users_find(users, key);
    struct profile_event e = {
        .at_s = at_s, .hour = profile_hour_at(at_s, 0), .token = token};

    if (u == NULL)
        u = users_add(users, key);
    profile_note(&u->profile, &e, GAP);
    users_activate(users, u);
    outlook_note(model, u, at_s, (uint16_t)token_service(tokens, token));
}

static void step(uint32_t now_s)
{
    struct user *u;

    while ((u = users_oldest_active(users)) != NULL &&
           session_is_over(&u->profile.session, now_s, GAP)) {
        outlook_close(model, u);
        users_retire(users, u);
    }
    outlook_step(model, users, (wall_ms)now_s * MS_PER_S, &out);
}

/* A visitor every 10 s; each asks 10 times, once a minute, then leaves. */
static uint32_t steady(uint32_t from_s, uint32_t to_s)
{
    static uint64_t key = 1000;
    uint32_t t;

    for (t = from_s; t < to_s; t += STEP) {
        step(t);
        key++;
        for (uint64_t i = 0; i < 10; i++)
            if (key - i * 6 > 1000)
                ask(key - i * 6, t, browse);
    }
    return t;
}

Test(outlook, a_steady_stream_is_foreseen_with_its_parts, .init = setup, .fini = teardown)
{
    double want = 10.0 * OUTLOOK_HORIZON_S / STEP;

    steady(T0, T0 + 4 * HOUR);
    cr_expect_float_eq(out.service[0].expected, want, .1 * want, "%f",
                       out.service[0].expected);
    cr_expect_float_eq(out.service[0].expected,
                       out.service[0].from_active + out.service[0].from_back +
                           out.service[0].from_new,
                       1e-6);
    /* A new visitor makes 1 to 6 requests in the window he comes in: 30 come, 3.5 on
     * average. */
    cr_expect_float_eq(out.service[0].from_new, 30 * 3.5, 20, "%f",
                       out.service[0].from_new);
    cr_expect_eq(out.service[1].expected, 0);
    cr_expect_gt(out.service[0].variance, 0);
    cr_expect_eq(out.horizon_ms, OUTLOOK_HORIZON_S * 1000);
    cr_expect_eq(out.n_services, 2);
}

Test(outlook, what_stops_is_given_up_in_the_same_session, .init = setup, .fini = teardown)
{
    uint32_t t = steady(T0, T0 + 4 * HOUR);
    double before = out.service[0].from_active;

    for (uint32_t end = t + 900; t < end; t += STEP)
        step(t);
    cr_expect_lt(out.service[0].from_active, .1 * before);
}

/* Everyone who logs in makes five requests to the report service two minutes later. */
static void wave(uint64_t first_key, uint32_t at_s)
{
    for (uint32_t t = at_s; t < at_s + 300; t += STEP) {
        for (uint64_t i = 0; i < 20; i++) {
            if (t == at_s)
                ask(first_key + i, t, login);
            if (t == at_s + 120)
                for (int n = 0; n < 5; n++)
                    ask(first_key + i, t, report);
        }
        step(t);
    }
}

Test(outlook, users_who_enter_a_workflow_raise_the_next_service_before_its_first_request,
     .init = setup, .fini = teardown)
{
    for (uint32_t i = 0; i < 40; i++)
        wave(10000 + 100 * i, T0 + i * HOUR);
    for (uint64_t i = 0; i < 20; i++)
        ask(90000 + i, T0 + 41 * HOUR, login);
    step(T0 + 41 * HOUR);
    cr_expect_gt(out.service[1].from_active, .6 * 100, "%f", out.service[1].from_active);
    cr_expect_eq(out.service[0].active_users, 20);
}

/* 50 people come every day at nine for 30 requests each. */
static void office_day(uint32_t day)
{
    for (uint32_t t = 0; t < 600; t += STEP) {
        for (uint64_t key = 1; key <= 50; key++)
            if (t % 20 == 0)
                ask(key, T0 + day * DAY + 9 * HOUR + t, browse);
        step(T0 + day * DAY + 9 * HOUR + t);
    }
    for (uint32_t t = 600; t < DAY; t += 600)
        step(T0 + day * DAY + 9 * HOUR + t);
}

Test(outlook, people_with_a_habit_are_expected_back_before_they_come, .init = setup,
     .fini = teardown)
{
    double night, morning;

    for (uint32_t day = 0; day < 21; day++)
        office_day(day);
    step(T0 + 21 * DAY + 3 * HOUR);
    night = out.service[0].from_back;
    step(T0 + 21 * DAY + 9 * HOUR);
    step(T0 + 21 * DAY + 9 * HOUR);
    morning = out.service[0].from_back;
    cr_expect_lt(night, 1, "%f", night);
    cr_expect_gt(morning, 20, "%f", morning);
}

Test(outlook, its_own_error_sets_the_variance, .init = setup, .fini = teardown)
{
    struct rng r;
    double calm;
    uint64_t key = 500000;

    steady(T0, T0 + 4 * HOUR);
    calm = out.service[0].variance / out.service[0].expected;
    rng_init(&r, 5);
    for (uint32_t t = T0 + 5 * HOUR; t < T0 + 12 * HOUR; t += STEP) { /* sudden crowds */
        if (rng_below(&r, 60) == 0)
            for (int i = 0; i < 3000; i++)
                ask(key++ % 5000 + 100000, t, browse);
        step(t);
    }
    cr_expect_gt(out.service[0].variance / out.service[0].expected, 5 * calm);
}

Test(outlook, any_length_of_step_samples_everybody, .init = setup, .fini = teardown)
{
    for (uint32_t t = T0; t < T0 + 4 * HOUR; t += 60) {
        step(t);
        for (uint64_t key = 1; key <= 30; key++)
            ask(key, t, browse);
    }
    for (uint64_t key = 1; key <= 30; key++)
        cr_expect_neq(users_find(users, key)->sample.at_s, 0, "user %u", (unsigned)key);
    cr_expect_float_eq(out.service[0].from_active, 30 * 5, 15);
}

Test(outlook, what_was_learned_comes_back, .init = setup, .fini = teardown)
{
    uint32_t t = steady(T0, T0 + 4 * HOUR);
    double before, unlearned;
    uint8_t *bytes;
    size_t len;

    step(t);
    before = out.service[0].from_active;
    outlook_save(model, &bytes, &len);
    outlook_free(model);
    open_model();
    step(t);
    unlearned = out.service[0].from_active;
    cr_expect_gt(fabs(unlearned - before), .3 * before, "%f %f", unlearned, before);
    cr_expect_eq(outlook_load(model, bytes, len - 1), RC_CORRUPT);
    cr_assert_eq(outlook_load(model, bytes, len), RC_OK);
    step(t);
    cr_expect_float_eq(out.service[0].from_active, before, .01 * before);
    free(bytes);
}
