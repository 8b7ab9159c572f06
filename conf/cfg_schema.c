#include "conf/cfg_schema.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/handover.h"
#include "base/mem.h"
#include "conf/cfg_number.h"
#include "conf/cfg_table.h"

struct schema {
    json_t *defs; /* by a section's name */
};

static void set(json_t *o, const char *key, json_t *value_take)
{
    CHECK(json_object_set_new(o, key, value_take) == 0);
}

/* Consumes the value. */
static void append(json_t *array, json_t *value_take)
{
    CHECK(json_array_append_new(array, value_take) == 0);
}

static json_t *text(const char *s)
{
    json_t *t = json_string(s);

    CHECK(t != NULL); /* the table is UTF-8 */
    return t;
}

/* ---- what single values look like -----------------------------------------------------
 */

#define DECIMAL "[0-9]+(\\.[0-9]+)?"
#define TCHARS  "[!#$%&'*+.^_`|~0-9A-Za-z-]+"

/* As text.  Letters of units are taken in either case; 0 needs no unit. */
static const char *const patterns[] = {
    [CFG_T_COUNT] = "[0-9]+(\\.0+)?",
    [CFG_T_DURATION] = DECIMAL "([mM][sS]|[sSmMhHdD])|0+(\\.0+)?",
    [CFG_T_DURATION64] = DECIMAL "([mM][sS]|[sSmMhHdD])|0+(\\.0+)?",
    [CFG_T_SIZE] = DECIMAL "[kKmMgG]?",
    [CFG_T_SIZE64] = DECIMAL "[kKmMgG]?",
    [CFG_T_SHARE] = DECIMAL "%?",
    [CFG_T_NUMBER] = DECIMAL,
    [CFG_T_RATE] = DECIMAL "(/[sSmMhH])?",
    [CFG_T_RANGE] = "[0-9]+(-[0-9]+)?",
    [CFG_T_TIME] = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    [CFG_T_TEXT] = "[^\\u0000-\\u001f\\u007f]*",
    [CFG_T_TEMPLATE] = "[^\\u0000-\\u001f\\u007f]*",
    [CFG_T_PATH] = "/[!-~]*",
    [CFG_T_HOST] = "[^\\s/]+",
    [CFG_T_TOKEN] = TCHARS,
    [CFG_T_ADDR] = "unix:.+|\\[[0-9A-Fa-f:.]+\\]:[0-9]{1,5}|[^\\[\\]:\\s]+:[0-9]{1,5}",
    [CFG_T_BLOCK] = "[0-9A-Fa-f:.]+(/[0-9]{1,3})?",
    [CFG_T_IDENTITY] = "(header|cookie):" TCHARS "|address",
    [CFG_T_STATUS] = "[0-9]{3}(-[0-9]{3})?|[0-9]xx",
    [CFG_T_LIMIT_KEY] = "client|user|(header|cookie):" TCHARS,
    [CFG_T_USER] = ".+",
    [CFG_T_SERVICE] = ".+",
    [CFG_T_INCLUDE] = ".+",
};

/* A text may be empty where that is the default. */
static json_t *by_pattern(const struct cfg_key *k)
{
    bool empty = k->def != NULL && k->def[0] == 0;
    char *p = mem_printf("^(%s)%s$", patterns[k->type], empty ? "?" : "");
    json_t *o = json_pack("{s:s, s:s}", "type", "string", "pattern", p);

    free(p);
    return o;
}

/* A number without a unit, as YAML has it; the limits are in the field's own unit. */
static json_t *by_number(const struct cfg_key *k, enum cfg_type unit, const char *type)
{
    json_t *o = json_pack("{s:s}", "type", type);

    if (k->min == NULL)
        return o;
    set(o, "minimum", json_real(cfg_number_limit(unit, k->min)));
    set(o, "maximum", json_real(cfg_number_limit(unit, k->max)));
    return o;
}

