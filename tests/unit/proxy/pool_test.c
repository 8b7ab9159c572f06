#include <criterion/criterion.h>
#include <pthread.h>

#include "pool_fixture.h"
#include "proxy/breaker.h"

static struct fixture f;

static void setup(void)
{
    fixture_init(&f);
}

static void teardown(void)
{
    fixture_fini(&f);
}

TestSuite(pool, .init = setup, .fini = teardown);

static void add(int n, uint32_t weight)
{
    while (n-- > 0)
        fixture_add(&f, TIER_BASELINE, weight);
}

static struct backend *be(int i)
{
    return f.be[TIER_BASELINE][i];
}

static const struct pool *pool(void)
{
    return &f.service.pools[TIER_BASELINE];
}

static enum pick_verdict pick_but(const struct backend *avoid, mono_us now,
                                  struct backend **out)
{
    struct pick pk = {.now = now, .rng = &f.rng, .avoid = avoid};

    *out = NULL;
    return pool_pick(pool(), &pk, out);
}

/* Share of n requests, each ended before the next, that backend i gets. */
static double share_of(int i, int n, mono_us now)
{
    struct backend *out;
    int got = 0;

    for (int k = 0; k < n; k++) {
        cr_assert_eq(pick_but(NULL, now, &out), PICK_OK);
        got += out == be(i);
        backend_release(out, BACKEND_OK, 1000, now);
    }
    return (double)got / n;
}

Test(pool, an_empty_one_has_nobody)
{
    struct backend *out;

    fixture_ready(&f);
    cr_assert_eq(pick_but(NULL, T0, &out), PICK_NONE);
}

Test(pool, a_pick_is_reserved)
{
    struct backend *out;

    add(1, 1);
    fixture_ready(&f);
    cr_assert_eq(pick_but(NULL, T0, &out), PICK_OK);
    cr_assert_eq(out, be(0));
    cr_assert_eq(be(0)->shared->inflight, 1u);
}

Test(pool, full_and_none_are_told_apart)
{
    struct backend *out;

    f.cfg.pools[TIER_BASELINE].max_requests = 1;
    add(2, 1);
    fixture_ready(&f);
    pick_but(NULL, T0, &out);
    pick_but(NULL, T0, &out);
    cr_assert_eq(pick_but(NULL, T0, &out), PICK_FULL);
    backend_set_health(be(0), BACKEND_DOWN, T0);
    cr_assert_eq(pick_but(NULL, T0, &out), PICK_FULL);
    backend_set_admin(be(1), BACKEND_DRAIN);
    cr_assert_eq(pick_but(NULL, T0, &out), PICK_NONE);
}

Test(pool, the_only_one_of_a_hundred_with_room_is_always_found)
{
    f.cfg.pools[TIER_BASELINE].max_requests = 1;
    add(100, 1);
    fixture_ready(&f);
    for (int i = 0; i < 100; i++)
        if (i < 50)
            backend_set_health(be(i), BACKEND_DOWN, T0);
        else if (i != 77)
            backend_reserve(be(i));
    cr_assert_float_eq(share_of(77, 1000, T0), 1, 1e-9);
}

Test(pool, equal_ones_get_equal_shares)
{
    add(10, 1);
    fixture_ready(&f);
    for (int i = 0; i < 10; i++)
        cr_expect_float_eq(share_of(i, 20000, T0), 0.1, 0.015);
}

Test(pool, two_choices_keep_the_load_even)
{
    struct backend *out;

    add(20, 1);
    fixture_ready(&f);
    for (int i = 0; i < 1000; i++)
        pick_but(NULL, T0, &out);
    /* One random choice would leave some at 30 and others at 70. */
    for (int i = 0; i < 20; i++)
        cr_expect(be(i)->shared->inflight >= 46 && be(i)->shared->inflight <= 54, "%u",
                  be(i)->shared->inflight);
}

Test(pool, weights_share_an_idle_pool_in_proportion)
{
    add(1, 3);
    add(1, 1);
    fixture_ready(&f);
    cr_assert_float_eq(share_of(0, 50000, T0), 0.75, 0.02);
}

Test(pool, weights_share_a_busy_pool_in_proportion)
{
    struct backend *out;

    f.cfg.pools[TIER_BASELINE].max_requests = 1000;
    add(1, 3);
    add(3, 1);
    fixture_ready(&f);
    for (int i = 0; i < 600; i++)
        pick_but(NULL, T0, &out);
    cr_assert_float_eq(be(0)->shared->inflight, 300, 20);
}

