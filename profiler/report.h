/*
 * report.h - the profiler's knowledge as JSON, for the admin endpoint and people.
 *
 * Reads, never changes; the caller holds the profiler's lock.  New references.
 */
#ifndef PROFILER_REPORT_H
#define PROFILER_REPORT_H

#include "profiler/pipeline.h"

struct json_t;

/* `user` NULL: not in memory, *profile is what is stored. */
struct json_t *report_user(struct pipeline *p, uint64_t key, const struct profile *profile,
                           const struct user *user);
struct json_t *report_users(struct pipeline *p, size_t top);
struct json_t *report_templates(struct pipeline *p, uint16_t service);

#endif
