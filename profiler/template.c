#include "profiler/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/handover.h"
#include "base/map.h"
#include "base/mem.h"
#include "profiler/crowd.h"
#include "profiler/pathkey.h"
#include "profiler/segment.h"

#define PATHS_MAX          65536 /* path hashes known at once */
#define NAMES_MAX          64    /* of one node, before it is taken for a list */
#define NODES_PER_TEMPLATE 8
#define MATCH_STEPS        64
#define STEP               0x452821e638d01377u /* odd; digits of pi */

/* One segment of a learned path: a name, or the star. */
struct node {
    uint64_t hash; /* of the way from the root */
    struct node *parent, *child, *sibling;
    char *name; /* "*" for the star; "" behind a last slash */
    size_t n_names;
    uint16_t token;
    bool is_list; /* its names were merged: all that come are the star's */
};

struct tree {
    struct node root;
    uint16_t service, rest;
    size_t n_nodes, n_templates;
};

/* What is known of one path hash. */
struct path_entry {
    uint64_t key;
    struct tree *tree; /* NULL: of a service that is gone */
    char *text;        /* NULL once nothing more can be learned from it */
    uint16_t len, token;
    bool cut, used;
    uint64_t last_user;
};

struct template_set {
    struct template_limits limits;
    struct token_table *tokens;
    struct crowd *crowd;
    struct map by_hash; /* nodes */
    struct map by_key;  /* path entries */
    struct path_entry *path;
    size_t n_paths, hand;
    struct tree **tree; /* by service */
    size_t n_trees;
};

/* ---- the tree ---- */

static uint64_t step(uint64_t hash, const char *p, size_t len)
{
    return pathkey_mix(hash ^ pathkey_of(p, len), STEP);
}

static bool is_star(const struct node *n)
{
    return n->name[0] == '*';
}

static struct node *find_child(const struct template_set *s, const struct node *at,
                               const char *p, size_t len)
{
    return map_find(&s->by_hash, step(at->hash, p, len));
}

/* NULL: the tree is full. */
static struct node *add_child(struct template_set *s, struct tree *t, struct node *at,
                              const char *p, size_t len)
{
    struct node *n;

    if (t->n_nodes >= (size_t)s->limits.max * NODES_PER_TEMPLATE)
        return NULL;
    n = MEM_NEW(struct node);
    n->hash = step(at->hash, p, len);
    n->parent = at;
    n->name = mem_strn(p, len);
    n->sibling = at->child;
    at->child = n;
    at->n_names += !is_star(n);
    t->n_nodes++;
    map_set(&s->by_hash, n->hash, n);
    return n;
}

static struct node *get_child(struct template_set *s, struct tree *t, struct node *at,
                              const char *p, size_t len)
{
    struct node *n = find_child(s, at, p, len);

    return n != NULL ? n : add_child(s, t, at, p, len);
}

static void drop_node(struct template_set *s, struct tree *t, struct node *n)
{
    struct node **link = &n->parent->child;

    while (*link != n)
        link = &(*link)->sibling;
    *link = n->sibling;
    n->parent->n_names -= !is_star(n);
    t->n_nodes--;
    map_remove(&s->by_hash, n->hash);
    free(n->name);
    free(n);
}

/* "/a/ *" of a node; to be freed. */
static char *text_of(const struct node *n)
{
    char *front, *text;

    if (n->parent == NULL)
        return mem_str("");
    front = text_of(n->parent);
    text = mem_printf("%s/%s", front, n->name);
    free(front);
    return text;
}

static void publish(struct template_set *s, struct tree *t, struct node *n)
{
    char *text = text_of(n);

    n->token = token_add(s->tokens, t->service, text);
    t->n_templates += n->token != TOKEN_NONE;
    free(text);
}

/* ---- a list of things: its names become its star ---- */

