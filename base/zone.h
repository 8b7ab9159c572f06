/*
 * zone.h - how far a time zone is from UTC at a given time.
 *
 * Reads the system's time zone files (RFC 8536), because the C library knows only
 * one zone per process.  After opening, pure and for any thread.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

struct zone;

/* An IANA name such as Europe/Berlin.  RC_NOT_FOUND, RC_CORRUPT, with *w. */
int zone_open(const char *name, struct zone **out, struct why *w);

/* The same from a file's bytes. */
int zone_parse(const uint8_t *in, size_t len, struct zone **out);
void zone_free(struct zone *z); /* NULL is fine */

/* Seconds to add to UTC.  z NULL is UTC.  O(log of the zone's changes). */
int32_t zone_offset_s(const struct zone *z, int64_t unix_s);

#endif
