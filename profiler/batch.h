/*
 * batch.h - records on their way to the store: the last value of each key.
 *
 * Also answers what is about to be written.  One thread.
 */
#ifndef PROFILER_BATCH_H
#define PROFILER_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/kv.h"
#include "base/map.h"

struct batch { /* private */
    struct kv_put *put;
    size_t n, cap;
    struct map by_key;
};

void batch_init(struct batch *b);
void batch_clear(struct batch *b); /* empty again; frees the records */
void batch_fini(struct batch *b);

/* Copies both; value NULL removes the key. */
void batch_put(struct batch *b, const void *key, size_t key_len, const void *value,
               size_t len);

/* The record of that key, or NULL. */
const struct kv_put *batch_find(const struct batch *b, const void *key, size_t key_len);

#endif
