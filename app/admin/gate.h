/*
 * gate.h - may this request read, may it change something?
 *
 * Three attacks are meant: a page in the operator's browser that posts to the loopback
 * address (Origin), a name that an attacker's DNS points at it (Host), and anybody who
 * can reach an endpoint that is bound to more than loopback (token).
 *
 * Pure: the answer depends on the arguments only.
 */
#ifndef APP_ADMIN_GATE_H
#define APP_ADMIN_GATE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/addr.h"

struct gate_request {
    const struct sockaddr *peer;
    const char *host, *origin, *authorization; /* NULL: no such field */
};

enum gate_verdict {
    GATE_OPEN,
    GATE_HOST,   /* not one of this endpoint's names */
    GATE_ORIGIN, /* sent by a page of somewhere else */
    GATE_TOKEN,  /* a token is configured and was not shown */
    GATE_REMOTE, /* no token is configured: only from this machine */
};

/* An endpoint on loopback answers to localhost, 127.0.0.1, [::1], the bind text and no
 * name at all; elsewhere, and on a unix socket, the name is not checked. */
enum gate_verdict gate_read(const struct addr *bind, const struct gate_request *r);

/* As gate_read(), and: from no other page; with `token` if that is not "", else from
 * this machine under one of the names above. */
enum gate_verdict gate_change(const struct addr *bind, const char *token,
                              const struct gate_request *r);

/* HTTP status and a sentence for the client. */
int gate_status(enum gate_verdict v);
const char *gate_text(enum gate_verdict v);

#endif
