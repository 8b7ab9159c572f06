#include "proxy/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/resolve.h"
#include "proxy/slots.h"
#include "proxy/tls/tls_set.h"

/* What the scaler started; its backend is a member. */
struct instance {
    struct list node;
    struct pool_change add; /* as it was added */
    bool drain;
};

/* ---- names ---- */

static void name_free(struct roster_name *n)
{
    if (n->lookup != NULL)
        resolve_remove(n->lookup);
    list_remove(&n->node);
    free(n->found);
    free(n);
}

void roster_found(struct roster_name *n, const struct addr *addrs, size_t n_addrs)
{
    n->found = mem_grow(n->found, n_addrs, sizeof(*addrs));
    memcpy(n->found, addrs, n_addrs * sizeof(*addrs));
    n->n_found = n_addrs;
}

static struct roster_name *name_get(struct roster_pool *p, const struct addr *addr)
{
    struct roster_name *name;

    LIST_EACH (n, &p->names) {
        name = CONTAINER_OF(n, struct roster_name, node);
        if (addr_equal(&name->addr, addr))
            return name;
    }
    name = MEM_NEW(struct roster_name);
    name->addr = *addr;
    list_add_tail(&p->names, &name->node);
    return name;
}

/* The pool's names are those of its configuration; answers are kept. */
static void follow_names(struct roster_pool *p)
{
    const struct cfg_pool *cfg = &p->place.service->pools[p->place.tier];

    LIST_EACH (n, &p->names)
        CONTAINER_OF(n, struct roster_name, node)->wanted = false;
    for (size_t i = 0; i < cfg->n_backends; i++) {
        struct roster_name *name;

        if (cfg->backends[i].addr.kind != ADDR_NAME)
            continue;
        name = name_get(p, &cfg->backends[i].addr);
        name->pool = p;
        name->cfg = &cfg->backends[i];
        name->wanted = true;
    }
    LIST_EACH (n, &p->names)
        if (!CONTAINER_OF(n, struct roster_name, node)->wanted)
            name_free(CONTAINER_OF(n, struct roster_name, node));
}

/* ---- instances ---- */

static struct instance *instance_find(const struct roster_pool *p, const struct addr *addr)
{
    LIST_EACH (n, &p->instances)
        if (addr_equal(&CONTAINER_OF(n, struct instance, node)->add.addr, addr))
            return CONTAINER_OF(n, struct instance, node);
    return NULL;
}

static void instance_free(struct instance *i)
{
    list_remove(&i->node);
    free(i);
}

static void instance_add(struct roster_pool *p, const struct pool_change *c)
{
    struct instance *i = MEM_NEW(struct instance);

    i->add = *c;
    list_add_tail(&p->instances, &i->node);
}

int roster_change(struct roster_pool *p, const struct pool_change *c)
{
    struct instance *i = instance_find(p, &c->addr);

    if (c->kind == POOL_ADD) {
        if (i != NULL)
            return RC_EXISTS;
        instance_add(p, c);
        return RC_OK;
    }
    if (i == NULL)
        return RC_NOT_FOUND;
    if (c->kind == POOL_DRAIN)
        i->drain = true;
    else
        instance_free(i);
    return RC_OK;
}

/* ---- members ---- */

struct member *roster_member(const struct roster_pool *p, const char *addr)
{
    LIST_EACH (n, &p->members) {
        struct member *m = CONTAINER_OF(n, struct member, node);

        if (strcmp(m->be->addr.text, addr) == 0)
            return m;
    }
    return NULL;
}

/* Whether the backend is spoken to with TLS, and whom to expect there; b is NULL for an
 * instance. */
static void want_tls(const struct roster_pool *p, const struct cfg_backend *b,
                     struct member_want *w)
{
    const struct cfg_pool_tls *cfg = &p->place.service->pools[p->place.tier].tls;
    enum cfg_backend_tls own = b != NULL ? b->tls : CFG_BACKEND_TLS_AUTO;

