/*
 * profile.h - what one user does, when and how: the counts behind a profile.
 *
 * Everything fades: the week's histogram by 15 % a week, resources by 2 % a
 * request, what follows what by 10 % a visit, so that a profile is about the user
 * of today.  Fixed size, no pointers: 1 million fit into 1 GiB with their index.
 * Pure; times are virtual Unix seconds.  Its stored form is profile_code.h.
 */
#ifndef PROFILER_PROFILE_H
#define PROFILER_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/handover.h"
#include "profiler/session.h"

#define PROFILE_MIX     32
#define PROFILE_MOVES   32
#define PROFILE_RECENT  12
#define PROFILE_HOURS   168
#define PROFILE_GAPS    12
#define PROFILE_DEVICES (OBS_TOOL + 1)
#define PROFILE_ONE     1024 /* a weight of 1 */

enum profile_count {
    PROFILE_ABORTED_WAITING, /* left before the first byte */
    PROFILE_ABORTED_LATER,   /* left during the answer */
    PROFILE_FAILED,          /* 5xx, or answered by us */
    PROFILE_HELD,            /* had to wait for a slot */
    PROFILE_COUNTS
};

struct profile {            /* plain data; all zero: a user nothing is known of */
    struct session session; /* the open one, or the last */
    uint32_t first_s;
    uint32_t requests, sessions; /* in a lifetime */
    uint32_t count[PROFILE_COUNTS];
    /* means that follow the present; of closed sessions */
    float session_requests, session_s, pause_s;
    float latency_us;
    /* the week, in the service's zone: hours since a Monday, and requests in the hour
     * that are not in hours[] yet */
    uint32_t hour, hour_requests;
    uint8_t hours[PROFILE_HOURS]; /* private: logarithmic; see profile_hour() */
    uint8_t gaps[PROFILE_GAPS];   /* time between requests: [i] is below 2^i s */
    uint8_t devices[PROFILE_DEVICES];
    uint8_t n_recent; /* of recent_*, newest first */
    /* resources asked for; weight 0: free */
    uint16_t mix_token[PROFILE_MIX], mix_weight[PROFILE_MIX];
    uint16_t move_from[PROFILE_MOVES], move_to[PROFILE_MOVES], move_weight[PROFILE_MOVES];
    uint16_t recent_token[PROFILE_RECENT];
    uint32_t recent_s[PROFILE_RECENT];
};

struct profile_event {
    uint32_t at_s;
    uint32_t hour; /* profile_hour_at() */
    uint16_t token;
    uint16_t status, flags; /* as in struct observation */
    uint8_t device;
    uint32_t latency_us;
};

/* Hours since a Monday 0:00, local time. */
uint32_t profile_hour_at(int64_t unix_s, int32_t zone_offset_s);

/* True: the event began a new session. */
bool profile_note(struct profile *p, const struct profile_event *e, uint32_t gap_s);

/* Requests seen in an hour of the week (0: Monday 0:00 to 1:00), faded to `hour`. */
double profile_hour(const struct profile *p, unsigned hour_of_week, uint32_t hour);

/*
 * Requests to be expected in that hour from this user's habit alone: what came in
 * this hour of the week and beside it, over the weeks (faded alike) that the user
 * is known, and one more in which nothing came.
 */
double profile_habit(const struct profile *p, uint32_t hour);

enum obs_device profile_device(const struct profile *p);

/* Adds what was known before to what was learned since. */
void profile_merge(struct profile *since, const struct profile *before);

#endif
