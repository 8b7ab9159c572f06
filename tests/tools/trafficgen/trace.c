#include "tests/tools/trafficgen/trace.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/map.h"

enum { N_COLUMNS = 7 };

static bool fail(const char *file, const char *why)
{
    fprintf(stderr, "trafficgen: %s: %s\n", file, why);
    return false;
}

/* The whole file, unpacked, terminated; NULL: it cannot be read. */
static char *read_all(const char *file)
{
    gzFile in = gzopen(file, "rb");
    size_t len = 0, cap = 1 << 20;
    char *text = malloc(cap);
    int n = 0;

    while (in != NULL && text != NULL &&
           (n = gzread(in, text + len, (unsigned)(cap - len - 1))) > 0) {
        len += (size_t)n;
        if (cap - len < 2)
            text = realloc(text, cap *= 2);
    }
    if (in == NULL || text == NULL || n < 0) {
        free(text);
        text = NULL;
    } else {
        text[len] = '\0';
    }
    if (in != NULL)
        gzclose(in);
    return text;
}

/* FNV-1a; two users of one hash become one, which a trace survives. */
static uint64_t hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325;

    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3;
    return h != 0 ? h : 1;
}

static uint32_t user_index(struct trace *t, struct map *users, const char *user)
{
    uint64_t h = hash(user);
    void *known = map_find(users, h);

    if (known == NULL) {
        t->n_users++;
        map_set(users, h, known = (void *)(uintptr_t)t->n_users);
    }
    return (uint32_t)(uintptr_t)known - 1;
}

static char *known(char *column)
{
    if (strcmp(column, "-") == 0)
        return column + 1;
    for (char *c = column; *c != '\0'; c++)
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    return column;
}

static bool read_row(struct trace *t, struct map *users, char *line)
{
    struct trace_row *r = &t->rows[t->n_rows];
    char *column[N_COLUMNS];
    int n = 0;

    while (n < N_COLUMNS && (column[n] = strsep(&line, "\t")) != NULL)
        n++;
    if (n < N_COLUMNS)
        return false;
    *r = (struct trace_row){
        .at = (wall_ms)(strtod(column[0], NULL) * MS_PER_S),
        .user = known(column[1]),
        .method = known(column[2]),
        .path = column[3],
        .status = (unsigned)strtoul(column[4], NULL, 10),
        .bytes = strtoull(column[5], NULL, 10),
        .agent = known(column[6]),
    };
    r->user_index = user_index(t, users, r->user);
    t->n_rows++;
    return true;
}

static size_t count_lines(const char *s)
{
    size_t n = 0;

    for (; (s = strchr(s, '\n')) != NULL; s++)
        n++;
    return n;
}

bool trace_read(struct trace *t, const char *file)
{
    struct map users = {0};
    char *rest, *line;
    bool ok = true;

    *t = (struct trace){.text = read_all(file)};
    if (t->text == NULL)
        return fail(file, "cannot be read");
    t->rows = calloc(count_lines(t->text) + 1, sizeof(*t->rows));
    if (t->rows == NULL)
        abort();
    rest = t->text;
    strsep(&rest, "\n"); /* the header */
    while (ok && (line = strsep(&rest, "\n")) != NULL)
        ok = *line == '\0' || read_row(t, &users, line);
    map_fini(&users);
    return ok || fail(file, "a line has too few columns");
}

void trace_fini(struct trace *t)
{
    free(t->rows);
    free(t->text);
    *t = (struct trace){0};
}

/* RFC 3986, but more tolerant: what a strict proxy takes in a target stays as it is. */
static bool fits_target(const char *c)
{
    if (*c == '%')
        return isxdigit((unsigned char)c[1]) && isxdigit((unsigned char)c[2]);
    return *c > ' ' && *c < 0x7f && strchr("\"#<>\\^`{|}", *c) == NULL;
}

void trace_target(const char *path, char *out, size_t size)
{
    size_t n = 0;

    if (*path != '/')
        out[n++] = '/';
    for (; *path != '\0' && n + 4 < size; path++) {
        if (fits_target(path))
            out[n++] = *path;
        else
            n += (size_t)snprintf(out + n, size - n, "%%%02X", (unsigned char)*path);
    }
    out[n] = '\0';
}
