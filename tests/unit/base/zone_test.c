#include "base/zone.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A zone with one change and a rule, as a file: 1970 +1:00, from 1000 s on the footer. */
static struct zone *with_footer(const char *footer)
{
    uint8_t in[256] = "TZif2";
    size_t at = 44;
    struct zone *z;

    in[39] = 1; /* the first block: one type */
    at += 6;
    memcpy(in + at, "TZif2", 5);
    in[at + 35] = 1; /* the second: one time, one type */
    in[at + 39] = 1;
    at += 44;
    in[at + 6] = 1000 >> 8;
    in[at + 7] = 1000 & 255;
    at += 8 + 1;
    in[at + 2] = 3600 >> 8;
    in[at + 3] = 3600 & 255;
    at += 6;
    in[at++] = '\n';
    memcpy(in + at, footer, strlen(footer));
    at += strlen(footer);
    in[at++] = '\n';
    cr_assert_eq(zone_parse(in, at, &z), RC_OK);
    return z;
}

static int64_t utc(int year, int mon, int day, int hour, int min)
{
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = mon - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = min};

    return timegm(&tm);
}

Test(zone, a_rule_turns_at_its_minute)
{
    struct zone *z = with_footer("CET-1CEST,M3.5.0,M10.5.0/3");

    cr_expect_eq(zone_offset_s(z, utc(2050, 3, 27, 0, 59)), 3600);
    cr_expect_eq(zone_offset_s(z, utc(2050, 3, 27, 1, 0)), 7200);
    cr_expect_eq(zone_offset_s(z, utc(2050, 10, 30, 0, 59)), 7200);
    cr_expect_eq(zone_offset_s(z, utc(2050, 10, 30, 1, 0)), 3600);
    cr_expect_eq(zone_offset_s(z, utc(2051, 1, 1, 0, 0)), 3600);
    cr_expect_eq(zone_offset_s(z, 999), 3600, "before the last change the body holds");
    zone_free(z);
}

Test(zone, the_southern_summer_crosses_the_new_year)
{
    struct zone *z = with_footer("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");

    cr_expect_eq(zone_offset_s(z, utc(2040, 1, 1, 0, 0)), 39600);
    cr_expect_eq(zone_offset_s(z, utc(2040, 7, 1, 0, 0)), 37800);
    cr_expect_eq(zone_offset_s(z, utc(2040, 12, 31, 23, 0)), 39600);
    cr_expect_eq(zone_offset_s(z, utc(2040, 10, 6, 15, 29)), 37800);
    cr_expect_eq(zone_offset_s(z, utc(2040, 10, 6, 15, 30)), 39600);
    zone_free(z);
}

Test(zone, a_zone_without_summer_time_stays)
{
    struct zone *z = with_footer("IST-5:30");

    cr_expect_eq(zone_offset_s(z, utc(2040, 7, 1, 0, 0)), 19800);
    zone_free(z);
}

Test(zone, a_footer_that_makes_no_sense_is_ignored)
{
    static const char *const odd[] = {"",
                                      "5",
                                      "<a",
                                      "A99999999999",
                                      "A1B,J60,J300",
                                      "A1B,M13.1.0,M1.1.0",
                                      "A1B,M3.5.0",
                                      "A1B,M3.5.0,M10.5.0/x"};

    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct zone *z = with_footer(odd[i]);

        cr_expect_eq(zone_offset_s(z, utc(2040, 7, 1, 0, 0)), 3600, "%s", odd[i]);
        zone_free(z);
    }
}

Test(zone, no_zone_is_utc)
{
    cr_expect_eq(zone_offset_s(NULL, 12345), 0);
}

Test(zone, damaged_files_are_refused_wherever_they_are_cut)
{
    uint8_t in[44 + 6 + 44 + 15] = "TZif2";
    struct zone *z;

    in[39] = 1;
    memcpy(in + 50, "TZif2", 5);
    in[85] = 1;
    in[89] = 1;
    for (size_t len = 0; len < sizeof(in); len++) {
        uint8_t *exact = malloc(len > 0 ? len : 1);

        memcpy(exact, in, len);
        cr_expect_eq(zone_parse(exact, len, &z), RC_CORRUPT, "%zu", len);
        cr_expect_null(z);
        free(exact);
    }
    cr_expect_eq(zone_parse(in, sizeof(in), &z), RC_OK);
    zone_free(z);
    in[102] = 1; /* a change to a type that is not there */
    cr_expect_eq(zone_parse(in, sizeof(in), &z), RC_CORRUPT);
}

Test(zone, a_name_that_is_not_there_is_said)
{
    struct zone *z;
    struct why w;

    cr_expect_eq(zone_open("Nowhere/Atall", &z, &w), RC_NOT_FOUND);
    cr_expect_eq(zone_open("../../../etc/passwd", &z, &w), RC_NOT_FOUND);
    cr_expect_null(z);
}
