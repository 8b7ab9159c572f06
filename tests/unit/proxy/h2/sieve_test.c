#include "proxy/h2/sieve.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../../guard.h"

enum { DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION };

static uint8_t in[200000];
static size_t n_in;

static void frame(uint8_t type, uint8_t flags, uint32_t id, const void *payload, size_t len)
{
    uint8_t head[9] = {
        (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len,       type,       flags,
        (uint8_t)(id >> 24),  (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

    cr_assert(n_in + 9 + len <= sizeof(in));
    memcpy(in + n_in, head, 9);
    if (payload != NULL)
        memcpy(in + n_in + 9, payload, len);
    else
        memset(in + n_in + 9, 0, len);
    n_in += 9 + len;
}

static enum sieve_verdict look(struct sieve *g, size_t len, size_t *n,
                               struct sieve_frame *f)
{
    return sieve_next(g, (const uint8_t *)guard_put((const char *)in, len), len, n, f);
}

static void expect_error(uint32_t error)
{
    struct sieve g = {.max_block = 20000};
    struct sieve_frame f;
    size_t n;

    cr_expect_eq(look(&g, n_in < 30000 ? n_in : 30000, &n, &f), SIEVE_ERROR);
    cr_expect_eq(f.error, error, "%u", f.error);
    n_in = 0;
}

Test(sieve, a_frame_passes_when_it_is_whole)
{
    static const struct {
        uint8_t type, flags;
        enum sieve_kind kind;
    } cases[] = {
        {HEADERS, 4, SIEVE_HEADERS}, {PRIORITY, 0, SIEVE_CONTROL},
        {RST, 0, SIEVE_RESET},       {SETTINGS, 0, SIEVE_CONTROL},
        {SETTINGS, 1, SIEVE_OTHER},  {PUSH, 4, SIEVE_HEADERS},
        {PING, 0, SIEVE_CONTROL},    {PING, 1, SIEVE_OTHER},
        {GOAWAY, 0, SIEVE_OTHER},    {WINDOW, 0, SIEVE_OTHER},
        {77, 0, SIEVE_CONTROL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sieve g = {.max_block = 20000};
        struct sieve_frame f;
        size_t n = 0;

        n_in = 0;
        frame(cases[i].type, cases[i].flags, 3, NULL, 8);
        for (size_t len = 0; len < n_in; len++)
            cr_expect_eq(look(&g, len, &n, &f), SIEVE_MORE, "%zu of type %u", len,
                         cases[i].type);
        cr_expect_eq(look(&g, n_in, &n, &f), SIEVE_PASS, "type %u", cases[i].type);
        cr_expect_eq(n, n_in);
        cr_expect_eq(f.kind, cases[i].kind, "type %u", cases[i].type);
        cr_expect_eq(f.id, 3);
    }
}

Test(sieve, data_passes_as_it_comes)
{
    struct sieve g = {.max_block = 20000};
    struct sieve_frame f;
    size_t n;

    frame(DATA, 0, 1, NULL, 100);
    cr_expect_eq(look(&g, 8, &n, &f), SIEVE_MORE);
    cr_expect_eq(look(&g, 20, &n, &f), SIEVE_PASS);
    cr_expect_eq(n, 20);
    cr_expect_eq(f.kind, SIEVE_DATA);
    cr_expect_eq(look(&g, 200 < sizeof(in) ? 100 : 0, &n, &f), SIEVE_PASS);
    cr_expect_eq(n, 89, "the rest, and no more");
    cr_expect_eq(f.kind, SIEVE_REST);
    cr_expect_eq(g.left, 0);
}

Test(sieve, only_data_without_bytes_and_end_is_idle)
{
    static const struct {
        const char *payload;
        size_t len;
        uint8_t flags;
        bool idle;
    } cases[] = {
        {"", 0, 0, true},      {"", 0, 1, false},    {"a", 1, 0, false},
        {"\0", 1, 8, true},    {"\2..", 3, 8, true}, {"\2..", 3, 9, false},
        {"\1a.", 3, 8, false}, {"\0a", 2, 8, false}, {"\2..", 3, 0, false},
        {"", 0, 8, true},      {"", 0, 9, false},    {"\xff.", 2, 8, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sieve g = {.max_block = 20000};
        struct sieve_frame f;
        size_t n;

        n_in = 0;
        frame(DATA, cases[i].flags, 1, cases[i].payload, cases[i].len);
        cr_assert_eq(look(&g, n_in, &n, &f), SIEVE_PASS);
        cr_expect_eq(f.idle_data, cases[i].idle, "case %zu", i);
    }
}

Test(sieve, padded_data_waits_for_the_length_of_its_padding)
{
    struct sieve g = {.max_block = 20000};
    struct sieve_frame f;
    size_t n;

    frame(DATA, 8, 1, "\4....", 5);
    cr_expect_eq(look(&g, 9, &n, &f), SIEVE_MORE);
    cr_assert_eq(look(&g, 10, &n, &f), SIEVE_PASS);
    cr_expect_eq(n, 10);
    cr_expect(f.idle_data);
    cr_expect_eq(g.left, 4);
}

Test(sieve, a_field_block_passes_with_all_its_continuations)
{
    struct sieve g = {.max_block = 20000};
    struct sieve_frame f;
    size_t n, whole;

    frame(HEADERS, 0, 1, NULL, 10);
    frame(CONTINUATION, 0, 1, NULL, 0);
    frame(CONTINUATION, 4, 1, NULL, 10);
    whole = n_in;
    frame(PING, 0, 0, NULL, 8);
    for (size_t len = 0; len < whole; len++)
        cr_expect_eq(look(&g, len, &n, &f), SIEVE_MORE, "%zu", len);
    cr_expect_eq(look(&g, n_in, &n, &f), SIEVE_PASS);
    cr_expect_eq(n, whole);
}

Test(sieve, nothing_may_stand_inside_a_field_block)
{
    frame(HEADERS, 0, 1, NULL, 10);
    frame(PING, 0, 0, NULL, 8);
    expect_error(1);
    frame(HEADERS, 0, 1, NULL, 10);
    frame(CONTINUATION, 4, 3, NULL, 8);
    expect_error(1);
    frame(HEADERS, 0, 1, NULL, 10);
    frame(CONTINUATION, 4, 1, NULL, SIEVE_FRAME_MAX + 1);
    expect_error(6);
}

Test(sieve, a_field_block_has_limits)
{
    struct sieve g = {.max_block = 20000};
    struct sieve_frame f;
    size_t n;

    frame(HEADERS, 0, 1, NULL, 16000);
    frame(CONTINUATION, 4, 1, NULL, 4000 - 18);
    cr_expect_eq(look(&g, n_in, &n, &f), SIEVE_PASS, "just as much");
    n_in = 0;
    frame(HEADERS, 0, 1, NULL, 16000);
    frame(CONTINUATION, 4, 1, NULL, 4000 - 17);
    expect_error(11);
    frame(HEADERS, 0, 1, NULL, 0);
    for (int i = 0; i < SIEVE_CONTINUATION_MAX - 1; i++)
        frame(CONTINUATION, 0, 1, NULL, 0);
    frame(CONTINUATION, 4, 1, NULL, 0);
    cr_expect_eq(look(&g, n_in, &n, &f), SIEVE_PASS, "just as many");
    n_in = 0;
    frame(HEADERS, 0, 1, NULL, 0);
    for (int i = 0; i < SIEVE_CONTINUATION_MAX + 1; i++)
        frame(CONTINUATION, 0, 1, NULL, 0);
    expect_error(11);
}

Test(sieve, a_frame_is_not_larger_than_we_said)
{
    frame(DATA, 0, 1, NULL, SIEVE_FRAME_MAX + 1);
    expect_error(6);
    frame(PING, 0, 0, NULL, SIEVE_FRAME_MAX + 1);
    expect_error(6);
}

Test(sieve, a_stream_does_not_depend_on_itself)
{
    frame(PRIORITY, 0, 3, "\0\0\0\3\1", 5);
    expect_error(1);
    frame(PRIORITY, 0, 3, "\x80\0\0\3\1", 5);
    expect_error(1);
    frame(HEADERS, 0x24, 3, "\0\0\0\3\1", 5);
    expect_error(1);
    frame(HEADERS, 0x2c, 3, "\0\0\0\0\3\1", 6);
    expect_error(1);
}

Test(sieve, other_dependencies_pass)
{
    struct sieve g = {.max_block = 20000};
    struct sieve_frame f;
    size_t n;

    frame(PRIORITY, 0, 3, "\0\0\0\1\1", 5);
    frame(HEADERS, 0x24, 5, "\0\0\0\3\1", 5);
    frame(HEADERS, 0x04, 3, "\0\0\0\3\1", 5);
    cr_expect_eq(look(&g, n_in, &n, &f), SIEVE_PASS);
    memmove(in, in + n, n_in -= n);
    cr_expect_eq(look(&g, n_in, &n, &f), SIEVE_PASS);
    memmove(in, in + n, n_in -= n);
    cr_expect_eq(look(&g, n_in, &n, &f), SIEVE_PASS);
}

Test(sieve, a_bucket_holds_ten_seconds_and_fills_again)
{
    struct sieve_bucket bucket = {0};
    uint64_t now = 5000000;
    unsigned spent = 0;

    while (sieve_spend(&bucket, 100, now))
        spent++;
    cr_expect_eq(spent, 1000, "%u", spent);
    bucket = (struct sieve_bucket){0};
    for (int i = 0; i < 1000; i++)
        sieve_spend(&bucket, 100, now);
    cr_expect(sieve_spend(&bucket, 100, now + 10000), "one more each 10 ms");
    cr_expect(!sieve_spend(&bucket, 100, now + 10000));
    cr_expect(sieve_spend(&bucket, 0, now), "no limit");
}
