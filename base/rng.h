/*
 * rng.h - a small, fast, seedable generator; not for secrets.
 *
 * xoshiro256** (Blackman and Vigna, 2018), seeded through splitmix64: the same
 * seed gives the same numbers everywhere.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_init(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); /* 0..n-1; n > 0 */
double rng_unit(struct rng *r);                /* [0, 1) */

/* Fills `out` with unpredictable bytes from the kernel. */
void rng_secret(void *out, unsigned long n);

#endif
