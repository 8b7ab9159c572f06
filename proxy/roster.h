/*
 * roster.h - what should be in each pool, compared with what is.
 *
 * A pool's backends come from three places: fixed addresses of the configuration,
 * the addresses behind configured names, and instances that the scaler started.  Each
 * time one of them changes the pool is compared as a whole: what is new is added, what
 * is no longer wanted is in no topology from then on and goes with its last request.  An
 * instance goes at once: the scaler has drained it.
 *
 * No sockets of its own and no threads; the caller (membership.c) holds a lock.
 */
#ifndef PROXY_ROSTER_H
#define PROXY_ROSTER_H

#include "proxy/member.h"
#include "proxy/topology.h"

struct resolve_name;
struct roster_pool;
struct tls_set;

/* A configured name, in each pool that has it. */
struct roster_name {
    struct list node;
    struct roster_pool *pool;
    struct addr addr;              /* of kind ADDR_NAME */
    const struct cfg_backend *cfg; /* of the newest configuration */
    bool wanted;                   /* private */
    struct addr *found;            /* the last answer */
    size_t n_found;
    /* membership.c's; a look-up that is there is ended with the name */
    struct resolve_name *lookup;
    void *owner;
};

struct roster_pool {
    struct member_place place;
    struct list members;   /* struct member */
    struct list instances; /* private */
    struct list names;     /* struct roster_name */
};

struct roster_service {
    struct service_shared *shared;
    struct roster_pool pools[N_TIERS];
};

struct roster {
    struct cfg *cfg; /* a reference */
    struct roster_service *services;
    size_t n_services;
    struct slots *slots;
    struct tls_set *tls; /* a reference; NULL: none of the pools needs it */
};

/* What members are made with; borrowed. */
struct roster_tools {
    struct loop *loop;
    struct rng *rng;
    struct slots *slots;
    struct tls_set *tls; /* of the configuration; may be NULL */
};

/*
 * The pools of a configuration.  Members, instances and look-ups of `old` (NULL: none),
 * which is freed, move to the service of the same name; what has no such service ends.
 */
struct roster *roster_new(struct cfg *cfg, const struct roster_tools *tools,
                          struct roster *old);
void roster_free(struct roster *r); /* NULL is fine */

/* NULL: not configured. */
struct roster_pool *roster_find(const struct roster *r, uint16_t service, enum tier tier);
struct roster_service *roster_named(const struct roster *r, const char *name); /* or NULL */

/* Applies a wish of the scaler to the list of instances: RC_EXISTS, RC_NOT_FOUND. */
int roster_change(struct roster_pool *p, const struct pool_change *c);
void roster_found(struct roster_name *n, const struct addr *addrs, size_t n_addrs);

/* Makes the members what they should be; true: a topology is out of date. */
bool roster_compare(struct roster_pool *p);
/* Drops those that leave and have no request any more; true: others still have. */
bool roster_sweep(struct roster *r);

struct member *roster_member(const struct roster_pool *p, const char *addr); /* or NULL */
struct topology *roster_topology(const struct roster *r);

#endif
