/*
 * htpasswd.h - names and hashed passwords, and whether a password is the right one.
 *
 * Hashes: what crypt(3) of this system makes and is not obsolete (bcrypt, yescrypt,
 * sha512-crypt, sha256-crypt, md5-crypt), "$apr1$" and "{SHA}".
 *
 * Immutable once it was filled; then any thread.
 */
#ifndef PROXY_EDGE_HTPASSWD_H
#define PROXY_EDGE_HTPASSWD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"

struct htpasswd;

/* A longer one is wrong whatever it is. */
#define HTPASSWD_PASSWORD_MAX 256

struct htpasswd *htpasswd_new(void);
void htpasswd_free(struct htpasswd *h); /* NULL is fine */

/* One "name:hash".  RC_INVALID: no such line, a hash that cannot be checked, a name that is
 * there already. */
int htpasswd_add(struct htpasswd *h, const char *line, size_t len, struct why *w);
/* A file's text: such lines, empty ones, and comments that begin with #. */
int htpasswd_add_text(struct htpasswd *h, const char *text, struct why *w);

/*
 * What to check a password of that user against; borrowed.  Nobody of that name: a hash as
 * dear as the others, and *known is false.  NULL: there is nobody at all.
 */
const char *htpasswd_hash(const struct htpasswd *h, const char *name, size_t len,
                          bool *known);

/* May a check take a millisecond or more? */
bool htpasswd_is_slow(const char *hash);

/* Takes as long as the hash wants: 0.1 ms to some 100 ms. */
bool htpasswd_check(const char *hash, const char *password);

#endif
