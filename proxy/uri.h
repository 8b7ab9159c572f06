/*
 * uri.h - paths for matching (RFC 3986, 6.2.2; RFC 9110, 7.7).
 *
 * Requests are forwarded with the path they came with; routes are matched against
 * a normal form, so that /a/../admin and /%61dmin cannot slip past a route.
 */
#ifndef PROXY_URI_H
#define PROXY_URI_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the normal form of target's path (query left out) to `out`: unreserved
 * percent-escapes decoded, others in upper case, dot segments removed, a run of slashes
 * one slash.  Returns its length, or 0 for a path that must be refused: bad escape, %00,
 * a raw control byte or one over 0x7e, dot segments that climb above the root, or one
 * that needs more than `room` (len bytes are enough).  The target "*" stays what it is.
 */
size_t uri_normal_path(const char *target, size_t len, char *out, size_t room);

/* Length of the path in target, up to '?' or '#'. */
size_t uri_path_len(const char *target, size_t len);

/* Host of "host[:port]" in lower case without a trailing dot; 0: not a valid authority. */
size_t uri_host(const char *authority, size_t len, char *out, size_t room);

#endif
