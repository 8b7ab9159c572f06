/*
 * profile_code.h - a profile as bytes, and back.
 *
 * A version byte, then variable-length numbers; only what is not zero.  When room
 * is short the lightest resources and moves are left out first.  Pure.
 */
#ifndef PROFILER_PROFILE_CODE_H
#define PROFILER_PROFILE_CODE_H

#include "base/rc.h"
#include "profiler/profile.h"

#define PROFILE_CODE_MAX 600 /* bytes */
#define PROFILE_CODE_ONE 160 /* ... of a user with a single session */

/* Returns the length. */
size_t profile_code_write(const struct profile *p, uint8_t out[PROFILE_CODE_MAX]);

/* RC_CORRUPT, also for a version of the future: *p is then as new. */
int profile_code_read(struct profile *p, const uint8_t *in, size_t len);

#endif
