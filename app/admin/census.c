#include "app/admin/census.h"

#include <stdlib.h>

#include "base/mem.h"
#include "proxy/proxy.h"

#define ROOM 64 /* for most pools, at the first try */

const char *const census_state_name[N_CENSUS_STATES] = {
#define X(sym, name) name,
    CENSUS_STATES(X)
#undef X
};

enum census_state census_state_of(const struct backend_view *v)
{
    if (v->admin != BACKEND_READY)
        return CENSUS_DRAINING;
    if (v->health == BACKEND_DOWN)
        return CENSUS_DOWN;
    if (v->ejected)
        return CENSUS_EJECTED;
    return v->health == BACKEND_UNKNOWN ? CENSUS_STARTING : CENSUS_READY;
}

/* A pool that grows between two looks is seen as large as it was at the first. */
static void read_views(struct proxy *p, uint16_t service, enum tier tier, struct census *t)
{
    size_t room = ROOM, n;

    t->views = MEM_NEW_N(struct backend_view, room);
    n = proxy_backends_mt(p, service, tier, t->views, room);
    if (n > room) {
        room = n;
        free(t->views);
        t->views = MEM_NEW_N(struct backend_view, room);
        n = proxy_backends_mt(p, service, tier, t->views, room);
    }
    t->n = n < room ? n : room;
}

void census_take(struct proxy *p, uint16_t service, enum tier tier, struct census *out)
{
    *out = (struct census){0};
    read_views(p, service, tier, out);
    for (size_t i = 0; i < out->n; i++)
        out->in_state[census_state_of(&out->views[i])]++;
}

void census_fini(struct census *t)
{
    free(t->views);
    t->views = NULL;
}
