/*
 * crowd.h - which things have been used by at least n different users?
 *
 * A thing is a 64-bit hash.  Counts are exact up to n (two users whose 32-bit
 * tags collide count as one, so the answer is never yes too early).  Memory is
 * fixed: in a full set of eight, the thing with the fewest users makes room, of
 * equals the one seen least recently.  Pure.
 */
#ifndef PROFILER_CROWD_H
#define PROFILER_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crowd;

struct crowd *crowd_new(unsigned users);
void crowd_free(struct crowd *c); /* NULL is fine */

/* True when `users` different ones have now been seen with it; true from then on. */
bool crowd_add(struct crowd *c, uint64_t thing, uint64_t user);

#endif
