#include "conf/cfg_print.h"

#include <ctype.h>
#include <string.h>

#include "conf/cfg_walk.h"

struct print {
    FILE *to;
    int depth;   /* maps and lists that are open, without the outermost */
    bool dashed; /* a dash stands on this line, and what follows begins behind it */
};

static void indent(struct print *p)
{
    if (!p->dashed)
        fprintf(p->to, "%*s", p->depth * 2, "");
    p->dashed = false;
}

/* What YAML can only take for that text, whatever is around it. */
static bool is_plain(const char *s)
{
    size_t n = strlen(s);

    if (n == 0 || strcmp(s, "null") == 0 || (!isalnum((unsigned char)s[0]) && s[0] != '/'))
        return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                     "._/%+-:") == n &&
           s[n - 1] != ':';
}

/* In double quotes; ${ is written so that it is not taken for a variable. */
static void put_text(struct print *p, const char *s)
{
    if (is_plain(s)) {
        fputs(s, p->to);
        return;
    }
    fputc('"', p->to);
    for (; *s != 0; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', p->to);
        else if (s[0] == '$' && s[1] == '{')
            fputc('$', p->to);
        fputc(*s, p->to);
    }
    fputc('"', p->to);
}

/* A key and its colon, or the dash of an entry. */
static void put_name(struct print *p, const char *name)
{
    indent(p);
    if (name != NULL) {
        put_text(p, name);
        fputc(':', p->to);
    } else {
        fputc('-', p->to);
    }
}

static void on_open(void *ctx, const char *name, bool list)
{
    struct print *p = ctx;

    (void)list;
    if (p->depth < 0) { /* the outermost map */
        p->depth = 0;
        return;
    }
    put_name(p, name);
    p->dashed = name == NULL;
    fputs(p->dashed ? " " : "\n", p->to);
    p->depth++;
}

static void on_close(void *ctx, bool list)
{
    struct print *p = ctx;

    (void)list;
    p->depth--;
}

static void on_value(void *ctx, const char *name, const struct cfg_key *k, const char *text)
{
    struct print *p = ctx;

    (void)k;
    put_name(p, name);
    fputc(' ', p->to);
    put_text(p, text);
    fputc('\n', p->to);
}

void cfg_print(const struct cfg *c, FILE *to)
{
    struct print p = {.to = to, .depth = -1};
    const struct cfg_visitor v = {&p, on_open, on_close, on_value};

    cfg_walk(c, &v);
}
