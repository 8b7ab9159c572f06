/*
 * instance.h - one instance of a fleet: what is known of it, and its way from ordered to
 * gone.
 *
 * The inside of fleet.h, for fleet.c and fleet_restore.c; its drawing holds here.  The
 * fleet says what is wanted and what time it is, an instance takes the next step.
 */
#ifndef SCALER_INSTANCE_H
#define SCALER_INSTANCE_H

#include "base/list.h"
#include "scaler/fleet.h"

#define INSTANCE_LEADS_MAX 32 /* kept until they are taken */

struct instance {
    struct list node;
    struct fleet *fleet;
    char id[NAME_MAX_LEN];
    enum tier tier;
    enum fleet_state state; /* written by instance_go() alone */
    mono_us since;          /* when `state` was entered */
    mono_us spent_us[N_FLEET_STATES];
    wall_ms ordered_at; /* virtual; 0: taken over from an earlier process */
    bool in_pool;       /* POOL_ADD was sent and POOL_REMOVE not yet */
    struct addr addr;
    char handle[PROVIDER_HANDLE_MAX];
    char detail[160]; /* why it failed */
    /* as the proxy sees it */
    bool seen, up, drains;
    uint32_t inflight;
    mono_us seen_at, up_at, busy_at; /* last */
};

struct tier_state {
    unsigned wanted;
    unsigned failures; /* in a row */
    mono_us retry_at;  /* nothing is ordered before */
};

struct fleet {
    struct fleet_env env;
    const struct cfg *cfg;
    const struct cfg_service *svc;
    char service[NAME_MAX_LEN]; /* lives longer than svc where the service is gone */
    struct list instances;
    struct tier_state tier[N_TIERS];
    bool ending;
    uint64_t failures;
    uint32_t leads[INSTANCE_LEADS_MAX]; /* not yet taken */
    unsigned n_leads;
    struct backend_view *views; /* scratch */
    mono_us now;
    wall_ms virtual_now;
};

#define EACH_INSTANCE(f, i)                                                                \
    for (struct instance *i = LIST_FIRST(&(f)->instances, struct instance, node);          \
         &i->node != &(f)->instances; i = LIST_FIRST(&i->node, struct instance, node))

/* The only writer of `state` from the first tick on.  Stores the change before anybody
 * acts on it. */
void instance_go(struct instance *i, enum fleet_state to);
void instance_store(const struct instance *i);

/* What the pool says of it. */
void instance_see(struct instance *i, const struct backend_view *v);
/* Does what its state asks for, and goes on when that is done. */
void instance_step(struct instance *i);
/* One too many: it drains, or stops when it serves nobody. */
void instance_release(struct instance *i);

struct json_t *instance_json(const struct instance *i, mono_us now); /* new reference */

#endif
