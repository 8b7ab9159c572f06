/*
 * markov.h - what comes next after these tokens?  Order-n Markov with back-off.
 *
 * Learns online.  Absolute discounting (Ney, Essen and Kneser, 1994): with
 * D = 0.75, c(h,w) how often w followed context h, N(h) their sum and K(h) how
 * many different w there were,
 *
 *   P_n(w|h) = max(c(h,w) - D, 0) / N(h)  +  D K(h) / N(h)  P_{n-1}(w|h')
 *
 * down to P_{-1} = 1 / (tokens known + 1).  Raw counts at all orders.  A longer
 * context that was never seen ends the climb.
 *
 * Pure.  At most max_contexts contexts of order 1 and more: the one not used for
 * longest goes (second chance); one holds at most 512 different tokens.
 */
#ifndef PROFILER_SEQ_MARKOV_H
#define PROFILER_SEQ_MARKOV_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define MARKOV_ORDER_MAX 5

struct markov;

struct markov *markov_new(unsigned order, size_t max_contexts);
void markov_free(struct markov *m); /* NULL is fine */

/* `token` followed hist[0..n), oldest first; only the last `order` of them count. */
void markov_learn(struct markov *m, const uint16_t *hist, size_t n, uint16_t token);

struct markov_guess {
    uint16_t token;
    double p;
};
/*
 * The k most probable tokens, best first; returns how many there are.  Chooses
 * among those seen after a suffix of hist, and the most frequent token of all.
 */
size_t markov_top(struct markov *m, const uint16_t *hist, size_t n,
                  struct markov_guess *out, size_t k);

/* How often the token was learned. */
uint32_t markov_count(const struct markov *m, uint16_t token);

/* All that was learned as bytes, to be given to free(), and back; RC_CORRUPT: *m is as new.
 */
void markov_save(const struct markov *m, uint8_t **out, size_t *len);
int markov_load(struct markov *m, const uint8_t *in, size_t len);

#endif
