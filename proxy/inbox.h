/*
 * inbox.h - what a connection sent that its parser has not used yet.
 *
 * A parser sees one contiguous view: kept bytes and new ones.  Usually nothing is kept
 * and the view is the worker's scratch block; only an unfinished head, or the next
 * pipelined request, is copied here.  An idle connection holds nothing.
 */
#ifndef PROXY_INBOX_H
#define PROXY_INBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct inbox {
    uint8_t *data;           /* NULL: nothing is kept */
    struct buf_block *block; /* where data lies, unless it is too long for one */
    uint32_t len;
};

/* Kept bytes followed by [p, p+n); valid until the next call. */
uint8_t *inbox_view(struct inbox *in, struct buf_pool *pool, uint8_t *p, size_t n,
                    size_t *len);
/* Keeps the tail [p, p+n) of the last view, and only that. */
void inbox_keep(struct inbox *in, struct buf_pool *pool, const uint8_t *p, size_t n);
void inbox_clear(struct inbox *in, struct buf_pool *pool);

#endif
