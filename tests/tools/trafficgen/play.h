/*
 * play.h - the four ways of making traffic, and what they are told.
 */
#ifndef TESTS_TOOLS_TRAFFICGEN_PLAY_H
#define TESTS_TOOLS_TRAFFICGEN_PLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/tools/trafficgen/outcome.h"
#include "tests/tools/trafficgen/population.h"

struct play_options {
    const char *target; /* HOST:PORT, [IPV6]:PORT or unix:PATH */
    const char *admin;  /* tidegate's, whose clock is followed; NULL: start and speed */
    const char *file;   /* the log to write, or the trace to replay */
    struct population_options people;
    wall_ms start;
    double speed;
    double hours;         /* virtual; 0: until stopped, or the trace's end */
    uint32_t patience_ms; /* real time; 0: for ever */
    uint32_t retries, backoff_ms;
    uint32_t connections;
    uint64_t max_bytes; /* of a replayed answer */
    uint64_t requests;  /* bench, and the rows of a trace that are played; 0: all */
    const char *method, *path;
    uint32_t body_bytes;
    unsigned expect; /* status */
};

/* Each returns the exit status, and prints its outcome on stdout. */
int play_live(const struct play_options *o);
int play_log(const struct play_options *o);
int play_trace(const struct play_options *o);
int play_bench(const struct play_options *o);

bool play_stopped(void); /* by a signal; what is under way may be finished */

/* Prints a line of progress now and then. */
struct play_progress {
    mono_us next;
};
void play_report(struct play_progress *p, const struct outcome *t, wall_ms when,
                 unsigned inflight);

#endif
