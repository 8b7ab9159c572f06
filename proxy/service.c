#include "proxy/service.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/budget.h"

struct service_shared *service_shared_new(const char *name)
{
    struct service_shared *s = mem_new_line(sizeof(*s));

    snprintf(s->name, sizeof(s->name), "%s", name);
    budget_init(&s->retry_tokens);
    atomic_store_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

struct service_shared *service_shared_ref(struct service_shared *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void service_shared_unref(struct service_shared *s)
{
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(s->stats);
    free(s);
}

static void order(const struct service *s, const struct pick *p, enum tier out[N_TIERS])
{
    struct tier_use use[N_TIERS];

    for (enum tier t = 0; t < N_TIERS; t++)
        out[t] = t;
    /* Without a predictive pool that is the order, whatever the use. */
    if (s->pools[TIER_PREDICTIVE].n_backends == 0)
        return;
    for (enum tier t = 0; t < N_TIERS; t++)
        use[t] = pool_use(&s->pools[t], p->now);
    tier_order(use, s->cfg->spill_at, rng_unit(p->rng), out);
}

static enum pick_verdict pick_in_order(const struct service *s, const struct pick *p,
                                       const enum tier tiers[N_TIERS], struct backend **out)
{
    enum pick_verdict verdict = PICK_NONE;

    for (int i = 0; i < N_TIERS; i++) {
        enum pick_verdict v = pool_pick(&s->pools[tiers[i]], p, out);

        if (v == PICK_OK)
            return v;
        if (v == PICK_FULL)
            verdict = v;
    }
    return verdict;
}

enum pick_verdict service_pick(const struct service *s, const struct pick *p,
                               struct backend **out)
{
    struct pick any = {.now = p->now, .rng = p->rng};
    enum tier tiers[N_TIERS];
    enum pick_verdict v;

    order(s, p, tiers);
    v = pick_in_order(s, p, tiers, out);
    if (v == PICK_NONE && p->avoid != NULL)
        v = pick_in_order(s, &any, tiers, out);
    return v;
}

static bool is_starting(const struct backend *be)
{
    return atomic_load_explicit(&be->shared->health, memory_order_relaxed) ==
           BACKEND_UNKNOWN;
}

bool service_starting(const struct service *s)
{
    for (int t = 0; t < N_TIERS; t++)
        for (uint32_t i = 0; i < s->pools[t].n_backends; i++)
            if (is_starting(s->pools[t].backends[i]))
                return true;
    return false;
}
