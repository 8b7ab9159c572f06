/*
 * tls_server.h - everything a listener needs to speak TLS, made from its configuration.
 *
 * Immutable and shared by all workers; a reload makes a new one, connections that began on
 * the old one keep it.
 */
#ifndef PROXY_TLS_TLS_SERVER_H
#define PROXY_TLS_TLS_SERVER_H

#include <openssl/ssl.h>

#include "proxy/tls/tls_report.h"

struct tls_server;

/*
 * `old` (NULL: none) is the same listener's before; its ticket keys go on.  NULL: faults
 * were reported.
 */
struct tls_server *tls_server_new(const struct tls_report *r,
                                  const struct cfg_listener *listener,
                                  const struct tls_server *old);
struct tls_server *tls_server_ref(struct tls_server *s);
void tls_server_unref(struct tls_server *s); /* NULL is fine; any thread */

/* A new connection on the default certificate; it switches by itself. */
SSL *tls_server_open(struct tls_server *s);
bool tls_server_asks_clients(const struct tls_server *s); /* for certificates */

#endif
