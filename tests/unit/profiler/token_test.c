#include "profiler/token.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const today[] = {"shop", "api"};
static const char *const tomorrow[] = {"api", "blog"};

Test(token, numbers_are_given_once_and_have_text_and_service)
{
    struct token_table *t = token_new(today, 2);
    uint16_t a = token_add(t, 0, "/a"), b = token_add(t, 1, "/a");

    cr_expect(a != b && a != TOKEN_START && b != TOKEN_START);
    cr_expect_str_eq(token_text(t, a), "/a");
    cr_expect_eq(token_service(t, a), 0);
    cr_expect_eq(token_service(t, b), 1);
    cr_expect_str_eq(token_text(t, 999), "");
    cr_expect_eq(token_service(t, 999), -1);
    cr_expect_str_eq(token_text(t, TOKEN_START), "");
    token_free(t);
}

Test(token, an_alias_stands_for_what_it_became)
{
    struct token_table *t = token_new(today, 2);
    uint16_t a = token_add(t, 0, "/a/1"), b = token_add(t, 0, "/a/*"),
             c = token_add(t, 0, "/*");

    token_alias(t, a, b);
    cr_expect_eq(token_now(t, a), b);
    token_alias(t, b, c);
    cr_expect_eq(token_now(t, a), c);
    cr_expect_eq(token_now(t, c), c);
    cr_expect_str_eq(token_text(t, a), "/a/1", "the old text stays");
    token_free(t);
}

Test(token, records_bring_everything_back_under_the_same_numbers)
{
    struct token_table *t = token_new(today, 2), *u = token_new(tomorrow, 2);
    uint16_t unsaved[8];
    uint8_t record[TOKEN_RECORD_MAX];
    size_t n;

    token_add(t, 0, "/shop");
    token_add(t, 1, "/api");
    token_add(t, 1, "/v1");
    token_alias(t, 2, 3);
    n = token_take_unsaved(t, unsaved, 8);
    cr_assert_eq(n, 3);
    for (size_t i = 0; i < n; i++) {
        size_t len = token_record(t, unsaved[i], record);

        cr_assert_eq(token_restore(u, unsaved[i], record, len), RC_OK);
    }
    cr_expect_eq(token_count(u), 3);
    cr_expect_str_eq(token_text(u, 1), "/shop");
    cr_expect_eq(token_service(u, 1), -1, "not configured any more");
    cr_expect_eq(token_service(u, 2), 0, "by name, not by place");
    cr_expect_eq(token_now(u, 2), 3);
    cr_expect_eq(token_add(u, 1, "/new"), 4, "an old number is never given again");
    token_free(t);
    token_free(u);
}

Test(token, each_change_is_saved_once)
{
    struct token_table *t = token_new(today, 2);
    uint16_t out[8], a = token_add(t, 0, "/a"), b = token_add(t, 0, "/b");

    cr_expect_eq(token_take_unsaved(t, out, 8), 2);
    cr_expect_eq(token_take_unsaved(t, out, 8), 0);
    token_alias(t, a, b);
    cr_expect_eq(token_take_unsaved(t, out, 8), 1);
    cr_expect_eq(out[0], a);
    token_free(t);
}

Test(token, damaged_records_are_refused)
{
    struct token_table *t = token_new(today, 2), *u = token_new(today, 2);
    uint8_t record[TOKEN_RECORD_MAX];
    size_t len;

    len = token_record(t, token_add(t, 0, "/a"), record);
    for (size_t cut = 0; cut < len; cut++)
        cr_expect_eq(token_restore(u, 5, record, cut), RC_CORRUPT);
    cr_expect_eq(token_restore(u, TOKEN_START, record, len), RC_CORRUPT);
    record[0] ^= 2;
    cr_expect_eq(token_restore(u, 5, record, len), RC_CORRUPT, "a format of the future");
    cr_expect_eq(token_count(u), 0);
    token_free(t);
    token_free(u);
}

Test(token, all_numbers_can_be_used_up)
{
    struct token_table *t = token_new(today, 2);

    for (int i = 1; i <= TOKEN_MAX; i++)
        cr_assert_eq(token_add(t, 0, "/x"), i);
    cr_expect_eq(token_add(t, 0, "/x"), TOKEN_NONE);
    token_free(t);
}
