#include "profiler/profile.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "profiler/profile_code.h"

#define HOUR 3600u
#define DAY  86400u
#define WEEK (7 * DAY)
#define GAP  1800
/* Monday 2024-01-01 00:00 UTC */
#define T0 1704067200u

static bool note(struct profile *p, uint32_t at, uint16_t token)
{
    struct profile_event e = {.at_s = at,
                              .hour = profile_hour_at(at, 0),
                              .token = token,
                              .status = 200,
                              .device = OBS_MOBILE,
                              .latency_us = 1000};

    return profile_note(p, &e, GAP);
}

static unsigned weight(const struct profile *p, uint16_t token)
{
    for (unsigned i = 0; i < PROFILE_MIX; i++)
        if (p->mix_token[i] == token && p->mix_weight[i] > 0)
            return p->mix_weight[i];
    return 0;
}

static unsigned move(const struct profile *p, uint16_t from, uint16_t to)
{
    for (unsigned i = 0; i < PROFILE_MOVES; i++)
        if (p->move_from[i] == from && p->move_to[i] == to)
            return p->move_weight[i];
    return 0;
}

Test(profile, hours_are_counted_from_a_local_monday)
{
    cr_expect_eq(profile_hour_at(T0, 0) % PROFILE_HOURS, 0);
    cr_expect_eq(profile_hour_at(T0 + 2 * DAY + 5 * HOUR + 59, 0) % PROFILE_HOURS, 53);
    cr_expect_eq(profile_hour_at(T0, -3600) % PROFILE_HOURS, 167);
    cr_expect_eq(profile_hour_at(T0, 19800) % PROFILE_HOURS, 5);
}

Test(profile, sessions_and_requests_are_counted)
{
    struct profile p = {0};

    cr_expect(note(&p, T0, 1));
    cr_expect_not(note(&p, T0 + 10, 2));
    cr_expect_not(note(&p, T0 + 20, 1));
    cr_expect(note(&p, T0 + 20 + GAP + 1, 1));
    cr_expect_eq(p.sessions, 2);
    cr_expect_eq(p.requests, 4);
    cr_expect_eq(p.first_s, T0);
    cr_expect_float_eq(p.session_requests, 3, 1e-6);
    cr_expect_float_eq(p.session_s, 20, 1e-6);
    cr_expect_float_eq(p.pause_s, GAP + 1, 1e-3);
    cr_expect_float_eq(p.latency_us, 1000, 1e-3);
    cr_expect_eq(profile_device(&p), OBS_MOBILE);
    cr_expect(p.n_recent == 4 && p.recent_token[0] == 1 && p.recent_s[1] == T0 + 20);
    cr_expect_eq(p.gaps[4], 2, "two pauses of 8 to 16 s");
}

Test(profile, an_hour_of_the_week_keeps_what_came_in_it_and_fades_by_the_week)
{
    struct profile p = {0};

    for (int i = 0; i < 40; i++)
        note(&p, T0 + 9 * HOUR + (uint32_t)i, 1);
    cr_expect_float_eq(profile_hour(&p, 9, profile_hour_at(T0 + 10 * HOUR, 0)), 40, 1e-9);
    note(&p, T0 + 20 * HOUR, 1);
    cr_expect_float_eq(profile_hour(&p, 9, p.hour), 40, 40 * .05);
    cr_expect_float_eq(profile_hour(&p, 9, profile_hour_at(T0 + WEEK, 0)), 40 * .85,
                       40 * .05);
    cr_expect_float_eq(profile_hour(&p, 9, profile_hour_at(T0 + 4 * WEEK, 0)),
                       40 * pow(.85, 4), 40 * .05);
    cr_expect_eq(profile_hour(&p, 9, profile_hour_at(T0 + 400 * WEEK, 0)), 0);
    cr_expect_eq(profile_hour(&p, 10, p.hour), 0);
}

/* Half is counted in the hour, a quarter in each neighbour. */
Test(profile, a_weekly_habit_is_expected_again_and_given_up_slowly)
{
    struct profile p = {0};
    uint32_t next = profile_hour_at(T0 + 30 * WEEK + 9 * HOUR, 0);

    for (unsigned week = 0; week < 30; week++)
        for (uint32_t i = 0; i < 10; i++)
            note(&p, T0 + week * WEEK + 9 * HOUR + i * 60, 1);
    cr_expect_float_eq(profile_habit(&p, next), .5 * 10 * .85, .3);
    cr_expect_float_eq(profile_habit(&p, next + 1), .25 * 10 * .85, .1);
    cr_expect_eq(profile_habit(&p, next + 3), 0);
    cr_expect_lt(profile_habit(&p, next + 4 * PROFILE_HOURS), .6 * profile_habit(&p, next));
}

