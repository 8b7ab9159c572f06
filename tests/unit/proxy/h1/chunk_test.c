/*
 * Each body is decoded whole and then in two parts, cut at every byte, with and
 * without its framing; the answer must not depend on the cut.  The input ends at an
 * unreadable page.
 */
#include "proxy/h1/chunk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../../guard.h"

struct result {
    enum chunk_verdict verdict;
    struct chunk chunk;
    char out[512];
    size_t out_len, used;
    unsigned stretches;
};

/* Decodes one part; stops at the end, or at a fault. */
static void feed(struct result *r, const char *in, size_t len)
{
    const uint8_t *at = (const uint8_t *)guard_put(in, len), *p;
    size_t used, n;

    do {
        r->verdict = chunk_next(&r->chunk, at, len, &used, &p, &n);
        cr_assert_leq(used, len);
        at += used;
        len -= used;
        r->used += used;
        if (r->verdict == CHUNK_DATA) {
            cr_assert(n > 0 && r->out_len + n <= sizeof(r->out));
            memcpy(r->out + r->out_len, p, n);
            r->out_len += n;
            r->stretches++;
        }
    } while (r->verdict == CHUNK_DATA);
    cr_expect(r->verdict != CHUNK_MORE || len == 0, "CHUNK_MORE leaves no input");
}

static struct result decode_as(struct chunk c, const char *in, size_t len, size_t cut)
{
    struct result r = {.chunk = c};

    feed(&r, in, cut);
    if (r.verdict == CHUNK_MORE)
        feed(&r, in + cut, len - cut);
    return r;
}

static struct result decode(const char *in, size_t len, bool framed, size_t cut)
{
    return decode_as((struct chunk){.framed = framed}, in, len, cut);
}

struct body_case {
    const char *what, *in;
    enum chunk_verdict verdict;
    const char *payload;
    const char *framed; /* what is passed on with its framing */
};

#define SIX "01\r\nx\r\n01\r\nx\r\n01\r\nx\r\n01\r\nx\r\n01\r\nx\r\n01\r\nx\r\n"

static const struct body_case good[] = {
    {"one chunk", "5\r\nhello\r\n0\r\n", CHUNK_END, "hello", "5\r\nhello\r\n"},
    {"two chunks", "A\r\n0123456789\r\n1\r\nx\r\n0\r\n", CHUNK_END, "0123456789x",
     "A\r\n0123456789\r\n1\r\nx\r\n"},
    {"small letters", "a\r\n0123456789\r\n0\r\n", CHUNK_END, "0123456789",
     "a\r\n0123456789\r\n"},
    {"leading zeros", "0003\r\nabc\r\n000\r\n", CHUNK_END, "abc", "0003\r\nabc\r\n"},
    {"sixteen digits", "0000000000000003\r\nabc\r\n0\r\n", CHUNK_END, "abc",
     "0000000000000003\r\nabc\r\n"},
    {"an extension", "3;a=b\r\nabc\r\n0\r\n", CHUNK_END, "abc", "3\r\nabc\r\n"},
    {"a quoted extension", "3 ; a=\"b;\xe4\"\r\nabc\r\n2\t;c\r\nde\r\n0;x\r\n", CHUNK_END,
     "abcde", "3\r\nabc\r\n2\r\nde\r\n"},
    {"white space before an extension", "3 \t ;a\r\nabc\r\n0\r\n", CHUNK_END, "abc",
     "3\r\nabc\r\n"},
    {"nothing", "0\r\n", CHUNK_END, "", ""},
    {"payload like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n", CHUNK_END, "\r\n0\r\n\r\n",
     "7\r\n\r\n0\r\n\r\n\r\n"},
    {"more digits than 16 over several chunks", SIX SIX SIX "0\r\n", CHUNK_END,
     "xxxxxxxxxxxxxxxxxx", SIX SIX SIX},
    {"extensions longer than the limit over several chunks",
     "1;0123456789012345678901234567890123456789012345678901234567890123456789\r\nx\r\n"
     "1;0123456789012345678901234567890123456789012345678901234567890123456789\r\nx\r\n"
     "0\r\n",
     CHUNK_END, "xx", "1\r\nx\r\n1\r\nx\r\n"},
    {"cut in a size", "5", CHUNK_MORE, "", ""},
    {"cut in data", "5\r\nhel", CHUNK_MORE, "hel", "5\r\nhel"},
    {"cut after data", "5\r\nhello", CHUNK_MORE, "hello", "5\r\nhello"},
    {"cut in the line end", "5\r\nhello\r", CHUNK_MORE, "hello", "5\r\nhello\r"},
    {"cut after a chunk", "5\r\nhello\r\n", CHUNK_MORE, "hello", "5\r\nhello\r\n"},
    {"cut in the last chunk", "5\r\nhello\r\n0\r", CHUNK_MORE, "hello", "5\r\nhello\r\n"},
    {"the largest size", "7fffffffffffffff\r\nab", CHUNK_MORE, "ab",
     "7fffffffffffffff\r\nab"},
};

