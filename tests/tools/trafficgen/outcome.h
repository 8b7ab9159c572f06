/*
 * outcome.h - what became of the requests, as one line of JSON.
 *
 *   sent      requests begun, repeats left out
 *   answered  ended with a complete answer
 *   lost      ended without one, and not because the user left
 *   left      the user's patience ran out
 *   wrong     answered with another status than the one that was to be expected
 *   retries   requests sent again
 */
#ifndef TESTS_TOOLS_TRAFFICGEN_OUTCOME_H
#define TESTS_TOOLS_TRAFFICGEN_OUTCOME_H

#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hist.h"

struct outcome {
    uint64_t sent, answered, lost, left, wrong, retries;
    uint64_t bytes; /* of bodies */
    uint64_t status[600];
    struct hist latency; /* of the answered */
    mono_us began;
};

void outcome_answer(struct outcome *t, unsigned status, uint64_t latency_us,
                    uint64_t bytes);
void outcome_print(const struct outcome *t, const char *mode, FILE *to);

/* One line for a person; `when` in virtual time, 0: none. */
void outcome_progress(const struct outcome *t, wall_ms when, unsigned inflight);

#endif
