#include "profiler/busiest.h"

#include <criterion/criterion.h>

Test(busiest, the_ones_with_the_most_requests_are_listed_in_order)
{
    static struct busiest b;
    struct busiest_user out[BUSIEST_MAX];

    for (uint32_t round = 1; round <= 10; round++)
        for (uint64_t key = 1; key <= 1000; key++)
            busiest_note(&b, key, round * (uint32_t)(key * 7 % 1000 + 1));
    cr_assert_eq(busiest_list(&b, out, 50), 50);
    for (uint32_t i = 0; i < 50; i++)
        cr_expect_eq(out[i].requests, 10 * (1000 - i), "%u: %u", i, out[i].requests);
}

Test(busiest, nobody_is_listed_twice)
{
    static struct busiest b;
    struct busiest_user out[BUSIEST_MAX];

    for (uint32_t n = 1; n <= 50; n++)
        for (uint64_t key = 1; key <= 3; key++)
            busiest_note(&b, key, n * (uint32_t)key);
    cr_expect_eq(busiest_list(&b, out, BUSIEST_MAX), 3);
    cr_expect(out[0].key == 3 && out[0].requests == 150);
}

Test(busiest, an_empty_list_is_empty)
{
    static struct busiest b;
    struct busiest_user out[1];

    cr_expect_eq(busiest_list(&b, out, 1), 0);
}
