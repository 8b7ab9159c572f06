#include "base/date.h"

#include <criterion/criterion.h>

Test(date, days_are_counted_from_1970)
{
    cr_expect_eq(date_days(1970, 1, 1), 0);
    cr_expect_eq(date_days(1969, 12, 31), -1);
    cr_expect_eq(date_days(2000, 2, 29), 11016);
    cr_expect_eq(date_days(2000, 3, 1), 11017);
    cr_expect_eq(date_days(2100, 3, 1) - date_days(2100, 2, 28), 1);
    cr_expect_eq(date_days(2400, 3, 1) - date_days(2400, 2, 28), 2);
}

Test(date, every_day_follows_the_day_before)
{
    int64_t day = date_days(1995, 1, 1);

    for (int year = 1995; year < 2105; year++)
        for (int month = 1; month <= 12; month++) {
            int64_t next =
                month == 12 ? date_days(year + 1, 1, 1) : date_days(year, month + 1, 1);

            cr_expect(next - day >= 28 && next - day <= 31);
            cr_expect_eq(date_days(year, month, 28), day + 27);
            day = next;
        }
    cr_expect_eq(day, date_days(2105, 1, 1));
}

Test(date, a_date_comes_back_from_its_day_number)
{
    struct date d = date_of(971211336);

    cr_expect(d.year == 2000 && d.month == 10 && d.day == 10);
    cr_expect(d.hour == 20 && d.min == 55 && d.sec == 36);
    for (int64_t day = date_days(1, 1, 1); day < date_days(2800, 1, 1); day++) {
        d = date_of(day * 86400 + 86399);
        cr_assert_eq(date_days(d.year, d.month, d.day), day);
        cr_assert(d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= 31);
        cr_assert(d.hour == 23 && d.min == 59 && d.sec == 59);
    }
}

Test(date, before_1970_a_second_still_belongs_to_its_day)
{
    struct date d = date_of(-1);

    cr_expect(d.year == 1969 && d.month == 12 && d.day == 31);
    cr_expect(d.hour == 23 && d.min == 59 && d.sec == 59);
}
