/*
 * learner.h - an access log into profiles and demand history.
 *
 * Lines go through the same code as live traffic, each in its own time; the service of
 * a line is that of the first route that matches, or one that is given for all.
 *
 * Opens no log and prints nothing: that is cli_learn.c.  One thread.
 */
#ifndef APP_LEARNER_H
#define APP_LEARNER_H

#include "base/kv.h"
#include "base/logread.h"
#include "conf/cfg.h"
#include "profiler/profiler.h"
#include "scaler/scaler.h"

struct learner;

#define LEARNER_BY_ROUTES (-1)

/* Both are borrowed.  `service`: the index of that of all lines, or LEARNER_BY_ROUTES. */
int learner_new(struct cfg *cfg, struct kv *kv, int service, struct learner **out,
                struct why *w);
void learner_free(struct learner *n); /* writes what is unsaved; NULL is fine */

/* One line of a log; `lr` is that log's. */
void learner_line(struct learner *n, struct logread *lr, const char *line, size_t len);

/* Lines that no reader could take, and were left out before they came here. */
void learner_skipped(struct learner *n, uint64_t lines);

struct learner_stats {
    uint64_t lines; /* that say something; damaged ones are not among them */
    uint64_t learned, damaged, unrouted;
    uint64_t users, sessions, templates; /* as the profiler has them */
};
void learner_get_stats(const struct learner *n, struct learner_stats *out);

#endif
