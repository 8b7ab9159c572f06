#include "conf/cfg_env.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/utf8.h"

/* One ${...} taken apart; views into the text. */
struct variable {
    const char *name, *fallback;        /* fallback NULL: none was given */
    size_t name_len, fallback_len, len; /* len: of the whole, with braces */
};

static bool take_apart(const char *p, struct variable *v)
{
    const char *end = strchr(p, '}'), *q = p + 2;

    if (end == NULL)
        return false;
    *v = (struct variable){.name = q, .len = (size_t)(end - p) + 1};
    while (q < end && (isalnum((unsigned char)*q) || *q == '_'))
        q++;
    v->name_len = (size_t)(q - v->name);
    if (v->name_len == 0 || isdigit((unsigned char)*v->name))
        return false;
    if (q == end)
        return true;
    if (q[0] != ':' || q[1] != '-')
        return false;
    v->fallback = q + 2;
    v->fallback_len = (size_t)(end - v->fallback);
    return true;
}

static char *look_up(const struct variable *v)
{
    char *name = mem_strn(v->name, v->name_len);
    const char *value = getenv(name);

    free(name);
    if (value != NULL)
        return mem_str(value);
    return v->fallback != NULL ? mem_strn(v->fallback, v->fallback_len) : NULL;
}

/* Appends the variable's value; false: the reason was reported. */
static bool put_variable(FILE *out, const char *p, size_t *len, const struct yaml_node *n,
                         struct cfg_errors *errs)
{
    struct variable v;
    char *value;

    if (!take_apart(p, &v)) {
        cfg_errors_add(
            errs, n->at,
            "'%.40s' is not ${NAME} or ${NAME:-default}; write $${ for ${ itself", p);
        return false;
    }
    value = look_up(&v);
    if (value == NULL || !utf8_is(value)) {
        cfg_errors_add(errs, n->at, "environment variable '%.*s' is %s", (int)v.name_len,
                       v.name,
                       value == NULL ? "not set and has no default" : "not UTF-8 text");
        free(value);
        return false;
    }
    fputs(value, out);
    free(value);
    *len = v.len;
    return true;
}

static bool put_text(FILE *out, const struct yaml_node *n, struct cfg_errors *errs)
{
    const char *p = n->text;

    while (*p != 0) {
        size_t len = 1;

        if (strncmp(p, "$${", 3) == 0) {
            fputs("${", out);
            len = 3;
        } else if (strncmp(p, "${", 2) == 0) {
            if (!put_variable(out, p, &len, n, errs))
                return false;
        } else {
            fputc(*p, out);
        }
        p += len;
    }
    return true;
}

static void expand_scalar(struct yaml_node *n, struct cfg_errors *errs)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out;

    if (strstr(n->text, "${") == NULL)
        return;
    out = open_memstream(&text, &len);
    n->faulty = !put_text(out, n, errs);
    fclose(out);
    free(n->text);
    n->text = text;
    n->quoted = true; /* a variable's text is text, even when it is "" or "null" */
}

void cfg_env_expand(struct yaml_node *n, struct cfg_errors *errs)
{
    if (n->kind == YAML_SCALAR)
        expand_scalar(n, errs);
    for (size_t i = 0; i < n->n; i++)
        cfg_env_expand(n->items[i].value, errs);
}
