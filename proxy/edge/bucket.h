/*
 * bucket.h - token buckets for very many keys: how often may each come?
 *
 * A fixed table shared by all workers without locks.  A bucket is one time (the generic
 * cell rate algorithm): when it will be full again.  Those that are full need no entry;
 * when all entries of a set are needed, the one that will be full first is forgotten.
 *
 * Pure: time is an argument.
 */
#ifndef PROXY_EDGE_BUCKET_H
#define PROXY_EDGE_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct bucket_table;

/* rate: tokens a second; burst: what a full bucket holds, at least 1.  At least `entries`
 * keys are kept apart. */
struct bucket_table *bucket_table_new(double rate, uint32_t burst, size_t entries);
void bucket_table_free(struct bucket_table *t); /* NULL is fine */

/*
 * Takes a token.  False: there is none, and *wait_us says when there will be.  `key` is a
 * hash that nobody can steer.
 */
bool bucket_take(struct bucket_table *t, uint64_t key, mono_us now, mono_us *wait_us);

#endif
