/*
 * list.h - intrusive doubly linked list; a node that is in no list points at itself.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_add_tail(struct list *l, struct list *node)
{
    node->prev = l->prev;
    node->next = l;
    l->prev->next = node;
    l->prev = node;
}

static inline void list_add_head(struct list *l, struct list *node)
{
    list_add_tail(l->next, node);
}

/* Harmless on a node that is in no list. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* Moves all of `from` to the end of `to`. */
static inline void list_join(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define LIST_FIRST(l, type, member) CONTAINER_OF((l)->next, type, member)
#define LIST_LAST(l, type, member)  CONTAINER_OF((l)->prev, type, member)

/* Walks from first to last; the node that is visited may be removed and freed. */
#define LIST_EACH(n, head)                                                                 \
    for (struct list *n = (head)->next, *n##_next = n->next; n != (head);                  \
         n = n##_next, n##_next = n->next)

#endif
