/* Mirrors proxy/inbox.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/inbox.h"

static struct buf_pool pool;
static struct inbox in;

static void setup(void)
{
    buf_pool_init(&pool);
    in = (struct inbox){0};
}

static void teardown(void)
{
    inbox_clear(&in, &pool);
    buf_pool_fini(&pool);
}

TestSuite(inbox, .init = setup, .fini = teardown);

static uint8_t *feed(const char *s, size_t *len)
{
    return inbox_view(&in, &pool, (uint8_t *)(uintptr_t)s, strlen(s), len);
}

Test(inbox, a_view_without_kept_bytes_is_the_input_itself)
{
    const char *s = "abc";
    size_t len;

    cr_expect_eq((const char *)feed(s, &len), s);
    cr_expect_eq(len, 3u);
}

Test(inbox, kept_bytes_come_before_new_ones)
{
    size_t len;
    uint8_t *v = feed("abcdef", &len);

    inbox_keep(&in, &pool, v + 4, 2);
    v = feed("gh", &len);
    cr_expect_eq(len, 4u);
    cr_expect(memcmp(v, "efgh", 4) == 0);
    inbox_keep(&in, &pool, v + 1, 3);
    v = feed("", &len);
    cr_expect(len == 3 && memcmp(v, "fgh", 3) == 0);
}

Test(inbox, holds_nothing_when_all_was_used)
{
    size_t len;
    uint8_t *v = feed("abc", &len);

    inbox_keep(&in, &pool, v, 3);
    cr_expect_eq(pool.n_used, 1u);
    v = feed("", &len);
    inbox_keep(&in, &pool, v + 3, 0);
    cr_expect_eq(pool.n_used, 0u);
}

Test(inbox, grows_beyond_a_block)
{
    static uint8_t big[3 * BUF_BLOCK_BYTES];
    size_t len;
    uint8_t *v;

    memset(big, 'x', sizeof(big));
    inbox_keep(&in, &pool, (const uint8_t *)"ab", 2);
    v = inbox_view(&in, &pool, big, sizeof(big), &len);
    cr_assert_eq(len, sizeof(big) + 2);
    cr_expect(v[0] == 'a' && v[1] == 'b' && v[len - 1] == 'x');
    inbox_keep(&in, &pool, v + 1, len - 1);
    v = inbox_view(&in, &pool, big, 10, &len);
    cr_expect_eq(len, sizeof(big) + 11);
    cr_expect_eq(v[0], 'b');
}
