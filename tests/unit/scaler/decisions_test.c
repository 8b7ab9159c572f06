#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scaler/decisions.h"

static struct decisions *d;

static void setup(void)
{
    d = decisions_new();
}

static void teardown(void)
{
    decisions_free(d);
}

TestSuite(decisions, .init = setup, .fini = teardown);

static struct plan a_plan(const char *service)
{
    struct plan p = {.at = 1000000,
                     .tier = TIER_PREDICTIVE,
                     .from = 2,
                     .to = 5,
                     .rule = RULE_FORECAST,
                     .limits = 1u << LIMIT_MAX | 1u << LIMIT_GROWTH,
                     .forecast_rps = 61,
                     .quantile = 0.95,
                     .instance_rps = 10,
                     .need = 6.1,
                     .lead_ms = 60000,
                     .window_ms = 120000,
                     .planned = 7};

    snprintf(p.service, sizeof(p.service), "%s", service);
    return p;
}

static size_t count(const char *service, size_t limit)
{
    json_t *list = decisions_json(d, service, limit);
    size_t n = json_array_size(list);

    json_decref(list);
    return n;
}

/* Of the i-th, newest first. */
static json_int_t number_of(size_t i, const char *key)
{
    json_t *list = decisions_json(d, "", DECISIONS_MAX);
    json_int_t n = json_integer_value(json_object_get(json_array_get(list, i), key));

    json_decref(list);
    return n;
}

Test(decisions, the_newest_comes_first_and_limits_hold)
{
    struct plan shop = a_plan("shop"), blog = a_plan("blog");
    json_t *list;

    decisions_add(d, &shop);
    decisions_add(d, &blog);
    decisions_add(d, &shop);
    cr_expect_eq(count("", 10), 3);
    cr_expect_eq(count("shop", 10), 2);
    cr_expect_eq(count("shop", 1), 1);
    cr_expect_eq(count("nobody", 10), 0);
    list = decisions_json(d, "", 1);
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(list, 0), "id")), 3);
    json_decref(list);
}

Test(decisions, the_ring_keeps_the_last)
{
    struct plan p = a_plan("shop");

    for (int i = 0; i < DECISIONS_MAX + 10; i++)
        decisions_add(d, &p);
    cr_expect_eq(count("", 10000), DECISIONS_MAX);
}

/* Nothing changes: the maximum keeps it where it is. */
static struct plan a_plan_that_stays(wall_ms at)
{
    struct plan p = a_plan("shop");

    p.at = at;
    p.from = p.to;
    p.limits = 1u << LIMIT_MAX;
    return p;
}

Test(decisions, what_changes_nothing_for_the_same_reason_is_counted_and_not_listed)
{
    struct plan p = a_plan_that_stays(1000000);

    cr_expect(decisions_add(d, &p));
    for (int i = 1; i <= 40; i++) {
        p = a_plan_that_stays(1000000 + i * 600000);
        p.forecast_rps += i;
        cr_expect_not(decisions_add(d, &p));
    }
    cr_expect_eq(count("", 10), 1);
    cr_expect_eq(number_of(0, "at_ms"), 1000000);
    cr_expect_eq(number_of(0, "repeats"), 40);
    cr_expect_eq(number_of(0, "last_ms"), 1000000 + 40 * 600000);
}

Test(decisions, a_repetition_is_known_behind_other_pools_plans)
{
    struct plan p = a_plan_that_stays(1000000), burst = p, blog = a_plan("blog");

    burst.tier = TIER_BURST;
    decisions_add(d, &p);
    cr_expect(decisions_add(d, &burst));
    cr_expect(decisions_add(d, &blog));
    cr_expect_not(decisions_add(d, &p));
    cr_expect_eq(count("", 10), 3);
    cr_expect_eq(number_of(2, "repeats"), 1);
}

Test(decisions, another_size_or_reason_is_a_new_plan)
{
    struct plan p = a_plan_that_stays(1000000);

    decisions_add(d, &p);
    p.rule = RULE_FLOOR;
    cr_expect(decisions_add(d, &p), "rule");
    p.limits |= 1u << LIMIT_GROWTH;
    cr_expect(decisions_add(d, &p), "limits");
    p.from = p.to = p.to + 1;
    cr_expect(decisions_add(d, &p), "size");
    p.mode = CFG_MODE_REACTIVE;
    cr_expect(decisions_add(d, &p), "mode");
    p.policy = CFG_POLICY_THRESHOLD;
    cr_expect(decisions_add(d, &p), "policy");
    cr_expect_not(decisions_add(d, &p));
    p.from = p.to - 1;
    cr_expect(decisions_add(d, &p), "a change is never a repetition");
    cr_expect(decisions_add(d, &p), "a change is never a repetition");
}

