/*
 * vclock.h - the virtual time the traffic is played in.
 *
 * Either read from a running tidegate, whose clock it then follows exactly (both
 * count from the same monotonic clock), or made of a start and a speed.
 */
#ifndef TESTS_TOOLS_TRAFFICGEN_VCLOCK_H
#define TESTS_TOOLS_TRAFFICGEN_VCLOCK_H

#include <stdbool.h>

#include "base/clock.h"

struct vclock {
    wall_ms start; /* virtual time at `at` */
    mono_us at;
    double speed;
};

void vclock_begin(struct vclock *v, wall_ms start, double speed);
/* Asks /api/v1/version at HOST:PORT; false, with a line on stderr, when there is no answer.
 */
bool vclock_follow(struct vclock *v, const char *admin);

wall_ms vclock_now(const struct vclock *v);
/* Real milliseconds until virtual time `t`, at least 0, at most `most`. */
int vclock_wait_ms(const struct vclock *v, wall_ms t, int most);

#endif
