#include "conf/cfg_doc.h"

#include <string.h>

#include "base/check.h"
#include "conf/cfg_table.h"

#define SECTIONS_MAX 100 /* the table has fewer */

static const char *const intro =
    "# Configuration\n"
    "\n"
    "<!-- Made by `make docs` from conf/cfg_table.c; edit that. -->\n"
    "\n"
    "A configuration is YAML. `tidegate check -c FILE` (or `-t`) reads it and lists all "
    "that is\n"
    "wrong with it, each as `FILE:LINE:COL: message`; `-T` prints it as tidegate "
    "understood it,\n"
    "with every default. A first one is `conf/example.yaml`.\n"
    "\n"
    "An editor that knows JSON Schema completes and checks it while it is written. "
    "`tidegate\n"
    "schema` writes the schema, which is also docs/tidegate.schema.json; with "
    "yaml-language-server\n"
    "a first line names it, for a file that another one includes with `#/$defs/part` "
    "behind it:\n"
    "\n"
    "```\n"
    "# yaml-language-server: $schema=tidegate.schema.json\n"
    "```\n"
    "\n"
    "## Rules\n"
    "\n"
    "* An unknown key is an error that names the nearest known one; a key given twice is "
    "an\n"
    "  error.\n"
    "* `${NAME}` in a value is the environment variable of that name, `${NAME:-text}` the "
    "same\n"
    "  with a default; without a default a variable that is not set is an error. They are\n"
    "  replaced after the YAML was read, so their text is only ever a value. `$${` stands "
    "for\n"
    "  `${` itself.\n"
    "* IPv6 addresses need quotes: `\"[::1]:9001\"`. Without them YAML reads the brackets "
    "as a\n"
    "  list.\n"
    "* Where a list is expected, a single entry may stand for it.\n"
    "* A duration needs its unit.\n"
    "\n"
    "## Kinds of values\n"
    "\n"
    "| kind | looks like |\n"
    "|---|---|\n";

/* What each kind of value looks like; the empty ones are explained where they are used. */
static void print_kinds(FILE *to)
{
    static const struct {
        const char *name, *looks;
    } kinds[] = {
#define X(sym, name, looks) {name, looks},
        CFG_TYPES(X)
#undef X
    };

    for (size_t i = 0; i < N_ELEMS(kinds); i++)
        if (kinds[i].looks[0] != 0)
            fprintf(to, "| %s | %s |\n", kinds[i].name, kinds[i].looks);
}

static bool has_own_part(const struct cfg_key *k)
{
    return k->section != NULL && k->type != CFG_T_DEFAULTS;
}

static void print_kind(FILE *to, const struct cfg_key *k)
{
    if (k->words != NULL) {
        for (size_t i = 0; k->words[i] != NULL; i++)
            fprintf(to, "%s`%s`", i > 0 ? ", " : "", k->words[i]);
    } else if (k->type == CFG_T_LIST && k->elem->words != NULL) {
        fputs("list of ", to);
        print_kind(to, k->elem);
    } else if (k->type == CFG_T_LIST && k->section == NULL) {
        fprintf(to, "list of %s", cfg_table_type_name(k->elem->type));
    } else {
        fputs(cfg_table_type_name(k->type), to);
    }
}

/* The default, or that there is none. */
static void print_default(FILE *to, const struct cfg_key *k)
{
    if (k->required)
        fputs("required", to);
    else if (k->def != NULL && k->def[0] != 0)
        fprintf(to, "`%s`", k->def);
}

static void print_row(FILE *to, const struct cfg_key *k)
{
    fprintf(to, "| `%s` | ", k->name);
    print_kind(to, k);
    fputs(" | ", to);
    print_default(to, k);
    fputs(" | ", to);
    if (k->min != NULL)
        fprintf(to, "%s to %s", k->min, k->max);
    fprintf(to, " | %s", k->doc);
    if (k->secret)
        fputs(" Never shown.", to);
    if (k->example != NULL)
        fprintf(to, " Example: `%s`", k->example);
    fputs(" |\n", to);
}

/* The anchor that the page gives to a heading: lower case, without punctuation. */
static void print_anchor(FILE *to, const char *title)
{
    for (; *title != 0; title++)
        if (strchr(".[]", *title) == NULL)
            fputc(*title >= 'A' && *title <= 'Z' ? *title - 'A' + 'a' : *title, to);
}

static void print_link(FILE *to, const struct cfg_key *k)
{
    fprintf(to, "| `%s` | [", k->name);
    if (k->type == CFG_T_LIST)
        fputs("list", to);
    else
        fputs(cfg_table_type_name(k->type), to);
    fputs("](#", to);
    print_anchor(to, k->section->title);
    fprintf(to, ") | %s | | %s |\n", k->required ? "required" : "", k->doc);
}

/* Sections that came already. */
struct seen {
    const struct cfg_section *list[SECTIONS_MAX];
    size_t n;
};

/* True the first time. */
static bool is_new(struct seen *seen, const struct cfg_section *s)
{
    for (size_t i = 0; i < seen->n; i++)
        if (seen->list[i] == s)
            return false;
    CHECK(seen->n < SECTIONS_MAX);
    seen->list[seen->n++] = s;
    return true;
}

static void print_section(FILE *to, const struct cfg_section *s)
{
    fprintf(to, "\n## %s\n\n", s->title);
    if (s->doc != NULL)
        fprintf(to, "%s\n\n", s->doc);
    if (s->shorthand != NULL)
        fprintf(to, "A single value in place of the map is its `%s`.\n\n", s->shorthand);
    if (s->inherits != NULL)
        fprintf(to, "What is not given is taken from `defaults.%s`.\n\n", s->inherits);
    fputs("| key | kind | default | range | |\n|---|---|---|---|---|\n", to);
    for (size_t i = 0; i < s->n_keys; i++)
        if (has_own_part(&s->keys[i]))
            print_link(to, &s->keys[i]);
        else
            print_row(to, &s->keys[i]);
}

/* A section that several keys share, as the three pools do, comes once. */
static void print_inside(FILE *to, const struct cfg_section *s, struct seen *seen)
{
    for (size_t i = 0; i < s->n_keys; i++) {
        const struct cfg_key *k = &s->keys[i];

        if (!has_own_part(k) || !is_new(seen, k->section))
            continue;
        print_section(to, k->section);
        print_inside(to, k->section, seen);
    }
}

void cfg_doc_print(FILE *to)
{
    struct seen seen = {.n = 0};

    fputs(intro, to);
    print_kinds(to);
    print_section(to, &cfg_table_root);
    print_inside(to, &cfg_table_root, &seen);
}
