#include "profiler/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "profiler/pathkey.h"

void batch_init(struct batch *b)
{
    *b = (struct batch){0};
    map_init(&b->by_key);
}

/* Key and value are one block, the key in front. */
static void free_record(struct kv_put *p)
{
    free((void *)(uintptr_t)p->key);
}

void batch_clear(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        free_record(&b->put[i]);
    b->n = 0;
    map_fini(&b->by_key);
}

void batch_fini(struct batch *b)
{
    batch_clear(b);
    free(b->put);
    b->put = NULL;
    b->cap = 0;
}

/* The map holds places + 1.  Two keys with one hash are told apart by their bytes. */
static size_t place_of(const struct batch *b, const void *key, size_t key_len)
{
    uint64_t hash = pathkey_of(key, key_len);
    size_t place;

    for (;; hash++) {
        place = (size_t)(uintptr_t)map_find(&b->by_key, hash);
        if (place == 0)
            return b->n;
        if (b->put[place - 1].key_len == key_len &&
            memcmp(b->put[place - 1].key, key, key_len) == 0)
            return place - 1;
    }
}

static void index_last(struct batch *b)
{
    uint64_t hash = pathkey_of(b->put[b->n - 1].key, b->put[b->n - 1].key_len);

    while (map_find(&b->by_key, hash) != NULL)
        hash++;
    map_set(&b->by_key, hash, (void *)(uintptr_t)b->n);
}

void batch_put(struct batch *b, const void *key, size_t key_len, const void *value,
               size_t len)
{
    size_t at = place_of(b, key, key_len);
    uint8_t *record = mem_new(key_len + len, 1);

    memcpy(record, key, key_len);
    if (len > 0)
        memcpy(record + key_len, value, len);
    if (at < b->n)
        free_record(&b->put[at]);
    if (b->n == b->cap && at == b->n) {
        b->cap = b->cap > 0 ? 2 * b->cap : 64;
        b->put = mem_grow(b->put, b->cap, sizeof(b->put[0]));
    }
    b->put[at] =
        (struct kv_put){record, value != NULL ? record + key_len : NULL, key_len, len};
    if (at == b->n) {
        b->n++;
        index_last(b);
    }
}

const struct kv_put *batch_find(const struct batch *b, const void *key, size_t key_len)
{
    size_t at = place_of(b, key, key_len);

    return at < b->n ? &b->put[at] : NULL;
}
