/* Mirrors proxy/repeat.c. */
#include <criterion/criterion.h>

#include "proxy/repeat.h"

#define WINDOW_MS 1000
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

    cr_expect_not(repeat_take(r, k, T0));
    repeat_failed(r, k, T0, WINDOW_MS);
    cr_expect(repeat_take(r, k, T0 + 1000));
    cr_expect_not(repeat_take(r, k, T0 + 1000));
}

Test(repeat, failures_are_tokens_not_a_set)
{
    uint64_t k = repeat_key(1, 2, 3);

    for (int i = 0; i < 3; i++)
        repeat_failed(r, k, T0, WINDOW_MS);
    for (int i = 0; i < 3; i++)
        cr_expect(repeat_take(r, k, T0));
    cr_expect_not(repeat_take(r, k, T0));
}

Test(repeat, after_the_window_it_is_new_demand)
{
    uint64_t k = repeat_key(1, 2, 3);

    repeat_failed(r, k, T0, WINDOW_MS);
    cr_expect_not(repeat_take(r, k, T0 + (WINDOW_MS + 50) * (mono_us)US_PER_MS));
}

Test(repeat, user_path_and_method_each_tell_requests_apart)
{
    repeat_failed(r, repeat_key(1, 2, 3), T0, WINDOW_MS);
    cr_expect_not(repeat_take(r, repeat_key(9, 2, 3), T0));
    cr_expect_not(repeat_take(r, repeat_key(1, 9, 3), T0));
    cr_expect_not(repeat_take(r, repeat_key(1, 2, 9), T0));
}

Test(repeat, a_full_bucket_forgets_the_oldest)
{
    uint64_t bucket = 5;

    for (uint64_t i = 1; i <= 9; i++)
        repeat_failed(r, bucket | (2 * i) << 32, T0 + (mono_us)i * 100 * US_PER_MS,
                      WINDOW_MS);
    cr_expect_not(repeat_take(r, bucket | (uint64_t)2 << 32, T0));
    for (uint64_t i = 2; i <= 9; i++)
        cr_expect(repeat_take(r, bucket | (2 * i) << 32, T0), "token %d", (int)i);
}