static void merge(struct template_set *s, struct tree *t, struct node *from,
                  struct node *to)
{
    if (from->token != TOKEN_NONE) {
        if (to->token == TOKEN_NONE)
            publish(s, t, to);
        if (to->token != TOKEN_NONE) {
            token_alias(s->tokens, from->token, to->token);
            t->n_templates--;
        }
    }
    while (from->child != NULL) {
        struct node *child = from->child;
        struct node *twin = get_child(s, t, to, child->name, strlen(child->name));

        if (twin == NULL)
            return; /* a full tree keeps what it has */
        merge(s, t, child, twin);
        if (child->child != NULL)
            return;
        drop_node(s, t, child);
    }
}

static void make_list(struct template_set *s, struct tree *t, struct node *at)
{
    struct node *star = get_child(s, t, at, "*", 1), *next;

    if (star == NULL)
        return;
    at->is_list = true;
    for (struct node *n = at->child; n != NULL; n = next) {
        next = n->sibling;
        if (n == star)
            continue;
        merge(s, t, n, star);
        if (n->child == NULL)
            drop_node(s, t, n);
    }
}

/* Called when a name is to be added; the root's names are different things by nature. */
static bool room_for_name(struct template_set *s, struct tree *t, struct node *at)
{
    size_t names_max = s->limits.max / 4 < NAMES_MAX ? s->limits.max / 4 : NAMES_MAX;

    if (at->parent == NULL)
        return at->n_names < s->limits.max / 2;
    if (at->n_names >= names_max)
        make_list(s, t, at);
    return !at->is_list;
}

/* ---- learning from a path ---- */

struct walk {
    struct tree *tree;
    struct node *at;
    uint64_t raw; /* hash of the way by the path's own names, learned or not */
    uint64_t user;
    bool more; /* something is left to learn here */
};

/*
 * Counts the user for the way through the tree and for the path's own way, so
 * that a deep path is complete as soon as enough users have asked for it.
 */
static bool count_user(struct template_set *s, const struct walk *w, uint64_t thing,
                       uint64_t raw_thing)
{
    if (raw_thing != thing)
        crowd_add(s->crowd, raw_thing, w->user);
    return crowd_add(s->crowd, thing, w->user);
}

/* The child that this segment leads to; NULL: the tree is full. */
static struct node *learn_segment(struct template_set *s, struct walk *w,
                                  const struct segment *g)
{
    const char *p = g->identifier ? "*" : g->p;
    size_t len = g->identifier ? 1 : g->len;
    uint64_t thing = step(w->at->hash, p, len);
    struct node *n = map_find(&s->by_hash, thing);

    w->raw = step(w->raw, p, len);
    if (n != NULL)
        return n;
    if (g->identifier || w->at->is_list)
        return get_child(s, w->tree, w->at, "*", 1);
    w->more = true;
    if (count_user(s, w, thing, w->raw) && room_for_name(s, w->tree, w->at))
        return add_child(s, w->tree, w->at, p, len);
    return get_child(s, w->tree, w->at, "*", 1);
}

static bool is_full(const struct template_set *s, const struct tree *t)
{
    return t->n_templates >= s->limits.max;
}

/* Returns whether more can be learned from the same path later. */
static bool learn(struct template_set *s, struct tree *t, const struct segment *g, size_t n,
                  uint64_t user)
{
    struct walk w = {t, &t->root, t->root.hash, user, false};

    for (size_t i = 0; i < n; i++) {
        w.at = learn_segment(s, &w, &g[i]);
        if (w.at == NULL)
            return false;
    }
    if (w.at->token == TOKEN_NONE &&
        count_user(s, &w, step(w.at->hash, "/", 1), step(w.raw, "/", 1)))
        publish(s, t, w.at);
    return w.more || w.at->token == TOKEN_NONE;
}

/* The published template that fits best: names before stars. */
static uint16_t match(const struct template_set *s, const struct node *at,
                      const struct segment *g, size_t n, int *steps)
{
    const struct node *child;
    uint16_t token = TOKEN_NONE;

    if (n == 0)
        return at->token;
    if (--*steps < 0)
        return TOKEN_NONE;
    child = g->identifier ? NULL : find_child(s, at, g->p, g->len);
    if (child != NULL)
        token = match(s, child, g + 1, n - 1, steps);
    if (token == TOKEN_NONE && (child = find_child(s, at, "*", 1)) != NULL)
        token = match(s, child, g + 1, n - 1, steps);
    return token;
}

