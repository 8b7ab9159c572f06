/* Mirrors proxy/edge/cookie.c. */
#include "proxy/edge/cookie.h"

#include <criterion/criterion.h>

static const char *value_of(const char *name, const char *line, const char *more)
{
    static char text[512], out[256];
    static struct field fields[4];
    struct msg m = {
        .text = text, .text_room = sizeof(text), .fields = fields, .fields_room = 4};
    const char *value;
    size_t len;

    cr_assert(msg_add(&m, FIELD_COOKIE, NULL, line, strlen(line)));
    if (more != NULL)
        cr_assert(msg_add(&m, FIELD_COOKIE, NULL, more, strlen(more)));
    value = cookie_value(&m, name, &len);
    if (value == NULL)
        return "(none)";
    cr_assert_lt(len, sizeof(out));
    memcpy(out, value, len);
    out[len] = 0;
    return out;
}

Test(cookie, the_first_pair_of_that_very_name_counts)
{
    cr_expect_str_eq(value_of("sid", "sid=7", NULL), "7");
    cr_expect_str_eq(value_of("sid", "a=b; sid=7; c=d", NULL), "7");
    cr_expect_str_eq(value_of("sid", "a=b;sid=7;sid=8", NULL), "7");
    cr_expect_str_eq(value_of("sid", "a=b", "c=d; sid=9"), "9");
    cr_expect_str_eq(value_of("sid", "xsid=1; sidx=2; SID=3", NULL), "(none)");
    cr_expect_str_eq(value_of("sid", "a=sid=1", NULL), "(none)");
    cr_expect_str_eq(value_of("sid", "sid", NULL), "(none)");
    cr_expect_str_eq(value_of("sid", "", NULL), "(none)");
    cr_expect_str_eq(value_of("sid", ";;;", NULL), "(none)");
}

Test(cookie, white_space_and_quotes_around_are_no_part_of_it)
{
    cr_expect_str_eq(value_of("sid", "sid=\"a b\" ; x=y", NULL), "a b");
    cr_expect_str_eq(value_of("sid", "sid=", NULL), "");
    cr_expect_str_eq(value_of("sid", "sid=\"", NULL), "\"");
    cr_expect_str_eq(value_of("sid", "sid=a=b", NULL), "a=b");
}
