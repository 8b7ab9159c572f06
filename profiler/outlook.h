/*
 * outlook.h - how many requests each service will get in the next five minutes,
 * from the users now known.
 *
 * Adds up who is active (expect.h), who is expected back and who is new
 * (comeback.h), and measures its own error for the variance.  Each active user is
 * a sample in turn, one window of the horizon after another, so that all states
 * are learned from; which turn is his is decided by his key.
 *
 * No clock and no thread of its own; virtual time.
 */
#ifndef PROFILER_OUTLOOK_H
#define PROFILER_OUTLOOK_H

#include "base/handover.h"
#include "base/zone.h"
#include "profiler/token.h"
#include "profiler/users.h"

#define OUTLOOK_HORIZON_S 300

struct outlook_model;

struct outlook_setup { /* all borrowed */
    size_t n_services;
    const char *const *service; /* names */
    struct zone *const *zone;   /* of each; NULL is UTC */
    const struct token_table *tokens;
    size_t walk; /* users looked at a step for their habit, beside one a request */
};

struct outlook_model *outlook_new(const struct outlook_setup *setup);
void outlook_free(struct outlook_model *m);                   /* NULL is fine */
void outlook_set_walk(struct outlook_model *m, size_t users); /* as in the set-up */

/* A request; profile_note() has been called for it. */
void outlook_note(struct outlook_model *m, struct user *user, uint32_t at_s,
                  uint16_t service);

/* The user's session is over. */
void outlook_close(struct outlook_model *m, struct user *user);

/* Learns from what has happened since, and looks ahead; of *out only the first
 * n_services are set.  O(active users). */
void outlook_step(struct outlook_model *m, struct users *users, wall_ms now,
                  struct outlook *out);

void outlook_save(const struct outlook_model *m, uint8_t **out, size_t *len);
int outlook_load(struct outlook_model *m, const uint8_t *in, size_t len);

#endif