/* ---- path hashes ---- */

static void set_token(struct template_set *s, struct path_entry *e, bool teach)
{
    struct tree *t = e->tree;
    struct segment g[SEGMENT_MAX];
    size_t n = segment_split(e->text, e->len, e->cut, g);
    bool more = n > 0 && !is_full(s, t);
    int steps = MATCH_STEPS;

    if (more && teach)
        more = learn(s, t, g, n, e->last_user);
    e->token = n > 0 ? match(s, &t->root, g, n, &steps) : TOKEN_NONE;
    if (!more) {
        free(e->text);
        e->text = NULL;
    }
}

static uint64_t key_for(const struct tree *t, uint64_t path)
{
    return pathkey_mix(path ^ t->root.hash, STEP);
}

/* A free entry, or the place of one that was not asked for lately. */
static struct path_entry *make_room(struct template_set *s)
{
    if (s->n_paths < PATHS_MAX)
        return &s->path[s->n_paths++];
    for (;;) {
        struct path_entry *e = &s->path[s->hand];

        s->hand = (s->hand + 1) % PATHS_MAX;
        if (!e->used) {
            if (e->tree != NULL)
                map_remove(&s->by_key, e->key);
            free(e->text);
            return e;
        }
        e->used = false;
    }
}

void template_path(struct template_set *s, uint16_t service, uint64_t path,
                   const char *text, size_t len)
{
    uint64_t key;
    struct path_entry *e;

    CHECK(service < s->n_trees);
    key = key_for(s->tree[service], path);
    if (map_find(&s->by_key, key) != NULL)
        return;
    e = make_room(s);
    *e = (struct path_entry){
        .key = key, .tree = s->tree[service], .cut = len >= PATH_TEXT_MAX};
    e->len = (uint16_t)(e->cut ? PATH_TEXT_MAX : len);
    e->text = mem_strn(text, e->len);
    map_set(&s->by_key, key, e);
    set_token(s, e, false);
}

uint16_t template_token(struct template_set *s, uint16_t service, uint64_t path,
                        uint64_t user, bool answered)
{
    struct path_entry *e = map_find(&s->by_key, key_for(s->tree[service], path));

    if (e == NULL)
        return template_rest(s, service);
    e->used = true;
    if (e->text != NULL && answered && user != e->last_user) {
        e->last_user = user;
        set_token(s, e, true);
    }
    return e->token != TOKEN_NONE ? token_now(s->tokens, e->token)
                                  : template_rest(s, service);
}

uint16_t template_rest(struct template_set *s, uint16_t service)
{
    struct tree *t = s->tree[service];

    if (t->rest == TOKEN_NONE)
        t->rest = token_add(s->tokens, service, TOKEN_REST);
    return t->rest;
}

size_t template_count(const struct template_set *s, uint16_t service)
{
    return service < s->n_trees ? s->tree[service]->n_templates : 0;
}

/* ---- life ---- */

/* The node of a template's text; NULL: it is not one of ours, or the tree is full. */
static struct node *plant(struct template_set *s, struct tree *t, const char *text)
{
    struct node *at = &t->root;

    if (*text != '/')
        return NULL;
    while (*text == '/' && at != NULL) {
        size_t len = strcspn(text + 1, "/");

        at = get_child(s, t, at, text + 1, len);
        text += 1 + len;
    }
    return at;
}

/* A merged template tells which node is a list: where its text and its target's part. */
static void plant_list(struct template_set *s, struct tree *t, const char *text,
                       const char *target)
{
    struct node *at = &t->root;

    while (at != NULL && *text == '/' && *target == '/') {
        size_t len = strcspn(text + 1, "/"), other = strcspn(target + 1, "/");

        if (len != other || memcmp(text + 1, target + 1, len) != 0) {
            at->is_list = true;
            return;
        }
        at = get_child(s, t, at, text + 1, len);
        text += 1 + len;
        target += 1 + len;
    }
}

