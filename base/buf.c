#include "base/buf.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

/* Unused blocks kept for the next need: 16 MiB a thread. */
#define KEEP_FREE 1024

void buf_pool_init(struct buf_pool *p)
{
    *p = (struct buf_pool){0};
}

void buf_pool_fini(struct buf_pool *p)
{
    CHECK(p->n_used == 0);
    while (p->free != NULL) {
        struct buf_block *b = p->free;

        p->free = b->next;
        free(b);
    }
}

struct buf_block *buf_get(struct buf_pool *p)
{
    struct buf_block *b = p->free;

    if (b != NULL) {
        p->free = b->next;
        p->n_free--;
    } else {
        b = mem_grow(NULL, 1, sizeof(*b));
    }
    p->n_used++;
    b->next = NULL;
    b->from = b->to = 0;
    return b;
}

void buf_put(struct buf_pool *p, struct buf_block *b)
{
    p->n_used--;
    if (p->n_free >= KEEP_FREE) {
        free(b);
        return;
    }
    b->next = p->free;
    p->free = b;
    p->n_free++;
}
