/* A proxy and a provider that do what a test says, for the scaler's units. */
#ifndef TESTS_UNIT_SCALER_FAKE_H
#define TESTS_UNIT_SCALER_FAKE_H

#include <stdio.h>
#include <string.h>

#include "scaler/provider/provider.h"
#include "scaler/scaler.h"

#define FAKE_MAX 64

/* ---- the proxy: pools of one service ---- */

struct fake_proxy {
    struct load load;
    struct backend_view views[FAKE_MAX];
    size_t n;
    bool refuses;       /* change() fails */
    bool probes_fail;   /* what is added stays down */
    char journal[4096]; /* "add ID", "drain ID", "remove ID", one a line */
};

static inline void fake_load(void *ctx, uint16_t service, struct load *out)
{
    (void)service;
    *out = ((struct fake_proxy *)ctx)->load;
}

static inline size_t fake_backends(void *ctx, uint16_t service, enum tier tier,
                                   struct backend_view *out, size_t max)
{
    const struct fake_proxy *p = ctx;
    size_t n = 0;

    if (service != 0)
        return 0;
    for (size_t i = 0; i < p->n && n < max; i++)
        if (p->views[i].tier == tier)
            out[n++] = p->views[i];
    return n;
}

static inline struct backend_view *fake_view(struct fake_proxy *p, const char *id)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->views[i].id, id) == 0)
            return &p->views[i];
    return NULL;
}

static inline int fake_change(void *ctx, const struct pool_change *c)
{
    static const char *const kinds[] = {"add", "drain", "remove"};
    struct fake_proxy *p = ctx;
    struct backend_view *v = fake_view(p, c->id);
    size_t used = strlen(p->journal);

    snprintf(p->journal + used, sizeof(p->journal) - used, "%s %s\n", kinds[c->kind],
             c->id);
    if (p->refuses)
        return RC_NOT_FOUND;
    if (c->kind == POOL_ADD) {
        v = &p->views[p->n++];
        *v = (struct backend_view){.addr = c->addr, .tier = c->tier, .health = BACKEND_UP};
        if (p->probes_fail)
            v->health = BACKEND_UNKNOWN;
        snprintf(v->id, sizeof(v->id), "%s", c->id);
    } else if (v != NULL && c->kind == POOL_DRAIN) {
        v->admin = BACKEND_DRAIN;
    } else if (v != NULL) {
        *v = p->views[--p->n];
    }
    return RC_OK;
}

static inline void fake_fixed(struct fake_proxy *p, enum tier t, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p->views[p->n++] = (struct backend_view){.tier = t, .health = BACKEND_UP};
}

/* ---- the provider ---- */

struct fake_instance {
    char id[NAME_MAX_LEN];
    enum provider_phase phase;
    bool destroyed;
};

struct fake_provider {
    struct provider base;
    struct fake_instance at[FAKE_MAX];
    size_t n;
    int create_rc;           /* what create() answers */
    bool slow;               /* instances stay starting until fake_serve() */
    bool stubborn;           /* destroy() does not end them until fake_finish() */
    bool adopts_gone;        /* what is adopted is not there any more */
    unsigned created, ended; /* ever */
};

static inline struct fake_instance *fake_find(struct fake_provider *p, const char *id)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i].id, id) == 0)
            return &p->at[i];
    return NULL;
}

static inline struct fake_instance *fake_put(struct fake_provider *p, const char *id,
                                             enum provider_phase phase)
{
    struct fake_instance *i = &p->at[p->n++];

    *i = (struct fake_instance){.phase = phase};
    snprintf(i->id, sizeof(i->id), "%s", id);
    return i;
}

static inline int fake_create(struct provider *base, const struct cfg_service *svc,
                              enum tier t, const char *id, struct why *w)
{
    struct fake_provider *p = (struct fake_provider *)base;

    (void)svc;
    (void)t;
    if (p->create_rc != RC_OK)
        return why_set(w, (enum rc)p->create_rc, "no luck");
    fake_put(p, id, p->slow ? PROVIDER_STARTING : PROVIDER_SERVING);
    p->created++;
    return RC_OK;
}

static inline void fake_adopt(struct provider *base, const struct cfg_service *svc,
                              const char *id, const struct addr *addr, const char *handle)
{
    struct fake_provider *p = (struct fake_provider *)base;

    (void)svc;
    (void)addr;
    fake_put(p, id, handle[0] == 0 || p->adopts_gone ? PROVIDER_ENDED : PROVIDER_SERVING);
}

static inline void fake_status(struct provider *base, const char *id,
                               struct provider_status *out)
{
    struct fake_instance *i = fake_find((struct fake_provider *)base, id);

    *out = (struct provider_status){.phase = PROVIDER_ENDED};
    if (i == NULL)
        return;
    out->phase = i->phase;
    snprintf(out->handle, sizeof(out->handle), "handle-of-%s", id);
    addr_parse("127.0.0.1:20001", &out->addr, NULL);
}

static inline void fake_destroy(struct provider *base, const char *id)
{
    struct fake_provider *p = (struct fake_provider *)base;
    struct fake_instance *i = fake_find(p, id);

    if (i == NULL)
        return;
    i->destroyed = true;
    if (!p->stubborn)
        i->phase = PROVIDER_ENDED;
}

static inline void fake_forget(struct provider *base, const char *id)
{
    struct fake_provider *p = (struct fake_provider *)base;
    struct fake_instance *i = fake_find(p, id);

    if (i == NULL)
        return;
    *i = p->at[--p->n];
    p->ended++;
}

static inline void fake_poll(struct provider *base, mono_us now)
{
    (void)base;
    (void)now;
}

static const struct provider_ops fake_ops = {"fake",      fake_create,  fake_adopt,
                                             fake_status, fake_destroy, fake_forget,
                                             fake_poll,   NULL};

#endif