    w->tls = own == CFG_BACKEND_TLS_ON || (own == CFG_BACKEND_TLS_AUTO && cfg->present);
    w->server_name[0] = 0;
    if (!w->tls)
        return;
    if (b != NULL && b->server_name[0] != 0)
        snprintf(w->server_name, sizeof(w->server_name), "%s", b->server_name);
    else if (cfg->server_name[0] != 0)
        snprintf(w->server_name, sizeof(w->server_name), "%s", cfg->server_name);
    else
        addr_host(b != NULL ? &b->addr : w->addr, w->server_name);
}

/* True when the member is new, or its backend is. */
static bool want(struct roster_pool *p, const struct member_want *w)
{
    struct member *m = roster_member(p, w->addr->text);
    bool other = false;

    if (m == NULL) {
        m = member_new(&p->place, w);
        list_add_tail(&p->members, &m->node);
        other = true;
    } else if (!m->wanted) {
        other = member_follow(m, &p->place, w);
    }
    m->wanted = true; /* an address that is wanted twice is one backend */
    return other;
}

static bool want_configured(struct roster_pool *p)
{
    const struct cfg_pool *cfg = &p->place.service->pools[p->place.tier];
    struct member_want w = {.id = "", .probe = ""};
    bool other = false;

    for (size_t i = 0; i < cfg->n_backends; i++) {
        if (cfg->backends[i].addr.kind == ADDR_NAME)
            continue;
        w.addr = &cfg->backends[i].addr;
        w.weight = cfg->backends[i].weight;
        want_tls(p, &cfg->backends[i], &w);
        other |= want(p, &w);
    }
    return other;
}

static bool want_found(struct roster_pool *p)
{
    struct member_want w = {.id = "", .probe = ""};
    bool other = false;

    LIST_EACH (n, &p->names) {
        struct roster_name *name = CONTAINER_OF(n, struct roster_name, node);

        w.weight = name->cfg->weight;
        want_tls(p, name->cfg, &w);
        for (size_t i = 0; i < name->n_found; i++) {
            w.addr = &name->found[i];
            other |= want(p, &w);
        }
    }
    return other;
}

static bool want_instances(struct roster_pool *p)
{
    bool other = false;

    LIST_EACH (n, &p->instances) {
        struct instance *i = CONTAINER_OF(n, struct instance, node);
        struct member_want w = {.addr = &i->add.addr,
                                .weight = 1,
                                .instance = true,
                                .id = i->add.id,
                                .probe = i->add.probe,
                                .drain = i->drain};

        want_tls(p, NULL, &w);
        other |= want(p, &w);
    }
    return other;
}

bool roster_compare(struct roster_pool *p)
{
    bool other = false;

    LIST_EACH (n, &p->members)
        CONTAINER_OF(n, struct member, node)->wanted = false;
    other |= want_configured(p);
    other |= want_found(p);
    other |= want_instances(p);
    LIST_EACH (n, &p->members) {
        struct member *m = CONTAINER_OF(n, struct member, node);

        if (m->wanted || m->leaving)
            continue;
        if (m->instance)
            member_free(m);
        else
            member_leave(m);
        other = true;
    }
    return other;
}

static bool sweep_pool(struct roster_pool *p)
{
    bool more_to_come = false;

    LIST_EACH (n, &p->members) {
        struct member *m = CONTAINER_OF(n, struct member, node);

        if (!m->leaving)
            continue;
        if (atomic_load(&m->be->shared->inflight) > 0)
            more_to_come = true;
        else
            member_free(m);
    }
    return more_to_come;
}

bool roster_sweep(struct roster *r)
{
    bool more_to_come = false;

    for (size_t i = 0; i < r->n_services; i++)
        for (int t = 0; t < N_TIERS; t++)
            more_to_come |= sweep_pool(&r->services[i].pools[t]);
    return more_to_come;
}

/* ---- look-up and life ---- */

struct roster_pool *roster_find(const struct roster *r, uint16_t service, enum tier tier)
{
    if (service >= r->n_services || (unsigned)tier >= N_TIERS ||
        !r->cfg->services[service].pools[tier].present)
        return NULL;
    return &r->services[service].pools[tier];
}

struct roster_service *roster_named(const struct roster *r, const char *name)
{
    const struct cfg_service *s = cfg_service_find(r->cfg, name);

