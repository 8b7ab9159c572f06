/*
 * jwk.h - the keys that tokens are signed with: a JWKS (RFC 7517, 7518, 8037), or public
 * keys and certificates in PEM.
 *
 * A key is good for signatures of its own kind only, and for one algorithm if it names one:
 * a public key is never taken for a secret.  Keys that are too short for their algorithm
 * (RFC 7518, 3.2 and 3.3) or that are for something else are refused; kinds that are not
 * known are left out.
 *
 * Immutable; any thread.
 */
#ifndef PROXY_EDGE_JWK_H
#define PROXY_EDGE_JWK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "conf/cfg_edge.h"

#define JWK_KEYS_MAX 64

struct jwk_set;

/* RC_INVALID: the text is neither, or has no key that could be used. */
int jwk_set_read(const char *text, size_t len, struct jwk_set **out, struct why *w);
void jwk_set_free(struct jwk_set *s); /* NULL is fine */
size_t jwk_set_count(const struct jwk_set *s);

/* A signature and what was signed. */
struct jwk_signed {
    const char *kid; /* NULL: the token names no key, any may be its */
    const uint8_t *text, *signature;
    size_t text_len, signature_len;
};

enum jwk_verdict {
    JWK_GOOD,
    JWK_BAD,
    JWK_NO_KEY, /* none that the algorithm could use has that name */
};

/* 20 to 80 microseconds; half a millisecond for P-384. */
enum jwk_verdict jwk_verify(const struct jwk_set *s, enum cfg_jwt_alg alg,
                            const struct jwk_signed *what);

#endif
