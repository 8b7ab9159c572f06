/*
 * kv.h - a small key-value store, whatever is behind it.
 *
 * Keys and values are bytes; keys sort by memcmp.  Calls may block (a disk): not
 * for workers.  Any thread; calls are serialised inside.  A batch is applied
 * whole or not at all.
 */
#ifndef BASE_KV_H
#define BASE_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

struct kv;

#define KV_KEY_MAX 511

/* Who else may have the directory open meanwhile; kept as long as the process lives. */
enum kv_company {
    KV_SHARED, /* others that share it: a process and the one that replaces it */
    KV_ALONE,  /* nobody: what is written rests on what was read at the start */
};

/*
 * A memory-mapped file in directory `path` (made if missing), at most max_bytes.
 * RC_BUSY: it is open in a process that does not go with this one.
 */
int kv_open_lmdb(const char *path, uint64_t max_bytes, enum kv_company company,
                 struct kv **out, struct why *w);
struct kv *kv_open_memory(void);
void kv_close(struct kv *kv); /* NULL is fine */

/* RC_OK: *value is a copy to free(); RC_NOT_FOUND; RC_UNAVAILABLE, RC_CORRUPT. */
int kv_get(struct kv *kv, const void *key, size_t key_len, void **value, size_t *len);

struct kv_put {
    const void *key, *value; /* value NULL: remove the key */
    size_t key_len, value_len;
};
int kv_write(struct kv *kv, const struct kv_put *puts, size_t n);

/*
 * Calls fn for each key that begins with prefix, in order, until it returns
 * false.  The views are valid during the call; fn may not call the store.
 */
typedef bool (*kv_each_fn)(void *ctx, const void *key, size_t key_len, const void *value,
                           size_t len);
int kv_each(struct kv *kv, const void *prefix, size_t prefix_len, kv_each_fn fn, void *ctx);

#endif
