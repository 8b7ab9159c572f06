#include <criterion/criterion.h>

#include "scaler/hold.h"

Test(hold, the_largest_wish_of_the_span_is_kept)
{
    struct hold h = {0};

    hold_add(&h, 1000, 7);
    hold_add(&h, 2000, 3);
    hold_add(&h, 3000, 5);
    cr_expect_eq(hold_largest(&h, 3000, 2000), 7);
    cr_expect_eq(hold_largest(&h, 3001, 2000), 5);
    cr_expect_eq(hold_largest(&h, 6000, 2000), 0);
}

Test(hold, many_falling_wishes_are_held_at_least_as_long)
{
    struct hold h = {0};

    for (unsigned i = 0; i < 3 * HOLD_MAX; i++)
        hold_add(&h, i * 10, 1000 - i);
    cr_expect_eq(hold_largest(&h, 3 * HOLD_MAX * 10, 100000), 1000);
    for (unsigned i = 0; i < 3 * HOLD_MAX; i++)
        cr_expect_geq(hold_largest(&h, i * 10, 0), 1000 - i);
}