    return s != NULL ? &r->services[s->index] : NULL;
}

static uint32_t list_backends(const struct roster_pool *p, struct backend ***out,
                              size_t *room)
{
    uint32_t n = 0;

    LIST_EACH (node, &p->members) {
        struct member *m = CONTAINER_OF(node, struct member, node);

        if (m->leaving)
            continue;
        if (n == *room) {
            *room = *room * 2 + 16;
            *out = mem_grow(*out, *room, sizeof(**out));
        }
        (*out)[n++] = m->be;
    }
    return n;
}

struct topology *roster_topology(const struct roster *r)
{
    struct service_shared **shared = MEM_NEW_N(struct service_shared *, r->n_services);
    struct backend **backends = NULL;
    struct topology *t;
    size_t room = 0;

    for (size_t i = 0; i < r->n_services; i++)
        shared[i] = r->services[i].shared;
    t = topology_new(r->cfg, shared, slots_high(r->slots));
    for (size_t i = 0; i < r->n_services; i++)
        for (enum tier tier = 0; tier < N_TIERS; tier++) {
            uint32_t n = list_backends(&r->services[i].pools[tier], &backends, &room);

            if (n > 0)
                topology_fill(t, (uint16_t)i, tier, backends, n);
        }
    free(backends);
    free(shared);
    return t;
}

static void pool_new(struct roster_pool *p, const struct roster_tools *tools,
                     const struct cfg_service *service, enum tier tier,
                     struct service_shared *home)
{
    p->place =
        (struct member_place){.loop = tools->loop,
                              .rng = tools->rng,
                              .slots = tools->slots,
                              .service = service,
                              .tier = tier,
                              .home = home,
                              .tls = tls_set_client(tools->tls, service->index, tier)};
    list_init(&p->members);
    list_init(&p->instances);
    list_init(&p->names);
}

static void pool_free(struct roster_pool *p)
{
    LIST_EACH (n, &p->members)
        member_free(CONTAINER_OF(n, struct member, node));
    LIST_EACH (n, &p->instances)
        instance_free(CONTAINER_OF(n, struct instance, node));
    LIST_EACH (n, &p->names)
        name_free(CONTAINER_OF(n, struct roster_name, node));
}

/* Instances of a pool that is configured no more have nowhere to go. */
static void pool_inherit(struct roster_pool *p, struct roster_pool *old)
{
    list_join(&p->members, &old->members);
    list_join(&p->names, &old->names);
    if (p->place.service->pools[p->place.tier].present)
        list_join(&p->instances, &old->instances);
}

static void service_new(struct roster_service *s, const struct roster_tools *tools,
                        const struct cfg_service *cfg, struct roster_service *old)
{
    s->shared =
        old != NULL ? service_shared_ref(old->shared) : service_shared_new(cfg->name);
    for (enum tier t = 0; t < N_TIERS; t++) {
        pool_new(&s->pools[t], tools, cfg, t, s->shared);
        if (old != NULL)
            pool_inherit(&s->pools[t], &old->pools[t]);
        follow_names(&s->pools[t]);
    }
}

struct roster *roster_new(struct cfg *cfg, const struct roster_tools *tools,
                          struct roster *old)
{
    struct roster *r = MEM_NEW(struct roster);

    r->cfg = cfg_ref(cfg);
    r->slots = tools->slots;
    r->tls = tools->tls != NULL ? tls_set_ref(tools->tls) : NULL;
    r->n_services = cfg->n_services;
    r->services = MEM_NEW_N(struct roster_service, r->n_services);
    for (size_t i = 0; i < r->n_services; i++) {
        const struct cfg_service *s = &cfg->services[i];

        service_new(&r->services[i], tools, s,
                    old != NULL ? roster_named(old, s->name) : NULL);
    }
    roster_free(old);
    return r;
}

void roster_free(struct roster *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->n_services; i++) {
        for (int t = 0; t < N_TIERS; t++)
            pool_free(&r->services[i].pools[t]);
        service_shared_unref(r->services[i].shared);
    }
    free(r->services);
    tls_set_unref(r->tls);
    cfg_unref(r->cfg);
    free(r);
}
