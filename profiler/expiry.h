/*
 * expiry.h - profiles of users who have not come for long go, from memory and store.
 *
 * A little at a time, so that nobody waits for it: of those in memory the ones not seen
 * for longest, of the stored ones a slice, one of 65536 by the user's key.  Who is in
 * memory is judged by what is there, which is newer than the store.
 *
 * One thread, under the lock of keeper and users; virtual time.
 */
#ifndef PROFILER_EXPIRY_H
#define PROFILER_EXPIRY_H

#include <stdint.h>

#include "profiler/keeper.h"
#include "profiler/users.h"

#define EXPIRY_STEP 256 /* users in memory, and stored ones, that go in one step */

struct expiry {
    uint16_t slice;   /* of the store, the next to be looked at */
    uint64_t expired; /* users */
};

/* Whose last request was before before_s goes; not who is in a session. */
void expiry_step(struct expiry *x, struct users *users, struct keeper *keeper,
                 uint32_t before_s);

#endif
