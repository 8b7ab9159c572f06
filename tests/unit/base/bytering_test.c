/* Mirrors base/bytering.c. */
#include "base/bytering.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static bool put(struct bytering *r, const char *text)
{
    void *at = bytering_reserve(r, strlen(text));

    if (at == NULL)
        return false;
    memcpy(at, text, strlen(text));
    bytering_commit(r);
    return true;
}

static void expect_next(struct bytering *r, const char *want)
{
    size_t n = 0;
    const char *got = bytering_peek(r, &n);

    cr_assert_not_null(got, "nothing, not %s", want);
    cr_expect(n == strlen(want) && memcmp(got, want, n) == 0, "%.*s, not %s", (int)n, got,
              want);
    bytering_release(r);
}

Test(bytering, keeps_order_and_lengths)
{
    struct bytering *r = bytering_new(1024);
    size_t n;

    cr_expect_null(bytering_peek(r, &n));
    cr_expect(put(r, "one"));
    cr_expect(put(r, ""));
    cr_expect(put(r, "a third one that is longer than the first"));
    expect_next(r, "one");
    expect_next(r, "");
    expect_next(r, "a third one that is longer than the first");
    cr_expect_null(bytering_peek(r, &n));
    cr_expect_eq(bytering_used(r), 0u);
    bytering_free(r);
}

Test(bytering, a_full_one_drops_the_newest_and_counts_it)
{
    struct bytering *r = bytering_new(128);

    for (int i = 0; i < 6; i++)
        cr_expect_eq(put(r, "0123456789abcdef"), i < 4, "record %d", i); /* 32 bytes each */
    cr_expect_eq(bytering_dropped(r), 2u);
    cr_expect_eq(bytering_used(r), 128u);
    expect_next(r, "0123456789abcdef");
    cr_expect(put(r, "fits again"));
    for (int i = 0; i < 3; i++)
        expect_next(r, "0123456789abcdef");
    expect_next(r, "fits again");
    bytering_free(r);
}

Test(bytering, what_was_reserved_and_not_committed_is_not_seen)
{
    struct bytering *r = bytering_new(256);
    size_t n;

    cr_expect_not_null(bytering_reserve(r, 40));
    cr_expect_null(bytering_peek(r, &n));
    cr_expect(put(r, "the next"));
    expect_next(r, "the next");
    bytering_free(r);
}

Test(bytering, a_record_larger_than_the_ring_is_dropped)
{
    struct bytering *r = bytering_new(128);

    cr_expect_null(bytering_reserve(r, 127));
    cr_expect_null(bytering_reserve(r, 128));
    cr_expect_null(bytering_reserve(r, (size_t)1 << 40));
    cr_expect_eq(bytering_dropped(r), 3u);
    cr_expect_not_null(bytering_reserve(r, 112));
    bytering_free(r);
}

#define MANY 200000

/* Its length, then as many bytes as the number says. */
static size_t length_of(uint64_t i)
{
    return sizeof(i) + i % 37;
}

static void *produce(void *arg)
{
    for (uint64_t i = 0; i < MANY;) {
        uint8_t *at = bytering_reserve(arg, length_of(i));

        if (at == NULL)
            continue;
        memcpy(at, &i, sizeof(i));
        memset(at + sizeof(i), (int)(i & 0xff), length_of(i) - sizeof(i));
        bytering_commit(arg);
        i++;
    }
    return NULL;
}

Test(bytering, two_threads_see_every_record_once_and_whole)
{
    struct bytering *r = bytering_new(512);
    pthread_t t;

    cr_assert(pthread_create(&t, NULL, produce, r) == 0);
    for (uint64_t next = 0; next < MANY;) {
        size_t n;
        const uint8_t *at = bytering_peek(r, &n);
        uint64_t i;

        if (at == NULL)
            continue;
        memcpy(&i, at, sizeof(i));
        cr_assert_eq(i, next);
        cr_assert_eq(n, length_of(i));
        for (size_t k = sizeof(i); k < n; k++)
            cr_assert_eq(at[k], (uint8_t)i);
        bytering_release(r);
        next++;
    }
    pthread_join(t, NULL);
    bytering_free(r);
}
