#include "profiler/crowd.h"

#include <criterion/criterion.h>

#include "base/rng.h"

Test(crowd, only_different_users_count)
{
    struct crowd *c = crowd_new(3);

    cr_expect_not(crowd_add(c, 7, 1));
    cr_expect_not(crowd_add(c, 7, 1));
    cr_expect_not(crowd_add(c, 7, 2));
    cr_expect_not(crowd_add(c, 8, 3));
    cr_expect(crowd_add(c, 7, 3));
    cr_expect(crowd_add(c, 7, 1), "true from then on");
    cr_expect(crowd_add(c, 7, 4));
    crowd_free(c);
}

Test(crowd, one_user_can_be_enough)
{
    struct crowd *c = crowd_new(1);

    cr_expect(crowd_add(c, 7, 1));
    crowd_free(c);
}

/* A flood of things with one user each does not push out what many use. */
Test(crowd, a_flood_of_rare_things_does_not_stop_a_common_one)
{
    struct crowd *c = crowd_new(10);
    struct rng r;
    bool there = false;

    rng_init(&r, 1);
    for (uint64_t user = 1; user <= 40; user++) {
        for (int i = 0; i < 20000; i++)
            crowd_add(c, rng_next(&r), user);
        for (int i = 0; i < 3; i++) /* a few visits close together */
            there = crowd_add(c, 42, user * 3 + (uint64_t)i);
    }
    cr_expect(there);
    crowd_free(c);
}

Test(crowd, no_answer_comes_too_early_however_full_it_is)
{
    struct crowd *c = crowd_new(5);
    struct rng r;

    rng_init(&r, 2);
    for (int i = 0; i < 200000; i++)
        cr_assert_not(crowd_add(c, rng_next(&r), rng_next(&r)));
    crowd_free(c);
}
