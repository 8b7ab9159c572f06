#include "conf/cfg_fill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "conf/cfg_table.h"
#include "conf/cfg_value.h"
#include "conf/cfg_walk.h"
#include "conf/nearest.h"

struct fill {
    struct cfg *cfg;
    const struct yaml_node *defaults; /* of the text, or NULL */
    bool inheriting; /* it is a default that is being read, not the thing itself */
    struct cfg_places *places;
    struct cfg_errors *errs;
};

static bool apply(struct fill *f, const struct cfg_section *s, char *obj,
                  const struct yaml_node *node);
static void prepare(struct fill *f, const struct cfg_section *s, char *obj);

/* ---- lists and maps ----------------------------------------------------------------- */

struct entries {
    char **array;
    size_t *n, size;
};

static struct entries entries_of(const struct cfg_key *k, char *obj)
{
    return (struct entries){(char **)(void *)(obj + k->offset),
                            (size_t *)(void *)(obj + k->n_offset), cfg_walk_entry_size(k)};
}

/* Room for n zeroed entries in place of what was there. */
static struct entries replace_entries(struct fill *f, const struct cfg_key *k, char *obj,
                                      size_t n)
{
    struct entries e = entries_of(k, obj);

    if (*e.n > 0)
        cfg_places_forget(f->places, *e.array, *e.n * e.size);
    cfg_walk_clear_entries(k, obj);
    if (n > 0)
        *e.array = mem_new(n, e.size);
    *e.n = n;
    return e;
}

/* ---- defaults ----------------------------------------------------------------------- */

static void set_default(const struct cfg_key *k, void *field)
{
    const char *text = k->def != NULL ? k->def : "";

    if (k->def == NULL && (k->type == CFG_T_ADDR || k->type == CFG_T_RATE))
        return; /* zeroed is "not given" */
    CHECK(cfg_value_parse(k, text, field, NULL) == RC_OK);
}

/* The entries of k->def, between which ", " stands. */
static void set_default_list(struct fill *f, const struct cfg_key *k, char *obj)
{
    struct entries e;
    const char *p;
    size_t n = 1;

    for (p = strstr(k->def, ", "); p != NULL; p = strstr(p + 2, ", "))
        n++;
    e = replace_entries(f, k, obj, n);
    p = k->def;
    for (size_t i = 0; i < n; i++) {
        const char *end = strstr(p, ", ");
        char *text = end != NULL ? mem_strn(p, (size_t)(end - p)) : mem_str(p);

        CHECK(cfg_value_parse(k->elem, text, *e.array + i * e.size, NULL) == RC_OK);
        free(text);
        p = end != NULL ? end + 2 : p;
    }
}

static void prepare_key(struct fill *f, const struct cfg_key *k, char *obj)
{
    if (cfg_value_is(k->type))
        set_default(k, obj + k->offset);
    else if (k->type == CFG_T_SECTION)
        prepare(f, k->section, obj + k->offset);
    else if (k->type == CFG_T_SERVICE)
        *(uint16_t *)(void *)(obj + k->offset) = CFG_SERVICE_NONE;
    else if (k->type == CFG_T_LIST && k->def != NULL)
        set_default_list(f, k, obj);
}

/* What a new object has before its own text is read. */
static void prepare(struct fill *f, const struct cfg_section *s, char *obj)
{
    const struct yaml_item *inherited;
    bool was = f->inheriting;

    for (size_t i = 0; i < s->n_keys; i++)
        prepare_key(f, &s->keys[i], obj);
    inherited = s->inherits != NULL ? yaml_find(f->defaults, s->inherits) : NULL;
    if (inherited == NULL)
        return;
    f->inheriting = true;
    apply(f, s, obj, inherited->value);
    f->inheriting = was;
}

/* ---- values ------------------------------------------------------------------------- */

/* For messages; what a list is made of has no name of its own. */
static const char *label(const struct cfg_key *k)
{
    return k->name != NULL ? k->name : "entry";
}

static void refuse_kind(struct fill *f, const struct cfg_key *k, const struct yaml_node *n)
{
    const char *quote = k->type == CFG_T_ADDR && n->kind == YAML_LIST
                            ? "; an IPv6 address needs quotes: \"[::1]:9001\""
                        : k->type == CFG_T_IDENTITY
                            ? "; write it without a space behind the colon"
                            : "";

    cfg_errors_add(f->errs, n->at, "%s: needs one value, not %s%s", label(k),
                   yaml_kind_name(n->kind), quote);
}

static bool is_value_node(struct fill *f, const struct cfg_key *k,
                          const struct yaml_node *n)
{
    if (n->faulty)
        return false;
    if (n->kind != YAML_SCALAR) {
        refuse_kind(f, k, n);
        return false;
    }
    if (yaml_is_null(n)) {
        cfg_errors_add(f->errs, n->at, "%s: has no value", label(k));
        return false;
    }
    return true;
}

