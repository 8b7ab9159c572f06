/*
 * tls_set.h - all that one configuration needs of TLS: a server for each listener, a client
 * for each pool that has it.
 *
 * Immutable; made and dropped with its configuration.
 */
#ifndef PROXY_TLS_TLS_SET_H
#define PROXY_TLS_TLS_SET_H

#include "conf/cfg.h"
#include "conf/cfg_errors.h"

struct tls_client;
struct tls_server;
struct tls_set;

/*
 * Reads all files.  `old` (NULL: none) is the set before: its ticket keys go on, and its
 * clients where nothing changed.  NULL: errs says all that is wrong.
 */
struct tls_set *tls_set_new(const struct cfg *cfg, const struct tls_set *old,
                            struct cfg_errors *errs);
struct tls_set *tls_set_ref(struct tls_set *s);
void tls_set_unref(struct tls_set *s); /* NULL is fine; any thread */

/* Of a listener by its index; NULL: it speaks plain HTTP. */
struct tls_server *tls_set_server(const struct tls_set *s, size_t listener);
/* Of a pool; NULL: none of its backends needs one. */
struct tls_client *tls_set_client(const struct tls_set *s, uint16_t service,
                                  enum tier tier);

#endif
