/*
 * tls_peer.h - one backend that TLS is spoken to: its name, and the session to resume.
 *
 * Shared by all workers.
 */
#ifndef PROXY_TLS_TLS_PEER_H
#define PROXY_TLS_TLS_PEER_H

#include "proxy/tls/tls_client.h"
#include "proxy/tls/tls_io.h"

struct tls_peer;

/* `name` is a host name or an IP address; "": neither asked for nor checked.  References
 * the client. */
struct tls_peer *tls_peer_new(struct tls_client *c, const char *name);
struct tls_peer *tls_peer_ref(struct tls_peer *p);
void tls_peer_unref(struct tls_peer *p); /* NULL is fine; any thread */
/* Was it made from these? */
bool tls_peer_is(const struct tls_peer *p, const struct tls_client *c, const char *name);

/* A new connection that offers the newest session; p must outlive it. */
SSL *tls_peer_open(struct tls_peer *p, enum tls_offer offer);
/* For tls_client.c: takes the session over; 1, as the library wants it. */
int tls_peer_keep(struct tls_peer *p, SSL_SESSION *session);

#endif
