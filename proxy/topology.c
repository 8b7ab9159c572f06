#include "proxy/topology.h"

#include <stdlib.h>

#include "base/check.h"
#include "proxy/access/access_set.h"
#include "proxy/edge_set.h"
#include "proxy/route.h"
#include "proxy/tls/tls_set.h"

struct topology *topology_new(struct cfg *cfg, struct service_shared *const *shared,
                              uint32_t n_slots)
{
    struct topology *t = MEM_NEW(struct topology);

    t->cfg = cfg_ref(cfg);
    t->n_services = (uint32_t)cfg->n_services;
    t->n_slots = n_slots;
    t->services = MEM_NEW_N(struct service, cfg->n_services);
    for (size_t i = 0; i < cfg->n_services; i++) {
        struct service *s = &t->services[i];

        s->cfg = &cfg->services[i];
        s->shared = service_shared_ref(shared[i]);
        for (int tier = 0; tier < N_TIERS; tier++)
            pool_init(&s->pools[tier], &s->cfg->pools[tier], &s->shared->pool[tier], NULL,
                      0);
    }
    t->routes = route_index_new(cfg->routes, cfg->n_routes);
    atomic_store_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void topology_fill(struct topology *t, uint16_t service, enum tier tier,
                   struct backend *const *backends, uint32_t n)
{
    struct service *s = &t->services[service];
    struct pool *p = &s->pools[tier];

    CHECK(service < t->n_services && p->n_backends == 0);
    pool_fini(p);
    pool_init(p, &s->cfg->pools[tier], &s->shared->pool[tier], backends, n);
}

struct topology *topology_ref(struct topology *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

static void service_fini(struct service *s)
{
    for (int tier = 0; tier < N_TIERS; tier++)
        pool_fini(&s->pools[tier]);
    service_shared_unref(s->shared);
}

void topology_unref(struct topology *t)
{
    if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < t->n_services; i++)
        service_fini(&t->services[i]);
    free(t->services);
    route_index_free(t->routes);
    if (t->access != NULL)
        access_set_unref(t->access);
    tls_set_unref(t->tls);
    edge_set_unref(t->edge);
    cfg_unref(t->cfg);
    free(t);
}

const struct cfg_route *topology_route(const struct topology *t, const char *host,
                                       size_t host_len, const char *path, size_t path_len)
{
    return route_index_find(t->routes, host, host_len, path, path_len);
}
