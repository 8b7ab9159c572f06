/* Mirrors proxy/edge/memo.c. */
#include "proxy/edge/memo.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct memo_key key_of(const struct memo *m, const char *kind, int i)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%s-%d", kind, i);

    return memo_key(m, text, (size_t)n);
}

Test(memo, a_verdict_is_found_under_its_question)
{
    struct memo *m = memo_new(64);
    struct memo_key a = key_of(m, "a", 1), b = key_of(m, "b", 1);

    cr_expect_eq(memo_find(m, a), MEMO_UNKNOWN);
    memo_put(m, a, true);
    memo_put(m, b, false);
    cr_expect_eq(memo_find(m, a), MEMO_GOOD);
    cr_expect_eq(memo_find(m, b), MEMO_BAD);
    cr_expect_eq(memo_find(m, key_of(m, "a", 2)), MEMO_UNKNOWN);
    memo_free(m);
}

Test(memo, two_memos_have_two_keys)
{
    struct memo *m = memo_new(64), *n = memo_new(64);

    memo_put(m, key_of(m, "a", 1), true);
    cr_expect_eq(memo_find(m, key_of(n, "a", 1)), MEMO_UNKNOWN);
    memo_free(m);
    memo_free(n);
}

Test(memo, bad_questions_push_no_good_verdict_out)
{
    struct memo *m = memo_new(64);
    int left = 0;

    for (int i = 0; i < 8; i++)
        memo_put(m, key_of(m, "good", i), true);
    for (int i = 0; i < 100000; i++)
        memo_put(m, key_of(m, "bad", i), false);
    for (int i = 0; i < 8; i++)
        left += memo_find(m, key_of(m, "good", i)) == MEMO_GOOD;
    cr_expect_eq(left, 8);
    memo_free(m);
}

Test(memo, it_is_bounded_and_the_newest_is_there)
{
    struct memo *m = memo_new(64);

    for (int i = 0; i < 10000; i++) {
        memo_put(m, key_of(m, "good", i), true);
        cr_assert_eq(memo_find(m, key_of(m, "good", i)), MEMO_GOOD);
    }
    memo_free(m);
}
