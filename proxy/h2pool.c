#include "proxy/h2pool.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/h2link.h"
#include "proxy/worker.h"

/* At most this much is kept of each size. */
#define KEEP_BYTES 262144u

/* The last is what the library writes its frames into, one for each connection. */
static const uint32_t sizes[H2POOL_SIZES] = {
    24,  40,   56,   72,   104,  136,  200,  264,  392,   520,
    776, 1032, 1544, 2056, 3080, 4104, 6152, 8200, 12296, 16448,
};

/* The smallest that holds n; H2POOL_SIZES when none does. */
static int size_for(size_t n)
{
    int i = 0;

    while (i < H2POOL_SIZES && sizes[i] < n)
        i++;
    return i;
}

/* The largest that a block of n usable bytes can serve, or -1. */
static int size_of(size_t n)
{
    int i = H2POOL_SIZES;

    while (i > 0 && sizes[i - 1] > n)
        i--;
    return i - 1;
}

static void *take(size_t n, void *ctx)
{
    struct h2pool *p = ctx;
    int i = size_for(n);
    void *block;

    if (i == H2POOL_SIZES)
        return mem_grow(NULL, n, 1);
    block = p->free[i];
    if (block == NULL)
        return mem_grow(NULL, sizes[i], 1);
    memcpy(&p->free[i], block, sizeof(void *));
    p->n_free[i]--;
    return block;
}

static void give(void *block, void *ctx)
{
    struct h2pool *p = ctx;
    size_t n;
    int i;

    if (block == NULL)
        return;
    n = malloc_usable_size(block);
    i = size_of(n);
    if (i < 0 || n > sizes[H2POOL_SIZES - 1] + 64 ||
        p->n_free[i] * sizes[i] >= KEEP_BYTES) {
        free(block);
        return;
    }
    memcpy(block, &p->free[i], sizeof(void *));
    p->free[i] = block;
    p->n_free[i]++;
}

static void *take_zeroed(size_t n, size_t size, void *ctx)
{
    void *block;

    CHECK(size == 0 || n <= SIZE_MAX / size);
    block = take(n * size, ctx);
    memset(block, 0, n * size);
    return block;
}

static void *take_more(void *block, size_t n, void *ctx)
{
    size_t have = block != NULL ? malloc_usable_size(block) : 0;
    void *more;

    if (block != NULL && have >= n)
        return block;
    more = take(n, ctx);
    if (block != NULL) {
        memcpy(more, block, have);
        give(block, ctx);
    }
    return more;
}

struct h2pool *h2pool_of(struct worker *w)
{
    struct h2pool *p = w->h2;

    if (p != NULL)
        return p;
    p = w->h2 = mem_grow(NULL, 1, sizeof(*p));
    memset(p, 0, offsetof(struct h2pool, fields));
    list_init(&p->spare);
    p->mem = (nghttp2_mem){.mem_user_data = p,
                           .malloc = take,
                           .free = give,
                           .calloc = take_zeroed,
                           .realloc = take_more};
    return p;
}

void h2pool_free(struct h2pool *p)
{
    if (p == NULL)
        return;
    while (!list_empty(&p->spare)) {
        struct h2stream *s = LIST_FIRST(&p->spare, struct h2stream, node);

        list_remove(&s->node);
        free(s);
    }
    for (int i = 0; i < H2POOL_SIZES; i++)
        while (p->free[i] != NULL) {
            void *block = p->free[i];

            memcpy(&p->free[i], block, sizeof(void *));
            free(block);
        }
    nghttp2_session_callbacks_del(p->callbacks);
    nghttp2_option_del(p->options);
    free(p);
}

struct msg h2pool_storage(struct h2pool *p)
{
    return (struct msg){.text = p->text,
                        .text_room = sizeof(p->text),
                        .fields = p->fields,
                        .fields_room = N_ELEMS(p->fields)};
}
