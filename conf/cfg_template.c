#include "conf/cfg_template.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/nearest.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"

struct parse {
    const char *source, *at;
    const char *start; /* of the piece at hand */
    const struct cfg_template_set *set;
    struct cfg_template_piece *pieces;
    size_t n;
    char *text, *end; /* where the next piece's text goes */
    struct why *why;
};

/* ---- faults ------------------------------------------------------------------------- */

/* Characters, as a person counts them: a byte that continues one is none. */
static unsigned column(const struct parse *p, const char *at)
{
    unsigned n = 1;

    for (const char *s = p->source; s < at; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static int fail_brace(const struct parse *p)
{
    return why_set(p->why, RC_INVALID,
                   "column %u: '{' begins a variable, {name} or {name:argument}; write "
                   "'{{' for the brace itself",
                   column(p, p->at));
}

static int fail_name(const struct parse *p, const char *name, size_t len)
{
    char word[NEAREST_WORD_MAX + 2], all[160] = "", hint[NEAREST_HINT_MAX];
    struct nearest near;

    snprintf(word, sizeof(word), "%.*s", (int)len, name);
    nearest_init(&near, word);
    for (size_t i = 0; i < p->set->n; i++) {
        size_t n = strlen(all);

        nearest_offer(&near, p->set->vars[i].name);
        snprintf(all + n, sizeof(all) - n, "%s%s",
                 i > 0 ? ", " : "; known here: ", p->set->vars[i].name);
    }
    nearest_hint(&near, hint);
    return why_set(p->why, RC_INVALID, "column %u: no variable is named '%s'%s",
                   column(p, name), word, near.best != NULL ? hint : all);
}

static const char *argument_name(enum cfg_template_argument a)
{
    static const char *const names[] = {
        [CFG_TEMPLATE_FIELD] = "NAME",
        [CFG_TEMPLATE_TOKEN] = "NAME",
        [CFG_TEMPLATE_NUMBER] = "NUMBER",
        [CFG_TEMPLATE_TEXT] = "TEXT",
    };

    return names[a];
}

/* The name is right, and there is an argument too much or too little. */
static int fail_argument(const struct parse *p, const struct cfg_template_var *v)
{
    if (v->argument == CFG_TEMPLATE_NONE)
        return why_set(p->why, RC_INVALID, "column %u: {%s} takes no argument",
                       column(p, p->at), v->name);
    return why_set(p->why, RC_INVALID, "column %u: {%s} needs an argument: {%s:%s}",
                   column(p, p->at), v->name, v->name, argument_name(v->argument));
}

/* ---- pieces ------------------------------------------------------------------------- */

static int add_piece(struct parse *p, const struct cfg_template_var *v, const char *text,
                     size_t len)
{
    if (p->n == CFG_TEMPLATE_PIECES_MAX)
        return why_set(p->why, RC_INVALID, "column %u: more than %d pieces",
                       column(p, p->start), CFG_TEMPLATE_PIECES_MAX);
    memcpy(p->end, text, len);
    p->end[len] = 0;
    p->pieces[p->n++] =
        (struct cfg_template_piece){.var = v, .text = p->end, .len = (uint32_t)len};
    p->end += len + 1;
    return RC_OK;
}

/* Up to the next variable, "{{" being one brace. */
static int take_literal(struct parse *p)
{
    char *text = p->text + CFG_TEMPLATE_BYTES_MAX; /* scratch behind the pieces */
    size_t len = 0;

    while (*p->at != 0 && (p->at[0] != '{' || p->at[1] == '{')) {
        text[len++] = *p->at;
        p->at += p->at[0] == '{' ? 2 : 1;
    }
    return add_piece(p, NULL, text, len);
}

static bool is_token(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)s[i]) && strchr("!#$%&'*+-.^_`|~", s[i]) == NULL)
            return false;
    return len > 0;
}

