/*
 * date.h - dates and day numbers, without time zones or the C library's state.
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdint.h>

/* Days from 1970-01-01, proleptic Gregorian.  year >= 0, month 1..12; day may run over. */
int64_t date_days(int64_t year, int month, int day);

struct date {
    int64_t year;
    int month, day, hour, min, sec; /* month and day from 1 */
};

/* The date of a number of seconds since 1970; any from year 0 on. */
struct date date_of(int64_t seconds);

#endif
