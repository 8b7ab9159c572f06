#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>

#include "pool_fixture.h"
#include "proxy/breaker.h"

#define S ((mono_us)US_PER_S)

static struct fixture f;

/* Four backends; five failures in a row, 1 s doubling to 8 s, half of the pool. */
static void setup(void)
{
    fixture_init(&f);
    for (int i = 0; i < 4; i++)
        fixture_add(&f, TIER_BASELINE, 1);
    fixture_ready(&f);
}

static void teardown(void)
{
    fixture_fini(&f);
}

TestSuite(breaker, .init = setup, .fini = teardown);

static struct backend *be(int i)
{
    return f.be[TIER_BASELINE][i];
}

static unsigned ejected(void)
{
    return f.home->pool[TIER_BASELINE].ejected;
}

/* Fails until it is ejected or `most` times; how long it is out. */
static mono_us fail(struct backend *b, int most, mono_us now)
{
    mono_us length = 0;

    while (length == 0 && most-- > 0)
        length = breaker_failure(b, now);
    return length;
}

/* Within the spread of ten percent. */
static void expect_length(mono_us got, mono_us s)
{
    cr_expect(got >= s * 9 / 10 && got <= s * 11 / 10, "%lld us, expected around %lld",
              (long long)got, (long long)s);
}

Test(breaker, ejects_at_the_fifth_failure_in_a_row)
{
    cr_assert_eq(fail(be(0), 4, T0), 0);
    cr_assert(breaker_lets(be(0), T0));
    expect_length(fail(be(0), 1, T0), S);
    cr_assert_not(breaker_lets(be(0), T0));
    cr_assert_eq(ejected(), 1u);
}

Test(breaker, a_success_starts_the_count_again)
{
    fail(be(0), 4, T0);
    breaker_success(be(0), T0);
    cr_assert_eq(fail(be(0), 4, T0), 0);
    cr_assert(breaker_lets(be(0), T0));
}

Test(breaker, does_nothing_when_it_is_switched_off)
{
    be(0)->ejection.enabled = false;
    cr_assert_eq(fail(be(0), 100, T0), 0);
}

Test(breaker, the_time_doubles_up_to_its_maximum)
{
    const struct cfg_ejection c = {true, 5, 1000, 6000, 0.5};

    cr_expect_eq(breaker_length(&c, 1, 0.5), 1 * S);
    cr_expect_eq(breaker_length(&c, 2, 0.5), 2 * S);
    cr_expect_eq(breaker_length(&c, 3, 0.5), 4 * S);
    cr_expect_eq(breaker_length(&c, 4, 0.5), 6 * S);
    cr_expect_eq(breaker_length(&c, UINT32_MAX, 0.5), 6 * S);
}

Test(breaker, the_time_is_spread_by_ten_percent)
{
    const struct cfg_ejection c = {true, 5, 1000, 6000, 0.5};

    cr_expect_eq(breaker_length(&c, 1, 0), S * 9 / 10);
    cr_expect_eq(breaker_length(&c, 1, 0.75), S * 105 / 100);
}

Test(breaker, when_the_time_has_passed_one_request_at_a_time_is_let_in)
{
    mono_us until = T0 + fail(be(0), 5, T0);

    cr_assert_not(breaker_lets(be(0), until - 1));
    cr_assert(breaker_lets(be(0), until));
    backend_reserve(be(0));
    cr_assert_not(breaker_lets(be(0), until));
}

Test(breaker, a_trial_without_an_answer_ends_after_as_long_as_it_was_out)
{
    mono_us until = T0 + fail(be(0), 5, T0);

    backend_reserve(be(0));
    cr_assert_not(breaker_lets(be(0), until + S - 1));
    cr_assert(breaker_lets(be(0), until + S));
}

Test(breaker, a_success_on_trial_brings_it_back)
{
    mono_us until = T0 + fail(be(0), 5, T0);

    breaker_success(be(0), until);
    cr_assert_eq(ejected(), 0u);
    backend_reserve(be(0));
    cr_assert(breaker_lets(be(0), until));
}

Test(breaker, an_old_request_that_succeeds_meanwhile_does_not_bring_it_back)
{
    mono_us until = T0 + fail(be(0), 5, T0);

    breaker_success(be(0), until - 1);
    cr_assert_not(breaker_lets(be(0), until - 1));
}

Test(breaker, old_requests_that_fail_meanwhile_do_not_prolong_it)
{
    mono_us until = T0 + fail(be(0), 5, T0);

    cr_assert_eq(fail(be(0), 100, until - 1), 0);
    cr_assert(breaker_lets(be(0), until));
}

Test(breaker, the_first_failure_on_trial_ejects_for_twice_as_long)
{
    mono_us until = T0 + fail(be(0), 5, T0);

    expect_length(breaker_failure(be(0), until), 2 * S);
    cr_assert_not(breaker_lets(be(0), until));
    cr_assert_eq(ejected(), 1u);
}

