/*
 * expect.h - how many requests will an active user still make within the horizon?
 *
 * A table of means, learned from what users in the same state did: how long idle,
 * how many requests into the session, after which resource.  Each mean is shrunk
 * to that of the coarser state above it: (sum + k parent) / (n + k).  A second
 * table shares the requests among services, by the resource the user is at: who
 * enters a workflow raises the service of its next step.  Old counts fade.
 *
 * Pure.  Memory: one row for each token that was ever a last resource.
 */
#ifndef PROFILER_EXPECT_H
#define PROFILER_EXPECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define EXPECT_IDLE  7 /* < 30 s, 1 min, 2 min, 5 min, 10 min, 30 min, more */
#define EXPECT_DEPTH 5 /* 1, 2-3, 4-7, 8-15, 16 and more requests */

struct expect;

struct expect_state {
    uint8_t idle, depth; /* buckets */
    uint16_t token;      /* the last resource */
    uint16_t service;    /* ... and its service */
};

struct expect *expect_new(size_t n_services);
void expect_free(struct expect *x); /* NULL is fine */

uint8_t expect_idle(uint32_t idle_s);
uint8_t expect_depth(uint32_t requests);

/* In that state a user made so many requests within the horizon. */
void expect_learn(struct expect *x, const struct expect_state *s, uint32_t requests);
/* One of them went to this service. */
void expect_share(struct expect *x, const struct expect_state *s, uint16_t service);

/* Adds mean and variance of the user's requests to each service's. */
void expect_add(const struct expect *x, const struct expect_state *s, double *mean,
                double *variance);

/*
 * All of it as bytes to be given to free(), and back; services are matched by
 * name.  RC_CORRUPT: the table is then as new.
 */
void expect_save(const struct expect *x, const char *const *service, uint8_t **out,
                 size_t *len);
int expect_load(struct expect *x, const char *const *service, const uint8_t *in,
                size_t len);

#endif
