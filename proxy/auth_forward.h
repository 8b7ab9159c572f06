/*
 * auth_forward.h - another service decides: Traefik's forwardAuth, nginx's auth_request.
 *
 * It is asked with GET and the request's fields, and X-Forwarded-Method, -Uri and -Host say
 * what for.  2xx: the request goes on, with fields of that answer if they are configured.
 * Another answer is the client's.  None in time, or a longer one than allowed: 503.
 */
#ifndef PROXY_AUTH_FORWARD_H
#define PROXY_AUTH_FORWARD_H

#include "proxy/edge.h"

/* x waits; edge_authenticated() or edge_deny() comes later. */
void auth_forward_ask(struct exchange *x);

/* x is over: the question is taken back. */
void auth_forward_forget(struct exchange *x);

#endif
