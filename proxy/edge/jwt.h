/*
 * jwt.h - is a token one of ours, and what does it say (RFC 7515, 7519, 8725)?
 *
 * The signature is checked first; the text is read only then.  The algorithm must be one
 * that is configured and that a key of its own kind was made for: `none`, and a public key
 * taken for a secret, do not exist here.  Tokens with extensions that must be understood
 * (crit), encrypted ones and those in JSON are refused.
 *
 * Any thread; no clock.
 */
#ifndef PROXY_EDGE_JWT_H
#define PROXY_EDGE_JWT_H

#include <jansson.h>

#include "base/clock.h"
#include "proxy/edge/jwk.h"
#include "proxy/edge/memo.h"

#define JWT_TOKEN_MAX 8192

#define JWT_VERDICTS(X)                                                                    \
    X(GOOD, "")                                                                            \
    X(MALFORMED, "malformed")                                                              \
    X(ALGORITHM, "algorithm not allowed")                                                  \
    X(KEY, "unknown key")                                                                  \
    X(SIGNATURE, "bad signature")                                                          \
    X(EXPIRED, "expired")                                                                  \
    X(EARLY, "not valid yet")                                                              \
    X(ISSUER, "wrong issuer")                                                              \
    X(AUDIENCE, "wrong audience")                                                          \
    X(CLAIM, "a claim is missing")

enum jwt_verdict {
#define X(sym, text) JWT_##sym,
    JWT_VERDICTS(X)
#undef X
        JWT_N_VERDICTS
};
extern const char *const jwt_verdict_text[JWT_N_VERDICTS];

struct jwt_rules { /* borrowed */
    const struct cfg_jwt *cfg;
    const struct jwk_set *keys;
    struct memo *memo; /* of signatures that were good; NULL: none is remembered */
    bool *known;       /* set when one was remembered; may be NULL */
};

/* *claims is set with JWT_GOOD and JWT_CLAIM, for json_decref(). */
enum jwt_verdict jwt_check(const struct jwt_rules *r, const char *token, size_t len,
                           wall_ms now, json_t **claims);

/*
 * A claim as text for a header field: a string, a number, a boolean, or a list of these
 * with commas.  Dots in a name that is no claim lead into objects.  0: there is none, or
 * none that could stand in a field of `room` bytes; not terminated.
 */
size_t jwt_text(const json_t *claims, const char *name, char *out, size_t room);

#endif
