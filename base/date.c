#include "base/date.h"

int64_t date_days(int64_t year, int month, int day)
{
    /* A year that begins in March has its leap day at the end. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;

    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

#define DAY_S 86400

struct date date_of(int64_t seconds)
{
    int64_t days = seconds / DAY_S - (seconds % DAY_S < 0);
    int of_day = (int)(seconds - days * DAY_S);
    int64_t n = days + 719468, year, day;
    struct date d;
    int month;

    /* The inverse of the above, by eras of 400 years. */
    int64_t era = n / 146097, of_era = n % 146097;
    int64_t of_era_year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;

    year = of_era_year + era * 400;
    day = of_era - (365 * of_era_year + of_era_year / 4 - of_era_year / 100);
    month = (int)((5 * day + 2) / 153);
    d.day = (int)(day - (153 * month + 2) / 5) + 1;
    d.month = month < 10 ? month + 3 : month - 9;
    d.year = year + (d.month <= 2);
    d.hour = of_day / 3600;
    d.min = of_day / 60 % 60;
    d.sec = of_day % 60;
    return d;
}