Test(decisions, a_repetition_is_stored)
{
    struct plan p = a_plan_that_stays(1000000);

    decisions_add(d, &p);
    free(decisions_take_changed(d, 1));
    decisions_add(d, &p);
    char *text = decisions_take_changed(d, 1);

    cr_assert_neq(text, NULL);
    cr_expect_neq(strstr(text, "\"repeats\":1"), NULL, "%s", text);
    free(text);
}

static double peak_is(void *ctx, wall_ms from, wall_ms to)
{
    cr_expect_eq(from, 1060000);
    cr_expect_eq(to, 1180000);
    return *(double *)ctx;
}

static json_t *outcome(void) /* of the only plan; new reference */
{
    json_t *list = decisions_json(d, "", 1);
    json_t *o = json_incref(json_object_get(json_array_get(list, 0), "outcome"));

    json_decref(list);
    return o;
}

Test(decisions, a_plan_is_judged_once_its_time_is_over)
{
    struct plan p = a_plan("shop");
    double peak = 52;
    json_t *o;

    decisions_add(d, &p);
    decisions_judge(d, "shop", 1179999, peak_is, &peak);
    decisions_judge(d, "blog", 1180000, peak_is, &peak);
    o = outcome();
    cr_expect(json_is_null(o));
    json_decref(o);
    decisions_judge(d, "shop", 1180000, peak_is, &peak);
    peak = 999;
    decisions_judge(d, "shop", 1180001, peak_is, &peak);
    o = outcome();
    cr_expect_eq(json_integer_value(json_object_get(o, "over")), 1); /* 7 for 5.2 */
    json_decref(o);
}

Test(decisions, too_few_is_negative)
{
    struct plan p = a_plan("shop");
    double peak = 101;
    json_t *o;

    decisions_add(d, &p);
    decisions_judge(d, "shop", 2000000, peak_is, &peak);
    o = outcome();
    cr_expect_eq(json_integer_value(json_object_get(o, "over")), -4);
    json_decref(o);
}

Test(decisions, a_time_that_nobody_saw_gives_no_outcome)
{
    struct plan p = a_plan("shop");
    double peak = NAN;
    json_t *o;

    decisions_add(d, &p);
    decisions_judge(d, "shop", 2000000, peak_is, &peak);
    o = outcome();
    cr_expect(json_is_null(o));
    json_decref(o);
}

Test(decisions, a_plan_says_why_in_a_sentence)
{
    struct plan p = a_plan("shop");
    char reason[320];

    plan_reason(&p, reason, sizeof(reason));
    cr_expect_str_eq(reason,
                     "61 requests/s may come within 120 s of an order serving "
                     "(quantile 0.95), 6.1 instances of 10/s; limited by max; limited by "
                     "growth_cap");
    p.rule = RULE_OVERFLOW;
    for (size_t room = 1; room < 40; room++) {
        plan_reason(&p, reason, room);
        cr_expect_lt(strlen(reason), room);
    }
}

Test(decisions, every_rule_has_a_sentence_and_every_plan_is_json)
{
    for (int r = 0; r < N_POLICY_RULES; r++) {
        struct plan p = a_plan("shop");
        json_t *o;

        p.rule = (enum policy_rule)r;
        p.policy = CFG_POLICY_THRESHOLD;
        o = plan_json(&p);
        cr_assert_neq(o, NULL);
        cr_expect_gt(strlen(json_string_value(json_object_get(o, "reason"))), 10);
        cr_expect_eq(json_array_size(json_object_get(o, "limits")), 2);
        json_decref(o);
    }
}

Test(decisions, what_was_stored_comes_back_and_numbers_go_on)
{
    struct decisions *next = decisions_new();
    struct plan p = a_plan("shop");
    char *text;

    decisions_add(d, &p);
    decisions_add(d, &p);
    cr_expect_eq(decisions_take_changed(d, 0), NULL);
    text = decisions_take_changed(d, 2);
    cr_assert_neq(text, NULL);
    cr_expect_eq(decisions_take_changed(d, 2), NULL);
    cr_expect(decisions_restore(next, text, strlen(text)));
    free(text);
    cr_expect(decisions_add(next, &p));
    decisions_free(d);
    d = next;
    cr_expect_eq(count("shop", 10), 2);
    cr_expect_eq(number_of(0, "id"), 3);
}

Test(decisions, what_is_no_plan_is_left_out)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "{}",
                                      "[]",
                                      "{\"id\":0,\"service\":\"s\"}",
                                      "{\"id\":-1,\"service\":\"s\"}",
                                      "{\"id\":1}"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(decisions_restore(d, bad[i], strlen(bad[i])), "%s", bad[i]);
    cr_expect_eq(count("", 10), 0);
}
