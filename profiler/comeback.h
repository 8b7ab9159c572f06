/*
 * comeback.h - how many requests will come from users who are not active now?
 *
 * Two parts.  Known users come by their habit: their expected requests are summed
 * by how well they are known (once, a few times, often), and each sum is scaled by
 * what such sums turned out to be worth.  New users come at the rate of late.
 * Learns from windows of one horizon: what was expected at a window's start, and
 * how many requests those who were not active then made in it.
 *
 * Pure.
 */
#ifndef PROFILER_COMEBACK_H
#define PROFILER_COMEBACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

struct comeback;

enum comeback_class {
    COMEBACK_NEW,   /* never seen before */
    COMEBACK_ONCE,  /* one session */
    COMEBACK_SOME,  /* two or three */
    COMEBACK_OFTEN, /* more */
    COMEBACK_CLASSES
};

struct comeback *comeback_new(size_t n_services);
void comeback_free(struct comeback *c); /* NULL is fine */

/* By the sessions a user had before. */
enum comeback_class comeback_class(uint32_t sessions);

/* A walk over all users: begin, add each one who is not active, end. */
void comeback_begin(struct comeback *c);
void comeback_add(struct comeback *c, enum comeback_class class, uint16_t service,
                  double requests);
void comeback_end(struct comeback *c);

/* A request in this window by someone who was not active when it began. */
void comeback_count(struct comeback *c, enum comeback_class class, uint16_t service);

/* The window is over and the next begins. */
void comeback_turn(struct comeback *c);

/* Requests to expect in a horizon from now. */
void comeback_expect(const struct comeback *c, uint16_t service, double *back,
                     double *fresh);

/* What the sums are worth, as bytes and back; RC_CORRUPT: as new. */
#define COMEBACK_BYTES_MAX 80
size_t comeback_save(const struct comeback *c, uint8_t out[COMEBACK_BYTES_MAX]);
int comeback_load(struct comeback *c, const uint8_t *in, size_t len);

#endif
