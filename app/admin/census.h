/*
 * census.h - the backends of one pool, each in one of five states, and how many of each.
 *
 * Main thread.
 */
#ifndef APP_ADMIN_CENSUS_H
#define APP_ADMIN_CENSUS_H

#include "base/handover.h"

struct proxy;

/* What an operator sees of health, administrative intent and ejection together; the
 * first that holds, from the bottom up, is the state. */
#define CENSUS_STATES(X)                                                                   \
    X(READY, "ready")       /* takes requests */                                           \
    X(STARTING, "starting") /* has not passed its first probe */                           \
    X(EJECTED, "ejected")   /* failed too often, rests */                                  \
    X(DOWN, "down")         /* probes fail */                                              \
    X(DRAINING, "draining") /* finishes what it has */

enum census_state {
#define X(sym, name) CENSUS_##sym,
    CENSUS_STATES(X)
#undef X
        N_CENSUS_STATES
};
extern const char *const census_state_name[N_CENSUS_STATES];

enum census_state census_state_of(const struct backend_view *v);

struct census {
    struct backend_view *views;
    size_t n;
    size_t in_state[N_CENSUS_STATES];
};

void census_take(struct proxy *p, uint16_t service, enum tier tier, struct census *out);
void census_fini(struct census *t);

#endif
