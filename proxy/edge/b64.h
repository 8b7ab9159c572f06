/*
 * b64.h - base64 as RFC 4648 has it, read strictly.
 *
 * Pure.  There is one text for each sequence of bytes: no white space, no character of the
 * other alphabet, no bits set that belong to no byte.
 */
#ifndef PROXY_EDGE_B64_H
#define PROXY_EDGE_B64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the text can decode to at most. */
#define B64_BYTES(len) ((len) / 4 * 3 + 3)

/* Section 4, with its padding.  `out` has room for B64_BYTES(len).  False: it is none. */
bool b64_decode(const char *s, size_t len, uint8_t *out, size_t *n);

/* Section 5, without padding, as JOSE uses it (RFC 7515, 2). */
bool b64_url_decode(const char *s, size_t len, uint8_t *out, size_t *n);

#endif
