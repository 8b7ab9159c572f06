/*
 * shop.h - how a visitor moves through a shop: steps, think times, paths.
 *
 * A first-order Markov chain per kind of visitor.  Pure: randomness is an argument.
 */
#ifndef TESTS_TOOLS_TRAFFICGEN_SHOP_H
#define TESTS_TOOLS_TRAFFICGEN_SHOP_H

#include <stdint.h>

#include "base/rng.h"

enum shop_step {
    SHOP_HOME,
    SHOP_SEARCH,
    SHOP_PRODUCT,
    SHOP_CART,
    SHOP_CHECKOUT,
    SHOP_LEAVE, /* the session is over */
    N_SHOP_STEPS
};

enum shop_kind { SHOP_BROWSER, SHOP_SEARCHER, SHOP_BUYER, N_SHOP_KINDS };

struct shop_request {
    const char *method;
    char path[48];
};

enum shop_step shop_first(enum shop_kind kind, struct rng *r);
enum shop_step shop_next(enum shop_kind kind, enum shop_step now, struct rng *r);

/* From an answer to the next request; log-normal. */
int64_t shop_think_ms(enum shop_step now, struct rng *r);

/* `taste` decides which products a visitor likes; any number. */
void shop_request(enum shop_step step, uint32_t taste, struct rng *r,
                  struct shop_request *out);

/* Standard normal, by the polar method (Marsaglia and Bray, 1964). */
double shop_normal(struct rng *r);

#endif
