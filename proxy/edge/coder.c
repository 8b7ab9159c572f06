#include "proxy/edge/coder.h"

#include <brotli/encode.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"

/* Windows: what a client must keep, and most of what a coder takes. */
#define GZIP_WINDOW_BITS (15 + 16) /* 16: the format is gzip's */
#define GZIP_MEM_LEVEL   8
#define BR_WINDOW_BITS   18
#define ZSTD_WINDOW_BITS 18
/* From this level on its tables would be made for larger windows. */
#define ZSTD_DEEP_LEVEL 5
#define ZSTD_HASH_BITS  17
#define ZSTD_CHAIN_BITS 18

#define BLOCKS_MAX 32 /* that Brotli has at once and that are kept for the next */

struct block {
    void *p;
    size_t size;
    bool used;
};

struct coder {
    struct coder_pool *pool;
    struct list node; /* in pool->idle, last used first */
    enum cfg_coding coding;
    uint32_t level;
    size_t bytes;  /* that it holds */
    size_t booked; /* of the pool's, for them */
    union {
        z_stream gzip;
        ZSTD_CCtx *zstd;
        struct {
            BrotliEncoderState *state; /* NULL: unused */
            struct block blocks[BLOCKS_MAX];
            size_t outside; /* bytes in other blocks */
        } br;
    } u;
};

struct coder_pool {
    struct list idle;
    size_t bytes;
};

#define LEVELS 13

/* What a coder holds once it has seen more than its window, by level. */
static const uint32_t kib_of[CFG_CODINGS][LEVELS] = {
    [CFG_CODING_ZSTD] = {0, 1090, 1280, 1790, 3070, 1790, 1790, 1790, 1790, 1790, 1790,
                         1790, 1790},
    [CFG_CODING_BR] = {290, 1010, 1640, 1580, 2240, 2740, 3760},
    [CFG_CODING_GZIP] = {0, 264, 264, 264, 264, 264, 264, 264, 264, 264},
};

size_t coder_bytes(enum cfg_coding coding, uint32_t level)
{
    CHECK(level < LEVELS && kib_of[coding][level] > 0);
    return (size_t)kib_of[coding][level] * 1024;
}

/* ---- memory -------------------------------------------------------------------------- */

/* What it may come to hold is booked before it holds it. */
static void book(struct coder *c)
{
    size_t want = coder_bytes(c->coding, c->level);

    if (want < c->bytes)
        want = c->bytes;
    c->pool->bytes += want - c->booked;
    c->booked = want;
}

static void hold(struct coder *c, size_t bytes)
{
    c->bytes += bytes;
}

static void *gzip_alloc(void *ctx, unsigned n, unsigned size)
{
    hold(ctx, (size_t)n * size);
    return mem_new(n, size);
}

static void gzip_free(void *ctx, void *p)
{
    (void)ctx; /* all of it goes at once: coder_free() */
    free(p);
}

/* A coder of Brotli cannot be used again, but the next one wants the same blocks. */
static void *br_alloc(void *ctx, size_t size)
{
    struct coder *c = ctx;
    struct block *room = NULL;

    for (int i = 0; i < BLOCKS_MAX; i++) {
        struct block *b = &c->u.br.blocks[i];

        if (b->p == NULL)
            room = b;
        else if (!b->used && b->size == size) {
            b->used = true;
            return b->p;
        }
    }
    hold(c, size);
    if (room == NULL) {
        c->u.br.outside += size;
        return mem_grow(NULL, 1, size);
    }
    *room = (struct block){mem_grow(NULL, 1, size), size, true};
    return room->p;
}

static void br_free(void *ctx, void *p)
{
    struct coder *c = ctx;

    for (int i = 0; i < BLOCKS_MAX; i++)
        if (c->u.br.blocks[i].p == p) {
            c->u.br.blocks[i].used = false;
            return;
        }
    free(p);
}

/* After the state is gone, so that no block is used. */
static void br_settle(struct coder *c)
{
    c->bytes -= c->u.br.outside;
    c->u.br.outside = 0;
}

static void coder_free(struct coder *c)
{
    list_remove(&c->node);
    if (c->coding == CFG_CODING_GZIP)
        deflateEnd(&c->u.gzip);
    else if (c->coding == CFG_CODING_ZSTD)
        ZSTD_freeCCtx(c->u.zstd);
    else
        for (int i = 0; i < BLOCKS_MAX; i++)
            free(c->u.br.blocks[i].p);
    c->pool->bytes -= c->booked;
    free(c);
}

/* ---- beginning ----------------------------------------------------------------------- */

static void zstd_set(ZSTD_CCtx *z, ZSTD_cParameter what, int value)
{
    CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(z, what, value)));
}

static void br_set(BrotliEncoderState *s, BrotliEncoderParameter what, uint32_t value)
{
    CHECK(BrotliEncoderSetParameter(s, what, value) == BROTLI_TRUE);
}

static struct coder *coder_new(struct coder_pool *p, enum cfg_coding coding, uint32_t level)
{
    struct coder *c = MEM_NEW(struct coder);

