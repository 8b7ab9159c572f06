/*
 * client.h - the far end of a client's connection: where it comes from, and what in the
 * proxy lives no longer than it.
 *
 * Lies in the conn, whatever version is spoken on it.  A PROXY protocol header, if the
 * listener expects one, puts the address it tells in the place of the connection's own.
 *
 * A connection to a backend that was opened with such a header speaks for one client
 * alone: it is tied to it and ends with it.  What that takes is allocated with the first.
 */
#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include "base/list.h"
#include "proxy/proxyproto.h"

struct client_more;
struct sock;

struct client {
    union proxyproto_addr from;
    int fd;
    uint16_t port;            /* that it connected to; 0: none, or unknown */
    struct client_more *more; /* private; NULL: no header was read or sent */
};

/* In what is tied; `client` is NULL when it is not, or not any more. */
struct client_tie {
    struct list node;
    struct client *client;
    void (*on_gone)(struct client_tie *t); /* the client is gone, and the tie with it */
};

/* `from` is where fd was accepted from, `port` the listener's. */
void client_init(struct client *c, int fd, const union proxyproto_addr *from,
                 uint16_t port);
/* One with the same ends and without a connection, for what may outlive `from`.  Ends with
 * client_gone(). */
void client_copy(struct client *to, struct client *from);
/* A header was read. */
void client_told(struct client *c, const struct proxyproto *p);
/* Begins a connection to a backend with a header of that version. */
void client_announce(struct client *c, struct sock *s, unsigned version);

void client_tie_init(struct client_tie *t, void (*on_gone)(struct client_tie *t));
void client_tie(struct client *c, struct client_tie *t);
void client_untie(struct client_tie *t); /* harmless when it is not tied */
/* All that is tied. */
const struct list *client_ties(struct client *c);
/* Its connection closes: tells all that is tied.  Once. */
void client_gone(struct client *c);

#endif
