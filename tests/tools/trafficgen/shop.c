#include "tests/tools/trafficgen/shop.h"

#include <math.h>
#include <stdio.h>

enum { N_PRODUCTS = 400, N_FAVOURITES = 20, N_WORDS = 30 };

/* Percent, from row to column: home, search, product, cart, checkout, leave. */
static const uint8_t moves[N_SHOP_KINDS][N_SHOP_STEPS - 1][N_SHOP_STEPS] =
    {
        [SHOP_BROWSER] =
            {
                [SHOP_HOME] = {0, 15, 65, 0, 0, 20},
                [SHOP_SEARCH] = {5, 20, 60, 0, 0, 15},
                [SHOP_PRODUCT] = {10, 10, 60, 4, 0, 16},
                [SHOP_CART] = {10, 5, 40, 0, 15, 30},
                [SHOP_CHECKOUT] = {20, 0, 0, 0, 0, 80},
            },
        [SHOP_SEARCHER] =
            {
                [SHOP_HOME] = {0, 80, 10, 0, 0, 10},
                [SHOP_SEARCH] = {0, 35, 50, 0, 0, 15},
                [SHOP_PRODUCT] = {0, 50, 20, 8, 0, 22},
                [SHOP_CART] = {0, 20, 10, 0, 40, 30},
                [SHOP_CHECKOUT] = {10, 0, 0, 0, 0, 90},
            },
        [SHOP_BUYER] =
            {
                [SHOP_HOME] = {0, 20, 50, 25, 0, 5},
                [SHOP_SEARCH] = {0, 10, 80, 0, 0, 10},
                [SHOP_PRODUCT] = {0, 10, 30, 50, 0, 10},
                [SHOP_CART] = {0, 0, 20, 0, 70, 10},
                [SHOP_CHECKOUT] = {10, 0, 0, 0, 0, 90},
            },
};

static const uint8_t entries[N_SHOP_KINDS][N_SHOP_STEPS] = {
    [SHOP_BROWSER] = {60, 10, 30, 0, 0, 0},
    [SHOP_SEARCHER] = {20, 70, 10, 0, 0, 0},
    [SHOP_BUYER] = {50, 20, 20, 10, 0, 0},
};

static const double think_median_s[N_SHOP_STEPS] = {
    [SHOP_HOME] = 8,  [SHOP_SEARCH] = 10,   [SHOP_PRODUCT] = 22,
    [SHOP_CART] = 12, [SHOP_CHECKOUT] = 30,
};
#define THINK_SIGMA 0.8

static enum shop_step draw(const uint8_t percent[N_SHOP_STEPS], struct rng *r)
{
    uint32_t x = rng_below(r, 100);
    unsigned step = 0;

    while (step < SHOP_LEAVE && x >= percent[step])
        x -= percent[step++];
    return (enum shop_step)step;
}

enum shop_step shop_first(enum shop_kind kind, struct rng *r)
{
    return draw(entries[kind], r);
}

enum shop_step shop_next(enum shop_kind kind, enum shop_step now, struct rng *r)
{
    return draw(moves[kind][now], r);
}

double shop_normal(struct rng *r)
{
    double u, v, s;

    do {
        u = 2 * rng_unit(r) - 1;
        v = 2 * rng_unit(r) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * log(s) / s);
}

int64_t shop_think_ms(enum shop_step now, struct rng *r)
{
    return (int64_t)(1000 * think_median_s[now] * exp(THINK_SIGMA * shop_normal(r)));
}

/* Half of the views go to a visitor's few favourites, the rest to any product. */
static uint32_t product(uint32_t taste, struct rng *r)
{
    if (rng_below(r, 2) == 0)
        return (taste * 7 + rng_below(r, N_FAVOURITES)) % N_PRODUCTS;
    return rng_below(r, N_PRODUCTS);
}

void shop_request(enum shop_step step, uint32_t taste, struct rng *r,
                  struct shop_request *out)
{
    static const char *const fixed[N_SHOP_STEPS] = {
        [SHOP_HOME] = "/", [SHOP_CART] = "/cart", [SHOP_CHECKOUT] = "/checkout"};

    out->method = step == SHOP_CHECKOUT ? "POST" : "GET";
    if (step == SHOP_PRODUCT)
        snprintf(out->path, sizeof(out->path), "/product/%u", 1000 + product(taste, r));
    else if (step == SHOP_SEARCH)
        snprintf(out->path, sizeof(out->path), "/search?q=word%u", rng_below(r, N_WORDS));
    else
        snprintf(out->path, sizeof(out->path), "%s", fixed[step]);
}
