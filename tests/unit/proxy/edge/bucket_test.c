/* Mirrors proxy/edge/bucket.c. */
#include "proxy/edge/bucket.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

#define T0 ((mono_us)1000 * US_PER_S)

/* A hash of n. */
static uint64_t key(uint64_t n)
{
    n = (n + 1) * 0x9e3779b97f4a7c15u;
    return n ^ n >> 29;
}

static int taken(struct bucket_table *t, uint64_t k, mono_us now, int tries)
{
    mono_us wait;
    int n = 0;

    for (int i = 0; i < tries; i++)
        n += bucket_take(t, k, now, &wait);
    return n;
}

Test(bucket, a_full_bucket_holds_its_burst_and_no_more)
{
    struct bucket_table *t = bucket_table_new(10, 5, 64);

    cr_expect_eq(taken(t, key(1), T0, 9), 5);
    cr_expect_eq(taken(t, key(2), T0, 9), 5);
    bucket_table_free(t);
}

Test(bucket, tokens_come_back_at_the_rate)
{
    struct bucket_table *t = bucket_table_new(10, 5, 64);

    taken(t, key(1), T0, 5);
    cr_expect_eq(taken(t, key(1), T0 + 99 * US_PER_MS, 9), 0);
    cr_expect_eq(taken(t, key(1), T0 + 100 * US_PER_MS, 9), 1);
    cr_expect_eq(taken(t, key(1), T0 + 350 * US_PER_MS, 9), 2);
    cr_expect_eq(taken(t, key(1), T0 + 3600 * (mono_us)US_PER_S, 9), 5);
    bucket_table_free(t);
}

Test(bucket, who_is_refused_is_told_when_to_come_again)
{
    struct bucket_table *t = bucket_table_new(0.5, 1, 64);
    mono_us wait;

    cr_assert(bucket_take(t, key(1), T0, &wait));
    cr_expect_eq(wait, 0);
    cr_assert_not(bucket_take(t, key(1), T0 + US_PER_S / 2, &wait));
    cr_expect_eq(wait, 3 * US_PER_S / 2);
    cr_expect(bucket_take(t, key(1), T0 + US_PER_S / 2 + wait, &wait));
    bucket_table_free(t);
}

Test(bucket, the_extremes_do_not_overflow)
{
    struct bucket_table *slow = bucket_table_new(1.0 / 3600, 10000000, 64);
    struct bucket_table *fast = bucket_table_new(1000000, 10000000, 64);

    cr_expect_eq(taken(slow, key(1), T0, 1000), 1000);
    cr_expect_eq(taken(fast, key(1), T0, 1000), 1000);
    bucket_table_free(slow);
    bucket_table_free(fast);
}

Test(bucket, with_too_many_keys_those_that_asked_least_are_forgotten)
{
    struct bucket_table *t = bucket_table_new(1, 3, 64);
    mono_us wait;

    cr_expect_eq(taken(t, key(0), T0, 9), 3);
    for (uint64_t i = 1; i < 10000; i++)
        cr_assert(bucket_take(t, key(i), T0, &wait));
    cr_expect_eq(taken(t, key(0), T0, 9), 0, "the one that is emptiest was forgotten");
    bucket_table_free(t);
}

/* ---- threads ---- */

#define THREADS 4
#define TRIES   200000

static struct bucket_table *shared;
static _Atomic int got;

static void *take_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < TRIES; i++) {
        mono_us wait;

        if (bucket_take(shared, key(7), T0, &wait))
            atomic_fetch_add(&got, 1);
    }
    return NULL;
}

Test(bucket, threads_together_get_no_more_than_one_would)
{
    pthread_t t[THREADS];

    shared = bucket_table_new(1, 100000, 64);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&t[i], NULL, take_many, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    cr_expect_eq(atomic_load(&got), 100000);
    bucket_table_free(shared);
}
