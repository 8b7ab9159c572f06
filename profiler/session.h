/*
 * session.h - where does one visit end and the next begin?
 *
 * A session is requests of one user with no pause longer than the gap.  Pure;
 * times are virtual Unix seconds.
 */
#ifndef PROFILER_SESSION_H
#define PROFILER_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_HISTORY 3 /* tokens the sequence model looks back on */

struct session { /* plain data; all zero: none yet */
    uint32_t start_s, last_s;
    uint32_t requests;
    uint16_t history[SESSION_HISTORY]; /* oldest first; TOKEN_START counts as one */
    uint16_t n_history;
};

/* Whether a request at `at_s` would begin a new session. */
bool session_is_over(const struct session *s, uint32_t at_s, uint32_t gap_s);

/* Begins one: nothing has been asked for yet. */
void session_begin(struct session *s, uint32_t at_s);

/* Adds a request; one that comes late does not turn time back. */
void session_add(struct session *s, uint32_t at_s, uint16_t token);

#endif