Test(breaker, each_calm_maximum_takes_one_step_back)
{
    mono_us now = T0;

    for (int i = 0; i < 3; i++)
        now += fail(be(0), 5, now); /* 1, 2, 4 s */
    breaker_success(be(0), now);
    expect_length(fail(be(0), 5, now + 17 * S), 2 * S); /* two of 8 s: the 4th is the 2nd */
}

Test(breaker, a_long_calm_forgets_all)
{
    mono_us now = T0;

    for (int i = 0; i < 3; i++)
        now += fail(be(0), 5, now);
    breaker_success(be(0), now);
    expect_length(fail(be(0), 5, now + 3600 * S), S);
}

Test(breaker, never_more_than_its_share_of_the_pool_is_out)
{
    cr_assert_gt(fail(be(0), 5, T0), 0);
    cr_assert_gt(fail(be(1), 5, T0), 0);
    cr_assert_eq(fail(be(2), 100, T0), 0);
    cr_assert(breaker_lets(be(2), T0));
    cr_assert_eq(ejected(), 2u);
}

Test(breaker, the_share_is_rounded_down)
{
    atomic_store(&f.home->pool[TIER_BASELINE].members, 3);
    cr_assert_gt(fail(be(0), 5, T0), 0);
    cr_assert_eq(fail(be(1), 100, T0), 0);
}

Test(breaker, the_only_backend_is_never_ejected)
{
    atomic_store(&f.home->pool[TIER_BASELINE].members, 1);
    cr_assert_eq(fail(be(0), 100, T0), 0);
}

Test(breaker, a_share_that_is_a_whole_number_is_not_rounded_down)
{
    struct pool_shared *pool = &f.home->pool[TIER_BASELINE];

    be(0)->ejection.max_share = be(1)->ejection.max_share = 0.29; /* of 100: 28.999... */
    atomic_store(&pool->members, 100);
    atomic_store(&pool->ejected, 28);
    cr_expect_gt(fail(be(0), 5, T0), 0);
    cr_expect_eq(fail(be(1), 100, T0), 0);
    atomic_store(&pool->ejected, 1);
}

Test(breaker, one_that_is_down_or_drains_needs_no_ejection)
{
    backend_set_health(be(0), BACKEND_DOWN, T0);
    backend_set_admin(be(1), BACKEND_DRAIN);
    cr_expect_eq(fail(be(0), 100, T0), 0);
    cr_expect_eq(fail(be(1), 100, T0), 0);
}

Test(breaker, going_down_gives_the_share_back)
{
    fail(be(0), 5, T0);
    backend_set_health(be(0), BACKEND_DOWN, T0);
    cr_expect_eq(ejected(), 0u);
    fail(be(1), 5, T0);
    backend_set_admin(be(1), BACKEND_DRAIN);
    cr_expect_eq(ejected(), 0u);
}

#define ROUNDS 3000

static _Atomic int arrived;

/* Waits until both threads are in this round, so that their failures meet. */
static void meet(int round)
{
    atomic_fetch_add(&arrived, 1);
    for (int spin = 0; atomic_load(&arrived) < 2 * (round + 1); spin++)
        if (spin > 1000)
            sched_yield();
}

static void *fail_together(void *arg)
{
    mono_us now = T0;

    (void)arg;
    for (int round = 0; round < ROUNDS; round++) {
        meet(round);
        breaker_failure(be(round % 4), now);
        now += 20 * S;
        breaker_success(be((round + 2) % 4), now);
    }
    return NULL;
}

Test(breaker, an_ejection_that_two_workers_see_at_once_counts_once)
{
    pthread_t threads[2];
    unsigned out = 0;

    for (int i = 0; i < 4; i++)
        be(i)->ejection.failures = 1;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, fail_together, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        out += be(i)->shared->ejected_until != 0;
    cr_assert_eq(ejected(), out);
    cr_assert_leq(out, 2u);
    for (int i = 0; i < 4; i++)
        breaker_success(be(i), INT64_MAX);
    cr_assert_eq(ejected(), 0u);
}

Test(breaker, one_failure_makes_a_backend_suspect_for_a_base_time)
{
    breaker_failure(be(0), T0);
    cr_expect(breaker_lets(be(0), T0));
    cr_expect(breaker_suspects(be(0), T0 + 9 * S / 10));
    cr_expect_not(breaker_suspects(be(0), T0 + 11 * S / 10));
    cr_expect_not(breaker_suspects(be(1), T0));
}

Test(breaker, a_success_ends_the_suspicion)
{
    breaker_failure(be(0), T0);
    breaker_success(be(0), T0 + 1);
    cr_expect_not(breaker_suspects(be(0), T0 + 2));
}

Test(breaker, suspicion_falls_on_those_that_the_share_keeps_in_too)
{
    for (int i = 0; i < 3; i++)
        fail(be(i), 5, T0);
    cr_assert(breaker_lets(be(2), T0), "half of four are out already");
    cr_expect(breaker_suspects(be(2), T0));
}
