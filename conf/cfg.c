#include "conf/cfg.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/cfg_origin.h"
#include "conf/cfg_table.h"
#include "conf/cfg_walk.h"

struct cfg *cfg_ref(struct cfg *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void cfg_unref(struct cfg *c)
{
    unsigned before;

    if (c == NULL)
        return;
    before = atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before > 1)
        return;
    cfg_walk_clear(&cfg_table_root, c);
    cfg_origin_free(c->origin);
    free(c->file);
    free(c);
}

const struct cfg_service *cfg_service_find(const struct cfg *c, const char *name)
{
    for (size_t i = 0; i < c->n_services; i++)
        if (strcmp(c->services[i].name, name) == 0)
            return &c->services[i];
    return NULL;
}
