/*
 * siphash.h - SipHash-2-4, a keyed 64-bit hash (Aumasson and Bernstein, 2012).
 *
 * Raw identifiers become user keys through it: without the key nobody can tell
 * which identifier a key stands for.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct sip_key {
    uint64_t k0, k1;
};

uint64_t siphash(const struct sip_key *key, const void *in, size_t len);

#endif