static void restore(struct template_set *s, struct tree *t, uint16_t token)
{
    uint16_t now = token_now(s->tokens, token);
    const char *text = token_text(s->tokens, token);
    struct node *n;

    if (strcmp(text, TOKEN_REST) == 0) {
        t->rest = token;
    } else if (now != token) {
        plant_list(s, t, text, token_text(s->tokens, now));
    } else {
        n = plant(s, t, text);
        if (n == NULL || n->token != TOKEN_NONE)
            return;
        n->token = token;
        t->n_templates++;
    }
}

/* A service is known again by its name. */
static uint64_t root_hash(const struct template_set *s, const char *name)
{
    return pathkey_mix(s->limits.secret ^ STEP, pathkey_of(name, strlen(name)) | 1);
}

/* With the templates that tokens holds for the service. */
static struct tree *new_tree(struct template_set *s, uint16_t service, uint64_t hash)
{
    struct tree *t = MEM_NEW(struct tree);

    t->root.hash = hash;
    t->service = service;
    for (size_t token = 1; token <= token_count(s->tokens); token++)
        if (token_service(s->tokens, (uint16_t)token) == service)
            restore(s, t, (uint16_t)token);
    return t;
}

static void free_children(struct template_set *s, struct node *n)
{
    while (n->child != NULL) {
        struct node *child = n->child;

        n->child = child->sibling;
        free_children(s, child);
        map_remove(&s->by_hash, child->hash);
        free(child->name);
        free(child);
    }
}

/* The places of its paths are free to be taken. */
static void free_tree(struct template_set *s, struct tree *t)
{
    for (size_t i = 0; i < s->n_paths; i++) {
        struct path_entry *e = &s->path[i];

        if (e->tree != t)
            continue;
        map_remove(&s->by_key, e->key);
        free(e->text);
        *e = (struct path_entry){0};
    }
    free_children(s, &t->root);
    free(t);
}

static struct tree *take_tree(struct tree **old, size_t n, uint64_t hash)
{
    for (size_t i = 0; i < n; i++) {
        struct tree *t = old[i];

        if (t == NULL || t->root.hash != hash)
            continue;
        old[i] = NULL;
        return t;
    }
    return NULL;
}

void template_set_services(struct template_set *s, const struct template_limits *limits,
                           const char *const *service, size_t n_services)
{
    struct tree **old = s->tree;
    size_t n_old = s->n_trees;

    if (limits->users != s->limits.users) {
        crowd_free(s->crowd);
        s->crowd = crowd_new(limits->users);
    }
    s->limits.max = limits->max;
    s->limits.users = limits->users;
    s->n_trees = n_services;
    s->tree = MEM_NEW_N(struct tree *, n_services);
    for (size_t i = 0; i < n_services; i++) {
        uint64_t hash = root_hash(s, service[i]);

        s->tree[i] = take_tree(old, n_old, hash);
        if (s->tree[i] == NULL)
            s->tree[i] = new_tree(s, (uint16_t)i, hash);
        s->tree[i]->service = (uint16_t)i;
    }
    for (size_t i = 0; i < n_old; i++)
        if (old[i] != NULL)
            free_tree(s, old[i]);
    free(old);
}

struct template_set *template_new(const struct template_limits *limits,
                                  struct token_table *tokens, const char *const *service,
                                  size_t n_services)
{
    struct template_set *s = MEM_NEW(struct template_set);

    s->limits = *limits;
    s->tokens = tokens;
    s->crowd = crowd_new(limits->users);
    map_init(&s->by_hash);
    map_init(&s->by_key);
    s->path = MEM_NEW_N(struct path_entry, PATHS_MAX);
    template_set_services(s, limits, service, n_services);
    return s;
}

void template_free(struct template_set *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_trees; i++)
        free_tree(s, s->tree[i]);
    free(s->tree);
    crowd_free(s->crowd);
    map_fini(&s->by_hash);
    map_fini(&s->by_key);
    free(s->path);
    free(s);
}
