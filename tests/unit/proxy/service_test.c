#include <criterion/criterion.h>

#include "pool_fixture.h"

static struct fixture f;
static mono_us now;

/* Each tier has one backend of 10 requests. */
static void setup(void)
{
    fixture_init(&f);
    now = T0;
    for (enum tier t = 0; t < N_TIERS; t++) {
        f.cfg.pools[t].max_requests = 10;
        fixture_add(&f, t, 1);
    }
    fixture_ready(&f);
}

static void teardown(void)
{
    fixture_fini(&f);
}

TestSuite(service, .init = setup, .fini = teardown);

/* A millisecond after the last one, so that the use of the pools is counted anew. */
static enum pick_verdict pick_but(const struct backend *avoid, struct backend **out)
{
    struct pick pk = {.now = now += 1000, .rng = &f.rng, .avoid = avoid};

    *out = NULL;
    return service_pick(&f.service, &pk, out);
}

/* Picks n times; how many came to each tier. */
static void pick_many(int n, int got[N_TIERS])
{
    struct backend *out;

    for (int t = 0; t < N_TIERS; t++)
        got[t] = 0;
    while (n-- > 0) {
        cr_assert_eq(pick_but(NULL, &out), PICK_OK);
        got[out->tier]++;
    }
}

Test(service, baseline_serves_alone_up_to_spill_at)
{
    int got[N_TIERS];

    pick_many(8, got); /* the eighth finds 7 of 10 there */
    cr_assert_eq(got[TIER_BASELINE], 8);
}

Test(service, past_spill_at_requests_go_where_capacity_is_free)
{
    struct backend *out;
    int got[N_TIERS], n = 0;

    pick_many(8, got); /* 2 of 10 are free, and 10 of 10 */
    for (int i = 0; i < 6000; i++) {
        pick_but(NULL, &out);
        n += out->tier == TIER_PREDICTIVE;
        backend_release(out, BACKEND_OK, 0, now);
    }
    cr_assert_float_eq(n, 5000, 100);
}

Test(service, then_both_fill_and_burst_gets_nothing_while_there_is_room)
{
    int got[N_TIERS];

    pick_many(20, got);
    cr_expect_eq(got[TIER_BASELINE], 10);
    cr_expect_eq(got[TIER_PREDICTIVE], 10);
    cr_expect_eq(got[TIER_BURST], 0);
}

Test(service, burst_takes_what_both_cannot)
{
    int got[N_TIERS];

    pick_many(25, got);
    cr_expect_eq(got[TIER_BURST], 5);
}

Test(service, burst_empties_first)
{
    struct backend *out;
    int got[N_TIERS];

    pick_many(25, got);
    backend_release(f.be[TIER_BASELINE][0], BACKEND_OK, 0, now);
    pick_but(NULL, &out);
    cr_expect_eq(out->tier, TIER_BASELINE);
    backend_release(f.be[TIER_PREDICTIVE][0], BACKEND_OK, 0, now);
    pick_but(NULL, &out);
    cr_expect_eq(out->tier, TIER_PREDICTIVE);
}

Test(service, burst_serves_while_the_others_are_starting)
{
    int got[N_TIERS];

    backend_set_health(f.be[TIER_BASELINE][0], BACKEND_UNKNOWN, now);
    backend_set_health(f.be[TIER_PREDICTIVE][0], BACKEND_UNKNOWN, now);
    pick_many(5, got);
    cr_assert_eq(got[TIER_BURST], 5);
}

Test(service, full_everywhere_is_full)
{
    struct backend *out;
    int got[N_TIERS];

    pick_many(30, got);
    cr_assert_eq(pick_but(NULL, &out), PICK_FULL);
    for (int t = 0; t < N_TIERS; t++)
        backend_set_health(f.be[t][0], BACKEND_DOWN, now);
    cr_assert_eq(pick_but(NULL, &out), PICK_NONE);
}

Test(service, one_to_avoid_is_taken_only_if_there_is_no_other)
{
    struct backend *out;

    cr_assert_eq(pick_but(f.be[TIER_BASELINE][0], &out), PICK_OK);
    cr_assert_eq(out->tier, TIER_PREDICTIVE);
    backend_set_health(f.be[TIER_PREDICTIVE][0], BACKEND_DOWN, now);
    backend_set_health(f.be[TIER_BURST][0], BACKEND_DOWN, now);
    cr_assert_eq(pick_but(f.be[TIER_BASELINE][0], &out), PICK_OK);
    cr_assert_eq(out->tier, TIER_BASELINE);
}

Test(service, others_that_are_full_are_waited_for)
{
    struct backend *out;

    backend_set_health(f.be[TIER_BURST][0], BACKEND_DOWN, now);
    while (backend_reserve(f.be[TIER_PREDICTIVE][0]))
        ;
    cr_assert_eq(pick_but(f.be[TIER_BASELINE][0], &out), PICK_FULL);
}
