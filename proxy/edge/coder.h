/*
 * coder.h - compressors: zstd, Brotli and gzip behind one interface.
 *
 * A coder holds its memory while it is unused, in the pool of its thread; what all coders
 * of a pool hold is bounded (docs/edge.md has what each level takes).
 *
 * One thread.
 */
#ifndef PROXY_EDGE_CODER_H
#define PROXY_EDGE_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/cfg_edge.h"

struct coder;
struct coder_pool;

struct coder_pool *coder_pool_new(void);
void coder_pool_free(struct coder_pool *p); /* every coder must be back; NULL is fine */

/* What a coder of that kind holds at most. */
size_t coder_bytes(enum cfg_coding coding, uint32_t level);

/* Of all its coders, used or not. */
size_t coder_pool_bytes(const struct coder_pool *p);

/* A coder that has seen nothing.  NULL: there would be more than `max_bytes` in use. */
struct coder *coder_get(struct coder_pool *p, enum cfg_coding coding, uint32_t level,
                        size_t max_bytes);
void coder_put(struct coder_pool *p, struct coder *c);

enum coder_op {
    CODER_RUN,   /* take in; put out what comes by itself */
    CODER_FLUSH, /* put out all that was taken in */
    CODER_END,   /* ... and end */
};

/* Both are moved on by what was used and made. */
struct coder_io {
    const uint8_t *in;
    size_t n_in;
    uint8_t *out;
    size_t n_out;
};

/* False: there is no room left, and more to put out: come again with the same op. */
bool coder_step(struct coder *c, enum coder_op op, struct coder_io *io);

#endif
