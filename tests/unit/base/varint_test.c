#include "base/varint.h"

#include <criterion/criterion.h>

static const uint64_t cases[] = {
    0, 1, 127, 128, 16383, 16384, UINT32_MAX, 1ull << 63, UINT64_MAX - 1, UINT64_MAX};
enum { N = sizeof(cases) / sizeof(cases[0]) };

Test(varint, numbers_come_back)
{
    uint8_t buf[N * VARINT_MAX];
    struct varint_out o = {buf, buf + sizeof(buf), false};
    struct varint_in in;

    for (size_t i = 0; i < N; i++)
        varint_put(&o, cases[i]);
    varint_put_bytes(&o, "ab", 2);
    cr_assert_not(o.bad);
    in = (struct varint_in){buf, o.at, false};
    for (size_t i = 0; i < N; i++)
        cr_expect_eq(varint_get(&in), cases[i]);
    cr_expect(memcmp(varint_get_bytes(&in, 2), "ab", 2) == 0);
    cr_expect_not(in.bad);
    cr_expect_eq(varint_get(&in), 0);
    cr_expect(in.bad);
}

Test(varint, a_number_is_written_whole_or_not_at_all)
{
    for (size_t room = 0; room < VARINT_MAX; room++) {
        uint8_t buf[VARINT_MAX] = {0};
        struct varint_out o = {buf, buf + room, false};

        varint_put(&o, UINT64_MAX);
        cr_expect(o.bad);
        cr_expect_eq(o.at, buf);
        varint_put(&o, 1);
        cr_expect_eq(o.at, buf, "and nothing after it");
    }
}

Test(varint, an_endless_number_is_bad)
{
    uint8_t buf[12];
    struct varint_in in = {buf, buf + sizeof(buf), false};

    memset(buf, 0xff, sizeof(buf));
    cr_expect_eq(varint_get(&in), 0);
    cr_expect(in.bad);
    cr_expect_null(varint_get_bytes(&in, 1));
}
