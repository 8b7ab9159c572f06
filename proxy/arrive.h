/*
 * arrive.h - from a request's head to the service that is to answer it.
 *
 * Finds the route, the client, the user and the service, and makes of the head what goes
 * up: hop-by-hop fields out, ours in.  Or finds that it is answered here.
 */
#ifndef PROXY_ARRIVE_H
#define PROXY_ARRIVE_H

#include "proxy/exchange.h"

/* Of ours, for a request that goes nowhere. */
struct arrival {
    unsigned status;
    const char *why;
    bool refused; /* counted under: */
    enum stats_refusal reason;
};

/* True: x->service is asked, and *client is the address after the trust rule.  False: *a
 * says what is answered. */
bool arrive(struct exchange *x, const struct stream_info *info,
            struct sockaddr_storage *client, struct arrival *a);

#endif
