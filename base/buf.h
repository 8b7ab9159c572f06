/*
 * buf.h - 16 KiB blocks of memory from a pool.
 *
 * What can be forwarded at once never gets here.  Blocks come from a pool of one thread and
 * go back to it, not to malloc: giving memory back costs page faults.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdint.h>

#define BUF_BLOCK_BYTES 16384

struct buf_block {
    struct buf_block *next;
    uint32_t from, to; /* the bytes that are there */
    uint8_t data[BUF_BLOCK_BYTES];
};

struct buf_pool {
    struct buf_block *free;
    uint32_t n_free, n_used;
};

void buf_pool_init(struct buf_pool *p);
void buf_pool_fini(struct buf_pool *p); /* every block must be back */
struct buf_block *buf_get(struct buf_pool *p);
void buf_put(struct buf_pool *p, struct buf_block *b);

#endif
