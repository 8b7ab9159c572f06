/*
 * mirror.h - copies of requests for another service, whose answers nobody sees.
 *
 * The body is kept as it passes, up to a limit; the copy goes when the request is complete.
 * It never delays or fails the request: how many are under way is bounded, a copy finds a
 * free slot or is dropped, and what it does is counted at the service of the request.
 */
#ifndef PROXY_MIRROR_H
#define PROXY_MIRROR_H

#include "proxy/edge.h"

/* Decides whether x is copied, and begins.  Its head is as it goes to the service. */
void mirror_begin(struct exchange *x);
void mirror_data(struct exchange *x, const uint8_t *p, size_t n);
/* The request is complete. */
void mirror_send(struct exchange *x);
/* The request is over before it was complete; harmless when there is no copy. */
void mirror_drop(struct exchange *x);

#endif
