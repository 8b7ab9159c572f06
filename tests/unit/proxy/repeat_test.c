/* Mirrors proxy/repeat.c. */
#include <criterion/criterion.h>

#include "proxy/repeat.h"

#define WINDOW_MS 10000
static struct repeat *r;

static void setup(void)
{
    r = repeat_new();
}

static void teardown(void)
{
    repeat_free(r);
}

TestSuite(repeat, .init = setup, .fini = teardown);

static const mono_us T0 = 1000 * (mono_us)US_PER_S;

Test(repeat, a_failed_request_asked_again_is_a_repeat_once)
{
    uint64_t k = repeat_key(1, 2, 3);

    cr_expect_eq(repeat_take(r, k, T0), 0u);
    repeat_failed(r, k, 0, T0, WINDOW_MS);
    cr_expect_eq(repeat_take(r, k, T0 + 1000), 1u);
    cr_expect_eq(repeat_take(r, k, T0 + 1000), 0u);
}

Test(repeat, failures_are_counted_not_a_set)
{
    uint64_t k = repeat_key(1, 2, 3);

    for (int i = 0; i < 1000; i++)
        repeat_failed(r, k, 0, T0, WINDOW_MS);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(repeat_take(r, k, T0), 1u);
    cr_expect_eq(repeat_take(r, k, T0), 0u);
}

Test(repeat, after_the_window_it_is_new_demand)
{
    uint64_t k = repeat_key(1, 2, 3);

    repeat_failed(r, k, 0, T0, WINDOW_MS);
    cr_expect_eq(repeat_take(r, k, T0 + (WINDOW_MS + 100) * (mono_us)US_PER_MS), 0u);
}

Test(repeat, user_path_and_method_each_tell_requests_apart)
{
    repeat_failed(r, repeat_key(1, 2, 3), 0, T0, WINDOW_MS);
    cr_expect_eq(repeat_take(r, repeat_key(9, 2, 3), T0), 0u);
    cr_expect_eq(repeat_take(r, repeat_key(1, 9, 3), T0), 0u);
    cr_expect_eq(repeat_take(r, repeat_key(1, 2, 9), T0), 0u);
}

/* Plays clients that each try six times, all under one key; returns the new demand. */
static int play(int clients)
{
    uint64_t k = repeat_key(1, 2, 3);
    int fresh = 0;

    for (int round = 0; round < 6; round++)
        for (int i = 0; i < clients; i++) {
            unsigned before = repeat_take(r, k, T0 + round);

            fresh += before == 0;
            repeat_failed(r, k, before, T0 + round, WINDOW_MS);
        }
    return fresh;
}

Test(repeat, clients_that_cannot_be_told_apart_are_counted_once_each)
{
    cr_expect_eq(play(50), 50);
    cr_expect_eq(play(50), 50, "those that gave up leave nothing behind");
}

Test(repeat, who_asks_beyond_the_last_try_is_new_demand)
{
    uint64_t k = repeat_key(1, 2, 3);
    unsigned before = 0;

    for (unsigned try = 0; try <= REPEAT_MAX; try++) {
        before = repeat_take(r, k, T0);
        cr_expect_eq(before, try);
        repeat_failed(r, k, before, T0, WINDOW_MS);
    }
    cr_expect_eq(repeat_take(r, k, T0), 0u);
}
