/*
 * profiler.h - who does what, when: observations in, profiles and outlook out.
 *
 * One thread owns sessions, profiles and models.  It polls the rings every 50 ms
 * of real time; nothing wakes it per request.  Functions ending in _mt may be
 * called from any thread.  Also works without a thread and without a socket:
 * `tidegate learn` and the tests feed it through profiler_feed() in virtual time.
 */
#ifndef PROFILER_PROFILER_H
#define PROFILER_PROFILER_H

#include "base/handover.h"
#include "base/rc.h"
#include "base/ring.h"
#include "conf/cfg.h"

struct json_t;
struct kv;
struct profiler;

struct profiler_out {
    void *ctx;
    void (*outlook)(void *ctx, const struct outlook *o); /* profiler's thread; copy it */
};

/*
 * Opens what it stored before; a store that fails is logged, shown in
 * profiler_stats and worked without.  `kv` is borrowed and may be NULL (nothing
 * outlives the process); `cfg` is referenced.
 */
int profiler_new(struct cfg *cfg, struct kv *kv, const struct profiler_out *out,
                 struct profiler **p, struct why *w);
void profiler_free(struct profiler *p); /* stops the thread, writes what is unsaved */

/* The pure functions the workers call; valid until profiler_free(). */
const struct classify *profiler_classify(const struct profiler *p);

/* The user key of someone in a log, as live traffic would have it; see identity.h.  0:
 * nobody. */
struct identity_trace;
uint64_t profiler_trace(const struct profiler *p, const struct identity_trace *t);

/* One ring of each kind per worker; borrowed.  Before profiler_start(). */
void profiler_attach(struct profiler *p, struct ring *observations, struct ring *paths);
int profiler_start(struct profiler *p, struct why *w);
void profiler_stop(struct profiler *p); /* idempotent; profiles stay readable */

/*
 * A new configuration; services are matched by name, so that what was learned stays with
 * its service.  How users are identified (identity, key) changes with a restart only: the
 * workers hold the functions.  Referenced.
 */
void profiler_reconfigure_mt(struct profiler *p, struct cfg *cfg);

/* Without a thread: one step at virtual time `now`. */
void profiler_feed_path(struct profiler *p, const struct path_text *t);
void profiler_feed(struct profiler *p, const struct observation *o);
void profiler_tick(struct profiler *p, wall_ms now);

struct profiler_stats {
    uint64_t observations, dropped; /* dropped: by full rings */
    uint64_t users, active_users, sessions, templates;
    uint64_t expired; /* users */
    uint64_t store_errors;
    bool store_ok;
    double top1, tokens; /* the sequence model's own record: share of right guesses, of n */
};
void profiler_stats_mt(struct profiler *p, struct profiler_stats *out);

/*
 * Answers for the admin endpoint and the command line; new references, NULL when
 * there is no such user.  `id` is a user key as 16 hex digits, or "NAME=VALUE"
 * for an identifier the configured extractors know ("header:x-user=alice",
 * "cookie:sid=abc", "address=1.2.3.4|agent").
 */
struct json_t *profiler_user_json_mt(struct profiler *p, const char *id);
struct json_t *profiler_users_json_mt(struct profiler *p, size_t top); /* busiest first */
struct json_t *profiler_templates_json_mt(struct profiler *p, uint16_t service);

#endif
