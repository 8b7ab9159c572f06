/*
 * dial.h - a connection to a backend until it can be used, whichever version it will speak.
 *
 * It is counted against the backend's max_connections from the first; the PROXY protocol
 * header goes out before all else, TLS is shaken hands on, ALPN as `protocol` says.
 */
#ifndef PROXY_DIAL_H
#define PROXY_DIAL_H

#include "proxy/sock.h"
#include "proxy/upstream.h"

enum dialled {
    DIALLED,
    DIALLED_NOT_YET,
    DIALLED_NOBODY,    /* nobody is there */
    DIALLED_UNTRUSTED, /* ... or nobody who speaks TLS as configured; it was logged */
};

/* The descriptor of a connection to x->backend that was begun and counted; -1: *why. */
int dial(struct exchange *x, enum upstream_got *why);
/* Opens its sock, as sock_open(), and says what comes before the first request. */
void dial_open(struct sock *s, struct exchange *x, int fd,
               void (*on_io)(struct loop_io *io, unsigned what),
               void (*on_ready)(struct loop_ready *r));
/* Something happened to it. */
enum dialled dial_look(struct sock *s, const struct backend *be);

#endif
