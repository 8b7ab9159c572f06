#include "conf/cfg_files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/cfg_env.h"

static struct yaml_node *read_tree(struct cfg_files *f, const char *file,
                                   struct cfg_at from, struct cfg_errors *errs);

void cfg_files_init(struct cfg_files *f)
{
    *f = (struct cfg_files){0};
}

void cfg_files_fini(struct cfg_files *f)
{
    for (size_t i = 0; i < f->n; i++) {
        free(f->names[i]);
        free(f->real[i]);
    }
    free(f->names);
    free(f->real);
    cfg_files_init(f);
}

/* ---- one text ----------------------------------------------------------------------- */

static const char *remember(struct cfg_files *f, const char *name, const char *real)
{
    f->names = mem_grow(f->names, f->n + 1, sizeof(f->names[0]));
    f->real = mem_grow(f->real, f->n + 1, sizeof(f->real[0]));
    f->names[f->n] = mem_str(name);
    f->real[f->n] = real != NULL ? mem_str(real) : NULL;
    return f->names[f->n++];
}

static bool is_known(const struct cfg_files *f, const char *real)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->real[i] != NULL && strcmp(f->real[i], real) == 0)
            return true;
    return false;
}

/* All of an open file; NULL: it cannot be read, see errno. */
static char *read_all(int fd, size_t size, size_t *len)
{
    char *text = mem_new(size + 1, 1);

    *len = 0;
    while (*len < size) {
        ssize_t got = read(fd, text + *len, size - *len);

        if (got == 0)
            break;
        if (got < 0 && errno != EINTR) {
            free(text);
            return NULL;
        }
        *len += got > 0 ? (size_t)got : 0;
    }
    return text;
}

/* `from` is where the file was asked for: in another one, or on the command line. */
static void refuse_file(const char *file, const char *reason, struct cfg_at from,
                        struct cfg_errors *errs)
{
    if (from.line == 0)
        cfg_errors_add(errs, from, "cannot be read: %s", reason);
    else
        cfg_errors_add(errs, from, "cannot read %s: %s", file, reason);
}

static char *read_file(const char *file, size_t *len, struct cfg_at from,
                       struct cfg_errors *errs)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not stop us */
    char *text = NULL;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        refuse_file(file, strerror(errno), from, errs);
    else if (!S_ISREG(st.st_mode))
        refuse_file(file, "not a regular file", from, errs);
    else if (st.st_size > CFG_FILE_MAX)
        refuse_file(file, "too large", from, errs);
    else if ((text = read_all(fd, (size_t)st.st_size, len)) == NULL)
        refuse_file(file, strerror(errno), from, errs);
    if (fd >= 0)
        close(fd);
    return text;
}

/* A map, possibly an empty one; NULL: reported. */
static struct yaml_node *parse(const char *name, const char *text, size_t len,
                               struct cfg_errors *errs)
{
    size_t before = errs->n;
    struct yaml_node *tree = yaml_parse(name, text, len, errs);

    if (tree == NULL && errs->n > before)
        return NULL;
    if (tree == NULL || yaml_is_null(tree)) {
        yaml_free(tree);
        return yaml_new_map((struct cfg_at){name, 1, 1});
    }
    if (tree->kind != YAML_MAP) {
        cfg_errors_add(errs, tree->at, "a configuration is a map of settings, not %s",
                       yaml_kind_name(tree->kind));
        yaml_free(tree);
        return NULL;
    }
    cfg_env_expand(tree, errs);
    return tree;
}

/* ---- merging ------------------------------------------------------------------------ */

static void merge_map(struct yaml_node *into, struct yaml_node *from,
                      struct cfg_errors *errs);

/* `same` is in the tree already; `it` comes from another file and is consumed. */
static void merge_item(struct yaml_item *same, struct yaml_item it, struct cfg_errors *errs)
{
    struct yaml_node *a = same->value, *b = it.value;

    if (a->kind == YAML_MAP && b->kind == YAML_MAP) {
        merge_map(a, b, errs);
    } else if (a->kind == YAML_LIST && b->kind == YAML_LIST) {
        while (b->n > 0)
            yaml_append(a, yaml_take(b, &b->items[0]));
    } else if (yaml_is_null(a)) {
        same->value = b;
        same->key_at = it.key_at;
        b = a;
    } else if (!yaml_is_null(b)) {
        cfg_errors_add(errs, it.key_at, "'%s' is already given at %s:%u:%u", it.key,
                       same->key_at.file, same->key_at.line, same->key_at.col);
    }
    free(it.key);
    yaml_free(b);
}

