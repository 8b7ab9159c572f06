#include "profiler/seq/markov.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define EPS 1e-12

#define LEARN(m, token, ...)                                                               \
    markov_learn(m, (const uint16_t[]){__VA_ARGS__},                                       \
                 sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t), token)
#define PROB(m, token, ...)                                                                \
    prob(m, (const uint16_t[]){__VA_ARGS__},                                               \
         sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t), token)

/* As the guesses have it; 0: it is not among them. */
static double prob(struct markov *m, const uint16_t *hist, size_t n, uint16_t token)
{
    struct markov_guess g[1024];
    size_t n_guesses = markov_top(m, hist, n, g, 1024);

    for (size_t i = 0; i < n_guesses; i++)
        if (g[i].token == token)
            return g[i].p;
    return 0;
}

/* After 1: 2 twice, 3 once.  Worked by hand from the formula in the header. */
Test(markov, the_numbers_are_those_of_absolute_discounting)
{
    struct markov *m = markov_new(1, 100);
    double flat = 1.0 / 3, p2, p3;

    LEARN(m, 2, 1);
    LEARN(m, 2, 1);
    LEARN(m, 3, 1);
    p2 = (2 - .75) / 3 + .75 * 2 / 3 * flat;
    p3 = (1 - .75) / 3 + .75 * 2 / 3 * flat;
    cr_expect_float_eq(PROB(m, 2, 9), p2, EPS, "an unseen context backs off");
    cr_expect_float_eq(PROB(m, 2, 1), (2 - .75) / 3 + .5 * p2, EPS);
    cr_expect_float_eq(PROB(m, 3, 1), (1 - .75) / 3 + .5 * p3, EPS);
    cr_expect_eq(PROB(m, 7, 1), 0, "an unseen token is no guess");
    markov_free(m);
}

Test(markov, nothing_learned_is_no_guess)
{
    struct markov *m = markov_new(3, 100);
    struct markov_guess g;

    cr_expect_eq(markov_top(m, (const uint16_t[]){1}, 1, &g, 1), 0);
    markov_free(m);
}

/* Next = f(the last two) four times in five, else anything of 12. */
static uint16_t draw(struct rng *r, unsigned a, unsigned b)
{
    if (rng_below(r, 5) < 4)
        return (uint16_t)(1 + (a * 5 + b * 3) % 12);
    return (uint16_t)(1 + rng_below(r, 12));
}

static struct markov *trained(unsigned order, size_t max_contexts, unsigned n)
{
    struct markov *m = markov_new(order, max_contexts);
    uint16_t h[4] = {0, 1, 2, 3};
    struct rng r;

    rng_init(&r, 7);
    for (unsigned i = 0; i < n; i++) {
        uint16_t next = draw(&r, h[2], h[3]);

        markov_learn(m, h, 4, next);
        memmove(h, h + 1, 3 * sizeof(h[0]));
        h[3] = next;
    }
    return m;
}

/* What is left is for the tokens that were never seen: DISCOUNT 12 / 5000 of 1/13. */
Test(markov, probabilities_sum_to_one)
{
    struct markov *m = trained(3, 1000, 5000);
    double sum = 0;

    for (uint16_t t = 1; t <= 12; t++)
        sum += PROB(m, t, 4, 5, 6);
    cr_expect_lt(sum, 1);
    cr_expect_gt(sum, 1 - .75 * 12 / 5000 / 13);
    markov_free(m);
}

Test(markov, the_best_guesses_are_the_most_probable_tokens_in_order)
{
    struct markov *m = trained(3, 1000, 5000);

    for (uint16_t a = 1; a <= 12; a++) {
        const uint16_t h[] = {a, (uint16_t)(13 - a), 5};
        struct markov_guess g[12];
        size_t n = markov_top(m, h, 3, g, 12);

        cr_assert_eq(n, 12);
        for (size_t i = 1; i < n; i++)
            cr_expect(g[i].p <= g[i - 1].p && g[i].token != g[i - 1].token);
        cr_assert_eq(markov_top(m, h, 3, g + 6, 1), 1);
        cr_expect_eq(g[6].token, g[0].token);
    }
    markov_free(m);
}

