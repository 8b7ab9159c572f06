/*
 * auth.h - who asks, by what a request says of it: a password, a token, or what another
 * service thinks of it.
 *
 * Everything fails closed.
 */
#ifndef PROXY_AUTH_H
#define PROXY_AUTH_H

#include "proxy/edge.h"

/*
 * True: x is authenticated.  False: it was answered, or waits and goes on by itself: then
 * edge_authenticated() or edge_deny() comes.
 */
bool auth_check(struct exchange *x);

/*
 * What follows the scheme in Authorization; NULL: there is no such field or another scheme.
 * `scheme` is in lower case.  Two fields are none.
 */
const char *auth_credentials(const struct msg *m, const char *scheme, size_t *len);

/* Adds to the request's head.  When that would get larger than any head may be, the request
 * will be answered 431. */
void auth_add_field(struct exchange *x, const char *name, const char *value, size_t len);

#endif
