/*
 * pathkey.h - one number for a path, for tables that hold no text.
 *
 * Called for every request: 16 bytes a step through one 64 x 64 -> 128 bit
 * multiplication (the folded multiply of wyhash, Wang Yi 2019).  Not keyed and
 * not for secrets; whoever keeps a table by it mixes in a secret of its own.
 */
#ifndef PROFILER_PATHKEY_H
#define PROFILER_PATHKEY_H

#include <stddef.h>
#include <stdint.h>

uint64_t pathkey_of(const char *path, size_t len); /* never 0 */

/* The multiply itself: both halves of a * b, folded. */
static inline uint64_t pathkey_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;

    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

#endif
