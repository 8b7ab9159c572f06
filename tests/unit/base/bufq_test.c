/* Mirrors base/bufq.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/bufq.h"

static struct buf_pool pool;

static void setup(void)
{
    buf_pool_init(&pool);
}

static void teardown(void)
{
    buf_pool_fini(&pool); /* checks that every block came back */
}

TestSuite(bufq, .init = setup, .fini = teardown);

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8));
}

static void append_pattern(struct bufq *q, size_t from, size_t n)
{
    uint8_t b;

    for (size_t i = from; i < from + n; i++) {
        b = byte_at(i);
        bufq_append(&pool, q, &b, 1);
    }
}

static void expect_pattern(const struct bufq *q, size_t offset, size_t first)
{
    struct iovec iov[16];
    int n = bufq_iov(q, offset, iov, 16);

    for (int k = 0; k < n; k++)
        for (size_t i = 0; i < iov[k].iov_len; i++)
            cr_assert_eq(((uint8_t *)iov[k].iov_base)[i], byte_at(first++), "at %zu",
                         first);
}

Test(bufq, bytes_come_out_in_the_order_they_went_in)
{
    struct bufq q = {0};
    size_t total = 3 * BUF_BLOCK_BYTES + 100;

    append_pattern(&q, 0, total);
    cr_assert_eq(q.len, total);
    expect_pattern(&q, 0, 0);
    bufq_consume(&pool, &q, BUF_BLOCK_BYTES + 5);
    expect_pattern(&q, 0, BUF_BLOCK_BYTES + 5);
    bufq_clear(&pool, &q);
}

Test(bufq, an_offset_may_lie_in_any_block)
{
    struct bufq q = {0};

    append_pattern(&q, 0, 2 * BUF_BLOCK_BYTES);
    expect_pattern(&q, 3, 3);
    expect_pattern(&q, BUF_BLOCK_BYTES, BUF_BLOCK_BYTES);
    expect_pattern(&q, BUF_BLOCK_BYTES + 7, BUF_BLOCK_BYTES + 7);
    bufq_clear(&pool, &q);
}

Test(bufq, an_emptied_queue_can_be_filled_again)
{
    struct bufq q = {0};

    append_pattern(&q, 0, BUF_BLOCK_BYTES);
    bufq_consume(&pool, &q, BUF_BLOCK_BYTES);
    cr_assert_eq(q.len, 0);
    cr_assert_eq(pool.n_used, 0u);
    append_pattern(&q, 5, 10);
    expect_pattern(&q, 0, 5);
    bufq_clear(&pool, &q);
}