static int parse_value(struct fill *f, const struct cfg_key *k, void *field,
                       const struct yaml_node *n)
{
    struct why w;
    int rc;

    if (!is_value_node(f, k, n))
        return RC_INVALID;
    rc = cfg_value_parse(k, n->text, field, &w);
    if (rc != RC_OK)
        cfg_errors_add(f->errs, n->at, "%s: %s", label(k), w.text);
    return rc;
}

/* The services are filled before anything that names them: the table's order. */
static int parse_service(struct fill *f, const struct cfg_key *k, uint16_t *field,
                         const struct yaml_node *n)
{
    char hint[NEAREST_HINT_MAX];
    struct nearest near;

    if (!is_value_node(f, k, n))
        return RC_INVALID;
    nearest_init(&near, n->text);
    for (size_t i = 0; i < f->cfg->n_services; i++) {
        const char *name = f->cfg->services[i].name;

        nearest_offer(&near, name);
        if (strcmp(name, n->text) != 0)
            continue;
        *field = (uint16_t)i;
        return RC_OK;
    }
    cfg_errors_add(f->errs, n->at, "no service is named '%s'%s", n->text,
                   nearest_hint(&near, hint));
    return RC_NOT_FOUND;
}

static void apply_value(struct fill *f, const struct cfg_key *k, void *field,
                        const struct yaml_node *n)
{
    int rc;

    cfg_places_note(f->places, field, n->at);
    if (k->type == CFG_T_SERVICE)
        rc = parse_service(f, k, field, n);
    else
        rc = parse_value(f, k, field, n);
    if (rc != RC_OK)
        cfg_places_spoil(f->places, field);
}

/* ---- structure ---------------------------------------------------------------------- */

static void apply_entry(struct fill *f, const struct cfg_key *k, char *entry,
                        const struct yaml_node *n)
{
    if (k->section == NULL) {
        apply_value(f, k->elem, entry, n);
        return;
    }
    prepare(f, k->section, entry);
    if (apply(f, k->section, entry, n))
        cfg_places_note_object(f->places, entry, n->at);
}

/* One entry may stand without the list around it. */
static void apply_list(struct fill *f, const struct cfg_key *k, char *obj,
                       const struct yaml_node *n)
{
    bool single = n->kind != YAML_LIST && !yaml_is_null(n);
    size_t count = single ? 1 : n->n;
    struct entries e;

    if (n->faulty)
        return;
    e = replace_entries(f, k, obj, count);
    for (size_t i = 0; i < count; i++)
        apply_entry(f, k, *e.array + i * e.size, single ? n : n->items[i].value);
    if (count == 0 && (k->required || k->def != NULL))
        cfg_errors_add(f->errs, n->at, "%s: needs at least one entry", k->name);
}

static void apply_map(struct fill *f, const struct cfg_key *k, char *obj,
                      const struct yaml_node *n)
{
    struct entries e;

    if (n->faulty)
        return;
    if (n->kind != YAML_MAP || n->n == 0 || n->n > SERVICES_MAX) {
        cfg_errors_add(f->errs, n->at, "%s: needs 1 to %d named entries", k->name,
                       SERVICES_MAX);
        return;
    }
    e = replace_entries(f, k, obj, n->n);
    for (size_t i = 0; i < n->n; i++) {
        char *entry = *e.array + i * e.size;
        const struct yaml_item *it = &n->items[i];

        *(char **)(void *)(entry + k->section->name_offset) = mem_str(it->key);
        prepare(f, k->section, entry);
        if (apply(f, k->section, entry, it->value))
            cfg_places_note_object(f->places, entry, it->key_at);
    }
}

static void apply_key(struct fill *f, const struct cfg_key *k, char *obj,
                      const struct yaml_item *it)
{
    if (cfg_value_is(k->type) || k->type == CFG_T_SERVICE) {
        apply_value(f, k, obj + k->offset, it->value);
    } else if (k->type == CFG_T_SECTION) {
        /* A group has the address of what it is in, which is noted by itself. */
        if (apply(f, k->section, obj + k->offset, it->value) && k->offset > 0)
            cfg_places_note_object(f->places, obj + k->offset, it->key_at);
    } else if (k->type == CFG_T_LIST) {
        cfg_places_note(f->places, obj + k->offset, it->value->at);
        apply_list(f, k, obj, it->value);
    } else if (k->type == CFG_T_MAP) {
        cfg_places_note(f->places, obj + k->offset, it->value->at);
        apply_map(f, k, obj, it->value);
    }
}

/* Names the nearest valid key, or else all of them. */
static void refuse_key(struct fill *f, const struct cfg_section *s,
                       const struct yaml_item *it)
{
    char all[512] = "";
    struct nearest near;

    nearest_init(&near, it->key);
    for (size_t i = 0; i < s->n_keys; i++) {
        size_t n = strlen(all);

        nearest_offer(&near, s->keys[i].name);
        snprintf(all + n, sizeof(all) - n, "%s%s", i > 0 ? ", " : "", s->keys[i].name);
    }
    if (near.best != NULL)
        cfg_errors_add(f->errs, it->key_at, "unknown key '%s'; did you mean '%s'?", it->key,
                       near.best);
    else
        cfg_errors_add(f->errs, it->key_at, "unknown key '%s'; known here: %s", it->key,
                       all);
}

