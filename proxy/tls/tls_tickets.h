/*
 * tls_tickets.h - the ticket keys of a listener, used by all its workers.
 *
 * Random keys change by themselves when the time has come and go on over reloads; keys
 * from files are what the files say at each reload.  Any thread.
 */
#ifndef PROXY_TLS_TLS_TICKETS_H
#define PROXY_TLS_TLS_TICKETS_H

#include <openssl/ssl.h>

#include "proxy/tls/tls_report.h"

struct tls_tickets;

/* `old` (NULL: none) are those of the same listener before.  NULL: a fault was reported. */
struct tls_tickets *tls_tickets_new(const struct tls_report *r,
                                    const struct cfg_tls_tickets *cfg,
                                    struct tls_tickets *old);
void tls_tickets_unref(struct tls_tickets *t); /* NULL is fine */

/* Makes the context use them; it must not outlive them. */
void tls_tickets_use(struct tls_tickets *t, SSL_CTX *ctx);

#endif
