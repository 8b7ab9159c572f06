/*
 * breaker.h - when failures take a backend out of its pool, and for how long.
 *
 *   IN --failures in a row--> OUT --time passed--> TRIAL --success--> IN
 *                              ^                     |
 *                              +------ failure ------+
 *
 * `ejected_until` is the whole state: 0 is IN, in the future OUT, in the past TRIAL.
 * A trial gets one request at a time, so that a backend that still hangs costs little;
 * when it has given no answer for as long as it was out, all (a stream may last hours).
 * Each ejection in a row doubles the time, up to max_ms; each max_ms without one
 * takes a step back.
 *
 * OUT and TRIAL count in the pool's `ejected`, which never passes max_share of its
 * members: then a failing backend stays in.  Only backends that are up and ready are
 * ejected: for the others main has decided already.
 *
 * Before that, any failure makes a backend SUSPECT for base_ms: it is chosen only where
 * no other has room.  So a dead backend costs one try a base_ms even while max_share
 * keeps it in.
 *
 * Any worker; the atomics of backend_shared and pool_shared.  Pure but for them.
 */
#ifndef PROXY_BREAKER_H
#define PROXY_BREAKER_H

#include "proxy/backend.h"

/* IN, or a trial that has room. */
bool breaker_lets(const struct backend *be, mono_us now);
bool breaker_out(const struct backend *be, mono_us now);
bool breaker_suspects(const struct backend *be, mono_us now);

void breaker_success(struct backend *be, mono_us now);
/* Returns for how long this failure ejected the backend; 0: it did not. */
mono_us breaker_failure(struct backend *be, mono_us now);

/* Back to IN: main has seen it, or drained it. */
void breaker_forget(struct backend_shared *sh, struct pool_shared *pool);

/* Length of the n-th ejection in a row (n >= 1), spread by 10 % around (unit = 0.5). */
mono_us breaker_length(const struct cfg_ejection *c, uint32_t n, double unit);

#endif
