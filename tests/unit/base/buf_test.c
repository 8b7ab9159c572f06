/* Mirrors base/buf.c. */
#include <criterion/criterion.h>

#include "base/buf.h"

static struct buf_pool pool;

static void setup(void)
{
    buf_pool_init(&pool);
}

static void teardown(void)
{
    buf_pool_fini(&pool); /* checks that every block came back */
}

TestSuite(buf, .init = setup, .fini = teardown);

Test(buf, blocks_are_reused_and_not_given_back)
{
    struct buf_block *b = buf_get(&pool);

    buf_put(&pool, b);
    cr_assert_eq(buf_get(&pool), b);
    buf_put(&pool, b);
}
