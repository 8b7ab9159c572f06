#include "profiler/expect.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"shop", "api", "report"};
static const char *const later[] = {"report", "shop"};

static double mean(const struct expect *x, struct expect_state s, size_t service)
{
    double m[3] = {0}, v[3] = {0};

    expect_add(x, &s, m, v);
    return m[service];
}

static double total(const struct expect *x, struct expect_state s)
{
    return mean(x, s, 0) + mean(x, s, 1) + mean(x, s, 2);
}

#define STATE(...) ((struct expect_state){__VA_ARGS__})

Test(expect, buckets_are_what_the_header_says)
{
    cr_expect_eq(expect_idle(0), 0);
    cr_expect_eq(expect_idle(29), 0);
    cr_expect_eq(expect_idle(30), 1);
    cr_expect_eq(expect_idle(1799), 5);
    cr_expect_eq(expect_idle(99999), EXPECT_IDLE - 1);
    cr_expect_eq(expect_depth(1), 0);
    cr_expect_eq(expect_depth(2), 1);
    cr_expect_eq(expect_depth(7), 2);
    cr_expect_eq(expect_depth(8), 3);
    cr_expect_eq(expect_depth(16), 4);
    cr_expect_eq(expect_depth(1000000), EXPECT_DEPTH - 1);
}

Test(expect, before_anything_is_known_a_little_is_expected_at_the_same_service)
{
    struct expect *x = expect_new(3);

    cr_expect_float_eq(mean(x, STATE(0, 0, 5, 1), 1), .3, 1e-9);
    cr_expect_float_eq(mean(x, STATE(0, 0, 5, 1), 0), 0, 1e-9);
    expect_free(x);
}

/* Shrunk by hand: idle .3 -> (3*4 + 2*.3)/5, depth (12 + 5*that)/8, token (12 +
 * 10*that)/13. */
Test(expect, means_are_shrunk_to_the_coarser_state)
{
    struct expect *x = expect_new(3);
    struct expect_state s = STATE(2, 1, 9, 0);
    double idle = (12 + 2 * .3) / 5, depth = (12 + 5 * idle) / 8,
           token = (12 + 10 * depth) / 13;

    for (int i = 0; i < 3; i++)
        expect_learn(x, &s, 4);
    cr_expect_float_eq(total(x, s), token, 1e-6);
    cr_expect_float_eq(total(x, STATE(2, 1, 77, 0)), depth, 1e-6, "another resource");
    cr_expect_float_eq(total(x, STATE(2, 0, 9, 0)), (0 + 10 * ((0 + 5 * idle) / 5)) / 10,
                       1e-6, "another depth");
    cr_expect_float_eq(total(x, STATE(3, 1, 9, 0)), .3, 1e-6, "longer idle");
    expect_free(x);
}

Test(expect, what_is_learned_often_is_believed)
{
    struct expect *x = expect_new(3);
    struct expect_state s = STATE(0, 2, 9, 0);

    for (int i = 0; i < 3000; i++)
        expect_learn(x, &s, i % 2 == 0 ? 2 : 8);
    cr_expect_float_eq(total(x, s), 5, .1);
    expect_free(x);
}

Test(expect, the_old_fades_when_behaviour_changes)
{
    struct expect *x = expect_new(3);
    struct expect_state s = STATE(0, 2, 9, 0);

    for (int i = 0; i < 5000; i++)
        expect_learn(x, &s, 10);
    for (int i = 0; i < 2500; i++)
        expect_learn(x, &s, 1);
    cr_expect_lt(total(x, s), 3);
    expect_free(x);
}

Test(expect, who_enters_a_workflow_raises_the_next_service)
{
    struct expect *x = expect_new(3);
    struct expect_state login = STATE(0, 0, 9, 0), browse = STATE(0, 0, 10, 0);

    for (int i = 0; i < 200; i++) {
        expect_learn(x, &login, 4);
        expect_share(x, &login, 2);
        expect_learn(x, &browse, 4);
        expect_share(x, &browse, 0);
    }
    cr_expect_gt(mean(x, login, 2), 3.5);
    cr_expect_lt(mean(x, login, 0), .4);
    cr_expect_gt(mean(x, browse, 0), 3.5);
    cr_expect_float_eq(mean(x, STATE(0, 0, 11, 0), 2), mean(x, STATE(0, 0, 11, 0), 0), .1,
                       "an unknown resource is like all of its service");
    expect_free(x);
}

Test(expect, the_variance_is_that_of_the_counts_and_of_the_split)
{
    struct expect *x = expect_new(1);
    struct expect_state s = STATE(0, 2, 9, 0);
    double m = 0, v = 0;

    for (int i = 0; i < 900; i++) {
        expect_learn(x, &s, i % 2 == 0 ? 0 : 10);
        expect_share(x, &s, 0);
    }
    expect_add(x, &s, &m, &v);
    cr_expect_float_eq(v, 25, .7);
    expect_free(x);
}

Test(expect, saved_and_loaded_it_says_the_same_under_new_places)
{
    struct expect *x = expect_new(3), *y = expect_new(2);
    struct expect_state s = STATE(1, 1, 40, 0), t = STATE(1, 1, 40, 1);
    uint8_t *bytes;
    size_t len;

    for (uint32_t i = 0; i < 40; i++) {
        expect_learn(x, &s, i % 5);
        expect_share(x, &s, i % 4 == 0 ? 2 : 0);
    }
    expect_save(x, names, &bytes, &len);
    cr_assert_eq(expect_load(y, later, bytes, len), RC_OK);
    cr_expect_float_eq(mean(x, s, 0), mean(y, t, 1), .01);
    cr_expect_float_eq(mean(x, s, 2), mean(y, t, 0), .01);
    free(bytes);
    expect_free(x);
    expect_free(y);
}

Test(expect, damaged_bytes_are_refused_and_leave_nothing)
{
    struct expect *x = expect_new(3), *y = expect_new(3);
    struct expect_state s = STATE(1, 1, 40, 0);
    uint8_t *bytes;
    size_t len;

    for (uint32_t i = 0; i < 40; i++) {
        expect_learn(x, &s, i % 5);
        expect_share(x, &s, (uint16_t)(i % 3));
    }
    expect_save(x, names, &bytes, &len);
    for (size_t cut = 0; cut < len; cut++)
        cr_assert_eq(expect_load(y, names, bytes, cut), RC_CORRUPT, "cut at %zu", cut);
    cr_expect_float_eq(mean(y, s, 0), .3, 1e-9);
    for (size_t i = 0; i < len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1 << bit);
            if (expect_load(y, names, bytes, len) == RC_OK)
                total(y, s);
            bytes[i] ^= (uint8_t)(1 << bit);
        }
    free(bytes);
    expect_free(x);
    expect_free(y);
}
