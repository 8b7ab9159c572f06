/*
 * pool_fixture.h - a service with backends, without configuration file, loop or socket.
 */
#ifndef TESTS_UNIT_PROXY_POOL_FIXTURE_H
#define TESTS_UNIT_PROXY_POOL_FIXTURE_H

#include <stdio.h>

#include "proxy/service.h"
#include "proxy/slots.h"

#define T0          ((mono_us)1000 * US_PER_S)
#define FIXTURE_MAX 128

struct fixture {
    struct cfg_service cfg; /* change it before adding backends */
    struct service_shared *home;
    struct slots *slots;
    struct rng rng;
    struct service service;
    struct backend *be[N_TIERS][FIXTURE_MAX];
    uint32_t n[N_TIERS];
};

static inline void fixture_init(struct fixture *f)
{
    *f = (struct fixture){0};
    f->cfg.spill_at = 0.7;
    f->cfg.ejection = (struct cfg_ejection){true, 5, 1000, 8000, 0.5};
    for (int t = 0; t < N_TIERS; t++)
        f->cfg.pools[t].max_requests = 100;
    f->home = service_shared_new("shop");
    f->slots = slots_new();
    rng_init(&f->rng, 42);
    f->service = (struct service){.cfg = &f->cfg, .shared = f->home};
}

/* One that is up since long ago. */
static inline struct backend *fixture_add(struct fixture *f, enum tier tier,
                                          uint32_t weight)
{
    struct addr addr = {.kind = ADDR_IP4, .port = (uint16_t)(9000 + f->n[tier])};
    struct backend_spec spec = {.addr = &addr,
                                .id = "",
                                .service = &f->cfg,
                                .tier = tier,
                                .weight = weight,
                                .home = f->home,
                                .slots = f->slots};
    struct backend *be;

    snprintf(addr.text, sizeof(addr.text), "127.0.0.1:%u", (unsigned)addr.port);
    be = backend_new(&spec);
    backend_set_health(be, BACKEND_UP, T0 - (mono_us)3600 * US_PER_S);
    f->be[tier][f->n[tier]++] = be;
    atomic_store(&f->home->pool[tier].members, f->n[tier]);
    return be;
}

static inline void fixture_ready(struct fixture *f)
{
    for (int t = 0; t < N_TIERS; t++)
        pool_init(&f->service.pools[t], &f->cfg.pools[t], &f->home->pool[t], f->be[t],
                  f->n[t]);
}

static inline void fixture_fini(struct fixture *f)
{
    for (int t = 0; t < N_TIERS; t++) {
        pool_fini(&f->service.pools[t]);
        for (uint32_t i = 0; i < f->n[t]; i++)
            backend_unref(f->be[t][i]);
    }
    service_shared_unref(f->home);
    slots_close(f->slots);
}

#endif
