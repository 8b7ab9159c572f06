#include "scaler/provider/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct text { /* grows; always terminated once something was added */
    char *s;
    size_t len, room;
};

static void add(struct text *t, const char *s, size_t n)
{
    if (t->len + n + 1 > t->room) {
        t->room = 2 * (t->len + n + 1);
        t->s = mem_grow(t->s, t->room, 1);
    }
    memcpy(t->s + t->len, s, n);
    t->len += n;
    t->s[t->len] = 0;
}

/* Takes one word from *p into t; false: a quote stays open. */
static bool take_word(const char **p, struct text *t)
{
    char quote = 0;

    for (; **p != 0 && (quote != 0 || strchr(" \t\n", **p) == NULL); (*p)++) {
        char c = **p, next = (*p)[1];
        bool escapes = c == '\\' && next != 0 &&
                       (quote == 0 || (quote == '"' && (next == '"' || next == '\\')));

        if (escapes)
            add(t, ++*p, 1);
        else if (quote == 0 && (c == '\'' || c == '"'))
            quote = c;
        else if (c == quote && quote != 0)
            quote = 0;
        else
            add(t, &c, 1);
    }
    return quote == 0;
}

/* The value that the text at `s` names as {name}; *used: how long that is. */
static const char *value_at(const char *s, const struct words_value *values, size_t n,
                            size_t *used)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(values[i].name);

        if (s[0] == '{' && strncmp(s + 1, values[i].name, len) == 0 && s[1 + len] == '}') {
            *used = len + 2;
            return values[i].value;
        }
    }
    return NULL;
}

static char *fill_in(const char *word, const struct words_value *values, size_t n)
{
    struct text out = {0};

    add(&out, "", 0);
    while (*word != 0) {
        size_t used = 1;
        const char *value = value_at(word, values, n, &used);

        if (value != NULL)
            add(&out, value, strlen(value));
        else
            add(&out, word, 1);
        word += used;
    }
    return out.s;
}

int words_split(const char *line, const struct words_value *values, size_t n, char ***out,
                struct why *w)
{
    char **argv = MEM_NEW(char *);
    size_t argc = 0;

    *out = NULL;
    for (line += strspn(line, " \t\n"); *line != 0; line += strspn(line, " \t\n")) {
        struct text word = {0};
        bool closed;

        add(&word, "", 0);
        closed = take_word(&line, &word);
        argv = mem_grow(argv, argc + 2, sizeof(*argv));
        argv[argc++] = fill_in(word.s, values, n);
        argv[argc] = NULL;
        free(word.s);
        if (!closed) {
            words_free(argv);
            return why_set(w, RC_INVALID, "a quote is not closed");
        }
    }
    if (argc == 0) {
        words_free(argv);
        return why_set(w, RC_INVALID, "the command is empty");
    }
    *out = argv;
    return RC_OK;
}

void words_free(char **argv)
{
    if (argv == NULL)
        return;
    for (char **a = argv; *a != NULL; a++)
        free(*a);
    free(argv);
}
