/*
 * tls_client.h - what a pool needs to speak TLS to its backends.
 *
 * Immutable and shared by all workers.  A reload whose settings and files are the same
 * keeps it, so that connections to backends are kept, too.
 */
#ifndef PROXY_TLS_TLS_CLIENT_H
#define PROXY_TLS_TLS_CLIENT_H

#include <openssl/ssl.h>

#include "proxy/tls/tls_report.h"

struct tls_client;

/* `old` (NULL: none) is returned again when nothing changed.  NULL: faults were reported.
 */
struct tls_client *tls_client_new(const struct tls_report *r,
                                  const struct cfg_pool_tls *cfg, struct tls_client *old);
struct tls_client *tls_client_ref(struct tls_client *c);
void tls_client_unref(struct tls_client *c); /* NULL is fine; any thread */

/* A new connection, of which nothing is known yet. */
SSL *tls_client_open(struct tls_client *c);

#endif
