#include "conf/cfg_origin.h"

#include <stdlib.h>

#include "base/mem.h"

struct cfg_origin *cfg_origin_new(void)
{
    struct cfg_origin *o = MEM_NEW(struct cfg_origin);

    cfg_files_init(&o->files);
    cfg_places_init(&o->places);
    return o;
}

void cfg_origin_free(struct cfg_origin *o)
{
    if (o == NULL)
        return;
    cfg_places_fini(&o->places);
    cfg_files_fini(&o->files);
    free(o);
}

struct cfg_at cfg_origin_at(const struct cfg *c, const void *field, const void *object)
{
    const struct cfg_at *at = NULL;

    if (c->origin != NULL)
        at = cfg_places_find(&c->origin->places, field);
    if (c->origin != NULL && at == NULL)
        at = cfg_places_find_object(&c->origin->places, object);
    return at != NULL ? *at : (struct cfg_at){c->file != NULL ? c->file : "", 0, 0};
}
