/*
 * ahead.h - how far a request or its answer is read ahead of a slow side.
 *
 * A client that sends or takes slowly must not hold a backend's slot: a request's body that
 * is short enough is received before a backend is taken, and an answer is read to its end
 * while the client still takes it, up to `buffers` of the service and, over all of them,
 * `buffer_memory`.  The time a backend waits for its client is neither its latency nor
 * work.
 */
#ifndef PROXY_AHEAD_H
#define PROXY_AHEAD_H

#include "proxy/exchange.h"

/* Is all of the body to be here before a backend is taken? */
bool ahead_gathers(const struct exchange *x);

/* The answer's head is here. */
void ahead_begins(struct exchange *x, const struct msg *head);
/* n bytes of its body went down, and no more is `welcome` there.  False: the backend waits
 * until ahead_room(). */
bool ahead_passed(struct exchange *x, size_t n, bool welcome);
/* Bytes wait in the kernel that would go down uncopied, if the client took any: are they to
 * be read?  Not before it has taken none for a while; ahead_late() comes then. */
bool ahead_copies(struct exchange *x);
/* The exchange's timer, while it is served. */
void ahead_late(struct exchange *x);
void ahead_room(struct exchange *x);

#endif
