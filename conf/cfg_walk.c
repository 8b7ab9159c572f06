#include "conf/cfg_walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/cfg_value.h"

struct walk {
    const struct cfg *cfg;
    const struct cfg_visitor *v;
};

static void walk_section(const struct walk *w, const struct cfg_section *s,
                         const char *obj);

size_t cfg_walk_entry_size(const struct cfg_key *k)
{
    if (k->section != NULL)
        return k->section->size;
    return cfg_value_size(k->elem->type);
}

/* ---- showing ------------------------------------------------------------------------ */

static void walk_value(const struct walk *w, const char *name, const struct cfg_key *k,
                       const char *field)
{
    char *text;

    if (cfg_value_unset(k->type, field) && !k->empty)
        return;
    text = cfg_value_text(k, field);
    w->v->value(w->v->ctx, name, k, k->secret ? CFG_REDACTED : text);
    free(text);
}

static void walk_reference(const struct walk *w, const struct cfg_key *k, const char *field)
{
    uint16_t index = *(const uint16_t *)(const void *)field;

    w->v->value(w->v->ctx, k->name, k, w->cfg->services[index].name);
}

/* True when nothing of the section would be shown. */
static bool is_empty(const struct cfg_section *s, const char *obj)
{
    if (s->optional && !*(const bool *)obj)
        return true;
    for (size_t i = 0; i < s->n_keys; i++) {
        const struct cfg_key *k = &s->keys[i];
        const char *field = obj + k->offset;

        if (cfg_value_is(k->type) && !cfg_value_unset(k->type, field))
            return false;
        if (k->type == CFG_T_SECTION && !is_empty(k->section, field))
            return false;
        if ((k->type == CFG_T_LIST || k->type == CFG_T_MAP) &&
            *(const size_t *)(const void *)(obj + k->n_offset) > 0)
            return false;
    }
    return true;
}

/* A section as the value of a key, or as an entry of a list or map. */
static void walk_map(const struct walk *w, const char *name, const struct cfg_section *s,
                     const char *obj)
{
    if (is_empty(s, obj))
        return;
    w->v->open(w->v->ctx, name, false);
    walk_section(w, s, obj);
    w->v->close(w->v->ctx, false);
}

static void walk_entries(const struct walk *w, const struct cfg_key *k, const char *obj)
{
    const char *entry = *(const char *const *)(const void *)(obj + k->offset);
    size_t n = *(const size_t *)(const void *)(obj + k->n_offset);
    bool list = k->type == CFG_T_LIST;

    if (n == 0)
        return;
    w->v->open(w->v->ctx, k->name, list);
    for (size_t i = 0; i < n; i++, entry += cfg_walk_entry_size(k)) {
        const char *at = entry;

        if (!list)
            walk_map(w, *(char *const *)(const void *)(at + k->section->name_offset),
                     k->section, at);
        else if (k->section != NULL)
            walk_map(w, NULL, k->section, at);
        else
            walk_value(w, NULL, k->elem, at);
    }
    w->v->close(w->v->ctx, list);
}

static void walk_section(const struct walk *w, const struct cfg_section *s, const char *obj)
{
    for (size_t i = 0; i < s->n_keys; i++) {
        const struct cfg_key *k = &s->keys[i];

        if (cfg_value_is(k->type))
            walk_value(w, k->name, k, obj + k->offset);
        else if (k->type == CFG_T_SECTION)
            walk_map(w, k->name, k->section, obj + k->offset);
        else if (k->type == CFG_T_LIST || k->type == CFG_T_MAP)
            walk_entries(w, k, obj);
        else if (k->type == CFG_T_SERVICE)
            walk_reference(w, k, obj + k->offset);
    }
}

void cfg_walk(const struct cfg *c, const struct cfg_visitor *v)
{
    const struct walk w = {c, v};

    walk_map(&w, NULL, &cfg_table_root, (const char *)c);
}

/* ---- freeing ------------------------------------------------------------------------ */

void cfg_walk_clear_entries(const struct cfg_key *k, void *object)
{
    void **array = (void **)(void *)((char *)object + k->offset);
    size_t *n = (size_t *)(void *)((char *)object + k->n_offset);

    for (size_t i = 0; i < *n; i++) {
        char *entry = (char *)*array + i * cfg_walk_entry_size(k);

        if (k->type == CFG_T_MAP)
            free(*(char **)(void *)(entry + k->section->name_offset));
        if (k->section != NULL)
            cfg_walk_clear(k->section, entry);
        else
            cfg_value_clear(k->elem->type, entry);
    }
    free(*array);
    *array = NULL;
    *n = 0;
}

void cfg_walk_clear(const struct cfg_section *s, void *object)
{
    for (size_t i = 0; i < s->n_keys; i++) {
        const struct cfg_key *k = &s->keys[i];

        if (cfg_value_is(k->type))
            cfg_value_clear(k->type, (char *)object + k->offset);
        else if (k->type == CFG_T_SECTION)
            cfg_walk_clear(k->section, (char *)object + k->offset);
        else if (k->type == CFG_T_LIST || k->type == CFG_T_MAP)
            cfg_walk_clear_entries(k, object);
    }
}