/* Another way to write the value, beside the text; NULL: there is none. */
static json_t *as_yaml(const struct cfg_key *k)
{
    switch (k->type) {
    case CFG_T_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case CFG_T_COUNT:
    case CFG_T_SIZE:
    case CFG_T_SIZE64:
        return by_number(k, k->type, "integer");
    case CFG_T_RANGE:
    case CFG_T_STATUS:
        return by_number(k, CFG_T_COUNT, "integer");
    case CFG_T_SHARE:
    case CFG_T_NUMBER:
    case CFG_T_RATE:
        return by_number(k, k->type, "number");
    case CFG_T_DURATION:
    case CFG_T_DURATION64:
        return json_pack("{s:i}", "const", 0);
    case CFG_T_TEXT:
    case CFG_T_TOKEN:
    case CFG_T_HOST:
        return json_pack("{s:[s, s]}", "type", "number", "boolean");
    case CFG_T_TIME:
    case CFG_T_ENUM:
    case CFG_T_PATH:
    case CFG_T_ADDR:
    case CFG_T_BLOCK:
    case CFG_T_IDENTITY:
    case CFG_T_TEMPLATE:
    case CFG_T_LIMIT_KEY:
    case CFG_T_USER:
    case CFG_T_SERVICE:
    case CFG_T_SECTION:
    case CFG_T_LIST:
    case CFG_T_MAP:
    case CFG_T_DEFAULTS:
    case CFG_T_INCLUDE:
        break;
    }
    return NULL;
}

static json_t *words_of(const struct cfg_key *k)
{
    static const char *const switches[] = {"true", "false", "on", "off", "yes", "no", NULL};
    const char *const *words = k->type == CFG_T_BOOL ? switches : k->words;
    json_t *list = json_array();

    for (size_t i = 0; words[i] != NULL; i++)
        append(list, text(words[i]));
    return list;
}

/* One value: any of the ways in which it can be written. */
static json_t *value_schema(const struct cfg_key *k)
{
    json_t *ways = json_array(), *yaml = as_yaml(k);

    if (yaml != NULL)
        append(ways, yaml);
    if (k->type == CFG_T_BOOL || k->type == CFG_T_ENUM)
        append(ways, json_pack("{s:o}", "enum", words_of(k)));
    else
        append(ways, by_pattern(k));
    if (k->zero != NULL)
        append(ways, json_pack("{s:s}", "const", k->zero));
    append(ways, json_pack("{s:s}", "$ref", "#/$defs/variable"));
    return json_pack("{s:o}", "anyOf", ways);
}

/* ---- what is said about a key ----------------------------------------------------------
 */

static json_t *list_default(const char *def)
{
    json_t *list = json_array();

    while (*def != 0) {
        size_t n = strcspn(def, ",");

        append(list, json_stringn(def, n));
        def += n;
        def += strspn(def, ", ");
    }
    return list;
}

static json_t *default_of(const struct cfg_key *k)
{
    char *end;
    double number = strtod(k->def, &end);

    if (k->type == CFG_T_LIST)
        return list_default(k->def);
    if (k->type == CFG_T_BOOL)
        return json_boolean(strcmp(k->def, "true") == 0);
    if (k->type == CFG_T_COUNT && *end == 0)
        return json_integer((json_int_t)number);
    if (k->type == CFG_T_NUMBER && *end == 0)
        return json_real(number);
    return text(k->def);
}

static char *description_of(const struct cfg_key *k)
{
    char *range =
        k->min != NULL ? mem_printf(" From %s to %s.", k->min, k->max) : mem_str("");
    char *example =
        k->example != NULL ? mem_printf(" Example: `%s`", k->example) : mem_str("");
    char *all =
        mem_printf("%s%s%s%s", k->doc, range, k->secret ? " Never shown." : "", example);

    free(range);
    free(example);
    return all;
}

static void describe(json_t *o, const struct cfg_key *k)
{
    char *doc = description_of(k);

    set(o, "description", text(doc));
    free(doc);
    if (k->def != NULL && k->def[0] != 0)
        set(o, "default", default_of(k));
}

/* ---- sections --------------------------------------------------------------------------
 */

static json_t *section_ref(struct schema *s, const struct cfg_section *sec, bool inherits);

/* A title without its brackets, which a reference may not have. */
static char *name_of(const struct cfg_section *sec)
{
    char *name = mem_str(sec->title), *to = name;

    for (const char *p = sec->title; *p != 0; p++)
        if (*p != '[' && *p != ']')
            *to++ = *p;
    *to = 0;
    return name;
}

/* An entry may stand without the list around it. */
static json_t *list_schema(struct schema *s, const struct cfg_key *k)
{
    json_t *entry = k->section != NULL ? section_ref(s, k->section, false)
                    : k->elem != NULL  ? value_schema(k->elem)
                                       : value_schema(k);
    json_t *list = json_pack("{s:s, s:O}", "type", "array", "items", entry);
    json_t *ways = json_pack("[o, o]", list, entry);

    if (k->required || k->def != NULL)
        set(list, "minItems", json_integer(1));
    else
        append(ways, json_pack("{s:s}", "type", "null"));
    return json_pack("{s:o}", "anyOf", ways);
}

