/*
 * topology.h - one immutable picture of routes, services, pools and backends.
 *
 * Built by the main thread whenever configuration or membership changes, handed to
 * each worker by mail, given back when the worker has moved on and its last exchange
 * on it has ended.  Nothing in it changes but the shared counts it points to.
 */
#ifndef PROXY_TOPOLOGY_H
#define PROXY_TOPOLOGY_H

#include "proxy/service.h"

struct access_set;
struct edge_set;
struct route_index;
struct tls_set;

struct topology {
    struct cfg *cfg;       /* a reference */
    struct tls_set *tls;   /* a reference, of who publishes it; may be NULL */
    struct edge_set *edge; /* the same */
    struct service *services;
    uint32_t n_services;
    uint32_t n_slots; /* every backend's slot is below, those of earlier topologies too */
    struct access_set *access;  /* a reference; NULL: nothing is logged */
    struct route_index *routes; /* private */
    _Atomic unsigned refs;      /* private */
};

/*
 * References cfg and shared[], one for each of its services.  All pools are empty:
 * the builder fills them before anybody else sees the topology.
 */
struct topology *topology_new(struct cfg *cfg, struct service_shared *const *shared,
                              uint32_t n_slots);
/* Once for a pool; references the backends. */
void topology_fill(struct topology *t, uint16_t service, enum tier tier,
                   struct backend *const *backends, uint32_t n);

struct topology *topology_ref(struct topology *t);
void topology_unref(struct topology *t); /* the last one frees it; any thread */

/*
 * The most specific route for host (lower case, without port; len 0: none) and normal
 * path (uri.h): exact host before any host, then the longest prefix, on segment
 * boundaries ("/a" matches "/a" and "/a/b", not "/ab").  NULL: no route.
 */
const struct cfg_route *topology_route(const struct topology *t, const char *host,
                                       size_t host_len, const char *path, size_t path_len);

#endif
