/*
 * conn.h - a client's HTTP/1 connection: requests in, answers out, in order.
 *
 * Reads heads and bodies with the pure codecs, gives them to forward.c as a stream, and
 * writes what comes back.  One request at a time; pipelined ones wait in the inbox.
 *
 *   HEAD -> BODY -> WAIT -> HEAD ...      HEAD -> WAIT (no body)
 *   BODY | WAIT -> TUNNEL (101)           any -> LINGER (answered early) -> closed
 */
#ifndef PROXY_CONN_H
#define PROXY_CONN_H

#include "proxy/proxyproto.h"
#include "proxy/worker.h"

struct listener;

/* Takes over fd, which was accepted from that address. */
void conn_new(struct worker *w, int fd, struct listener *lis,
              const union proxyproto_addr *from);
/* Ends an idle connection; a busy one after its answer. */
void conn_drain(struct conn *c);
/* Cuts it. */
void conn_kill(struct conn *c);
struct conn *conn_from_node(struct list *node); /* worker.conns */
/* Frees what all of them, gone by now, have left for reuse. */
void conn_free_spare(struct worker *w);

#endif
