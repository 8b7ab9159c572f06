/*
 * h2up.h - HTTP/2 connections to a backend: few, each for many requests at once.
 *
 * Kept per worker and backend, the newest first; another is opened only when those there
 * are have no room for a stream.  Each counts as one connection of the backend's, and as
 * an unused one while nothing is under way on it.
 *
 * One that began with a PROXY protocol header serves one client connection alone, and is
 * closed with it.
 *
 * A connection is used once the backend's SETTINGS are here: then it is known that it
 * speaks HTTP/2, how many streams it takes and whether it takes tunnels.
 */
#ifndef PROXY_H2UP_H
#define PROXY_H2UP_H

#include "proxy/upstream.h"

/* As upstream_get(). */
enum upstream_got h2up_get(struct exchange *x);
/* A connection of x's to its backend on which HTTP/2 was agreed: moves it and x here, and
 * takes over the backend's reservation. */
void h2up_adopt(struct sock *sock, struct exchange *x);
/* Closes those that serve nobody; the others when they serve nobody any more. */
void h2up_close_list(struct list *links);
bool h2up_close_one_idle(struct worker *w, const struct backend *be);

#endif
