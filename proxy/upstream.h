/*
 * upstream.h - an HTTP/1.1 connection to a backend: opened, used, kept, reused.
 *
 * Unused connections are kept per worker and backend, newest first; what a backend
 * allows in all (max_connections, max_idle) is counted over all workers.
 *
 * One that began with a PROXY protocol header is kept for its client connection alone, and
 * closed with it.
 */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include "proxy/exchange.h"

enum upstream_got {
    UPSTREAM_READY,      /* x->up is set and can be written to */
    UPSTREAM_CONNECTING, /* x->up is set; forward_connected() or a fault follows */
    UPSTREAM_FULL,       /* max_connections is reached and none is unused here */
    UPSTREAM_FAILED,     /* connect() failed at once */
};

/* A connection to x->backend for x.  `fresh`: reuse one only if no other may be opened. */
enum upstream_got upstream_get(struct exchange *x, bool fresh);
/* Closes all connections in a list of unused ones, or the oldest one to a backend. */
void upstream_close_list(struct list *idle);
bool upstream_close_one_idle(struct worker *w, const struct backend *be);

#endif
