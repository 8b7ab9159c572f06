#include "proxy/h2pool.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/h2link.h"
#include "proxy/worker.h"

/* At most this much is kept of each size. */
#define KEEP_BYTES 262144u

static const uint32_t sizes[H2POOL_SIZES] = {
    24,  40,   56,   72,   104,  136,  200,  264,  392,   520,
    776, 1032, 1544, 2056, 3080, 4104, 6152, 8200, 12296,
};

/* ---- whole pages -----------------------------------------------------------------------
 */

#define RUN_PAGES 64

/* Neighbours, so that the kernel keeps few records of them. */
struct h2pool_run {
    struct h2pool_run *next;
    uint8_t *base;
    uint64_t used;           /* bit per entry */
    void **owner[RUN_PAGES]; /* where its session notes it */
};

static const uint32_t page_bytes[N_H2POOL_PAGES] = {
    [H2POOL_TABLE] = H2POOL_TABLE_BYTES,
    [H2POOL_FRAMES] = H2POOL_FRAMES_BYTES,
};

static struct h2pool_run *new_run(struct h2pool *p, int kind)
{
    struct h2pool_run *r = MEM_NEW(struct h2pool_run);

    r->base = mmap(NULL, (size_t)RUN_PAGES * page_bytes[kind], PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(r->base != MAP_FAILED);
    r->next = p->runs[kind];
    p->runs[kind] = r;
    return r;
}

static void *take_pages(struct h2pool *p, int kind)
{
    struct h2pool_run *r = p->runs[kind];
    int i;

    while (r != NULL && r->used == UINT64_MAX)
        r = r->next;
    if (r == NULL)
        r = new_run(p, kind);
    i = __builtin_ctzll(~r->used);
    r->used |= (uint64_t)1 << i;
    r->owner[i] = &p->making->at[kind];
    p->making->at[kind] = r->base + (size_t)i * page_bytes[kind];
    return p->making->at[kind];
}

/* False: it is none of these. */
static bool give_pages(struct h2pool *p, uint8_t *block)
{
    for (int kind = 0; kind < N_H2POOL_PAGES; kind++) {
        size_t bytes = page_bytes[kind];

        for (struct h2pool_run *r = p->runs[kind]; r != NULL; r = r->next) {
            size_t i = (size_t)(block - r->base) / bytes;

            if (block < r->base || i >= RUN_PAGES)
                continue;
            madvise(block, bytes, MADV_DONTNEED); /* the next owner finds zeros */
            *r->owner[i] = NULL;
            r->used &= ~((uint64_t)1 << i);
            return true;
        }
    }
    return false;
}

static bool is_zero(const uint8_t *p, size_t n)
{
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

void h2pool_shed(struct h2pool_pages *pages)
{
    if (pages->at[H2POOL_FRAMES] != NULL)
        madvise(pages->at[H2POOL_FRAMES], H2POOL_FRAMES_BYTES, MADV_DONTNEED);
    if (pages->at[H2POOL_TABLE] != NULL &&
        is_zero(pages->at[H2POOL_TABLE], H2POOL_TABLE_BYTES))
        madvise(pages->at[H2POOL_TABLE], H2POOL_TABLE_BYTES, MADV_DONTNEED);
}

static void free_runs(struct h2pool *p)
{
    for (int kind = 0; kind < N_H2POOL_PAGES; kind++)
        while (p->runs[kind] != NULL) {
            struct h2pool_run *r = p->runs[kind];

            CHECK(r->used == 0);
            munmap(r->base, (size_t)RUN_PAGES * page_bytes[kind]);
            p->runs[kind] = r->next;
            free(r);
        }
}

/* ---- small blocks ----------------------------------------------------------------------
 */

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

    if (i == H2POOL_SIZES) {
        bool frames = p->making != NULL && n <= H2POOL_FRAMES_BYTES;

        return frames && p->making->at[H2POOL_FRAMES] == NULL ? take_pages(p, H2POOL_FRAMES)
                                                              : mem_grow(NULL, n, 1);
    }
    block = p->free[i];
    if (block == NULL)
        return mem_grow(NULL, sizes[i], 1);
    memcpy(&p->free[i], block, sizeof(void *));
    p->n_free[i]--;
    return block;
}

/* No block of malloc's is. */
static bool is_page_aligned(const void *block)
{
    return ((uintptr_t)block & (H2POOL_TABLE_BYTES - 1)) == 0;
}

static void give(void *block, void *ctx)
{
    struct h2pool *p = ctx;
    size_t n;
    int i;

    if (block == NULL || (is_page_aligned(block) && give_pages(p, block)))
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
    struct h2pool *p = ctx;
    void *block;

    CHECK(size == 0 || n <= SIZE_MAX / size);
    if (n * size == H2POOL_TABLE_BYTES && p->making != NULL &&
        p->making->at[H2POOL_TABLE] == NULL)
        return take_pages(p, H2POOL_TABLE);
    block = take(n * size, ctx);
    memset(block, 0, n * size);
    return block;
}

/* The library never grows its pages; it does not know a block's size either. */
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
    free_runs(p);
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