static const struct body_case bad[] = {
    {"no size", "\r\nhello", CHUNK_BAD, "", ""},
    {"no hex", "g\r\n", CHUNK_BAD, "", ""},
    {"a sign", "+5\r\nhello\r\n", CHUNK_BAD, "", ""},
    {"a prefix", "0x5\r\nhello\r\n", CHUNK_BAD, "", ""},
    {"space in front", " 5\r\nhello\r\n", CHUNK_BAD, "", ""},
    {"space behind", "5 \r\nhello\r\n", CHUNK_BAD, "", ""},
    {"spaces behind", "5 \t \r\nhello\r\n", CHUNK_BAD, "", ""},
    {"junk behind space", "5 x\r\nhello\r\n", CHUNK_BAD, "", ""},
    {"junk behind the size", "5x\r\nhello\r\n", CHUNK_BAD, "", ""},
    {"junk before an extension", "5x;a\r\nhello\r\n", CHUNK_BAD, "", ""},
    {"17 digits", "00000000000000005\r\nhello\r\n", CHUNK_BAD, "", ""},
    {"a size over 2^64", "FFFFFFFFFFFFFFFF1\r\nhello", CHUNK_BAD, "", ""},
    {"a size over 2^63", "8000000000000000\r\nhello", CHUNK_BAD, "", ""},
    {"a size near 2^64", "fffffffffffffffe\r\nhello", CHUNK_BAD, "", ""},
    {"no LF after the size", "5\rhello\r\n", CHUNK_BAD, "", ""},
    {"bare LF after the size", "5\nhello\r\n", CHUNK_BAD, "", ""},
    {"bare LF after an extension", "5;a\nhello\r\n", CHUNK_BAD, "", ""},
    {"bare CR in an extension", "5;a\rb\r\nhello\r\n", CHUNK_BAD, "", ""},
    {"control byte in an extension", "5;\x01\r\nhello\r\n", CHUNK_BAD, "", ""},
    {"DEL in an extension", "5;\x7f\r\nhello\r\n", CHUNK_BAD, "", ""},
    {"data longer than its size", "2\r\nabc\r\n", CHUNK_BAD, "ab", "2\r\nab"},
    {"bare LF after data", "2\r\nab\n0\r\n", CHUNK_BAD, "ab", "2\r\nab"},
    {"no LF after data", "2\r\nab\rx0\r\n", CHUNK_BAD, "ab", "2\r\nab\r"},
    {"no line end after data", "2\r\nab0\r\n", CHUNK_BAD, "ab", "2\r\nab"},
    {"no LF after the last size", "0\rx", CHUNK_BAD, "", ""},
    {"bare LF after the last size", "0\n\n", CHUNK_BAD, "", ""},
};

static const struct body_case padded[] = {
    {"a space", "5 \r\nhello\r\n0\r\n", CHUNK_END, "hello", "5\r\nhello\r\n"},
    {"many, in every chunk", "1     \r\nh\r\n01 \t\r\ni\r\n0   \r\n", CHUNK_END, "hi",
     "1\r\nh\r\n01\r\ni\r\n"},
    {"an extension behind", "2 ;a\r\nhi\r\n0\r\n", CHUNK_END, "hi", "2\r\nhi\r\n"},
    {"junk behind space", "5 5\r\nhello\r\n", CHUNK_BAD, "", ""},
    {"space alone", " \r\nhello\r\n", CHUNK_BAD, "", ""},
    {"bare LF behind space", "5 \nhello\r\n", CHUNK_BAD, "", ""},
    {"no LF behind space", "5 \rhello\r\n", CHUNK_BAD, "", ""},
};

