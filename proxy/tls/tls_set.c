#include "proxy/tls/tls_set.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/tls/tls_client.h"
#include "proxy/tls/tls_server.h"

struct server {
    struct addr bind; /* by which a reload finds it again */
    struct tls_server *tls;
};

struct service {
    char *name; /* owned; by which a reload finds it again */
    struct tls_client *tls[N_TIERS];
};

struct tls_set {
    _Atomic unsigned refs;
    struct server *servers;
    size_t n_servers;
    struct service *services;
    size_t n_services;
};

static const struct tls_server *old_server(const struct tls_set *old,
                                           const struct addr *bind)
{
    for (size_t i = 0; old != NULL && i < old->n_servers; i++)
        if (addr_equal(&old->servers[i].bind, bind))
            return old->servers[i].tls;
    return NULL;
}

static struct tls_client *old_client(const struct tls_set *old, const char *name,
                                     enum tier tier)
{
    for (size_t i = 0; old != NULL && i < old->n_services; i++)
        if (strcmp(old->services[i].name, name) == 0)
            return old->services[i].tls[tier];
    return NULL;
}

static void add_server(const struct tls_report *r, const struct tls_set *old, size_t i,
                       struct server *out)
{
    const struct cfg_listener *l = &r->cfg->listeners[i];

    out->bind = l->bind;
    if (l->tls.present)
        out->tls = tls_server_new(r, l, old_server(old, &l->bind));
}

static bool needs_client(const struct cfg_pool *p)
{
    bool needs = p->tls.present;

    for (size_t i = 0; i < p->n_backends; i++)
        needs = needs || p->backends[i].tls == CFG_BACKEND_TLS_ON;
    return p->present && needs;
}

static void add_service(const struct tls_report *r, const struct tls_set *old, size_t i,
                        struct service *out)
{
    const struct cfg_service *s = &r->cfg->services[i];

    out->name = mem_str(s->name);
    for (enum tier t = 0; t < N_TIERS; t++)
        if (needs_client(&s->pools[t]))
            out->tls[t] = tls_client_new(r, &s->pools[t].tls, old_client(old, s->name, t));
}

struct tls_set *tls_set_new(const struct cfg *cfg, const struct tls_set *old,
                            struct cfg_errors *errs)
{
    struct tls_set *s = MEM_NEW(struct tls_set);
    const struct tls_report r = {cfg, errs};
    size_t before = errs->n;

    atomic_init(&s->refs, 1);
    s->n_servers = cfg->n_listeners;
    s->servers = MEM_NEW_N(struct server, s->n_servers);
    s->n_services = cfg->n_services;
    s->services = MEM_NEW_N(struct service, s->n_services);
    for (size_t i = 0; i < s->n_servers; i++)
        add_server(&r, old, i, &s->servers[i]);
    for (size_t i = 0; i < s->n_services; i++)
        add_service(&r, old, i, &s->services[i]);
    if (errs->n == before)
        return s;
    tls_set_unref(s);
    return NULL;
}

struct tls_set *tls_set_ref(struct tls_set *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void tls_set_unref(struct tls_set *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < s->n_servers; i++)
        tls_server_unref(s->servers[i].tls);
    for (size_t i = 0; i < s->n_services; i++) {
        for (int t = 0; t < N_TIERS; t++)
            tls_client_unref(s->services[i].tls[t]);
        free(s->services[i].name);
    }
    free(s->servers);
    free(s->services);
    free(s);
}

struct tls_server *tls_set_server(const struct tls_set *s, size_t listener)
{
    return s != NULL ? s->servers[listener].tls : NULL;
}

struct tls_client *tls_set_client(const struct tls_set *s, uint16_t service, enum tier tier)
{
    return s != NULL ? s->services[service].tls[tier] : NULL;
}
