#include <criterion/criterion.h>
#include <math.h>

#include "scaler/forecast/lift.h"

static struct lift l;

static void setup(void)
{
    l = (struct lift){0};
}

TestSuite(lift, .init = setup);

/* n slots in which the outlook and the median said that and so much came. */
static void judge(int n, double outlook, double median, double came)
{
    while (n-- > 0) {
        lift_say(&l, outlook, median);
        lift_judge(&l, came);
    }
}

Test(lift, an_outlook_without_a_record_lifts_nothing)
{
    cr_expect_eq(lift_factor(&l, 1000, 10), 1);
}

Test(lift, a_good_outlook_is_believed_after_an_hour)
{
    judge(12, 100, 50, 100);
    cr_expect_gt(lift_weight(&l), 0.4);
    cr_expect_gt(lift_factor(&l, 100, 50), 1.3);
    judge(200, 100, 50, 100);
    cr_expect_float_eq(lift_factor(&l, 100, 50), 2, 0.15);
}

Test(lift, a_bad_outlook_is_not)
{
    judge(200, 500, 100, 100);
    cr_expect_lt(lift_factor(&l, 500, 100), 1.05);
}

Test(lift, it_never_lowers)
{
    judge(200, 50, 100, 50);
    cr_expect_eq(lift_factor(&l, 50, 100), 1);
    cr_expect_eq(lift_factor(&l, 0, 100), 1);
}

Test(lift, it_never_lifts_by_more_than_three)
{
    judge(500, 1000, 10, 1000);
    cr_expect_float_eq(lift_factor(&l, 1e9, 10), 3, 1e-9);
}

Test(lift, unknown_values_leave_the_record_alone)
{
    judge(50, 100, 50, 100);
    double w = lift_weight(&l);

    judge(50, NAN, 50, 100);
    judge(50, 100, NAN, 100);
    judge(50, 100, 50, NAN);
    lift_judge(&l, 5);
    cr_expect_eq(lift_weight(&l), w);
    cr_expect_eq(lift_factor(&l, NAN, 50), 1);
    cr_expect_eq(lift_factor(&l, 100, NAN), 1);
}
