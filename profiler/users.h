/*
 * users.h - the users in memory: found by key, ordered by when they were last seen.
 *
 * A user is active while a session is open, idle after it; each order has its own
 * list, so that the next session to end and the next user to leave memory are at
 * hand.  Fixed-size blocks; nobody leaves by himself: the owner asks for the
 * oldest, saves and removes it.  One thread.
 */
#ifndef PROFILER_USERS_H
#define PROFILER_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "profiler/profile.h"

struct users;

/* The state that requests of the next minutes are counted for; see expect.h. */
struct user_sample {
    uint32_t at_s; /* 0: none is open */
    uint16_t token;
    uint16_t requests; /* since then; saturates */
    uint8_t idle, depth;
};

struct user {
    uint64_t key;
    struct profile profile;
    struct user_sample sample;
    /* private to users.c */
    struct list order; /* active or idle, the latest first */
    bool active;
    /* private to keeper.c */
    struct list unsaved;
    bool is_unsaved, unread; /* unread: what is stored could not be read yet */
    uint32_t unsaved_since_s, saved_s;
};

struct users *users_new(size_t max);
void users_set_max(struct users *u, size_t max); /* more may be there; see users_add() */
void users_free(struct users *u);                /* NULL is fine */

struct user *users_find(const struct users *u, uint64_t key);

/* A new, idle one; NULL when there are max already, or more. */
struct user *users_add(struct users *u, uint64_t key);
void users_remove(struct users *u, struct user *user); /* frees it */

void users_activate(struct users *u, struct user *user); /* also: seen again */
void users_retire(struct users *u, struct user *user);   /* its session is over */

struct user *users_oldest_active(const struct users *u); /* NULL: none */
struct user *users_oldest_idle(const struct users *u);
/* The next later seen one, NULL at the end. */
struct user *users_later_active(const struct users *u, const struct user *user);

size_t users_count(const struct users *u);
size_t users_active(const struct users *u);

/* Walks all: places 0..users_places()-1; NULL where nobody is. */
size_t users_places(const struct users *u);
struct user *users_at(const struct users *u, size_t place);

/* Puts the idle ones in the order of their last request, after loading. */
void users_sort_idle(struct users *u);

#endif
