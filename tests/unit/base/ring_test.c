/* Mirrors base/ring.c. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "base/ring.h"

Test(ring, keeps_order_and_drops_the_newest_when_full)
{
    struct ring *r = ring_new(4, sizeof(int));
    int out[8];

    for (int i = 0; i < 6; i++)
        cr_expect_eq(ring_put(r, &i), i < 4, "element %d", i);
    cr_expect_eq(ring_dropped(r), 2u);
    cr_expect_eq(ring_take(r, out, 3), 3u);
    cr_expect_eq(out[0], 0);
    cr_expect_eq(out[2], 2);
    cr_expect_eq(ring_take(r, out, 8), 1u);
    cr_expect_eq(out[0], 3);
    cr_expect_eq(ring_take(r, out, 8), 0u);
    ring_free(r);
}

Test(ring, has_room_again_after_a_take)
{
    struct ring *r = ring_new(2, sizeof(int));
    int v = 7, out[2];

    for (int round = 0; round < 5; round++) {
        cr_expect(ring_put(r, &v));
        cr_expect(ring_put(r, &v));
        cr_expect_not(ring_put(r, &v));
        cr_expect_eq(ring_take(r, out, 2), 2u);
    }
    ring_free(r);
}

#define MANY 200000

static void *produce(void *arg)
{
    for (uint64_t i = 0; i < MANY;)
        if (ring_put(arg, &i))
            i++;
    return NULL;
}

Test(ring, two_threads_see_every_element_once)
{
    struct ring *r = ring_new(64, sizeof(uint64_t));
    uint64_t out[32], next = 0;
    pthread_t t;

    cr_assert(pthread_create(&t, NULL, produce, r) == 0);
    while (next < MANY) {
        size_t n = ring_take(r, out, 32);

        for (size_t i = 0; i < n; i++)
            cr_assert_eq(out[i], next++);
    }
    pthread_join(t, NULL);
    ring_free(r);
}
