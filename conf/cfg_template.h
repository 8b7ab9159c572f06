/*
 * cfg_template.h - a text with variables in braces, taken apart once, at loading.
 *
 * "{name}" and "{name:argument}" are variables, "{{" is a brace; a closing brace that
 * ends no variable is itself.  Which names there are is the caller's table, so that each
 * feature has its own set; what a variable is worth is the business of whoever puts the
 * pieces together again.  Pure.
 */
#ifndef CONF_CFG_TEMPLATE_H
#define CONF_CFG_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define CFG_TEMPLATE_BYTES_MAX  8192 /* of a text */
#define CFG_TEMPLATE_PIECES_MAX 128
#define CFG_TEMPLATE_NUMBER_MAX 999

enum cfg_template_argument {
    CFG_TEMPLATE_NONE,   /* {name} */
    CFG_TEMPLATE_FIELD,  /* the name of a header field: kept in lower case */
    CFG_TEMPLATE_TOKEN,  /* the same characters, in the case given: a cookie's name */
    CFG_TEMPLATE_NUMBER, /* 0 to CFG_TEMPLATE_NUMBER_MAX */
    CFG_TEMPLATE_TEXT,   /* anything up to the closing brace, but not nothing */
};

/* One name may have two rows, one without an argument and one with. */
struct cfg_template_var {
    const char *name; /* of the letters a-z, digits and _ */
    unsigned id;      /* the caller's */
    enum cfg_template_argument argument;
    const char *doc;
};

struct cfg_template_set {
    const struct cfg_template_var *vars;
    size_t n;
};

struct cfg_template_piece {
    const struct cfg_template_var *var; /* NULL: literal text */
    const char *text;                   /* the literal or the argument, terminated */
    uint32_t len;                       /* of text */
    uint32_t number;                    /* the argument, where it is one */
};

/* Zeroed is the empty text, which counts as not given. */
struct cfg_template {
    char *source; /* as it was written; NULL when zeroed */
    struct cfg_template_piece *pieces;
    size_t n_pieces;
    char *text; /* private: what the pieces point into */
};

/*
 * Takes `source` apart.  The set is borrowed for as long as the template lives.
 * RC_INVALID: *out is as it was, and the reason names the column in the text, in
 * characters from 1, and the nearest name of the set.
 */
int cfg_template_parse(const char *source, const struct cfg_template_set *set,
                       struct cfg_template *out, struct why *w);
void cfg_template_clear(struct cfg_template *t); /* zeroed again */

/* Is a variable of that id in it? */
bool cfg_template_uses(const struct cfg_template *t, unsigned id);

/* Is it one literal text, or nothing? */
bool cfg_template_is_plain(const struct cfg_template *t);

#endif