static double top1(unsigned order)
{
    struct markov *m = trained(order, 1000, 6000);
    uint16_t h[3] = {1, 2, 3};
    unsigned hits = 0, n = 2000;
    struct rng r;

    rng_init(&r, 8);
    for (unsigned i = 0; i < n; i++) {
        uint16_t next = draw(&r, h[1], h[2]);
        struct markov_guess g;

        markov_top(m, h, 3, &g, 1);
        hits += g.token == next;
        memmove(h, h + 1, 2 * sizeof(h[0]));
        h[2] = next;
    }
    markov_free(m);
    return (double)hits / n;
}

/* The truth is of order 2 and can be guessed 4/5 + 1/60 of the time. */
Test(markov, an_order_2_truth_needs_order_2)
{
    cr_expect_gt(top1(2), .79);
    cr_expect_gt(top1(3), .76);
    cr_expect_lt(top1(1), .55);
}

Test(markov, contexts_are_bounded_and_the_unused_go)
{
    struct markov *m = markov_new(1, 8);
    uint8_t *bytes;
    size_t len;

    for (uint16_t i = 0; i < 1000; i++) {
        LEARN(m, 2, 1);
        LEARN(m, 3, (uint16_t)(10 + i));
    }
    cr_expect_gt(PROB(m, 2, 1), .9, "what is used stays");
    cr_expect_gt(PROB(m, 3, 1009), .5, "what is new is known");
    cr_expect_eq(PROB(m, 3, 10), 0, "what was not used is gone");
    markov_save(m, &bytes, &len);
    cr_expect_lt(len, 9 * 16, "8 contexts, of at most 12 bytes with their token");
    free(bytes);
    markov_free(m);
}

Test(markov, a_context_forgets_its_rarest_token_when_full)
{
    struct markov *m = markov_new(1, 8);

    for (uint16_t round = 0; round < 3; round++)
        LEARN(m, 60000, 1);
    for (uint16_t t = 1; t < 2000; t++)
        LEARN(m, t, 1);
    cr_expect_gt(PROB(m, 60000, 1), 2.0 / 520);
    markov_free(m);
}

Test(markov, a_counter_that_would_overflow_is_halved_with_its_neighbours)
{
    struct markov *m = markov_new(1, 8);

    for (int i = 0; i < 70000; i++) {
        LEARN(m, 2, 1);
        if (i % 2 == 0)
            LEARN(m, 3, 1);
    }
    cr_expect_float_eq(PROB(m, 2, 1), 2.0 / 3, .02);
    markov_free(m);
}

Test(markov, saved_and_loaded_it_answers_the_same)
{
    struct markov *m = trained(3, 1000, 5000), *copy = markov_new(3, 1000);
    uint8_t *bytes, *again;
    size_t len, len2;

    markov_save(m, &bytes, &len);
    LEARN(copy, 9, 9); /* is replaced */
    cr_assert_eq(markov_load(copy, bytes, len), RC_OK);
    for (uint16_t t = 1; t <= 12; t++)
        cr_expect_float_eq(PROB(m, t, 4, 5, 6), PROB(copy, t, 4, 5, 6), EPS);
    markov_save(copy, &again, &len2);
    cr_expect(len == len2 && memcmp(bytes, again, len) == 0);
    free(bytes);
    free(again);
    markov_free(m);
    markov_free(copy);
}

Test(markov, damaged_bytes_are_refused_and_leave_nothing)
{
    struct markov *m = trained(3, 1000, 300), *copy = markov_new(3, 1000);
    uint8_t *bytes, *nothing;
    size_t len, n_nothing;

    markov_save(m, &bytes, &len);
    for (size_t cut = 0; cut < len; cut++)
        cr_assert_eq(markov_load(copy, bytes, cut), RC_CORRUPT, "cut at %zu", cut);
    markov_save(copy, &nothing, &n_nothing);
    cr_expect_leq(n_nothing, 4, "the head, and no token or context");
    free(nothing);
    for (size_t i = 0; i < len; i++) { /* any answer, but no crash */
        bytes[i] ^= 0x85;
        markov_load(copy, bytes, len);
        bytes[i] ^= 0x85;
    }
    free(bytes);
    markov_free(m);
    markov_free(copy);
}