static int take_number(struct parse *p, const char *text, size_t len)
{
    uint32_t number = 0;

    for (size_t i = 0; i < len && number <= CFG_TEMPLATE_NUMBER_MAX; i++) {
        if (!isdigit((unsigned char)text[i]))
            number = CFG_TEMPLATE_NUMBER_MAX;
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    if (len == 0 || number > CFG_TEMPLATE_NUMBER_MAX)
        return why_set(p->why, RC_INVALID, "column %u: '%.*s' is not a number from 0 to %d",
                       column(p, text), (int)len, text, CFG_TEMPLATE_NUMBER_MAX);
    p->pieces[p->n - 1].number = number;
    return RC_OK;
}

/* Checks the argument of the piece just added. */
static int take_argument(struct parse *p, const char *text, size_t len)
{
    const struct cfg_template_piece *piece = &p->pieces[p->n - 1];
    char *own = p->end - len - 1;

    switch (piece->var->argument) {
    case CFG_TEMPLATE_FIELD:
    case CFG_TEMPLATE_TOKEN:
        if (!is_token(text, len))
            return why_set(p->why, RC_INVALID, "column %u: '%.*s' cannot be such a name",
                           column(p, text), (int)len, text);
        if (piece->var->argument == CFG_TEMPLATE_FIELD)
            for (; *own != 0; own++)
                *own = (char)tolower((unsigned char)*own);
        break;
    case CFG_TEMPLATE_NUMBER:
        return take_number(p, text, len);
    case CFG_TEMPLATE_TEXT:
        if (len == 0)
            return fail_argument(p, piece->var);
        break;
    case CFG_TEMPLATE_NONE:
        break;
    }
    return RC_OK;
}

/* A row of that name, with or without an argument as it is needed; any, if there is none.
 */
static const struct cfg_template_var *find(const struct cfg_template_set *set,
                                           const char *name, size_t len, bool argument)
{
    const struct cfg_template_var *found = NULL;

    for (size_t i = 0; i < set->n; i++) {
        const struct cfg_template_var *v = &set->vars[i];

        if (strlen(v->name) != len || memcmp(v->name, name, len) != 0)
            continue;
        if ((v->argument != CFG_TEMPLATE_NONE) == argument)
            return v;
        found = v;
    }
    return found;
}

/* p->at is at the brace. */
static int take_variable(struct parse *p)
{
    const char *name = p->at + 1, *stop = name + strspn(name, NAME_CHARS);
    const char *close = strchr(stop, '}'), *argument = *stop == ':' ? stop + 1 : stop;
    const struct cfg_template_var *v;
    size_t len = (size_t)(stop - name), n;
    int rc;

    if (len == 0 || (*stop != '}' && *stop != ':' && *stop != 0))
        return fail_brace(p);
    if (close == NULL)
        return why_set(p->why, RC_INVALID, "column %u: the brace is not closed",
                       column(p, p->at));
    v = find(p->set, name, len, *stop == ':');
    if (v == NULL)
        return fail_name(p, name, len);
    if ((v->argument != CFG_TEMPLATE_NONE) != (*stop == ':'))
        return fail_argument(p, v);
    n = (size_t)(close - argument);
    rc = add_piece(p, v, argument, n);
    if (rc == RC_OK)
        rc = take_argument(p, argument, n);
    p->at = close + 1;
    return rc;
}

/* ---- whole texts -------------------------------------------------------------------- */

static int take_all(struct parse *p)
{
    int rc = RC_OK;

    while (rc == RC_OK && *p->at != 0) {
        p->start = p->at;
        rc = p->at[0] == '{' && p->at[1] != '{' ? take_variable(p) : take_literal(p);
    }
    return rc;
}

/* The pieces' texts with their terminators are never longer than the source with one: a
 * variable's braces make room for the one of its argument, and for that of the literal
 * before it. */
static void keep(const struct parse *p, const char *source, struct cfg_template *out)
{
    size_t len = (size_t)(p->end - p->text);

    cfg_template_clear(out);
    out->source = mem_str(source);
    out->n_pieces = p->n;
    if (p->n == 0)
        return;
    out->text = mem_new(len, 1);
    memcpy(out->text, p->text, len);
    out->pieces = MEM_NEW_N(struct cfg_template_piece, p->n);
    for (size_t i = 0; i < p->n; i++) {
        out->pieces[i] = p->pieces[i];
        out->pieces[i].text = out->text + (p->pieces[i].text - p->text);
    }
}

int cfg_template_parse(const char *source, const struct cfg_template_set *set,
                       struct cfg_template *out, struct why *w)
{
    struct parse p = {.source = source, .at = source, .set = set, .why = w};
    int rc;

    if (strlen(source) >= CFG_TEMPLATE_BYTES_MAX)
        return why_set(w, RC_INVALID, "is longer than %d bytes",
                       CFG_TEMPLATE_BYTES_MAX - 1);
    p.pieces = MEM_NEW_N(struct cfg_template_piece, CFG_TEMPLATE_PIECES_MAX);
    p.text = p.end = mem_new(2, CFG_TEMPLATE_BYTES_MAX);
    rc = take_all(&p);
    if (rc == RC_OK)
        keep(&p, source, out);
    free(p.pieces);
    free(p.text);
    return rc;
}

void cfg_template_clear(struct cfg_template *t)
{
    free(t->source);
    free(t->pieces);
    free(t->text);
    *t = (struct cfg_template){.source = NULL};
}

bool cfg_template_uses(const struct cfg_template *t, unsigned id)
{
    for (size_t i = 0; i < t->n_pieces; i++)
        if (t->pieces[i].var != NULL && t->pieces[i].var->id == id)
            return true;
    return false;
}

bool cfg_template_is_plain(const struct cfg_template *t)
{
    return t->n_pieces == 0 || (t->n_pieces == 1 && t->pieces[0].var == NULL);
}