static void check(const struct body_case *c, struct chunk as)
{
    const char *expect = as.framed ? c->framed : c->payload;
    size_t len = strlen(c->in);

    for (size_t cut = 0; cut <= len; cut++) {
        struct result r = decode_as(as, c->in, len, cut);

        cr_expect_eq(r.verdict, c->verdict, "%s, cut at %zu: %d", c->what, cut,
                     (int)r.verdict);
        cr_expect(r.out_len == strlen(expect) && memcmp(r.out, expect, r.out_len) == 0,
                  "%s, cut at %zu: \"%.*s\"", c->what, cut, (int)r.out_len, r.out);
        cr_expect_eq(r.chunk.received, strlen(c->payload), "%s, cut at %zu", c->what, cut);
        cr_expect(r.verdict != CHUNK_END || r.used == len, "%s: used %zu", c->what, r.used);
    }
}

Test(chunk, payload_is_handed_out_whatever_the_cut)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        check(&good[i], CHUNK_INIT);
}

Test(chunk, canonical_framing_is_handed_out_whatever_the_cut)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        check(&good[i], (struct chunk){.framed = true});
}

Test(chunk, broken_framing_is_refused_whatever_the_cut)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        check(&bad[i], CHUNK_INIT);
        check(&bad[i], (struct chunk){.framed = true});
    }
}

Test(chunk, a_server_may_pad_its_sizes)
{
    for (size_t i = 0; i < sizeof(padded) / sizeof(padded[0]); i++) {
        check(&padded[i], (struct chunk){.padded = true});
        check(&padded[i], (struct chunk){.padded = true, .framed = true});
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        check(&good[i], (struct chunk){.padded = true, .framed = true});
}

Test(chunk, many_whole_chunks_are_one_stretch)
{
    const char *in = SIX SIX "3\r\nabc\r\n0\r\n";
    struct result r = decode(in, strlen(in), true, strlen(in));

    cr_expect_eq(r.verdict, CHUNK_END);
    cr_expect_eq(r.stretches, 1u);
}

Test(chunk, bytes_one_by_one_give_the_same)
{
    const char *in = "3;ext\r\nabc\r\n02\r\nde\r\n0\r\n";

    for (int framed = 0; framed <= 1; framed++) {
        const char *expect = framed ? "3\r\nabc\r\n02\r\nde\r\n" : "abcde";
        struct result r = {.chunk = {.framed = framed != 0}};

        for (size_t i = 0; i < strlen(in); i++)
            feed(&r, in + i, 1);
        cr_expect_eq(r.verdict, CHUNK_END);
        cr_expect(r.out_len == strlen(expect) && memcmp(r.out, expect, r.out_len) == 0);
    }
}

Test(chunk, what_follows_the_last_size_line_is_left)
{
    struct result r = decode("0\r\nX-Sum: 1\r\n\r\n", 15, true, 15);

    cr_expect_eq(r.verdict, CHUNK_END);
    cr_expect_eq(r.used, 3u);
}

Test(chunk, a_size_line_is_bounded)
{
    char in[CHUNK_LINE_MAX + 16];

    for (int over = 0; over <= 1; over++) {
        int n =
            snprintf(in, sizeof(in), "1;%0*d\r\nx\r\n0\r\n", CHUNK_LINE_MAX - 2 + over, 0);

        for (size_t cut = 0; cut <= (size_t)n; cut++)
            cr_expect_eq(decode(in, (size_t)n, cut % 2 == 0, cut).verdict,
                         over ? CHUNK_BAD : CHUNK_END, "limit + %d", over);
    }
}

Test(chunk, white_space_before_an_extension_is_bounded_too)
{
    char in[CHUNK_LINE_MAX + 16];
    int n = snprintf(in, sizeof(in), "1%*s;\r\nx\r\n0\r\n", CHUNK_LINE_MAX, "");

    cr_expect_eq(decode(in, (size_t)n, false, 0).verdict, CHUNK_BAD);
}

Test(chunk, broken_framing_stays_broken)
{
    struct chunk c = CHUNK_INIT;
    const uint8_t *p;
    size_t used, n;

    cr_assert_eq(chunk_next(&c, (const uint8_t *)"x", 1, &used, &p, &n), CHUNK_BAD);
    cr_expect_eq(chunk_next(&c, (const uint8_t *)"1\r\n", 3, &used, &p, &n), CHUNK_BAD);
}

Test(chunk, nothing_is_read_after_the_end)
{
    struct chunk c = CHUNK_INIT;
    const uint8_t *p;
    size_t used, n;

    cr_assert_eq(chunk_next(&c, (const uint8_t *)"0\r\n", 3, &used, &p, &n), CHUNK_END);
    cr_expect_eq(chunk_next(&c, (const uint8_t *)"1\r\n", 3, &used, &p, &n), CHUNK_BAD);
}
