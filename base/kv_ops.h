/*
 * kv_ops.h - what a store behind kv.h must be able to do.
 *
 * kv.c checks sizes and holds the lock around each call, so an implementation
 * sees one call at a time and valid keys only.  It embeds `struct kv` first.
 */
#ifndef BASE_KV_OPS_H
#define BASE_KV_OPS_H

#include <pthread.h>

#include "base/kv.h"

struct kv_ops {
    void (*close)(struct kv *kv); /* frees it */
    int (*get)(struct kv *kv, const void *key, size_t key_len, void **value, size_t *len);
    int (*write)(struct kv *kv, const struct kv_put *puts, size_t n);
    int (*each)(struct kv *kv, const void *prefix, size_t prefix_len, kv_each_fn fn,
                void *ctx);
};

struct kv {
    const struct kv_ops *ops;
    pthread_mutex_t lock;
};

void kv_init(struct kv *kv, const struct kv_ops *ops);

struct kv *kv_mem_new(void);
int kv_lmdb_open(const char *path, uint64_t max_bytes, enum kv_company company,
                 struct kv **out, struct why *w);

#endif
