/*
 * member.h - one backend in its pool: whether it should be there, and how it is.
 *
 * Joins the backend, the probe that watches it and the reasons to drain it; says in the
 * log when it comes up or goes down.  Does not know why it is in the pool: that is
 * roster.h's business.
 *
 * Main thread.
 */
#ifndef PROXY_MEMBER_H
#define PROXY_MEMBER_H

#include "base/list.h"
#include "proxy/backend.h"

struct loop;
struct probe;
struct rng;
struct tls_client;

/* The pool; borrowed, and what it points to outlives the members. */
struct member_place {
    struct loop *loop;
    struct rng *rng;
    struct slots *slots;
    const struct cfg_service *service;
    enum tier tier;
    struct service_shared *home;
    struct tls_client *tls; /* NULL: no backend of the pool needs one */
};

/* What should be in the pool; copied. */
struct member_want {
    const struct addr *addr; /* resolved */
    uint32_t weight;
    bool instance;     /* started by the scaler */
    const char *id;    /* of the instance; "" */
    const char *probe; /* of the instance: path to answer before traffic; "": none */
    bool drain;
    bool tls;
    char server_name[ADDR_TEXT_MAX]; /* with TLS: whom to expect; "": anybody */
};

struct member {
    struct list node; /* the roster's */
    bool wanted;      /* the roster's, while it compares */
    /* read-only for others */
    bool instance;
    bool leaving; /* not wanted any more: in no topology, gone when its last request is */
    struct backend *be;
    /* private */
    struct probe *probe; /* NULL: none configured */
    bool drain_wanted, drain_by_operator;
    bool counted; /* in the pool's `members` */
};

struct member *member_new(const struct member_place *at, const struct member_want *w);
void member_free(struct member *m);

/* Wanted still, or again, maybe with other limits; true: a topology must hear of it. */
bool member_follow(struct member *m, const struct member_place *at,
                   const struct member_want *w);
void member_leave(struct member *m);
void member_drain(struct member *m, bool drain); /* an operator's wish */

/* Its health is known, or it is an instance, which may take long to start. */
bool member_settled(const struct member *m);

#endif
