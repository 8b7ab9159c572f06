#include <criterion/criterion.h>

#include "scaler/lead.h"

Test(lead, the_configured_value_holds_until_five_are_known)
{
    struct lead l = {0};

    for (uint32_t i = 0; i < 4; i++)
        lead_add(&l, 1000);
    cr_expect_eq(lead_ms(&l, 60000), 60000);
    cr_expect_not(lead_learned(&l));
    lead_add(&l, 1000);
    cr_expect_eq(lead_ms(&l, 60000), 1000);
}

Test(lead, nine_of_ten_orders_are_served_by_then)
{
    struct lead l = {0};

    for (uint32_t i = 1; i <= 20; i++)
        lead_add(&l, i * 100);
    cr_expect_eq(lead_ms(&l, 0), 1800);
}

Test(lead, the_last_forty_count)
{
    struct lead l = {0};

    for (uint32_t i = 0; i < 100; i++)
        lead_add(&l, 90000);
    for (uint32_t i = 0; i < LEAD_KEPT; i++)
        lead_add(&l, 2000);
    cr_expect_eq(lead_ms(&l, 0), 2000);
}
