/*
 * trace.h - reads a trace of requests: one line each, tab separated,
 *
 *   epoch_seconds  user_id  method  path  status  bytes  user_agent
 *
 * with a header line, plain or gzipped, sorted by time.  `-` is unknown; more
 * columns are ignored.
 */
#ifndef TESTS_TOOLS_TRAFFICGEN_TRACE_H
#define TESTS_TOOLS_TRAFFICGEN_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct trace_row {
    wall_ms at;
    const char *user, *method, *path,
        *agent;      /* "" when unknown; agent without control bytes */
    unsigned status; /* 0: unknown */
    uint64_t bytes;
    uint32_t user_index; /* 0..n_users-1 */
};

struct trace {
    struct trace_row *rows;
    size_t n_rows;
    uint32_t n_users;
    char *text; /* private */
};

/* False, with a line on stderr, when it cannot be read. */
bool trace_read(struct trace *t, const char *file);
void trace_fini(struct trace *t);

/* The path as a request target: what may not stand there is escaped, a missing / put first.
 */
void trace_target(const char *path, char *out, size_t size);

#endif