Test(pool, one_that_starts_slowly_gets_a_tenth_of_its_share_at_first)
{
    f.cfg.pools[TIER_BASELINE].slow_start_ms = 10000;
    add(10, 1);
    fixture_ready(&f);
    backend_set_health(be(4), BACKEND_DOWN, T0);
    backend_set_health(be(4), BACKEND_UP, T0);
    cr_expect_float_eq(share_of(4, 50000, T0), 0.01, 0.005);
    cr_expect_float_eq(share_of(4, 50000, T0 + 5 * US_PER_S), 0.055, 0.01);
    cr_expect_float_eq(share_of(4, 50000, T0 + 10 * US_PER_S), 0.1, 0.01);
}

Test(pool, when_all_start_at_once_nobody_is_held_back)
{
    f.cfg.pools[TIER_BASELINE].slow_start_ms = 10000;
    add(2, 1);
    fixture_ready(&f);
    for (int i = 0; i < 2; i++) {
        backend_set_health(be(i), BACKEND_DOWN, T0);
        backend_set_health(be(i), BACKEND_UP, T0);
    }
    cr_assert_float_eq(share_of(0, 20000, T0), 0.5, 0.02);
}

Test(pool, the_faster_one_is_preferred)
{
    add(2, 1);
    fixture_ready(&f);
    for (int i = 0; i < 2; i++) {
        backend_reserve(be(i));
        backend_release(be(i), BACKEND_OK, i == 0 ? 1000 : 5000, T0);
    }
    cr_assert_float_eq(share_of(0, 1000, T0), 1, 1e-9);
}

Test(pool, one_to_avoid_is_never_taken)
{
    struct backend *out;

    add(3, 1);
    fixture_ready(&f);
    for (int i = 0; i < 200; i++) {
        cr_assert_eq(pick_but(be(1), T0, &out), PICK_OK);
        cr_assert_neq(out, be(1));
    }
    backend_set_health(be(0), BACKEND_DOWN, T0);
    backend_set_health(be(2), BACKEND_DOWN, T0);
    cr_assert_eq(pick_but(be(1), T0, &out), PICK_NONE);
}

Test(pool, its_use_counts_those_that_take)
{
    struct tier_use use;

    add(3, 1);
    fixture_ready(&f);
    for (int i = 0; i < 3; i++)
        for (int n = 0; n <= i; n++)
            backend_reserve(be(i)); /* 1, 2, 3 */
    backend_set_admin(be(2), BACKEND_DRAIN);
    use = pool_use(pool(), T0);
    cr_expect_eq(use.takes, 2u);
    cr_expect_eq(use.capacity, 200u);
    cr_expect_eq(use.inflight, 3u);
}

Test(pool, its_use_is_counted_once_a_millisecond)
{
    add(1, 1);
    fixture_ready(&f);
    pool_use(pool(), T0);
    backend_reserve(be(0));
    cr_expect_eq(pool_use(pool(), T0 + 999).inflight, 0u);
    cr_expect_eq(pool_use(pool(), T0 + 1000).inflight, 1u);
}

static _Atomic uint32_t most_inside;

static void *pick_and_release(void *arg)
{
    struct rng rng;

    rng_init(&rng, (uint64_t)(uintptr_t)arg);
    for (int i = 0; i < 10000; i++) {
        struct pick pk = {.now = T0 + i, .rng = &rng};
        struct backend *out;
        uint32_t n;

        if (pool_pick(pool(), &pk, &out) != PICK_OK)
            continue;
        n = atomic_load(&out->shared->inflight);
        if (n > atomic_load(&most_inside))
            atomic_store(&most_inside, n);
        backend_release(out, BACKEND_OK, 100, T0 + i);
    }
    return NULL;
}

Test(pool, workers_together_keep_to_the_limits)
{
    pthread_t threads[4];

    f.cfg.pools[TIER_BASELINE].max_requests = 1;
    add(3, 1);
    fixture_ready(&f);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, pick_and_release, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(most_inside, 1u);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(be(i)->shared->inflight, 0u);
}

Test(pool, a_suspect_is_taken_only_when_no_other_has_room)
{
    struct backend *out;
    struct pick pk = {.now = T0, .rng = &f.rng};

    fixture_add(&f, TIER_BASELINE, 1);
    fixture_add(&f, TIER_BASELINE, 1);
    fixture_ready(&f);
    breaker_failure(f.be[TIER_BASELINE][0], T0);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(pool_pick(&f.service.pools[TIER_BASELINE], &pk, &out), PICK_OK);
        cr_assert_eq(out, f.be[TIER_BASELINE][1], "pick %d", i);
    }
    cr_assert_eq(pool_pick(&f.service.pools[TIER_BASELINE], &pk, &out), PICK_OK);
    cr_expect_eq(out, f.be[TIER_BASELINE][0]);
}
