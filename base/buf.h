/*
 * buf.h - pooled 16 KiB blocks and the queues of bytes made of them.
 *
 * What can be forwarded at once never gets here; a queue holds what the other side has
 * not taken yet.  Blocks come from a pool of one thread and go back to it, not to
 * malloc: giving memory back costs page faults.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

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

struct bufq {
    struct buf_block *first, *last; /* private */
    size_t len;
};

/* Copies n bytes to the end. */
void bufq_append(struct buf_pool *p, struct bufq *q, const void *data, size_t n);
/* Fills at most max entries with what lies from `offset` on, returns how many. */
int bufq_iov(const struct bufq *q, size_t offset, struct iovec *iov, int max);
void bufq_consume(struct buf_pool *p, struct bufq *q, size_t n);
void bufq_clear(struct buf_pool *p, struct bufq *q);
/* Moves all of `from` to the end of `to`. */
void bufq_move(struct bufq *to, struct bufq *from);

#endif
