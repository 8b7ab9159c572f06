/*
 * bufq.h - a queue of bytes made of pooled blocks.
 *
 * Holds what the other side has not taken yet.  Bytes go in by copy and come out by
 * reference, for writev.
 */
#ifndef BASE_BUFQ_H
#define BASE_BUFQ_H

#include <stddef.h>
#include <sys/uio.h>

#include "base/buf.h"

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

#endif
