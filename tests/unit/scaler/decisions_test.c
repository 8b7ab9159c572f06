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
    cr_expect_eq(decisions_add(next, &p), 3);
    decisions_free(d);
    d = next;
    cr_expect_eq(count("shop", 10), 2);
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
