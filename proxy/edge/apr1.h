/*
 * apr1.h - the MD5-based password hash of Apache's htpasswd, which no library here has.
 *
 * Poul-Henning Kamp's algorithm of FreeBSD's crypt(3) (1994) under the name "$apr1$".  For
 * files that exist; new ones should use bcrypt.  Takes about 0.3 ms.  Any thread.
 */
#ifndef PROXY_EDGE_APR1_H
#define PROXY_EDGE_APR1_H

#include <stdbool.h>
#include <stddef.h>

/* "$apr1$", up to 8 bytes of salt, "$", 22 characters of hash. */
#define APR1_TEXT_MAX 40

/* The hash of the password with the salt of `setting`, a hash or its beginning.  False: the
 * setting is none of apr1. */
bool apr1_hash(const char *password, const char *setting, char out[APR1_TEXT_MAX]);

#endif
