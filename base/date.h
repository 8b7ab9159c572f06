/*
 * date.h - the day number of a date, without time zones or the C library's state.
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdint.h>

/* Days from 1970-01-01, proleptic Gregorian.  year >= 0, month 1..12; day may run over. */
int64_t date_days(int64_t year, int month, int day);

#endif
