#include "scaler/decisions.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
    uint64_t id;  /* 0: empty */
    bool changed; /* since it was last stored */
    bool judged;
    struct plan plan; /* when `old` is NULL */
    json_t *old;      /* of an earlier process */
};

struct decisions {
    uint64_t next;
    struct entry ring[DECISIONS_MAX];
};

struct decisions *decisions_new(void)
{
    struct decisions *d = MEM_NEW(struct decisions);

    d->next = 1;
    return d;
}

void decisions_free(struct decisions *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < DECISIONS_MAX; i++)
        json_decref(d->ring[i].old);
    free(d);
}

/* The newest of that pool by this process; NULL: none is left. */
static struct entry *newest(struct decisions *d, const char *service, enum tier t)
{
    for (uint64_t back = 1; back <= DECISIONS_MAX && back < d->next; back++) {
        struct entry *e = &d->ring[(d->next - back) % DECISIONS_MAX];

        if (e->id != 0 && e->old == NULL && e->plan.tier == t &&
            strcmp(e->plan.service, service) == 0)
            return e;
    }
    return NULL;
}

static void repeat(struct entry *e, wall_ms at)
{
    e->plan.repeats++;
    e->plan.last_at = at;
    e->changed = true;
}

bool decisions_add(struct decisions *d, const struct plan *p)
{
    struct entry *e = newest(d, p->service, p->tier);

    if (e != NULL && plan_repeats(p, &e->plan)) {
        repeat(e, p->at);
        return false;
    }
    e = &d->ring[d->next % DECISIONS_MAX];
    json_decref(e->old);
    *e = (struct entry){.id = d->next, .changed = true, .plan = *p};
    e->plan.id = d->next++;
    e->plan.last_at = p->at;
    return true;
}

void decisions_judge(struct decisions *d, const char *service, wall_ms now,
                     decisions_peak_fn peak, void *ctx)
{
    for (size_t i = 0; i < DECISIONS_MAX; i++) {
        struct entry *e = &d->ring[i];
        double rps;

        if (e->id == 0 || e->old != NULL || e->judged || plan_judge_to(&e->plan) > now ||
            strcmp(e->plan.service, service) != 0)
            continue;
        e->judged = true;
        rps = peak(ctx, plan_judge_from(&e->plan), plan_judge_to(&e->plan));
        if (isnan(rps))
            continue;
        plan_judge(&e->plan, rps);
        e->changed = true;
    }
}

static const char *service_of(const struct entry *e)
{
    const char *name;

    if (e->old == NULL)
        return e->plan.service;
    name = json_string_value(json_object_get(e->old, "service"));
    return name != NULL ? name : "";
}

static json_t *entry_json(const struct entry *e)
{
    return e->old != NULL ? json_incref(e->old) : plan_json(&e->plan);
}

struct json_t *decisions_json(const struct decisions *d, const char *service, size_t limit)
{
    json_t *list = json_array();

    for (uint64_t back = 1; back <= DECISIONS_MAX && back < d->next; back++) {
        const struct entry *e = &d->ring[(d->next - back) % DECISIONS_MAX];

        if (json_array_size(list) >= limit)
            break;
        if (e->id != 0 && (service[0] == 0 || strcmp(service_of(e), service) == 0))
            json_array_append_new(list, entry_json(e));
    }
    return list;
}

char *decisions_take_changed(struct decisions *d, size_t place)
{
    struct entry *e = &d->ring[place];
    json_t *o;
    char *text;

    if (e->id == 0 || !e->changed)
        return NULL;
    e->changed = false;
    o = entry_json(e);
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

bool decisions_restore(struct decisions *d, const char *text, size_t len)
{
    json_t *o = json_loadb(text, len, 0, NULL);
    json_int_t id = json_integer_value(json_object_get(o, "id"));
    struct entry *e;

    if (id <= 0 || json_string_value(json_object_get(o, "service")) == NULL) {
        json_decref(o);
        return false;
    }
    e = &d->ring[(uint64_t)id % DECISIONS_MAX];
    json_decref(e->old);
    *e = (struct entry){.id = (uint64_t)id, .judged = true, .old = o};
    if ((uint64_t)id >= d->next)
        d->next = (uint64_t)id + 1;
    return true;
}
