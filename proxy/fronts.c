#include "proxy/fronts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void fronts_init(struct fronts *f)
{
    pthread_mutex_init(&f->lock, NULL);
    list_init(&f->list);
}

void fronts_fini(struct fronts *f)
{
    LIST_EACH (n, &f->list)
        free(CONTAINER_OF(n, struct front, node));
    pthread_mutex_destroy(&f->lock);
}

static struct front *find(struct fronts *f, const char *bind)
{
    LIST_EACH (n, &f->list) {
        struct front *one = CONTAINER_OF(n, struct front, node);

        if (strcmp(one->bind, bind) == 0)
            return one;
    }
    return NULL;
}

struct front *fronts_get(struct fronts *f, const char *bind, const char *name)
{
    struct front *one;

    pthread_mutex_lock(&f->lock);
    one = find(f, bind);
    if (one == NULL) {
        one = MEM_NEW(struct front);
        snprintf(one->bind, sizeof(one->bind), "%s", bind);
        list_add_tail(&f->list, &one->node);
    }
    snprintf(one->name, sizeof(one->name), "%s", name);
    pthread_mutex_unlock(&f->lock);
    return one;
}

uint32_t fronts_open(struct fronts *f, const char *name, size_t len)
{
    uint32_t open = 0;

    pthread_mutex_lock(&f->lock);
    LIST_EACH (n, &f->list) {
        struct front *one = CONTAINER_OF(n, struct front, node);

        if (strlen(one->name) == len && memcmp(one->name, name, len) == 0)
            open = atomic_load_explicit(&one->open, memory_order_relaxed);
    }
    pthread_mutex_unlock(&f->lock);
    return open;
}
