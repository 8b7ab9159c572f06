/* Mirrors conf/utf8.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/check.h"
#include "conf/utf8.h"

Test(utf8, each_length_of_character_is_known_at_both_its_ends)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xee\x80\x80", 3},
        {"\xef\xbf\xbf", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        size_t n = strlen(cases[i].text);

        cr_expect_eq(utf8_length(cases[i].text, n), cases[i].length, "case %zu", i);
        if (n > 1)
            cr_expect_eq(utf8_length(cases[i].text, n - 1), 0, "case %zu, cut", i);
    }
}

Test(utf8, what_no_encoder_writes_is_refused)
{
    static const char *const bad[] = {
        "\x80",             /* a continuation alone */
        "\xc0\xaf",         /* not the shortest form */
        "\xc1\xbf",         /* the same */
        "\xe0\x9f\xbf",     /* the same */
        "\xf0\x8f\xbf\xbf", /* the same */
        "\xed\xa0\x80",     /* half of a surrogate pair */
        "\xf4\x90\x80\x80", /* beyond U+10FFFF */
        "\xf5\x80\x80\x80", /* the same */
        "\xc3\x41",         /* no continuation */
        "\xe2\x82\xc0",     /* the same, later */
        "\xff",
    };

    for (size_t i = 0; i < N_ELEMS(bad); i++)
        cr_expect_eq(utf8_length(bad[i], strlen(bad[i])), 0, "case %zu", i);
}

Test(utf8, a_string_is_as_good_as_its_worst_character)
{
    cr_expect(utf8_is(""));
    cr_expect(utf8_is("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\x8a"));
    cr_expect_not(utf8_is("a\xc3\xa9\xff"));
    cr_expect_not(utf8_is("a\xc3"));
}
