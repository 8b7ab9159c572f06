/*
 * auth_basic.h - name and password (RFC 7617).
 *
 * A verdict is remembered, so that a hash is computed once for each name and password, and
 * a slow one on the hasher's thread: no request waits for another one's bcrypt.
 */
#ifndef PROXY_AUTH_BASIC_H
#define PROXY_AUTH_BASIC_H

#include "proxy/edge.h"

bool auth_basic_check(struct exchange *x); /* as auth_check() */

/* x is over: what it waited for comes to nobody. */
void auth_basic_forget(struct exchange *x);

#endif
