#include <criterion/criterion.h>

#include "proxy/slots.h"

Test(slots, the_lowest_free_number_comes_first)
{
    struct slots *s = slots_new();

    for (uint32_t i = 0; i < 40; i++)
        cr_assert_eq(slots_take(s), i);
    slots_give(s, 17);
    slots_give(s, 5);
    cr_assert_eq(slots_take(s), 5u);
    cr_assert_eq(slots_take(s), 17u);
    cr_assert_eq(slots_take(s), 40u);
    for (uint32_t i = 0; i <= 40; i++)
        slots_give(s, i);
    slots_close(s);
}

Test(slots, high_stays_above_every_number_ever_taken)
{
    struct slots *s = slots_new();

    slots_take(s);
    slots_take(s);
    slots_give(s, 1);
    cr_assert_eq(slots_high(s), 2u);
    slots_give(s, 0);
    slots_close(s);
}

Test(slots, numbers_may_come_back_after_the_owner_left)
{
    struct slots *s = slots_new();
    uint32_t slot = slots_take(s);

    slots_close(s);
    slots_give(s, slot); /* the table was there until now */
}
