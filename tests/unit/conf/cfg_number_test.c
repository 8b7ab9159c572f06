/* Mirrors conf/cfg_number.c. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/cfg_number.h"

union field {
    uint32_t u32;
    uint64_t u64;
    double real;
    uint16_t pair[2];
};

static const struct cfg_key count = {.type = CFG_T_COUNT, .min = "0", .max = "4294967295"};
static const struct cfg_key duration = {.type = CFG_T_DURATION, .min = "0s", .max = "40d"};
static const struct cfg_key duration64 = {
    .type = CFG_T_DURATION64, .min = "0s", .max = "36500d"};
static const struct cfg_key size = {.type = CFG_T_SIZE, .min = "0", .max = "3g"};
static const struct cfg_key size64 = {.type = CFG_T_SIZE64, .min = "0", .max = "1024g"};
static const struct cfg_key share = {.type = CFG_T_SHARE, .min = "0%", .max = "100%"};
static const struct cfg_key number = {.type = CFG_T_NUMBER, .min = "0", .max = "1000000"};
static const struct cfg_key rate = {.type = CFG_T_RATE, .min = "0", .max = "1000000"};
static const struct cfg_key range = {
    .type = CFG_T_RANGE, .min = "100", .max = "599", .def = "200-399"};
static const struct cfg_key automatic = {
    .type = CFG_T_COUNT, .min = "0", .max = "9", .zero = "auto"};

static double value_of(const struct cfg_key *k, const char *text)
{
    union field f = {.u64 = 0};
    struct why w = {0};

    cr_assert_eq(cfg_number_parse(k, text, &f, &w), RC_OK, "%s: %s", text, w.text);
    switch ((int)k->type) {
    case CFG_T_SIZE64:
    case CFG_T_DURATION64:
        return (double)f.u64;
    case CFG_T_COUNT:
    case CFG_T_DURATION:
    case CFG_T_SIZE:
        return f.u32;
    default:
        return f.real;
    }
}

Test(cfg_number, each_unit_has_its_factor)
{
    static const struct {
        const struct cfg_key *k;
        const char *text;
        double value;
    } cases[] = {
        {&count, "0", 0},
        {&count, "4294967295", 4294967295.0},
        {&duration, "500ms", 500},
        {&duration, "10s", 10000},
        {&duration, "5m", 300000},
        {&duration, "24h", 86400000},
        {&duration, "1d", 86400000},
        {&duration, "1.5s", 1500},
        {&duration, "0", 0},
        {&duration, "0s", 0},
        {&duration64, "400d", 34560000000.0},
        {&size, "512", 512},
        {&size, "16k", 16384},
        {&size, "1m", 1048576},
        {&size, "2g", 2147483648.0},
        {&size, "16K", 16384},
        {&size, "1.5k", 1536},
        {&size64, "1024g", 1099511627776.0},
        {&share, "70%", 0.7},
        {&share, "0.7", 0.7},
        {&share, "100%", 1},
        {&share, "0", 0},
        {&share, "12.5%", 0.125},
        {&number, "0.25", 0.25},
        {&number, "1000000", 1000000},
        {&rate, "200", 200},
        {&rate, "200/s", 200},
        {&rate, "90/m", 1.5},
        {&rate, "1800/h", 0.5},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++)
        cr_expect_eq(value_of(cases[i].k, cases[i].text), cases[i].value, "%s",
                     cases[i].text);
}

Test(cfg_number, what_is_no_number_of_the_kind_is_refused)
{
    static const struct {
        const struct cfg_key *k;
        const char *text, *why;
    } cases[] = {
        {&count, "", "'' is not a whole number"},
        {&count, "x", "'x' is not a whole number"},
        {&count, "-1", "'-1' is not a whole number"},
        {&count, "+1", "'+1' is not a whole number"},
        {&count, "1.5", "'1.5' is not a whole number"},
        {&count, "1e3", "'1e3' is not a whole number"},
        {&count, "0x10", "'0x10' is not a whole number"},
        {&count, "inf", "'inf' is not a whole number"},
        {&count, " 1", "' 1' is not a whole number"},
        {&count, "1 ", "'1 ' is not a whole number"},
        {&count, "1k", "'1k' is not a whole number"},
        {&count, "4294967296", "'4294967296' is not between 0 and 4294967295"},
        {&count, "999999999999999", "'999999999999999' is not between"},
        {&count, "1111111111111111111111111", "is not a whole number"},
        {&number, "0.1234567890123456", "is not a number"},
        {&duration, "10", "'10' is not a number with a unit: 500ms, 10s, 5m, 24h or 1d"},
        {&duration, "10 s", "'10 s' is not a number with a unit"},
        {&duration, "0.5ms", "'0.5ms' is not a number with a unit"},
        {&duration, "10sec", "'10sec' is not a number with a unit"},
        {&duration, "41d", "'41d' is not between 0s and 40d"},
        {&size, "16kb", "'16kb' is not a number of bytes: 512, 16k, 1m or 2g"},
        {&size, "0.5", "'0.5' is not a number of bytes"},
        {&size, ".5k", "'.5k' is not a number of bytes"},
        {&size, "1.k", "'1.k' is not a number of bytes"},
        {&size, "4g", "'4g' is not between 0 and 3g"},
        {&share, "70", "'70' is not between 0% and 100%"},
        {&share, "101%", "'101%' is not between 0% and 100%"},
        {&rate, "1/d", "'1/d' is not a rate: 200/s, 90/m or 1000/h"},
        {&number, "nan", "'nan' is not a number"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        union field f = {.u64 = 0};
        struct why w = {0};

        cr_expect_eq(cfg_number_parse(cases[i].k, cases[i].text, &f, &w), RC_INVALID, "%s",
                     cases[i].text);
        cr_expect(strstr(w.text, cases[i].why) != NULL, "%s: %s", cases[i].text, w.text);
        cr_expect_eq(f.u64, 0, "%s changed the field", cases[i].text);
    }
}

Test(cfg_number, the_word_for_zero_is_read_and_written)
{
    union field f = {.u32 = 7};
    char *text;

    cr_expect_eq(cfg_number_parse(&automatic, "auto", &f, NULL), RC_OK);
    cr_expect_eq(f.u32, 0);
    text = cfg_number_text(&automatic, &f);
    cr_expect_str_eq(text, "auto");
    free(text);
    cr_expect_eq(cfg_number_parse(&count, "auto", &f, NULL), RC_INVALID);
}

Test(cfg_number, the_largest_unit_without_a_fraction_is_written)
{
    static const struct {
        const struct cfg_key *k;
        const char *in, *out;
    } cases[] = {
        {&duration, "0", "0s"},          {&duration, "60s", "1m"},
        {&duration, "90s", "90s"},       {&duration, "48h", "2d"},
        {&duration, "1500ms", "1500ms"}, {&size, "0", "0"},
        {&size, "1024", "1k"},           {&size, "1025", "1025"},
        {&size64, "1024m", "1g"},        {&share, "0.7", "70%"},
        {&share, "0.0333", "3.33%"},     {&share, "1", "100%"},
        {&rate, "90/m", "1.5/s"},        {&rate, "20/m", "20/m"},
        {&rate, "200/s", "200/s"},       {&number, "0.95", "0.95"},
        {&number, "3.0", "3"},           {&count, "42", "42"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        union field f = {.u64 = 0};
        char *text;

        cr_assert_eq(cfg_number_parse(cases[i].k, cases[i].in, &f, NULL), RC_OK);
        text = cfg_number_text(cases[i].k, &f);
        cr_expect_str_eq(text, cases[i].out, "%s: %s", cases[i].in, text);
        free(text);
    }
}

/* The text with the value's last digits, in each unit, down to the smallest that is read.
 */
