#include "base/date.h"

int64_t date_days(int64_t year, int month, int day)
{
    /* A year that begins in March has its leap day at the end. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;

    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}
