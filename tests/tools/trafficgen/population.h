/*
 * population.h - a few thousand people who visit the shop, each in their own way.
 *
 * Users have habits (hours, days, kind of visit, how often), sessions follow the
 * day's rhythm, and a flash crowd of people never seen before may come at a given
 * time.  Everything happens in virtual time; the same options and the same calls
 * give the same requests, whether they are written to a log or played live.
 *
 * A user asks for one thing at a time: after population_next() the user is busy
 * until population_done().
 */
#ifndef TESTS_TOOLS_TRAFFICGEN_POPULATION_H
#define TESTS_TOOLS_TRAFFICGEN_POPULATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "tests/tools/trafficgen/shop.h"

struct population_options {
    uint64_t seed;
    uint32_t users;
    double sessions_per_day; /* mean of a user */
    wall_ms from, until;     /* virtual */
    wall_ms flash_at;        /* 0: no flash crowd */
    uint32_t flash_users;
};

struct want {
    wall_ms at;
    uint32_t user;
    struct shop_request request;
};

struct population;

struct population *population_new(const struct population_options *o);
void population_free(struct population *p);

/* When the next one wants something; INT64_MAX: nobody before the end, or all are busy. */
wall_ms population_next_at(const struct population *p);
/* Takes it; population_next_at() was not INT64_MAX. */
void population_next(struct population *p, struct want *out);
/* The answer came at `at`; `gone`: the user gave up, and with it the session. */
void population_done(struct population *p, uint32_t user, wall_ms at, bool gone);

/* "u00017", or "f00003" for one of the flash crowd; `out` holds POPULATION_ID_MAX. */
enum { POPULATION_ID_MAX = 16 };
void population_id(const struct population *p, uint32_t user, char *out);
const char *population_agent(uint32_t user);
/* How long this user waits for an answer, as a multiple of what is usual. */
double population_patience(const struct population *p, uint32_t user);

#endif