/* Leaves `from` empty. */
static void merge_map(struct yaml_node *into, struct yaml_node *from,
                      struct cfg_errors *errs)
{
    while (from->n > 0) {
        struct yaml_item it = yaml_take(from, &from->items[0]);
        struct yaml_item *same = yaml_find(into, it.key);

        if (same == NULL)
            yaml_append(into, it);
        else
            merge_item(same, it, errs);
    }
}

/* ---- include ------------------------------------------------------------------------ */

/* Relative to the directory of the file that the pattern is in. */
static char *pattern_path(const struct yaml_node *pattern)
{
    const char *slash = strrchr(pattern->at.file, '/');

    if (pattern->text[0] == '/' || slash == NULL)
        return mem_str(pattern->text);
    return mem_printf("%.*s/%s", (int)(slash - pattern->at.file), pattern->at.file,
                      pattern->text);
}

static void include_file(struct cfg_files *f, struct yaml_node *tree, const char *file,
                         struct cfg_at from, struct cfg_errors *errs)
{
    struct yaml_node *more = read_tree(f, file, from, errs);

    if (more == NULL)
        return;
    merge_map(tree, more, errs);
    yaml_free(more);
}

/* A pattern with wildcards may match nothing; a plain name must exist. */
static void include_pattern(struct cfg_files *f, struct yaml_node *tree,
                            const struct yaml_node *pattern, struct cfg_errors *errs)
{
    char *path;
    glob_t g;
    int rc;

    if (pattern->faulty)
        return;
    if (pattern->kind != YAML_SCALAR || pattern->text[0] == 0) {
        cfg_errors_add(errs, pattern->at, "include: needs file names or patterns");
        return;
    }
    path = pattern_path(pattern);
    rc = glob(path, 0, NULL, &g);
    for (size_t i = 0; rc == 0 && i < g.gl_pathc; i++)
        include_file(f, tree, g.gl_pathv[i], pattern->at, errs);
    if (rc == GLOB_NOMATCH && strpbrk(path, "*?[") == NULL)
        cfg_errors_add(errs, pattern->at, "cannot read %s: no such file", path);
    else if (rc != 0 && rc != GLOB_NOMATCH)
        cfg_errors_add(errs, pattern->at, "cannot list %s", path);
    if (rc == 0)
        globfree(&g);
    free(path);
}

static void include(struct cfg_files *f, struct yaml_node *tree, struct cfg_errors *errs)
{
    struct yaml_item *it = yaml_find(tree, "include"), taken;

    if (it == NULL)
        return;
    taken = yaml_take(tree, it);
    if (taken.value->kind != YAML_LIST)
        include_pattern(f, tree, taken.value, errs);
    for (size_t i = 0; taken.value->kind == YAML_LIST && i < taken.value->n; i++)
        include_pattern(f, tree, taken.value->items[i].value, errs);
    free(taken.key);
    yaml_free(taken.value);
}

static struct yaml_node *read_tree(struct cfg_files *f, const char *file,
                                   struct cfg_at from, struct cfg_errors *errs)
{
    char *real = realpath(file, NULL), *text = NULL;
    struct yaml_node *tree = NULL;
    size_t len = 0;

    if (real != NULL && is_known(f, real))
        cfg_errors_add(errs, from, "%s is included twice", file);
    else if (f->n == CFG_FILES_MAX)
        cfg_errors_add(errs, from, "more than %d files", CFG_FILES_MAX);
    else
        text = read_file(file, &len, from, errs);
    if (text != NULL)
        tree = parse(remember(f, file, real), text, len, errs);
    if (tree != NULL)
        include(f, tree, errs);
    free(text);
    free(real);
    return tree;
}

struct yaml_node *cfg_files_read(struct cfg_files *f, const char *file,
                                 struct cfg_errors *errs)
{
    return read_tree(f, file, (struct cfg_at){file, 0, 0}, errs);
}

struct yaml_node *cfg_files_parse(struct cfg_files *f, const char *name, const char *text,
                                  size_t len, struct cfg_errors *errs)
{
    struct yaml_node *tree = parse(remember(f, name, NULL), text, len, errs);
    const struct yaml_item *it = yaml_find(tree, "include");

    if (it != NULL)
        cfg_errors_add(errs, it->key_at, "include: works in files only");
    return tree;
}
