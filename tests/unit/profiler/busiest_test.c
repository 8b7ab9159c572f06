#include "profiler/busiest.h"

#include <criterion/criterion.h>

Test(busiest, the_ones_with_the_most_requests_are_listed_in_order)
{
    static struct busiest b;

    for (uint32_t round = 1; round <= 10; round++)
        for (uint64_t key = 1; key <= 1000; key++)
            busiest_note(&b, key, round * (uint32_t)(key * 7 % 1000 + 1));
    cr_assert_eq(b.n, BUSIEST_MAX);
    busiest_sort(b.user, b.n);
    for (uint32_t i = 0; i < BUSIEST_MAX; i++)
        cr_expect_eq(b.user[i].requests, 10 * (1000 - i), "%u: %u", i, b.user[i].requests);
}

Test(busiest, nobody_is_listed_twice)
{
    static struct busiest b;

    for (uint32_t n = 1; n <= 50; n++)
        for (uint64_t key = 1; key <= 3; key++)
            busiest_note(&b, key, n * (uint32_t)key);
    busiest_sort(b.user, b.n);
    cr_expect(b.n == 3 && b.user[0].key == 3 && b.user[0].requests == 150);
}
