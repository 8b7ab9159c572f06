/*
 * decisions.h - the last plans of all services, and what became of them.
 *
 * A bounded ring; each plan is judged once its time is over.  Plans that change nothing
 * and repeat the one before them are counted there.  What was decided by an earlier
 * process comes back as the JSON it left.  One thread.
 */
#ifndef SCALER_DECISIONS_H
#define SCALER_DECISIONS_H

#include <stddef.h>

#include "scaler/plan.h"

#define DECISIONS_MAX 512

struct decisions;

struct decisions *decisions_new(void);
void decisions_free(struct decisions *d); /* NULL is fine */

/* Gives the plan its id and keeps a copy.  False: it repeats the pool's newest plan, which
 * was told so instead (plan_repeats()). */
bool decisions_add(struct decisions *d, const struct plan *p);

/*
 * Calls `peak` once for each plan of the service whose time is over and that has no
 * outcome: the highest rate between two times, NAN when unknown (then it gets none).
 */
typedef double (*decisions_peak_fn)(void *ctx, wall_ms from, wall_ms to);
void decisions_judge(struct decisions *d, const char *service, wall_ms now,
                     decisions_peak_fn peak, void *ctx);

/* Newest first, of one service ("": all), at most limit; new reference. */
struct json_t *decisions_json(const struct decisions *d, const char *service, size_t limit);

/* For storing: place 0..DECISIONS_MAX-1 is `id % DECISIONS_MAX`.  The text is to be
 * freed; NULL: the place is empty or unchanged since the last call. */
char *decisions_take_changed(struct decisions *d, size_t place);
/* False: not a plan, left out. */
bool decisions_restore(struct decisions *d, const char *text, size_t len);

#endif
