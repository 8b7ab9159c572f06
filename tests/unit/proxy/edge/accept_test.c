/* Mirrors proxy/edge/accept.c. */
#include "proxy/edge/accept.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/check.h"
#include "tests/unit/guard.h"

static const unsigned ours[] = {CFG_CODING_ZSTD, CFG_CODING_BR, CFG_CODING_GZIP};
static const unsigned gzip_first[] = {CFG_CODING_GZIP, CFG_CODING_BR};

static const char *name_of(int coding)
{
    static const char *const names[] = {"zstd", "br", "gzip"};

    return coding < 0 ? "-" : names[coding];
}

static const char *chosen(const char *field, const unsigned *list, size_t n)
{
    struct accept_codings a = {.listed = 0};
    size_t len = strlen(field);

    accept_codings_add(&a, guard_put(field, len), len);
    return name_of(accept_codings_choose(&a, list, n));
}

Test(accept, the_best_liked_coding_is_taken_and_of_equals_our_first)
{
    static const struct {
        const char *field, *want, *want_gzip_first;
    } cases[] = {
        {"gzip", "gzip", "gzip"},
        {"gzip, deflate, br, zstd", "zstd", "gzip"},
        {"gzip, deflate, br", "br", "gzip"},
        {"GZIP", "gzip", "gzip"},
        {"x-gzip", "gzip", "gzip"},
        {"br;q=1.0, gzip;q=0.8, *;q=0.1", "br", "br"},
        {"br;q=0.5,gzip;q=0.8", "gzip", "gzip"},
        {"gzip ; q=0.8 , br ; Q=0.9", "br", "br"},
        {"*", "zstd", "gzip"},
        {"*;q=0.001", "zstd", "gzip"},
        {"gzip;q=0, *", "zstd", "br"},
        {"zstd;q=0, br;q=0.000, gzip;q=0.001", "gzip", "gzip"},
        {"identity;q=0, gzip", "gzip", "gzip"},
        {"gzip, identity", "gzip", "gzip"},
        /* it is as good as it is, or better */
        {"", "-", "-"},
        {",", "-", "-"},
        {"identity", "-", "-"},
        {"deflate, compress", "-", "-"},
        {"gzip;q=0", "-", "-"},
        {"*;q=0", "-", "-"},
        {"gzip;q=0.5, identity", "-", "-"},
        {"gzip;q=0.5, identity;q=0.6", "-", "-"},
        {"identity;q=0, *;q=0", "-", "-"},
        {"gzip;q=0.1, *;q=0.5, br;q=0, zstd;q=0", "-", "-"},
        /* the first mention counts */
        {"gzip;q=0, gzip", "-", "-"},
        {"gzip, gzip;q=0", "gzip", "gzip"},
        /* what cannot be read is not there */
        {"gzip;q=2", "-", "-"},
        {"gzip;q=1.001", "-", "-"},
        {"gzip;q=0.1234", "-", "-"},
        {"gzip;q=-1", "-", "-"},
        {"gzip;q=", "-", "-"},
        {"gzip;q=0,5", "-", "-"},
        {";q=1", "-", "-"},
        {"gzip;q=.5", "-", "-"},
        {"gzip;q=1x", "-", "-"},
        {"gzipped", "-", "-"},
        {"gzi", "-", "-"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        cr_expect_str_eq(chosen(cases[i].field, ours, 3), cases[i].want, "%s",
                         cases[i].field);
        cr_expect_str_eq(chosen(cases[i].field, gzip_first, 2), cases[i].want_gzip_first,
                         "%s, gzip first", cases[i].field);
    }
}

Test(accept, lines_add_up)
{
    struct accept_codings a = {.listed = 0};

    cr_expect_eq(accept_codings_choose(&a, ours, 3), -1);
    accept_codings_add(&a, "gzip;q=0.5", 10);
    accept_codings_add(&a, "br", 2);
    cr_expect_eq(accept_codings_choose(&a, ours, 3), CFG_CODING_BR);
}

static unsigned weight(const char *field, const char *type)
{
    struct accept_media a = {.type = type, .len = strlen(type)};
    size_t len = strlen(field);

    accept_media_add(&a, guard_put(field, len), len);
    return a.weight;
}

Test(accept, the_range_that_names_a_type_most_precisely_weighs_it)
{
    static const struct {
        const char *field, *type;
        unsigned want;
    } cases[] = {
        {"text/html", "text/html", 1000},
        {"Text/HTML", "text/html", 1000},
        {"text/*", "text/html", 1000},
        {"*/*", "text/html", 1000},
        {"text/html", "application/json", 0},
        {"text/html;q=0.7, */*;q=0.1", "text/html", 700},
        {"*/*;q=0.9, text/html;q=0.2, text/*;q=0.5", "text/html", 200},
        {"*/*;q=0.9, text/html;q=0.2, text/*;q=0.5", "text/plain", 500},
        {"*/*;q=0.9, text/html;q=0.2, text/*;q=0.5", "image/png", 900},
        {"*/*, text/html;q=0", "text/html", 0},
        {"application/json;charset=utf-8;q=0.3", "application/json", 300},
        {"tex/*", "text/html", 0},
        {"text/", "text/html", 0},
        {"*", "text/html", 0},
        {"", "text/html", 0},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++)
        cr_expect_eq(weight(cases[i].field, cases[i].type), cases[i].want, "%s for %s: %u",
                     cases[i].field, cases[i].type, weight(cases[i].field, cases[i].type));
}

static bool is_type(const char *value, const char *type)
{
    return accept_is_type(guard_put(value, strlen(value)), strlen(value), type);
}

Test(accept, parameters_are_no_part_of_a_type)
{
    cr_expect(is_type("text/html", "text/html"));
    cr_expect(is_type("Text/Html ; charset=utf-8", "text/html"));
    cr_expect(is_type("text/css", "text/*"));
    cr_expect_not(is_type("text/htmlx", "text/html"));
    cr_expect_not(is_type("text/htm", "text/html"));
    cr_expect_not(is_type("textual/css", "text/*"));
    cr_expect_not(is_type("text", "text/*"));
    cr_expect_not(is_type("", "text/*"));
    cr_expect_not(is_type(";text/html", "text/html"));
}
