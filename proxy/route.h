/*
 * route.h - which route a host and path belong to, among thousands.
 *
 * One hash table over (host, path prefix).  A look-up walks the path once and asks at
 * each segment boundary: its cost follows the length of the path, and of the longest
 * configured prefix, not the number of routes.
 *
 * Immutable after route_index_new(); any thread.  Pure.
 */
#ifndef PROXY_ROUTE_H
#define PROXY_ROUTE_H

#include <stddef.h>

#include "conf/cfg.h"

struct route_index;

/* The routes are borrowed.  Of two with the same host and path the first holds. */
struct route_index *route_index_new(const struct cfg_route *routes, size_t n);
void route_index_free(struct route_index *x); /* NULL is fine */

/*
 * The route of this host with the longest prefix of `path`; if it has none, the same
 * among routes for any host.  A prefix ends at a segment: "/a" holds for "/a" and "/a/b",
 * not for "/ab"; "/a/" holds for "/a/b", not for "/a".  NULL: no route.
 */
const struct cfg_route *route_index_find(const struct route_index *x, const char *host,
                                         size_t host_len, const char *path,
                                         size_t path_len);

#endif
