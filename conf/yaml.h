/*
 * yaml.h - YAML text as a tree that remembers where each part was written.
 *
 * A scalar stays text: what it means is decided by whoever knows the key.  Keys
 * are scalars and unique, aliases become copies, tags are refused.  Depth and size
 * are bounded, so that no text can exhaust the stack or the memory.  Pure.
 */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/cfg_errors.h"

#define YAML_DEPTH_MAX 32
#define YAML_NODES_MAX 100000 /* of one text, copies made by aliases included */

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_item {
    char *key;            /* "" in a list */
    struct cfg_at key_at; /* in a list: the value's */
    struct yaml_node *value;
};

struct yaml_node {
    enum yaml_kind kind;
    struct cfg_at at;
    char *text;  /* scalar: never NULL */
    bool quoted; /* scalar: '', "", | or > */
    bool faulty; /* an error about it was reported: what it holds means nothing */
    struct yaml_item *items;
    size_t n;
};

/*
 * NULL: the text is not YAML, or holds nothing; the former is in errs.  Faults that
 * leave the rest readable (a duplicate key) are added to errs and the tree is
 * returned.  `file` is borrowed for as long as the tree lives.
 */
struct yaml_node *yaml_parse(const char *file, const char *text, size_t len,
                             struct cfg_errors *errs);
struct yaml_node *yaml_new_map(struct cfg_at at); /* an empty one */
void yaml_free(struct yaml_node *n);              /* NULL is fine */

/* The entry of that key, or NULL; also when n is NULL or no map. */
struct yaml_item *yaml_find(const struct yaml_node *n, const char *key);

/* Takes an entry out of its map; the caller owns key and value then. */
struct yaml_item yaml_take(struct yaml_node *map, struct yaml_item *item);

/* Appends; takes over key and value. */
void yaml_append(struct yaml_node *n, struct yaml_item item_take);

bool yaml_is_null(const struct yaml_node *n); /* an empty plain scalar, ~ or null */
const char *yaml_kind_name(enum yaml_kind k); /* "one value", "a list", "a map" */

#endif
