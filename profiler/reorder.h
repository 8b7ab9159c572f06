/*
 * reorder.h - observations arrive when they end; here they come out as they began.
 *
 * A calendar: one bucket a millisecond (or more, when the window is long), first
 * in first out inside a bucket, so that a put and a release cost the same however
 * many are waiting; a bit a bucket leads over the empty ones.  What comes too late comes
 * out at once.  Memory is bounded: a full calendar lets the oldest go early.  Pure; virtual
 * time.
 */
#ifndef PROFILER_REORDER_H
#define PROFILER_REORDER_H

#include <stddef.h>

#include "base/handover.h"

struct reorder;

typedef void (*reorder_fn)(void *ctx, const struct observation *o);

/* At most max observations wait; fn gets them in order and may not call back. */
struct reorder *reorder_new(uint32_t window_ms, size_t max, reorder_fn fn, void *ctx);
void reorder_free(struct reorder *r); /* forgets what waits; NULL is fine */

void reorder_put(struct reorder *r, const struct observation *o);

/* Lets all out that began before `until`. */
void reorder_release(struct reorder *r, wall_ms until);
void reorder_release_all(struct reorder *r);

/* When the first that waits began, to the bucket; INT64_MAX: none waits. */
wall_ms reorder_earliest(const struct reorder *r);

#endif
