/* Mirrors proxy/edge/coder.c: what is made is read by the libraries' own decoders. */
#include "proxy/edge/coder.h"

#include <brotli/decode.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/rng.h"

#define NO_LIMIT  ((size_t)1 << 30)
#define TEXT_LEN  700000
#define CODED_MAX (2 * TEXT_LEN)

static const struct {
    enum cfg_coding coding;
    uint32_t first, last;
} kinds[] = {{CFG_CODING_ZSTD, 1, 12}, {CFG_CODING_BR, 0, 6}, {CFG_CODING_GZIP, 1, 9}};

static uint8_t text[TEXT_LEN], coded[CODED_MAX], decoded[TEXT_LEN + 1];
static struct coder_pool *pool;

/* Words, so that there is something to find; towards the end there is nothing. */
static void setup(void)
{
    struct rng rng;

    rng_init(&rng, 7);
    for (size_t i = 0; i < TEXT_LEN; i++)
        text[i] = (uint8_t) "abcdefgh ijklm nop \n"[rng_below(&rng, 20)];
    for (size_t i = 100; i < TEXT_LEN; i += 50)
        memcpy(&text[i], &text[rng_below(&rng, (uint32_t)(i - 30))], 30);
    for (size_t i = TEXT_LEN - 200000; i < TEXT_LEN; i++)
        text[i] = (uint8_t)rng_next(&rng);
    pool = coder_pool_new();
}

static void teardown(void)
{
    coder_pool_free(pool);
}

TestSuite(coder, .init = setup, .fini = teardown);

/* Steps with at most `room` bytes of output at a time; returns the new end of `coded`. */
static size_t step(struct coder *c, enum coder_op op, const uint8_t *in, size_t n,
                   size_t end, size_t room)
{
    struct coder_io io = {.in = in, .n_in = n};
    bool done;

    do {
        io.out = coded + end;
        io.n_out = room;
        done = coder_step(c, op, &io);
        end = (size_t)(io.out - coded);
        cr_assert_lt(end + room, CODED_MAX);
    } while (!done);
    cr_assert_eq(io.n_in, 0);
    return end;
}

static size_t gunzip(size_t len, bool whole)
{
    z_stream z = {.next_in = coded, .avail_in = (uInt)len};
    int rc;

    cr_assert_eq(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_out = decoded;
    z.avail_out = sizeof(decoded);
    rc = inflate(&z, Z_SYNC_FLUSH);
    cr_expect_eq(rc, whole ? Z_STREAM_END : Z_OK);
    len = z.total_out;
    inflateEnd(&z);
    return len;
}

static size_t unzstd(size_t len, bool whole)
{
    ZSTD_DCtx *d = ZSTD_createDCtx();
    ZSTD_inBuffer in = {coded, len, 0};
    ZSTD_outBuffer out = {decoded, sizeof(decoded), 0};
    size_t left = ZSTD_decompressStream(d, &out, &in);

    cr_expect_not(ZSTD_isError(left));
    cr_expect_eq(left == 0, whole);
    ZSTD_freeDCtx(d);
    return out.pos;
}

static size_t unbrotli(size_t len, bool whole)
{
    BrotliDecoderState *d = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    const uint8_t *in = coded;
    uint8_t *out = decoded;
    size_t room = sizeof(decoded);
    BrotliDecoderResult r = BrotliDecoderDecompressStream(d, &len, &in, &room, &out, NULL);

    cr_expect_eq(r, whole ? BROTLI_DECODER_RESULT_SUCCESS
                          : BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT);
    BrotliDecoderDestroyInstance(d);
    return sizeof(decoded) - room;
}

static void expect_decodes(enum cfg_coding coding, size_t coded_len, size_t n, bool whole)
{
    size_t got = coding == CFG_CODING_GZIP ? gunzip(coded_len, whole)
                 : coding == CFG_CODING_BR ? unbrotli(coded_len, whole)
                                           : unzstd(coded_len, whole);

    cr_expect_eq(got, n, "coding %d: %zu bytes of %zu", (int)coding, got, n);
    cr_expect_eq(memcmp(decoded, text, n), 0);
}

Test(coder, every_level_makes_what_its_decoder_reads_and_is_used_again)
{
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (uint32_t level = kinds[k].first; level <= kinds[k].last; level++)
            for (int again = 0; again < 2; again++) {
                struct coder *c = coder_get(pool, kinds[k].coding, level, NO_LIMIT);
                size_t end = step(c, CODER_RUN, text, 50000, 0, 4096);

                end = step(c, CODER_END, text + 50000, 30000, end, 4096);
                cr_expect_lt(end, 60000);
                expect_decodes(kinds[k].coding, end, 80000, true);
                coder_put(pool, c);
            }
}

Test(coder, after_a_flush_all_that_was_taken_can_be_read)
{
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct coder *c = coder_get(pool, kinds[k].coding, 3, NO_LIMIT);
        size_t end = 0, n = 0;

        for (size_t piece = 1; piece < 40000; piece *= 7) {
            end = step(c, CODER_RUN, text + n, piece, end, 777);
            end = step(c, CODER_FLUSH, NULL, 0, end, 777);
            n += piece;
            expect_decodes(kinds[k].coding, end, n, false);
        }
        coder_put(pool, c); /* in the middle of it */
    }
}

