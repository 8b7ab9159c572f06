#include "proxy/lex.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "../guard.h"

Test(lex, token_characters_are_those_of_the_rfc)
{
    for (int c = 0; c < 256; c++) {
        bool expect = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                      (c >= 'a' && c <= 'z') ||
                      (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);

        cr_expect_eq(lex_is((char)c, LEX_TCHAR), expect, "0x%02x", (unsigned)c);
    }
}

Test(lex, only_the_case_of_letters_is_ignored)
{
    cr_expect(lex_same("CoNtent-8", "content-8", 9));
    cr_expect_not(lex_same("abc", "abd", 3));
    cr_expect_not(lex_same("\r", "-", 1), "0x0d differs from '-' by the case bit alone");
    cr_expect_not(lex_same("@", "`", 1));
}

Test(lex, a_number_is_digits_up_to_the_largest_signed_one)
{
    uint64_t v;

    cr_expect(lex_number("9223372036854775807", 19, &v) && v == INT64_MAX);
    cr_expect_not(lex_number("9223372036854775808", 19, &v));
    cr_expect_not(lex_number("18446744073709551617", 20, &v));
    cr_expect(lex_number("007", 3, &v) && v == 7);
    cr_expect_not(lex_number("", 0, &v));
    for (const char *bad = "+- x.,\t"; *bad != '\0'; bad++) {
        char text[3] = {'1', *bad, '2'};

        cr_expect_not(lex_number(text, 3, &v), "'%c' inside", *bad);
        cr_expect_not(lex_number(text, 2, &v), "'%c' behind", *bad);
        cr_expect_not(lex_number(text + 1, 2, &v), "'%c' in front", *bad);
    }
}

Test(lex, decimal_digits_are_written_for_every_length)
{
    char digits[20], expect[24];
    uint64_t v = 1;

    for (int i = 0; i < 20; i++, v *= 10) {
        const uint64_t near[3] = {v - 1, v, v + 1};

        for (int k = 0; k < 3; k++) {
            int n = snprintf(expect, sizeof(expect), "%llu", (unsigned long long)near[k]);

            cr_expect_eq(lex_decimal(near[k], digits), (size_t)n);
            cr_expect(memcmp(digits, expect, (size_t)n) == 0, "%s", expect);
        }
    }
}

Test(lex, a_list_yields_its_elements_without_white_space_and_the_empty_ones_too)
{
    const char *value = "a ,\t b c,,d , ";
    const char *expect[] = {"a", "b c", "", "d", ""};
    struct lex_list l = {.at = value, .end = value + strlen(value)};
    size_t n = 0;

    while (lex_next(&l)) {
        cr_assert_lt(n, 5u);
        cr_expect(l.len == strlen(expect[n]) && memcmp(l.item, expect[n], l.len) == 0,
                  "element %zu", n);
        n++;
    }
    cr_expect_eq(n, 5u);
}

Test(lex, an_empty_value_is_one_empty_element)
{
    struct lex_list l = {.at = "", .end = NULL};

    l.end = l.at;
    cr_expect(lex_next(&l) && l.len == 0);
    cr_expect_not(lex_next(&l));
}

Test(lex, an_element_is_found_whole_and_in_any_case)
{
    cr_expect(lex_has("gzip, Trailers", 14, "trailers"));
    cr_expect_not(lex_has("trailers2, xtrailers", 20, "trailers"));
}

/* Every byte value at every distance from the end, words and remainders alike. */
Test(lex, a_control_byte_in_a_value_is_found_wherever_it_stands)
{
    char text[43];

    for (int c = 0; c < 256; c++) {
        bool control = (c < 0x20 && c != '\t') || c == 0x7f;

        for (size_t at = 0; at < sizeof(text); at++) {
            const char *p;

            memset(text, at % 2 == 0 ? 'x' : (char)0x80, sizeof(text));
            text[at] = (char)c;
            p = guard_put(text, sizeof(text));
            cr_assert_eq(lex_value_end(p, p + sizeof(text)),
                         p + (control ? at : sizeof(text)), "0x%02x at %zu", (unsigned)c,
                         at);
        }
    }
}

Test(lex, what_is_not_visible_is_found_wherever_it_stands)
{
    char text[43];

    for (int c = 0; c < 256; c++) {
        bool visible = c > 0x20 && c < 0x7f;

        for (size_t at = 0; at < sizeof(text); at++) {
            const char *p;

            memset(text, at % 2 == 0 ? '!' : '~', sizeof(text));
            text[at] = (char)c;
            p = guard_put(text, sizeof(text));
            cr_assert_eq(lex_visible_end(p, p + sizeof(text)),
                         p + (visible ? sizeof(text) : at), "0x%02x at %zu", (unsigned)c,
                         at);
        }
    }
}

Test(lex, a_control_byte_behind_tabs_is_found)
{
    const char *p = guard_put("\t\tab\tcdefgh\ti\x01", 14);

    cr_expect_eq(lex_value_end(p, p + 14), p + 13);
}

Test(lex, hex_digits_have_their_value)
{
    for (int c = 0; c < 256; c++) {
        const char *digits = "0123456789abcdef",
                   *d = strchr(digits, c | (c > '9' ? 0x20 : 0));
        bool is_hex =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

        cr_expect_eq(lex_hex((char)c), is_hex ? (int)(d - digits) : -1, "0x%02x",
                     (unsigned)c);
    }
}
