#include <criterion/criterion.h>
#include <math.h>

#include "scaler/forecast/seasonal.h"

#define DAY 48

Test(seasonal, a_shape_is_known_once_its_day_was_seen)
{
    struct seasonal *s = seasonal_new(DAY, 1);

    cr_expect_not(seasonal_knows(s, 100));
    for (int64_t u = 1000; u < 1000 + DAY; u++)
        seasonal_add(s, u, 3);
    cr_expect_not(seasonal_knows(s, 1000 + DAY - 1));
    cr_expect(seasonal_knows(s, 1000 + DAY));
    seasonal_free(s);
}

Test(seasonal, a_reading_is_smoothed_by_a_triangle)
{
    struct seasonal *s = seasonal_new(DAY, 1);
    double p;

    for (int64_t u = 0; u < DAY; u++)
        seasonal_add(s, u, u == 10 ? 4 : 0);
    cr_assert(seasonal_at(s, DAY + 10, &p)); /* another weekday: the day's table alone */
    cr_expect_float_eq(p, 2, 1e-9);
    cr_assert(seasonal_at(s, DAY + 11, &p));
    cr_expect_float_eq(p, 1, 1e-9);
    cr_assert(seasonal_at(s, DAY + 12, &p));
    cr_expect_float_eq(p, 0, 1e-9);
    seasonal_free(s);
}

Test(seasonal, a_weekday_of_its_own_is_learned_over_weeks)
{
    struct seasonal *s = seasonal_new(DAY, 0);
    double quiet, busy;

    for (int64_t u = 0; u < 8 * 7 * DAY; u++)
        seasonal_add(s, u, u / DAY % 7 == 6 ? 1 : 5);
    cr_assert(seasonal_at(s, 8 * 7 * DAY + 6 * DAY, &quiet));
    cr_assert(seasonal_at(s, 8 * 7 * DAY + 2 * DAY, &busy));
    cr_expect_lt(quiet, 3);
    cr_expect_gt(busy, 4);
    seasonal_free(s);
}

Test(seasonal, unknown_samples_are_left_out)
{
    struct seasonal *s = seasonal_new(DAY, 0);
    double p;

    seasonal_add(s, 5, NAN);
    cr_expect_not(seasonal_at(s, 5, &p));
    seasonal_add(s, 5, 2);
    seasonal_add(s, 5 + DAY, NAN);
    cr_assert(seasonal_at(s, 5 + 2 * DAY, &p));
    cr_expect_float_eq(p, 2, 1e-9);
    seasonal_free(s);
}