Test(profile, one_visit_is_not_yet_a_habit)
{
    struct profile p = {0};

    for (uint32_t i = 0; i < 10; i++)
        note(&p, T0 + 9 * HOUR + i, 1);
    cr_expect_float_eq(profile_habit(&p, profile_hour_at(T0 + WEEK + 9 * HOUR, 0)),
                       .5 * 10 * .85 / 1.85, .2);
}

Test(profile, the_mix_follows_what_the_user_does_now)
{
    struct profile p = {0};
    uint32_t t = T0;

    for (int i = 0; i < 200; i++)
        note(&p, ++t, 1);
    cr_expect_float_eq(weight(&p, 1) / 1024.0, 50, 1, "the sum of .98^n");
    for (int i = 0; i < 200; i++)
        note(&p, ++t, 2);
    cr_expect_lt(weight(&p, 1), weight(&p, 2) / 40);
}

Test(profile, a_rare_resource_makes_room_for_a_new_one)
{
    struct profile p = {0};
    uint32_t t = T0;

    for (uint16_t token = 1; token <= 100; token++)
        for (int i = 0; i < 3; i++)
            note(&p, ++t, token);
    cr_expect_gt(weight(&p, 100), 2 * PROFILE_ONE);
    cr_expect_gt(weight(&p, 99), weight(&p, 90));
    cr_expect_eq(weight(&p, 1), 0);
}

Test(profile, moves_fade_with_each_visit_of_their_place)
{
    struct profile p = {0};
    uint32_t t = T0;

    for (int i = 0; i < 50; i++) {
        note(&p, ++t, 1);
        note(&p, ++t, 2);
    }
    cr_expect_float_eq(move(&p, 1, 2) / 1024.0, 10, .2, "the sum of .9^n");
    cr_expect_eq(move(&p, 0, 1), PROFILE_ONE);
    for (int i = 0; i < 20; i++) {
        note(&p, ++t, 1);
        note(&p, ++t, 3);
    }
    cr_expect_gt(move(&p, 1, 3), 4 * move(&p, 1, 2));
}

Test(profile, aborts_failures_and_waits_are_counted_apart)
{
    struct profile p = {0};
    struct profile_event e = {.at_s = T0, .hour = profile_hour_at(T0, 0), .latency_us = 5};

    e.flags = OBS_ABORTED | OBS_ABORT_WAITING;
    profile_note(&p, &e, GAP);
    e.flags = OBS_ABORTED | OBS_HELD;
    profile_note(&p, &e, GAP);
    e.flags = 0;
    e.status = 503;
    profile_note(&p, &e, GAP);
    cr_expect_eq(p.count[PROFILE_ABORTED_WAITING], 1);
    cr_expect_eq(p.count[PROFILE_ABORTED_LATER], 1);
    cr_expect_eq(p.count[PROFILE_FAILED], 1);
    cr_expect_eq(p.count[PROFILE_HELD], 1);
    cr_expect_eq(p.latency_us, 0, "what did not work says nothing of latency");
}

Test(profile, a_late_event_does_no_harm)
{
    struct profile p = {0};

    note(&p, T0 + WEEK, 1);
    note(&p, T0, 1);
    cr_expect_eq(p.sessions, 1);
    cr_expect_eq(p.session.last_s, T0 + WEEK);
    cr_expect_float_eq(profile_hour(&p, 0, p.hour), 2, 1e-9);
}

/* A user of many habits. */
static struct profile busy(unsigned weeks)
{
    struct profile p = {0};

    for (unsigned week = 0; week < weeks; week++)
        for (unsigned i = 0; i < 300; i++)
            note(&p, T0 + week * WEEK + i * 1700 + i * i % 97 * 11,
                 (uint16_t)(1 + i * i % 61));
    p.count[PROFILE_HELD] = 12;
    return p;
}

Test(profile, merging_two_halves_is_like_having_seen_both)
{
    struct profile old = busy(2), since = {0}, whole = busy(2);
    uint32_t t = T0 + 2 * WEEK + 5;

    for (unsigned i = 0; i < 50; i++) {
        note(&since, t + i * 60, 7);
        note(&whole, t + i * 60, 7);
    }
    profile_merge(&since, &old);
    cr_expect_eq(since.requests, whole.requests);
    cr_expect_eq(since.sessions, whole.sessions);
    cr_expect_eq(since.first_s, whole.first_s);
    cr_expect_eq(since.count[PROFILE_HELD], 12);
    for (unsigned i = 0; i < PROFILE_HOURS; i++)
        cr_expect_float_eq(profile_hour(&since, i, whole.hour),
                           profile_hour(&whole, i, whole.hour),
                           .1 * profile_hour(&whole, i, whole.hour) + .1, "hour %u", i);
    cr_expect_gt(weight(&since, 7), 30 * PROFILE_ONE);
}

