/*
 * ledger.h - the scaler's writes to the store, on a thread of their own.
 *
 * A disk that hangs must not keep the scaler from scaling: puts are queued (bounded) and
 * written in order; who needs a record to be safe before acting waits for it, but not
 * long.  When the store fails or lags, ledger_ok() says so and the scaler works on
 * without it.
 *
 * One writer thread inside; the functions are the scaler's thread's, but where they say
 * otherwise.
 */
#ifndef SCALER_LEDGER_H
#define SCALER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"

struct kv;
struct ledger;

#define LEDGER_QUEUE   4096 /* puts; more are dropped and counted as a failure */
#define LEDGER_WAIT_MS 100  /* the longest that ledger_wait() takes */

/* kv is borrowed until ledger_free().  RC_SYS: no thread. */
int ledger_new(struct kv *kv, struct ledger **out, struct why *w);
void ledger_free(struct ledger *l); /* writes what is queued first; NULL is fine */

/* Both are copied.  value NULL removes the key.  l NULL: nothing is kept. */
void ledger_put(struct ledger *l, const char *key, const void *value, size_t len);
/* Waits until everything put before is written; false: not in time, or it failed. */
bool ledger_wait(struct ledger *l);
/* The same without limit of time, for the end. */
void ledger_flush(struct ledger *l);

bool ledger_ok_mt(struct ledger *l); /* the last write worked and is not overdue */

#endif
