#include "base/kv.h"

#include "base/check.h"
#include "base/kv_ops.h"

void kv_init(struct kv *kv, const struct kv_ops *ops)
{
    kv->ops = ops;
    CHECK(pthread_mutex_init(&kv->lock, NULL) == 0);
}

int kv_open_lmdb(const char *path, uint64_t max_bytes, enum kv_company company,
                 struct kv **out, struct why *w)
{
    return kv_lmdb_open(path, max_bytes, company, out, w);
}

struct kv *kv_open_memory(void)
{
    return kv_mem_new();
}

void kv_close(struct kv *kv)
{
    if (kv == NULL)
        return;
    pthread_mutex_destroy(&kv->lock);
    kv->ops->close(kv);
}

static bool key_ok(const void *key, size_t len)
{
    return key != NULL && len > 0 && len <= KV_KEY_MAX;
}

int kv_get(struct kv *kv, const void *key, size_t key_len, void **value, size_t *len)
{
    int rc;

    *value = NULL;
    *len = 0;
    if (!key_ok(key, key_len))
        return RC_INVALID;
    pthread_mutex_lock(&kv->lock);
    rc = kv->ops->get(kv, key, key_len, value, len);
    pthread_mutex_unlock(&kv->lock);
    return rc;
}

int kv_write(struct kv *kv, const struct kv_put *puts, size_t n)
{
    int rc;

    for (size_t i = 0; i < n; i++)
        if (!key_ok(puts[i].key, puts[i].key_len))
            return RC_INVALID;
    if (n == 0)
        return RC_OK;
    pthread_mutex_lock(&kv->lock);
    rc = kv->ops->write(kv, puts, n);
    pthread_mutex_unlock(&kv->lock);
    return rc;
}

int kv_each(struct kv *kv, const void *prefix, size_t prefix_len, kv_each_fn fn, void *ctx)
{
    int rc;

    if (prefix_len > KV_KEY_MAX)
        return RC_INVALID;
    pthread_mutex_lock(&kv->lock);
    rc = kv->ops->each(kv, prefix, prefix_len, fn, ctx);
    pthread_mutex_unlock(&kv->lock);
    return rc;
}
