#include "app/admin/overview.h"

#include "app/admin/ask.h"
#include "app/admin/figures.h"
#include "app/admin/parts.h"
#include "app/admin/trail.h"
#include "app/admin/vitals.h"
#include "base/check.h"

#define DECISIONS 100

static void add_detail(const struct parts *p, const struct cfg_service *s, wall_ms since,
                       json_t *o)
{
    json_t *pools = json_array();

    for (int t = 0; t < N_TIERS; t++)
        if (s->pools[t].present)
            json_array_append_new(pools, figures_pool(p->wire, s, (enum tier)t));
    json_object_set_new(o, "chosen", json_string(s->name));
    json_object_set_new(o, "pools", pools);
    json_object_set_new(o, "trail", trail_json(p->trail, s->name, since));
}

/* What a person reads of each; /api/v1/decisions has the rest. */
static json_t *brief_decisions(struct wire *w)
{
    static const char *const left_out[] = {"inputs", "votes", "limits"};
    json_t *o = scaler_decisions_json_mt(w->scaler, "", DECISIONS), *d;
    size_t i;

    json_array_foreach(json_object_get(o, "decisions"), i, d)
    {
        for (size_t k = 0; k < N_ELEMS(left_out); k++)
            json_object_del(d, left_out[k]);
    }
    return o;
}

static json_t *overview_json(const struct parts *p, const struct cfg *cfg)
{
    struct wire *w = p->wire;
    json_t *services = json_array(), *o = json_object();

    for (size_t i = 0; i < cfg->n_services; i++)
        json_array_append_new(services, figures_brief(w, &cfg->services[i]));
    json_object_set_new(o, "state", vitals_state(p));
    json_object_set_new(o, "process", vitals_process(w));
    json_object_set_new(o, "users", vitals_users(w));
    json_object_set_new(o, "services", services);
    json_object_update_new(o, brief_decisions(w));
    return o;
}

/* The service that is asked for, or the first. */
static const struct cfg_service *choose(const struct cfg *cfg, const char *name)
{
    if (name[0] != 0)
        return cfg_service_find(cfg, name);
    return cfg->n_services > 0 ? &cfg->services[0] : NULL;
}

static void answer(const struct parts *p, struct ask *a, const struct cfg *cfg)
{
    const char *name = ask_text(a, "service");
    const struct cfg_service *chosen = choose(cfg, name);
    json_t *o;
    long since;

    if (chosen == NULL && name[0] != 0) {
        ask_reply_problem(a, 404, "no service '%s'", name);
        return;
    }
    if (ask_number(a, "since", 0, ASK_NUMBER_MAX, &since) != RC_OK) {
        ask_reply_problem(a, 400, "since is a time in milliseconds");
        return;
    }
    o = overview_json(p, cfg);
    if (chosen != NULL)
        add_detail(p, chosen, since, o);
    ask_reply_json(a, 200, o);
}

void overview_show(const struct parts *p, struct ask *a)
{
    struct cfg *cfg = proxy_cfg_mt(p->wire->proxy);

    answer(p, a, cfg);
    cfg_unref(cfg);
}
