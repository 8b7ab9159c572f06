#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rc.h"
#include "base/rng.h"
#include "scaler/demand_codec.h"

static struct demand_cell in[DEMAND_BLOCK], out[DEMAND_BLOCK];
static uint8_t bytes[DEMAND_CODEC_MAX];
static int64_t block;

static void fill(uint64_t seed, double most)
{
    struct rng r;

    rng_init(&r, seed);
    for (int i = 0; i < DEMAND_BLOCK; i++) {
        double n = floor(rng_unit(&r) * most);

        in[i] = (struct demand_cell){(float)n, (float)(n * 0.02), (float)(n * 1e4),
                                     (float)(n / 7)};
        if (rng_below(&r, 5) == 0)
            in[i].requests = NAN;
    }
}

Test(demand_codec, what_goes_in_comes_out)
{
    size_t len;

    for (uint64_t seed = 1; seed < 20; seed++) {
        fill(seed, pow(10, (double)(seed % 7)));
        len = demand_codec_put(12345, in, bytes);
        cr_assert_leq(len, sizeof(bytes));
        cr_assert_eq(demand_codec_get(bytes, len, &block, out), RC_OK);
        cr_expect_eq(block, 12345);
        for (int i = 0; i < DEMAND_BLOCK; i++) {
            cr_assert_eq(isnan(in[i].requests), isnan(out[i].requests));
            if (isnan(in[i].requests))
                continue;
            cr_expect_eq(in[i].requests, out[i].requests);
            cr_expect_float_eq(in[i].work_s, out[i].work_s, 0.001 + in[i].work_s * 1e-6);
            cr_expect_float_eq(in[i].bytes, out[i].bytes, 512 + in[i].bytes * 1e-6);
            cr_expect_float_eq(in[i].concurrency, out[i].concurrency,
                               0.006 + in[i].concurrency * 1e-6);
        }
    }
}

Test(demand_codec, a_quiet_slot_takes_four_bytes_and_an_unknown_one_a_single)
{
    for (int i = 0; i < DEMAND_BLOCK; i++)
        in[i] = (struct demand_cell){0};
    cr_expect_leq(demand_codec_put(1, in, bytes), 2 + 4 * DEMAND_BLOCK);
    for (int i = 0; i < DEMAND_BLOCK; i++)
        in[i].requests = NAN;
    cr_expect_leq(demand_codec_put(1, in, bytes), 2 + DEMAND_BLOCK);
}

Test(demand_codec, the_largest_values_fit)
{
    for (int i = 0; i < DEMAND_BLOCK; i++)
        in[i] = (struct demand_cell){3e38F, 3e38F, 3e38F, INFINITY};
    cr_expect_leq(demand_codec_put(INT32_MAX, in, bytes), sizeof(bytes));
}

Test(demand_codec, every_cut_is_noticed)
{
    size_t len;

    fill(3, 1000);
    len = demand_codec_put(7, in, bytes);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *copy = malloc(cut + 1); /* the sanitizer sees what is read beyond */

        memcpy(copy, bytes, cut);
        cr_expect_eq(demand_codec_get(copy, cut, &block, out), RC_CORRUPT, "cut at %zu",
                     cut);
        free(copy);
    }
    bytes[len] = 0;
    cr_expect_eq(demand_codec_get(bytes, len + 1, &block, out), RC_CORRUPT);
}

Test(demand_codec, noise_is_refused_or_read_without_harm)
{
    struct rng r;

    rng_init(&r, 11);
    for (int n = 0; n < 2000; n++) {
        size_t len = rng_below(&r, 600);

        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)rng_next(&r);
        bytes[0] = 1;
        if (demand_codec_get(bytes, len, &block, out) == RC_OK)
            cr_expect_geq(block, 0);
    }
}