Test(cfg_number, every_fraction_is_read_back_as_it_was_written)
{
    static const struct {
        const struct cfg_key *k;
        const char *unit;
    } kinds[] = {{&share, "%"}, {&share, ""},  {&number, ""},
                 {&rate, "/s"}, {&rate, "/m"}, {&rate, "/h"}};
    double v = 0.987654321098765;

    for (int i = 0; i < 3000; i++, v *= 0.99)
        for (size_t k = 0; k < N_ELEMS(kinds); k++) {
            char in[64], *out;
            double read;

            snprintf(in, sizeof(in), "%.*f", i % 22 + 1, v);
            if (strspn(in, "0.") + 15 < strlen(in))
                in[strspn(in, "0.") + 15] = 0;
            strncat(in, kinds[k].unit, 3);
            read = value_of(kinds[k].k, in);
            out = cfg_number_text(kinds[k].k, &read);
            cr_assert_eq(value_of(kinds[k].k, out), read, "%s: %.17g as %s", in, read, out);
            free(out);
        }
}

Test(cfg_number, a_range_is_two_numbers_or_one)
{
    static const struct {
        const char *text;
        uint16_t from, to;
    } good[] = {{"200-399", 200, 399}, {"204", 204, 204}, {"100-599", 100, 599}};
    static const char *const bad[] = {"",    "-",  "200-",    "-200",        "300-200",
                                      "a-b", "99", "200-600", "200-300-400", "200 - 300"};
    union field f;

    for (size_t i = 0; i < N_ELEMS(good); i++) {
        char *text;

        cr_assert_eq(cfg_number_parse_range(&range, good[i].text, &f, NULL), RC_OK);
        cr_expect(f.pair[0] == good[i].from && f.pair[1] == good[i].to, "%s", good[i].text);
        text = cfg_number_range_text(&range, &f);
        cr_expect_str_eq(text, good[i].text);
        free(text);
    }
    for (size_t i = 0; i < N_ELEMS(bad); i++)
        cr_expect_eq(cfg_number_parse_range(&range, bad[i], &f, NULL), RC_INVALID, "%s",
                     bad[i]);
}