static json_t *map_schema(struct schema *s, const struct cfg_key *k)
{
    json_t *o = json_pack("{s:s, s:o, s:i, s:i}", "type", "object", "additionalProperties",
                          section_ref(s, k->section, true), "minProperties", 1,
                          "maxProperties", SERVICES_MAX);
    char *names;

    if (k->plain_names) {
        names = mem_printf("^[a-z0-9._-]{1,%d}$", NAME_MAX_LEN - 1);
        set(o, "propertyNames", json_pack("{s:s}", "pattern", names));
        free(names);
    }
    return o;
}

static json_t *key_schema(struct schema *s, const struct cfg_key *k, bool inherits)
{
    json_t *o;

    if (k->type == CFG_T_LIST || k->type == CFG_T_INCLUDE)
        o = list_schema(s, k);
    else if (k->type == CFG_T_MAP)
        o = map_schema(s, k);
    else if (k->section != NULL)
        o = section_ref(s, k->section, inherits);
    else
        o = value_schema(k);
    describe(o, k);
    return o;
}

static json_t *shorthand_schema(struct schema *s, const struct cfg_key *k)
{
    return k->type == CFG_T_LIST ? list_schema(s, k) : value_schema(k);
}

/*
 * The map of a section.  What is required may come from `defaults` where something around
 * it inherits: there nothing is.
 */
static json_t *section_map(struct schema *s, const struct cfg_section *sec, bool inherits)
{
    json_t *keys = json_object(), *required = json_array(), *o;

    for (size_t i = 0; i < sec->n_keys; i++) {
        const struct cfg_key *k = &sec->keys[i];

        set(keys, k->name, key_schema(s, k, inherits));
        if (k->required && !inherits)
            append(required, text(k->name));
    }
    o = json_pack("{s:[s, s], s:o, s:b}", "type", "object", "null", "properties", keys,
                  "additionalProperties", 0);
    if (json_array_size(required) > 0)
        set(o, "required", required);
    else
        json_decref(required);
    return o;
}

/* A section is defined once, wherever it is used. */
static json_t *section_ref(struct schema *s, const struct cfg_section *sec, bool inherits)
{
    char *name = name_of(sec), *at = mem_printf("#/$defs/%s", name);
    json_t *def, *ref = json_pack("{s:s}", "$ref", at);

    if (json_object_get(s->defs, name) == NULL) {
        set(s->defs, name, json_object()); /* it has its place in the order */
        def = section_map(s, sec, inherits || sec->inherits != NULL);
        if (sec->shorthand != NULL)
            def = json_pack("{s:[o, o]}", "anyOf", def,
                            shorthand_schema(s, cfg_table_key(sec, sec->shorthand)));
        if (sec->doc != NULL)
            set(def, "description", text(sec->doc));
        set(s->defs, name, def);
    }
    free(name);
    free(at);
    return ref;
}

/* ---- the whole -------------------------------------------------------------------------
 */

/* In a file that includes others the rest may be in them. */
static json_t *required_unless_included(void)
{
    const struct cfg_section *root = &cfg_table_root;
    json_t *required = json_array();

    for (size_t i = 0; i < root->n_keys; i++)
        if (root->keys[i].required)
            append(required, text(root->keys[i].name));
    return json_pack("{s:{s:[s]}, s:{}, s:{s:o}}", "if", "required", "include", "then",
                     "else", "required", required);
}

void cfg_schema_print(FILE *to)
{
    struct schema s = {.defs = json_object()};
    json_t *part, *root;

    set(s.defs, "variable",
        json_pack("{s:s, s:s, s:s}", "type", "string", "pattern", "\\$\\{[A-Za-z_]",
                  "description", "An environment variable: ${NAME} or ${NAME:-text}."));
    part = section_map(&s, &cfg_table_root, true);
    set(part, "description", text("A file that another one includes, or any other."));
    set(s.defs, "part", part);
    root = json_pack("{s:s, s:s, s:s, s:s}", "$schema",
                     "https://json-schema.org/draft/2020-12/schema", "title", "tidegate",
                     "description",
                     "A configuration of tidegate. Made from conf/cfg_table.c; `tidegate "
                     "check` knows more.",
                     "$ref", "#/$defs/part");
    set(root, "allOf", json_pack("[o]", required_unless_included()));
    set(root, "$defs", s.defs);
    CHECK(json_dumpf(root, to, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0);
    fputc('\n', to);
    json_decref(root);
}
