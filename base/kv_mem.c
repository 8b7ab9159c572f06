/*
 * The store for tests and for `store: memory`: a skip list (Pugh, 1990), sorted
 * like the others, gone with the process.
 */
#include <stdlib.h>
#include <string.h>

#include "base/kv_ops.h"
#include "base/mem.h"
#include "base/rng.h"

#define LEVELS 20 /* enough for a million keys at one in two */

struct node {
    void *value;
    size_t value_len, key_len;
    unsigned char *key;
    unsigned levels;
    struct node *next[];
};

struct kv_mem {
    struct kv kv;
    struct rng rng;
    struct node *head[LEVELS];
};

static struct kv_mem *mem_of(struct kv *kv)
{
    return (struct kv_mem *)kv;
}

static int compare(const struct node *n, const void *key, size_t len)
{
    int d = memcmp(n->key, key, n->key_len < len ? n->key_len : len);

    if (d != 0)
        return d;
    return (n->key_len > len) - (n->key_len < len);
}

/* links[i]: the pointer at level i that leads to the first node not before `key`. */
static struct node *seek(struct kv_mem *m, const void *key, size_t len,
                         struct node ***links)
{
    struct node **next = m->head;

    for (int i = LEVELS - 1; i >= 0; i--) {
        while (next[i] != NULL && compare(next[i], key, len) < 0)
            next = next[i]->next;
        if (links != NULL)
            links[i] = &next[i];
    }
    return next[0];
}

static void *copy(const void *p, size_t len)
{
    void *q = mem_new(len, 1);

    if (len > 0)
        memcpy(q, p, len);
    return q;
}

static void free_node(struct node *n)
{
    free(n->key);
    free(n->value);
    free(n);
}

static void insert(struct kv_mem *m, const struct kv_put *put, struct node ***links)
{
    unsigned levels = 1 + (unsigned)__builtin_ctzll(rng_next(&m->rng) | 1u << (LEVELS - 1));
    struct node *n = mem_new(1, sizeof(*n) + levels * sizeof(n->next[0]));

    n->key = copy(put->key, put->key_len);
    n->key_len = put->key_len;
    n->value = copy(put->value, put->value_len);
    n->value_len = put->value_len;
    n->levels = levels;
    for (unsigned i = 0; i < levels; i++) {
        n->next[i] = *links[i];
        *links[i] = n;
    }
}

static void apply(struct kv_mem *m, const struct kv_put *put)
{
    struct node **links[LEVELS];
    struct node *n = seek(m, put->key, put->key_len, links);

    if (n != NULL && compare(n, put->key, put->key_len) == 0) {
        for (unsigned i = 0; i < n->levels; i++)
            *links[i] = n->next[i];
        free_node(n);
    }
    if (put->value != NULL)
        insert(m, put, links);
}

static int mem_write(struct kv *kv, const struct kv_put *puts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        apply(mem_of(kv), &puts[i]);
    return RC_OK;
}

static int mem_get(struct kv *kv, const void *key, size_t key_len, void **value,
                   size_t *len)
{
    struct node *n = seek(mem_of(kv), key, key_len, NULL);

    if (n == NULL || compare(n, key, key_len) != 0)
        return RC_NOT_FOUND;
    *value = copy(n->value, n->value_len);
    *len = n->value_len;
    return RC_OK;
}

static int mem_each(struct kv *kv, const void *prefix, size_t prefix_len, kv_each_fn fn,
                    void *ctx)
{
    struct node *n = seek(mem_of(kv), prefix, prefix_len, NULL);

    while (n != NULL && n->key_len >= prefix_len &&
           memcmp(n->key, prefix, prefix_len) == 0) {
        if (!fn(ctx, n->key, n->key_len, n->value, n->value_len))
            break;
        n = n->next[0];
    }
    return RC_OK;
}

static void mem_close(struct kv *kv)
{
    struct node *n = mem_of(kv)->head[0];

    while (n != NULL) {
        struct node *next = n->next[0];

        free_node(n);
        n = next;
    }
    free(kv);
}

static const struct kv_ops ops = {mem_close, mem_get, mem_write, mem_each};

struct kv *kv_mem_new(void)
{
    struct kv_mem *m = MEM_NEW(struct kv_mem);

    kv_init(&m->kv, &ops);
    rng_init(&m->rng, 1);
    return &m->kv;
}
