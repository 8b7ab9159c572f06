#include "conf/cfg_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/cfg_walk.h"

#define DEPTH_MAX 16 /* the table is not deeper */

struct build {
    json_t *open[DEPTH_MAX]; /* borrowed by those around them, the first owned */
    size_t depth;
    json_t *root;
};

static void put(struct build *b, const char *name, json_t *value_take)
{
    json_t *in = b->open[b->depth - 1];
    int rc = name != NULL ? json_object_set_new(in, name, value_take)
                          : json_array_append_new(in, value_take);

    CHECK(rc == 0);
}

static void on_open(void *ctx, const char *name, bool list)
{
    struct build *b = ctx;
    json_t *node = list ? json_array() : json_object();

    if (b->depth == 0)
        b->root = node;
    else
        put(b, name, node);
    CHECK(b->depth < DEPTH_MAX);
    b->open[b->depth++] = node;
}

static void on_close(void *ctx, bool list)
{
    struct build *b = ctx;

    (void)list;
    b->depth--;
}

static json_t *value_of(const struct cfg_key *k, const char *text)
{
    char *end;
    double number = strtod(text, &end);

    if (k->type == CFG_T_BOOL)
        return json_boolean(strcmp(text, "true") == 0);
    if (k->type == CFG_T_COUNT && *end == 0) /* not "auto" */
        return json_integer((json_int_t)number);
    if (k->type == CFG_T_NUMBER && *end == 0)
        return json_real(number);
    return json_string(text);
}

static void on_value(void *ctx, const char *name, const struct cfg_key *k, const char *text)
{
    json_t *value = value_of(k, text);

    CHECK(value != NULL); /* texts are UTF-8: the parser saw to it */
    put(ctx, name, value);
}

json_t *cfg_json(const struct cfg *c)
{
    struct build b = {0};
    const struct cfg_visitor v = {&b, on_open, on_close, on_value};

    cfg_walk(c, &v);
    return b.root;
}