    c->pool = p;
    c->coding = coding;
    c->level = level;
    list_init(&c->node);
    if (coding == CFG_CODING_GZIP) {
        c->u.gzip = (z_stream){.zalloc = gzip_alloc, .zfree = gzip_free, .opaque = c};
        CHECK(deflateInit2(&c->u.gzip, (int)level, Z_DEFLATED, GZIP_WINDOW_BITS,
                           GZIP_MEM_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK);
    } else if (coding == CFG_CODING_ZSTD) {
        c->u.zstd = ZSTD_createCCtx();
        CHECK(c->u.zstd != NULL);
        zstd_set(c->u.zstd, ZSTD_c_compressionLevel, (int)level);
        zstd_set(c->u.zstd, ZSTD_c_windowLog, ZSTD_WINDOW_BITS);
        if (level >= ZSTD_DEEP_LEVEL) {
            zstd_set(c->u.zstd, ZSTD_c_hashLog, ZSTD_HASH_BITS);
            zstd_set(c->u.zstd, ZSTD_c_chainLog, ZSTD_CHAIN_BITS);
        }
    }
    return c;
}

static void begin(struct coder *c)
{
    if (c->coding != CFG_CODING_BR)
        return;
    c->u.br.state = BrotliEncoderCreateInstance(br_alloc, br_free, c);
    CHECK(c->u.br.state != NULL);
    br_set(c->u.br.state, BROTLI_PARAM_QUALITY, c->level);
    br_set(c->u.br.state, BROTLI_PARAM_LGWIN, BR_WINDOW_BITS);
}

/* Back to where it has seen nothing. */
static void rewind_coder(struct coder *c)
{
    if (c->coding == CFG_CODING_GZIP) {
        CHECK(deflateReset(&c->u.gzip) == Z_OK);
    } else if (c->coding == CFG_CODING_ZSTD) {
        CHECK(!ZSTD_isError(ZSTD_CCtx_reset(c->u.zstd, ZSTD_reset_session_only)));
        c->bytes = ZSTD_sizeof_CCtx(c->u.zstd);
    } else {
        BrotliEncoderDestroyInstance(c->u.br.state);
        c->u.br.state = NULL;
        br_settle(c);
    }
}

/* ---- the pool ------------------------------------------------------------------------ */

struct coder_pool *coder_pool_new(void)
{
    struct coder_pool *p = MEM_NEW(struct coder_pool);

    list_init(&p->idle);
    return p;
}

void coder_pool_free(struct coder_pool *p)
{
    if (p == NULL)
        return;
    while (!list_empty(&p->idle))
        coder_free(LIST_FIRST(&p->idle, struct coder, node));
    CHECK(p->bytes == 0);
    free(p);
}

size_t coder_pool_bytes(const struct coder_pool *p)
{
    return p->bytes;
}

static struct coder *take_idle(struct coder_pool *p, enum cfg_coding coding, uint32_t level)
{
    LIST_EACH (n, &p->idle) {
        struct coder *c = CONTAINER_OF(n, struct coder, node);

        if (c->coding == coding && c->level == level) {
            list_remove(&c->node);
            return c;
        }
    }
    return NULL;
}

struct coder *coder_get(struct coder_pool *p, enum cfg_coding coding, uint32_t level,
                        size_t max_bytes)
{
    size_t want = coder_bytes(coding, level);
    struct coder *c = take_idle(p, coding, level);

    while (c == NULL && p->bytes + want > max_bytes && !list_empty(&p->idle))
        coder_free(LIST_LAST(&p->idle, struct coder, node));
    if (c == NULL && p->bytes + want > max_bytes)
        return NULL;
    if (c == NULL)
        c = coder_new(p, coding, level);
    book(c);
    begin(c);
    return c;
}

void coder_put(struct coder_pool *p, struct coder *c)
{
    rewind_coder(c);
    book(c);
    list_add_head(&p->idle, &c->node);
}

/* ---- working ------------------------------------------------------------------------- */

static bool gzip_step(struct coder *c, enum coder_op op, struct coder_io *io)
{
    static const int flush[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    z_stream *z = &c->u.gzip;
    int rc;

    z->next_in = (Bytef *)(uintptr_t)io->in;
    z->avail_in = (uInt)io->n_in;
    z->next_out = io->out;
    z->avail_out = (uInt)io->n_out;
    rc = deflate(z, flush[op]);
    CHECK(rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR);
    io->in = z->next_in;
    io->n_in = z->avail_in;
    io->out = z->next_out;
    io->n_out = z->avail_out;
    return op == CODER_END ? rc == Z_STREAM_END : z->avail_out > 0;
}

static bool zstd_step(struct coder *c, enum coder_op op, struct coder_io *io)
{
    static const ZSTD_EndDirective end[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
    ZSTD_inBuffer in = {io->in, io->n_in, 0};
    ZSTD_outBuffer out = {io->out, io->n_out, 0};
    size_t left = ZSTD_compressStream2(c->u.zstd, &out, &in, end[op]);

    CHECK(!ZSTD_isError(left));
    io->in += in.pos;
    io->n_in -= in.pos;
    io->out += out.pos;
    io->n_out -= out.pos;
    return op == CODER_RUN ? io->n_in == 0 : left == 0;
}

static bool br_step(struct coder *c, enum coder_op op, struct coder_io *io)
{
    static const BrotliEncoderOperation how[] = {
        BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH};
    BrotliEncoderState *s = c->u.br.state;

    CHECK(BrotliEncoderCompressStream(s, how[op], &io->n_in, &io->in, &io->n_out, &io->out,
                                      NULL) == BROTLI_TRUE);
    return io->n_in == 0 && !BrotliEncoderHasMoreOutput(s) &&
           (op != CODER_END || BrotliEncoderIsFinished(s));
}

bool coder_step(struct coder *c, enum coder_op op, struct coder_io *io)
{
    switch (c->coding) {
    case CFG_CODING_GZIP:
        return gzip_step(c, op, io);
    case CFG_CODING_ZSTD:
        return zstd_step(c, op, io);
    case CFG_CODING_BR:
    case CFG_CODINGS:
        break;
    }
    return br_step(c, op, io);
}