static void expect_same(const struct profile *a, const struct profile *b)
{
    cr_expect(memcmp(&a->session, &b->session, sizeof(a->session)) == 0);
    cr_expect(a->first_s == b->first_s && a->requests == b->requests &&
              a->sessions == b->sessions);
    cr_expect(memcmp(a->count, b->count, sizeof(a->count)) == 0);
    cr_expect_float_eq(a->session_requests, b->session_requests, .05);
    cr_expect_float_eq(a->session_s, b->session_s, .05);
    cr_expect_float_eq(a->pause_s, b->pause_s, .05);
    cr_expect(a->hour == b->hour && a->hour_requests == b->hour_requests);
    cr_expect(memcmp(a->hours, b->hours, sizeof(a->hours)) == 0);
    cr_expect(memcmp(a->gaps, b->gaps, sizeof(a->gaps)) == 0);
    cr_expect(memcmp(a->devices, b->devices, sizeof(a->devices)) == 0);
    cr_expect(a->n_recent == b->n_recent &&
              memcmp(a->recent_token, b->recent_token, sizeof(a->recent_token)) == 0 &&
              memcmp(a->recent_s, b->recent_s, sizeof(a->recent_s)) == 0);
    for (unsigned i = 0; i < PROFILE_MIX; i++)
        cr_expect_leq(abs((int)a->mix_weight[i] - (int)weight(b, a->mix_token[i])), 16);
    for (unsigned i = 0; i < PROFILE_MOVES; i++)
        cr_expect_leq(
            abs((int)a->move_weight[i] - (int)move(b, a->move_from[i], a->move_to[i])), 16);
}

Test(profile_code, a_profile_comes_back)
{
    for (unsigned weeks = 1; weeks <= 8; weeks += 7) {
        struct profile p = busy(weeks), q;
        uint8_t buf[PROFILE_CODE_MAX];
        size_t len = profile_code_write(&p, buf);

        cr_expect_leq(len, PROFILE_CODE_MAX);
        cr_assert_eq(profile_code_read(&q, buf, len), RC_OK);
        expect_same(&p, &q);
    }
}

Test(profile_code, an_open_session_goes_on_after_a_restart)
{
    struct profile p = {0}, q;
    uint8_t buf[PROFILE_CODE_MAX];

    note(&p, T0, 8);
    cr_assert_eq(profile_code_read(&q, buf, profile_code_write(&p, buf)), RC_OK);
    expect_same(&p, &q);
    cr_expect_not(note(&q, T0 + 60, 9));
    note(&p, T0 + 60, 9);
    expect_same(&p, &q);
}

Test(profile_code, a_user_of_one_session_takes_at_most_160_bytes)
{
    struct profile p = {0};
    uint8_t buf[PROFILE_CODE_MAX];
    struct profile q;
    size_t len;

    for (uint32_t i = 0; i < 5000; i++)
        note(&p, T0 + i * 700, (uint16_t)(20000 + i * i % 331));
    for (unsigned i = 0; i < PROFILE_COUNTS; i++)
        p.count[i] = UINT32_MAX;
    memset(p.devices, 200, sizeof(p.devices));
    memset(p.gaps, 200, sizeof(p.gaps));
    p.requests = p.session.requests = p.hour_requests = UINT32_MAX;
    cr_assert_eq(p.sessions, 1);
    len = profile_code_write(&p, buf);
    cr_expect_leq(len, PROFILE_CODE_ONE);
    cr_assert_eq(profile_code_read(&q, buf, len), RC_OK);
    cr_expect(memcmp(&p.session, &q.session, sizeof(p.session)) == 0);
}

Test(profile_code, a_short_visit_takes_few_bytes)
{
    struct profile p = {0};
    uint8_t buf[PROFILE_CODE_MAX];

    for (uint32_t i = 0; i < 5; i++)
        note(&p, T0 + i * 20, (uint16_t)(1 + i));
    cr_expect_lt(profile_code_write(&p, buf), 100);
}

Test(profile_code, nothing_known_is_a_profile_too)
{
    struct profile p = {0}, q;
    uint8_t buf[PROFILE_CODE_MAX];

    cr_assert_eq(profile_code_read(&q, buf, profile_code_write(&p, buf)), RC_OK);
    cr_expect_eq(q.requests, 0);
}

Test(profile_code, damaged_bytes_are_refused_or_harmless)
{
    struct profile p = busy(8), q;
    uint8_t buf[PROFILE_CODE_MAX];
    size_t len = profile_code_write(&p, buf);

    for (size_t cut = 0; cut < len; cut++)
        cr_assert_eq(profile_code_read(&q, buf, cut), RC_CORRUPT, "cut at %zu", cut);
    cr_expect_eq(q.requests, 0);
    for (size_t i = 0; i < len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            buf[i] ^= (uint8_t)(1 << bit);
            if (profile_code_read(&q, buf, len) == RC_OK)
                note(&q, q.session.last_s + 1, 5);
            buf[i] ^= (uint8_t)(1 << bit);
        }
    buf[0]++;
    cr_expect_eq(profile_code_read(&q, buf, len), RC_CORRUPT, "a version of the future");
}
