#include "conf/cfg_errors.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void cfg_errors_init(struct cfg_errors *e)
{
    *e = (struct cfg_errors){0};
}

void cfg_errors_fini(struct cfg_errors *e)
{
    for (size_t i = 0; i < e->n; i++) {
        free(e->list[i].file);
        free(e->list[i].text);
    }
    free(e->list);
    cfg_errors_init(e);
}

static bool known(const struct cfg_errors *e, struct cfg_at at, const char *text)
{
    for (size_t i = 0; i < e->n; i++) {
        const struct cfg_error *x = &e->list[i];

        if (x->line == at.line && x->col == at.col && strcmp(x->text, text) == 0 &&
            strcmp(x->file, at.file) == 0)
            return true;
    }
    return false;
}

/* What a file says must not steer the terminal that shows it. */
static void make_printable(char *s)
{
    for (; *s != 0; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

void cfg_errors_add(struct cfg_errors *e, struct cfg_at at, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    make_printable(text);
    if (known(e, at, text))
        return;
    if (e->n == CFG_ERRORS_MAX) {
        e->left_out++;
        return;
    }
    e->list = mem_grow(e->list, e->n + 1, sizeof(e->list[0]));
    e->list[e->n++] = (struct cfg_error){mem_str(at.file), mem_str(text), at.line, at.col};
}

/* The place of a file in the order of first mention. */
static size_t file_rank(const struct cfg_errors *e, const char *file)
{
    size_t i = 0;

    while (strcmp(e->list[i].file, file) != 0)
        i++;
    return i;
}

struct ranked {
    struct cfg_error error;
    size_t rank, seq;
};

static int compare(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->error.line != y->error.line)
        return x->error.line < y->error.line ? -1 : 1;
    if (x->error.col != y->error.col)
        return x->error.col < y->error.col ? -1 : 1;
    return x->seq < y->seq ? -1 : 1;
}

void cfg_errors_sort(struct cfg_errors *e)
{
    struct ranked *r = MEM_NEW_N(struct ranked, e->n);

    for (size_t i = 0; i < e->n; i++)
        r[i] = (struct ranked){e->list[i], file_rank(e, e->list[i].file), i};
    qsort(r, e->n, sizeof(r[0]), compare);
    for (size_t i = 0; i < e->n; i++)
        e->list[i] = r[i].error;
    free(r);
}

void cfg_errors_print(const struct cfg_errors *e, FILE *to)
{
    for (size_t i = 0; i < e->n; i++) {
        const struct cfg_error *x = &e->list[i];

        if (x->line > 0)
            fprintf(to, "%s:%u:%u: %s\n", x->file, x->line, x->col, x->text);
        else
            fprintf(to, "%s: %s\n", x->file, x->text);
    }
    if (e->left_out > 0)
        fprintf(to, "and %zu more\n", e->left_out);
}
