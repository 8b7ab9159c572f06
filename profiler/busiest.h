/*
 * busiest.h - the users with the most requests, found without a walk over all.
 *
 * Pure; holds keys and counts only.
 */
#ifndef PROFILER_BUSIEST_H
#define PROFILER_BUSIEST_H

#include <stddef.h>
#include <stdint.h>

#define BUSIEST_MAX 128

struct busiest { /* all zero: nobody */
    struct busiest_user {
        uint64_t key;
        uint32_t requests;
    } user[BUSIEST_MAX]; /* in no order; counts as last noted */
    size_t n;
    uint32_t least; /* fewer than this is not worth a look; may lag behind */
};

/*
 * The user has made so many requests by now; counts never fall.  Walks the list
 * when the user is or becomes one of them: to be called now and then, not always.
 */
void busiest_note(struct busiest *b, uint64_t key, uint32_t requests);

/* The busiest first. */
void busiest_sort(struct busiest_user *user, size_t n);

#endif
