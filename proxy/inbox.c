#include "proxy/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Storage for n bytes that holds the kept ones. */
static void reserve(struct inbox *in, struct buf_pool *pool, size_t n)
{
    if (in->data == NULL && n <= BUF_BLOCK_BYTES) {
        in->block = buf_get(pool);
        in->data = in->block->data;
    } else if (in->block != NULL && n > BUF_BLOCK_BYTES) {
        uint8_t *big = mem_grow(NULL, n, 1);

        memcpy(big, in->data, in->len);
        buf_put(pool, in->block);
        in->block = NULL;
        in->data = big;
    } else if (in->block == NULL) {
        in->data = mem_grow(in->data, n, 1);
    }
}

uint8_t *inbox_view(struct inbox *in, struct buf_pool *pool, uint8_t *p, size_t n,
                    size_t *len)
{
    if (in->len == 0) {
        *len = n;
        return p;
    }
    if (n > 0) {
        reserve(in, pool, in->len + n);
        memcpy(in->data + in->len, p, n);
        in->len += (uint32_t)n;
    }
    *len = in->len;
    return in->data;
}

void inbox_keep(struct inbox *in, struct buf_pool *pool, const uint8_t *p, size_t n)
{
    if (n == 0) {
        inbox_clear(in, pool);
        return;
    }
    if (in->len == 0)
        reserve(in, pool, n);
    memmove(in->data, p, n);
    in->len = (uint32_t)n;
}

void inbox_clear(struct inbox *in, struct buf_pool *pool)
{
    if (in->block != NULL)
        buf_put(pool, in->block);
    else
        free(in->data);
    *in = (struct inbox){0};
}
