#include "base/bufq.h"

#include <string.h>

#include "base/check.h"

void bufq_append(struct buf_pool *p, struct bufq *q, const void *data, size_t n)
{
    const uint8_t *from = data;

    q->len += n;
    while (n > 0) {
        struct buf_block *b = q->last;
        size_t room;

        if (b == NULL || b->to == BUF_BLOCK_BYTES) {
            b = buf_get(p);
            if (q->last != NULL)
                q->last->next = b;
            else
                q->first = b;
            q->last = b;
        }
        room = BUF_BLOCK_BYTES - b->to;
        if (room > n)
            room = n;
        memcpy(b->data + b->to, from, room);
        b->to += (uint32_t)room;
        from += room;
        n -= room;
    }
}

int bufq_iov(const struct bufq *q, size_t offset, struct iovec *iov, int max)
{
    int n = 0;

    for (struct buf_block *b = q->first; b != NULL && n < max; b = b->next) {
        size_t have = b->to - b->from;

        if (offset < have) {
            iov[n++] = (struct iovec){b->data + b->from + offset, have - offset};
            offset = 0;
        } else {
            offset -= have;
        }
    }
    return n;
}

void bufq_consume(struct buf_pool *p, struct bufq *q, size_t n)
{
    CHECK(n <= q->len);
    q->len -= n;
    while (q->first != NULL) {
        struct buf_block *b = q->first;
        size_t have = b->to - b->from;

        if (n < have) {
            b->from += (uint32_t)n;
            return;
        }
        n -= have;
        q->first = b->next;
        buf_put(p, b);
    }
    q->last = NULL;
}

void bufq_clear(struct buf_pool *p, struct bufq *q)
{
    bufq_consume(p, q, q->len);
}
