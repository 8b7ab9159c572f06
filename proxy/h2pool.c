#include "proxy/h2pool.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/h2link.h"
#include "proxy/worker.h"

/* From this size on, what a session is made with lies in its pages. */
#define WITH_SESSION 512
/* At most this much is kept of each size. */
#define KEEP_BYTES 262144u

static const uint32_t sizes[H2POOL_SIZES] = {
    24,  40,  56,   72,   88,   104,  136,  200,  264,  392,
    520, 776, 1032, 1544, 2056, 3080, 4104, 6152, 8200, 12296,
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
    [H2POOL_SESSION] = H2POOL_SESSION_BYTES,
    [H2POOL_TABLE] = H2POOL_TABLE_BYTES,
    [H2POOL_FRAMES] = H2POOL_FRAMES_BYTES,
};

static struct h2pool_run *new_run(struct h2pool *p, int kind)
{
    struct h2pool_run *r = MEM_NEW(struct h2pool_run);
    size_t bytes = (size_t)RUN_PAGES * page_bytes[kind];

    r->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(r->base != MAP_FAILED);
    if (p->lowest == NULL || r->base < p->lowest)
        p->lowest = r->base;
    if (r->base + bytes > p->highest)
        p->highest = r->base + bytes;
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

/* Where it lies, or NULL. */
static struct h2pool_run *run_of(struct h2pool *p, const uint8_t *block, int *kind)
{
    for (*kind = 0; *kind < N_H2POOL_PAGES; (*kind)++)
        for (struct h2pool_run *r = p->runs[*kind]; r != NULL; r = r->next)
            if (block >= r->base &&
                (size_t)(block - r->base) < (size_t)RUN_PAGES * page_bytes[*kind])
                return r;
    return NULL;
}

static void free_pages(struct h2pool_run *r, int kind, uint8_t *block)
{
    size_t bytes = page_bytes[kind], i = (size_t)(block - r->base) / bytes;

    madvise(r->base + i * bytes, bytes, MADV_DONTNEED); /* the next owner finds zeros */
    *r->owner[i] = NULL;
    r->used &= ~((uint64_t)1 << i);
}

/* False: it is none of these.  What lies in a session's own pages goes with them. */
static bool give_pages(struct h2pool *p, uint8_t *block)
{
    struct h2pool_run *r;
    int kind;

    if (block < p->lowest || block >= p->highest)
        return false;
    r = run_of(p, block, &kind);
    if (r != NULL && kind != H2POOL_SESSION)
        free_pages(r, kind, block);
    return r != NULL;
}

void h2pool_end(struct h2pool *p, struct h2pool_pages *pages)
{
    int kind;

    free(pages->packed);
    pages->packed = NULL;
    if (pages->at[H2POOL_SESSION] != NULL)
        free_pages(run_of(p, pages->at[H2POOL_SESSION], &kind), H2POOL_SESSION,
                   pages->at[H2POOL_SESSION]);
}

/* ---- rest ------------------------------------------------------------------------------
 */

#define SESSION_WORDS (H2POOL_SESSION_BYTES / 8)

/* The words that are not 0, and which these are. */
struct h2pool_packed {
    uint64_t set[SESSION_WORDS / 64];
    uint64_t words[];
};

static void pack(struct h2pool_pages *pages)
{
    const uint64_t *at = pages->at[H2POOL_SESSION];
    uint64_t words[SESSION_WORDS];
    struct h2pool_packed all = {0}, *k;
    size_t n = 0;

    for (size_t i = 0; i < SESSION_WORDS; i++)
        if (at[i] != 0) {
            all.set[i / 64] |= (uint64_t)1 << i % 64;
            words[n++] = at[i];
        }
    k = pages->packed = mem_grow(NULL, 1, sizeof(*k) + n * sizeof(words[0]));
    *k = all;
    memcpy(k->words, words, n * sizeof(words[0]));
    madvise(pages->at[H2POOL_SESSION], H2POOL_SESSION_BYTES, MADV_DONTNEED);
}

void h2pool_rouse(struct h2pool_pages *pages)
{
    struct h2pool_packed *k = pages->packed;
    uint64_t *at = pages->at[H2POOL_SESSION];
    const uint64_t *word;

    if (k == NULL)
        return;
    word = k->words;
    for (size_t i = 0; i < SESSION_WORDS / 64; i++)
        for (uint64_t left = k->set[i]; left != 0; left &= left - 1)
            at[i * 64 + (size_t)__builtin_ctzll(left)] = *word++;
    pages->packed = NULL;
    free(k);
}

static bool is_zero(const uint8_t *p, size_t n)
{
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

void h2pool_rest(struct h2pool_pages *pages)
{
    if (pages->packed != NULL)
        return;
    if (pages->at[H2POOL_SESSION] != NULL)
        pack(pages);
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

/* What is large enough to be worth it, while there is room; or NULL. */
static void *take_with_session(struct h2pool *p, size_t n)
{
    struct h2pool_pages *pages = p->making;
    uint8_t *block;

    if (n < WITH_SESSION || n > H2POOL_SESSION_BYTES - pages->used)
        return NULL;
    if (pages->at[H2POOL_SESSION] == NULL)
        take_pages(p, H2POOL_SESSION);
    block = (uint8_t *)pages->at[H2POOL_SESSION] + pages->used;
    pages->used += (uint32_t)((n + 15) & ~(size_t)15);
    return block;
}

static void *take(size_t n, void *ctx)
{
    struct h2pool *p = ctx;
    int i = size_for(n);
    void *block = p->making != NULL ? take_with_session(p, n) : NULL;

    if (block != NULL)
        return block;
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

static void give(void *block, void *ctx)
{
    struct h2pool *p = ctx;
    size_t n;
    int i;

    if (block == NULL || give_pages(p, block))
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
