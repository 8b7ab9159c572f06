/* Mirrors proxy/access/access_buffer.c. */
#include "proxy/access/access_buffer.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* What the first n bytes from `offset` on are. */
static void expect_bytes(const struct access_buffer *b, size_t offset, const char *want)
{
    struct iovec iov[2];
    size_t n = strlen(want), at = 0;
    int k = access_buffer_pieces(b, offset, n, iov);

    for (int i = 0; i < k; at += iov[i++].iov_len)
        cr_assert(memcmp(iov[i].iov_base, want + at, iov[i].iov_len) == 0);
    cr_expect_eq(at, n);
}

/* A buffer of 16 bytes whose first byte lies at `begin`. */
static struct access_buffer at(size_t begin)
{
    struct access_buffer b = {.data = NULL};

    access_buffer_grow(&b, 16);
    cr_assert(access_buffer_add(&b, "0123456789abcdef", begin + 1));
    access_buffer_drop(&b, begin);
    cr_assert(access_buffer_add(&b, ".", 1));
    access_buffer_drop(&b, 1);
    return b; /* holds "." */
}

Test(access_buffer, bytes_come_out_in_order_wherever_the_ring_wraps)
{
    for (size_t begin = 0; begin < 15; begin++) {
        struct access_buffer b = at(begin);

        cr_expect(access_buffer_add(&b, "ab\ncd\nefg", 9));
        expect_bytes(&b, 0, ".ab\ncd\nefg");
        expect_bytes(&b, 4, "cd\n");
        cr_expect_eq(access_buffer_line(&b, 0), 4u);
        cr_expect_eq(access_buffer_line(&b, 4), 3u);
        cr_expect_eq(access_buffer_line(&b, 7), 3u, "no newline: all that is left");
        cr_expect_eq(access_buffer_lines(&b, 10), 2u);
        cr_expect_eq(access_buffer_lines(&b, 6), 1u);
        cr_expect(access_buffer_ends_line(&b, 4));
        cr_expect_not(access_buffer_ends_line(&b, 5));
        access_buffer_fini(&b);
    }
}

Test(access_buffer, takes_all_or_nothing)
{
    struct access_buffer b = at(9);

    cr_expect_not(access_buffer_add(&b, "0123456789abcdef", 16));
    cr_expect_eq(b.len, 1u);
    cr_expect(access_buffer_add(&b, "0123456789abcde", 15));
    cr_expect_not(access_buffer_add(&b, "x", 1));
    expect_bytes(&b, 0, ".0123456789abcde");
    access_buffer_fini(&b);
}

Test(access_buffer, whole_lines_are_as_many_as_fit)
{
    for (size_t begin = 0; begin < 15; begin++) {
        struct access_buffer b = at(begin);

        cr_expect(access_buffer_add(&b, "a\nbcd\nef", 8)); /* ".a\nbcd\nef" */
        cr_expect_eq(access_buffer_whole(&b, 2), 2u, "not even one");
        cr_expect_eq(access_buffer_whole(&b, 3), 3u);
        cr_expect_eq(access_buffer_whole(&b, 6), 3u);
        cr_expect_eq(access_buffer_whole(&b, 7), 7u);
        cr_expect_eq(access_buffer_whole(&b, 100), 7u);
        access_buffer_fini(&b);
    }
}

Test(access_buffer, growing_keeps_what_is_there)
{
    struct access_buffer b = at(12);

    cr_expect(access_buffer_add(&b, "0123456789", 10));
    access_buffer_grow(&b, 32);
    expect_bytes(&b, 0, ".0123456789");
    access_buffer_grow(&b, 16);
    cr_expect_eq(b.room, 32u);
    cr_expect(access_buffer_add(&b, "0123456789abcdef01234", 21));
    access_buffer_fini(&b);
}