Test(coder, any_room_for_the_output_does)
{
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (size_t room = 7; room < 50; room += 6) {
            struct coder *c = coder_get(pool, kinds[k].coding, 1, NO_LIMIT);
            size_t end = step(c, CODER_END, text, 5000, 0, room);

            expect_decodes(kinds[k].coding, end, 5000, true);
            coder_put(pool, c);
        }
}

Test(coder, nothing_is_something_too)
{
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct coder *c = coder_get(pool, kinds[k].coding, 3, NO_LIMIT);
        size_t end = step(c, CODER_END, NULL, 0, 0, 100);

        cr_expect_gt(end, 0);
        expect_decodes(kinds[k].coding, end, 0, true);
        coder_put(pool, c);
    }
}

Test(coder, a_coder_holds_no_more_than_is_written_of_it)
{
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (uint32_t level = kinds[k].first; level <= kinds[k].last; level++) {
            struct coder_pool *p = coder_pool_new();
            struct coder *c = coder_get(p, kinds[k].coding, level, NO_LIMIT);
            size_t booked = coder_bytes(kinds[k].coding, level), end = 0;

            cr_expect_eq(coder_pool_bytes(p), booked);
            for (size_t at = 0; at < TEXT_LEN; at += 70000)
                end = step(c, CODER_FLUSH, text + at, 70000, end, 65536);
            coder_put(p, c);
            cr_expect_eq(coder_pool_bytes(p), booked, "coding %d level %u: %zu KiB",
                         (int)kinds[k].coding, level, coder_pool_bytes(p) / 1024);
            coder_pool_free(p);
        }
}

Test(coder, the_memory_of_all_is_bounded_and_unused_ones_make_room)
{
    size_t one = coder_bytes(CFG_CODING_GZIP, 6);
    struct coder *a = coder_get(pool, CFG_CODING_GZIP, 6, 2 * one);
    struct coder *b = coder_get(pool, CFG_CODING_GZIP, 6, 2 * one);

    cr_expect_null(coder_get(pool, CFG_CODING_GZIP, 6, 2 * one));
    coder_put(pool, a);
    cr_expect_eq(coder_get(pool, CFG_CODING_GZIP, 6, 2 * one), a, "not used again");
    coder_put(pool, a);
    a = coder_get(pool, CFG_CODING_GZIP, 9, 2 * one);
    cr_assert_not_null(a, "an unused one of another level is in the way");
    cr_expect_eq(coder_pool_bytes(pool), 2 * one);
    coder_put(pool, a);
    coder_put(pool, b);
}