/* A value in place of the map, or a list where the value may be one. */
static bool is_shorthand(const struct cfg_section *s, const struct yaml_node *n)
{
    if (s->shorthand == NULL)
        return false;
    return n->kind == YAML_SCALAR ||
           (n->kind == YAML_LIST && cfg_table_key(s, s->shorthand)->type == CFG_T_LIST);
}

static void apply_shorthand(struct fill *f, const struct cfg_section *s, char *obj,
                            const struct yaml_node *n)
{
    const struct cfg_key *k = cfg_table_key(s, s->shorthand);
    const struct yaml_item as = {.key_at = n->at, .value = (struct yaml_node *)n};

    apply_key(f, k, obj, &as);
}

/*
 * Sets what the node says; leaves the rest of the object as it is.  False: the node is
 * nothing that could describe it, so that nothing more needs saying about the object.
 */
static bool apply(struct fill *f, const struct cfg_section *s, char *obj,
                  const struct yaml_node *node)
{
    if (s->optional && (s->spreads || !f->inheriting))
        *(bool *)obj = true; /* most defaults for all bring none into being */
    if (node->faulty)
        return false;
    if (yaml_is_null(node))
        return true;
    if (is_shorthand(s, node)) {
        apply_shorthand(f, s, obj, node);
        return true;
    }
    if (node->kind != YAML_MAP) {
        cfg_errors_add(f->errs, node->at, "%s: needs a map, not %s", s->title,
                       yaml_kind_name(node->kind));
        return false;
    }
    for (size_t i = 0; i < s->n_keys; i++) {
        const struct yaml_item *it = yaml_find(node, s->keys[i].name);

        if (it != NULL)
            apply_key(f, &s->keys[i], obj, it);
    }
    for (size_t i = 0; i < node->n; i++)
        if (cfg_table_key(s, node->items[i].key) == NULL)
            refuse_key(f, s, &node->items[i]);
    return true;
}

/* ---- what must be given ------------------------------------------------------------- */

static bool missing(const struct fill *f, const struct cfg_key *k, const char *obj)
{
    const char *field = obj + k->offset;

    if (!k->required || cfg_places_spoiled(f->places, field))
        return false;
    if (k->type == CFG_T_LIST || k->type == CFG_T_MAP || k->type == CFG_T_RATE)
        return cfg_places_find(f->places, field) == NULL;
    if (k->type == CFG_T_SERVICE)
        return *(const uint16_t *)(const void *)field == CFG_SERVICE_NONE;
    return cfg_value_unset(k->type, field);
}

static void require(struct fill *f, const struct cfg_section *s, char *obj,
                    struct cfg_at at);

/* An object without a place was not understood: what it lacks does not matter. */
static void require_object(struct fill *f, const struct cfg_section *s, char *obj)
{
    const struct cfg_at *at = cfg_places_find_object(f->places, obj);

    if (at != NULL)
        require(f, s, obj, *at);
}

static void require_inside(struct fill *f, const struct cfg_key *k, char *obj,
                           struct cfg_at at)
{
    struct entries e;

    if (k->type == CFG_T_SECTION && k->section->optional) {
        require_object(f, k->section, obj + k->offset);
    } else if (k->type == CFG_T_SECTION) {
        require(f, k->section, obj + k->offset, at);
    } else if ((k->type == CFG_T_LIST || k->type == CFG_T_MAP) && k->section != NULL) {
        e = entries_of(k, obj);
        for (size_t i = 0; i < *e.n; i++)
            require_object(f, k->section, *e.array + i * e.size);
    }
}

/* `at` is the place of what is around. */
static void require(struct fill *f, const struct cfg_section *s, char *obj,
                    struct cfg_at at)
{
    if (s->optional && !*(bool *)obj)
        return;
    for (size_t i = 0; i < s->n_keys; i++) {
        const struct cfg_key *k = &s->keys[i];

        if (missing(f, k, obj))
            cfg_errors_add(f->errs, at, "'%s' is required here", k->name);
        require_inside(f, k, obj, at);
    }
}

void cfg_fill(const struct yaml_node *root, struct cfg *out, struct cfg_places *places,
              struct cfg_errors *errs)
{
    const struct yaml_item *defaults = yaml_find(root, "defaults");
    struct fill f = {
        .cfg = out,
        .defaults = defaults != NULL ? defaults->value : NULL,
        .places = places,
        .errs = errs,
    };

    prepare(&f, &cfg_table_root, (char *)out);
    apply(&f, &cfg_table_root, (char *)out, root);
    require(&f, &cfg_table_root, (char *)out, (struct cfg_at){root->at.file, 0, 0});
}
