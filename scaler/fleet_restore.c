#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "scaler/instance.h"

static int index_of(const char *name, const char *const *names, int n)
{
    for (int i = 0; name != NULL && i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

/* Where an instance goes on that was stored in that state.  A pool of this process does
 * not know it yet, so one that served begins again as starting. */
static enum fleet_state resume(enum fleet_state was, enum provider_phase phase,
                               bool tier_ok)
{
    bool served = was == FLEET_STARTING || was == FLEET_PROBING || was == FLEET_READY;

    return served && tier_ok && phase != PROVIDER_ENDED ? FLEET_STARTING : FLEET_STOPPING;
}

static void take_over(struct fleet *f, struct instance *i, enum fleet_state was,
                      mono_us now)
{
    struct provider *p = f->env.local;
    bool tier_ok = f->svc->local.present && f->svc->pools[i->tier].max > 0;
    struct provider_status st;

    p->ops->adopt(p, f->svc->local.present ? f->svc : NULL, i->id, &i->addr, i->handle);
    p->ops->status(p, i->id, &st);
    i->fleet = f;
    i->since = now;
    i->state = resume(was, st.phase, tier_ok);
    list_add_tail(&f->instances, &i->node);
    if (i->state == FLEET_STOPPING)
        p->ops->destroy(p, i->id);
    log_info("fleet", "instance of an earlier run %s service=%s tier=%s id=%s",
             i->state == FLEET_STARTING ? "is taken over" : "is ended", f->service,
             tier_name[i->tier], i->id);
}

bool fleet_restore(struct fleet *f, const char *text, size_t len, mono_us now)
{
    json_t *o = json_loadb(text, len, 0, NULL);
    const char *id = json_string_value(json_object_get(o, "id"));
    const char *service = json_string_value(json_object_get(o, "service"));
    const char *addr = json_string_value(json_object_get(o, "addr"));
    const char *handle = json_string_value(json_object_get(o, "handle"));
    int t = index_of(json_string_value(json_object_get(o, "tier")), tier_name, N_TIERS);
    int was = index_of(json_string_value(json_object_get(o, "state")), fleet_state_name,
                       N_FLEET_STATES);
    bool ok = id != NULL && id[0] != 0 && service != NULL && handle != NULL && t >= 0 &&
              was >= 0 && strcmp(service, f->service) == 0;

    if (ok) {
        struct instance *i = MEM_NEW(struct instance);

        snprintf(i->id, sizeof(i->id), "%s", id);
        snprintf(i->handle, sizeof(i->handle), "%s", handle);
        i->tier = (enum tier)t;
        if (addr != NULL && addr[0] != 0 && addr_parse(addr, &i->addr, NULL) != RC_OK)
            i->addr = (struct addr){0};
        take_over(f, i, (enum fleet_state)was, now);
    }
    json_decref(o);
    return ok;
}
