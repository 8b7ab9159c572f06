#include "profiler/comeback.h"

#include <criterion/criterion.h>

static void walk(struct comeback *c, double once, double often)
{
    comeback_begin(c);
    comeback_add(c, COMEBACK_ONCE, 0, once);
    comeback_add(c, COMEBACK_OFTEN, 0, often);
    comeback_end(c);
}

static double back(const struct comeback *c)
{
    double b, f;

    comeback_expect(c, 0, &b, &f);
    return b;
}

static double fresh(const struct comeback *c, uint16_t service)
{
    double b, f;

    comeback_expect(c, service, &b, &f);
    return f;
}

Test(comeback, users_are_known_by_their_sessions)
{
    cr_expect_eq(comeback_class(0), COMEBACK_NEW);
    cr_expect_eq(comeback_class(1), COMEBACK_ONCE);
    cr_expect_eq(comeback_class(2), COMEBACK_SOME);
    cr_expect_eq(comeback_class(3), COMEBACK_SOME);
    cr_expect_eq(comeback_class(4), COMEBACK_OFTEN);
}

Test(comeback, at_first_habits_are_taken_at_their_word)
{
    struct comeback *c = comeback_new(1);

    walk(c, 10, 20);
    cr_expect_float_eq(back(c), 30, 1e-9);
    comeback_free(c);
}

/* One-time visitors hardly return; regulars come as expected. */
Test(comeback, each_class_is_scaled_by_what_came_of_it)
{
    struct comeback *c = comeback_new(1);

    walk(c, 10, 20);
    comeback_turn(c);
    for (int window = 0; window < 100; window++) {
        comeback_count(c, COMEBACK_ONCE, 0);
        for (int i = 0; i < 20; i++)
            comeback_count(c, COMEBACK_OFTEN, 0);
        comeback_turn(c);
    }
    cr_expect_float_eq(back(c), 1 + 20, .2);
    walk(c, 100, 0);
    cr_expect_float_eq(back(c), 10, 1);
    comeback_free(c);
}

Test(comeback, the_new_come_at_the_rate_of_late_and_at_their_service)
{
    struct comeback *c = comeback_new(2);

    for (int window = 0; window < 30; window++) {
        for (int i = 0; i < (window < 15 ? 10 : 40); i++)
            comeback_count(c, COMEBACK_NEW, 1);
        comeback_turn(c);
        if (window == 0)
            cr_expect_float_eq(fresh(c, 1), 10, 1e-9);
    }
    cr_expect_float_eq(fresh(c, 1), 40, .5);
    cr_expect_eq(fresh(c, 0), 0);
    comeback_free(c);
}

Test(comeback, a_window_is_judged_by_what_was_expected_at_its_start)
{
    struct comeback *c = comeback_new(1);

    walk(c, 0, 20);
    comeback_turn(c);
    for (int window = 0; window < 50; window++) {
        walk(c, 0, window % 2 ? 20 : 1000);
        for (int i = 0; i < (window % 2 ? 1000 : 20); i++)
            comeback_count(c, COMEBACK_OFTEN, 0);
        comeback_turn(c);
    }
    walk(c, 0, 500);
    cr_expect_float_eq(back(c), 500, 15);
    comeback_free(c);
}

Test(comeback, what_was_learned_comes_back)
{
    struct comeback *c = comeback_new(1), *d = comeback_new(1);
    uint8_t bytes[COMEBACK_BYTES_MAX];
    size_t len;

    walk(c, 10, 20);
    comeback_turn(c);
    for (int i = 0; i < 7; i++)
        comeback_count(c, COMEBACK_OFTEN, 0);
    comeback_turn(c);
    len = comeback_save(c, bytes);
    for (size_t cut = 0; cut < len; cut++)
        cr_expect_eq(comeback_load(d, bytes, cut), RC_CORRUPT);
    walk(d, 10, 20);
    cr_expect_float_eq(back(d), 30, 1e-9, "as new");
    cr_assert_eq(comeback_load(d, bytes, len), RC_OK);
    cr_expect_float_eq(back(c), back(d), .1);
    comeback_free(c);
    comeback_free(d);
}
