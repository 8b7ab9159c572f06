#include "conf/yaml.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "conf/utf8.h"

struct anchor {
    char *name;
    const struct yaml_node *node; /* in the tree */
};

/* A list or map that is not closed yet. */
struct frame {
    struct yaml_node *node;
    char *anchor; /* its name, or NULL; known to aliases once it is closed */
    char *key;    /* map: the key whose value comes next, or NULL */
    struct cfg_at key_at;
};

struct builder {
    const char *file, *text;
    size_t len;
    struct cfg_errors *errs;
    struct yaml_node *root;
    struct frame stack[YAML_DEPTH_MAX];
    size_t depth, n_nodes;
    struct anchor *anchors;
    size_t n_anchors;
    unsigned documents;
};

/* ---- the tree ----------------------------------------------------------------------- */

static struct yaml_node *node_new(enum yaml_kind kind, struct cfg_at at)
{
    struct yaml_node *n = MEM_NEW(struct yaml_node);

    n->kind = kind;
    n->at = at;
    return n;
}

struct yaml_node *yaml_new_map(struct cfg_at at)
{
    return node_new(YAML_MAP, at);
}

void yaml_free(struct yaml_node *n)
{
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->n; i++) {
        free(n->items[i].key);
        yaml_free(n->items[i].value);
    }
    free(n->items);
    free(n->text);
    free(n);
}

struct yaml_item *yaml_find(const struct yaml_node *n, const char *key)
{
    if (n == NULL || n->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < n->n; i++)
        if (strcmp(n->items[i].key, key) == 0)
            return &n->items[i];
    return NULL;
}

struct yaml_item yaml_take(struct yaml_node *map, struct yaml_item *item)
{
    struct yaml_item taken = *item;
    size_t after = (size_t)(map->items + map->n - item) - 1;

    memmove(item, item + 1, after * sizeof(*item));
    map->n--;
    return taken;
}

void yaml_append(struct yaml_node *n, struct yaml_item item_take)
{
    if ((n->n & (n->n - 1)) == 0) /* the room is the next power of two */
        n->items = mem_grow(n->items, n->n == 0 ? 1 : n->n * 2, sizeof(n->items[0]));
    n->items[n->n++] = item_take;
}

bool yaml_is_null(const struct yaml_node *n)
{
    return n->kind == YAML_SCALAR && !n->quoted &&
           (n->text[0] == 0 || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

const char *yaml_kind_name(enum yaml_kind k)
{
    static const char *const names[] = {"one value", "a list", "a map"};

    return names[k];
}

/* ---- faults ------------------------------------------------------------------------- */

static struct cfg_at at_mark(const struct builder *b, const struct fy_mark *m)
{
    if (m == NULL)
        return (struct cfg_at){b->file, 1, 1};
    return (struct cfg_at){b->file, (unsigned)m->line + 1, (unsigned)m->column + 1};
}

static const char *line_start(const struct builder *b, unsigned line)
{
    const char *p = b->text, *end = b->text + b->len;

    while (line > 1 && p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));

        if (nl == NULL)
            break;
        p = nl + 1;
        line--;
    }
    return p;
}

/*
 * The length of an address such as [::1]:9001 at p, or 0.  Unquoted, YAML takes
 * its brackets for a list.
 */
static size_t ip6_length(const char *p, size_t n)
{
    size_t i = 1, colons = 0, digits;

    if (n == 0 || p[0] != '[')
        return 0;
    for (; i < n && memchr("0123456789abcdefABCDEF:.", p[i], 24) != NULL; i++)
        colons += p[i] == ':';
    if (colons < 2 || i + 2 >= n || p[i] != ']' || p[i + 1] != ':')
        return 0;
    for (digits = i + 2; digits < n && p[digits] >= '0' && p[digits] <= '9'; digits++)
        ;
    return digits > i + 2 ? digits : 0;
}

/* The text of a line, without its end; not terminated. */
static const char *line_text(const struct builder *b, unsigned line, size_t *len)
{
    const char *start = line_start(b, line), *end = b->text + b->len;
    const char *nl = memchr(start, '\n', (size_t)(end - start));

    *len = (size_t)((nl != NULL ? nl : end) - start);
    return start;
}

/* True when the line holds an unquoted IPv6 address: then that was reported. */
static bool report_ip6(struct builder *b, unsigned line)
{
    unsigned col = 0;
    size_t n;
    const char *text = line_text(b, line, &n);

    for (size_t i = 0; i < n; i++) {
        size_t len = ip6_length(text + i, n - i);
        bool quoted = i > 0 && (text[i - 1] == '"' || text[i - 1] == '\'');

        col += ((unsigned char)text[i] & 0xc0) != 0x80; /* characters, not bytes */
        if (len == 0 || quoted)
            continue;
        cfg_errors_add(b->errs, (struct cfg_at){b->file, line, col},
                       "without quotes YAML reads %.*s as a list; write \"%.*s\"", (int)len,
                       text + i, (int)len, text + i);
        return true;
    }
    return false;
}

/* Inside brackets and braces the brace of an unquoted ${NAME} is YAML's. */
static const char *variable_hint(const struct builder *b, unsigned line,
                                 const char *message)
{
    size_t n;
    const char *text = line_text(b, line, &n);

    if (strstr(message, "flow") == NULL || memmem(text, n, "${", 2) == NULL)
        return "";
    return "; inside [ ] and { } a value with ${ needs quotes";
}

/* What libfyaml collected; at least one entry. */
static void report_syntax(struct builder *b, struct fy_diag *diag)
{
    struct fy_diag_error *e;
    void *pos = NULL;
    bool any = false;

    while ((e = fy_diag_errors_iterate(diag, &pos)) != NULL) {
        struct cfg_at at = {b->file, e->line > 0 ? (unsigned)e->line : 1,
                            e->column > 0 ? (unsigned)e->column : 1};

        any = true;
        if (!report_ip6(b, at.line))
            cfg_errors_add(b->errs, at, "not YAML: %s%s", e->msg,
                           variable_hint(b, at.line, e->msg));
    }
    if (!any)
        cfg_errors_add(b->errs, (struct cfg_at){b->file, 1, 1}, "not YAML");
}

/* ---- building ----------------------------------------------------------------------- */

static struct frame *top(struct builder *b)
{
    return b->depth > 0 ? &b->stack[b->depth - 1] : NULL;
}

static void remember(struct builder *b, char *name_take, const struct yaml_node *node)
{
    if (name_take == NULL)
        return;
    b->anchors = mem_grow(b->anchors, b->n_anchors + 1, sizeof(b->anchors[0]));
    b->anchors[b->n_anchors++] = (struct anchor){name_take, node};
}

/* The latest of that name, as YAML lets a name be used again. */
static const struct yaml_node *recall(const struct builder *b, const char *name)
{
    for (size_t i = b->n_anchors; i-- > 0;)
        if (strcmp(b->anchors[i].name, name) == 0)
            return b->anchors[i].node;
    return NULL;
}

/* A finished scalar in the place of a key; consumes it. */
static void take_key(struct builder *b, struct frame *f, struct yaml_node *n)
{
    struct yaml_item *same = yaml_find(f->node, n->text);

    if (same != NULL)
        cfg_errors_add(b->errs, n->at, "key '%s' is given twice; first in line %u", n->text,
                       same->key_at.line);
    f->key = n->text;
    f->key_at = n->at;
    n->text = NULL;
    yaml_free(n);
}

/* A list or a map in the place of a key.  It is kept, as anchors may be inside. */
static void refuse_key(struct builder *b, struct frame *f, struct yaml_node *n)
{
    if (!report_ip6(b, n->at.line))
        cfg_errors_add(b->errs, n->at, "a key must be one value, not %s",
                       yaml_kind_name(n->kind));
    f->node->faulty = true;
    f->key = mem_str("");
    f->key_at = n->at;
    yaml_append(f->node, (struct yaml_item){mem_str(""), n->at, n});
}

/* Hands a finished node to the list or map around it. */
static void attach(struct builder *b, struct yaml_node *n)
{
    struct frame *f = top(b);

    if (f == NULL) {
        b->root = n;
    } else if (f->node->kind == YAML_LIST) {
        yaml_append(f->node, (struct yaml_item){mem_str(""), n->at, n});
    } else if (f->key == NULL) {
        if (n->kind == YAML_SCALAR)
            take_key(b, f, n);
        else
            refuse_key(b, f, n);
    } else {
        yaml_append(f->node, (struct yaml_item){f->key, f->key_at, n});
        f->key = NULL;
    }
}

static char *token_text(struct fy_token *t)
{
    size_t n = 0;
    const char *s = t != NULL ? fy_token_get_text(t, &n) : NULL;

    return s != NULL ? mem_strn(s, n) : mem_str("");
}

static char *anchor_name(struct fy_event *e)
{
    struct fy_token *t = fy_event_get_anchor_token(e);

    return t != NULL ? token_text(t) : NULL;
}

static bool open_node(struct builder *b, struct fy_event *e, enum yaml_kind kind)
{
    struct cfg_at at = at_mark(b, fy_event_start_mark(e));

    if (b->depth == YAML_DEPTH_MAX) {
        cfg_errors_add(b->errs, at, "nested deeper than %d levels", YAML_DEPTH_MAX);
        return false;
    }
    b->stack[b->depth++] =
        (struct frame){.node = node_new(kind, at), .anchor = anchor_name(e)};
    return true;
}

static bool close_node(struct builder *b)
{
    struct frame f = b->stack[--b->depth];

    remember(b, f.anchor, f.node);
    attach(b, f.node);
    return true;
}

static bool add_scalar(struct builder *b, struct fy_event *e)
{
    struct fy_token *t = fy_event_get_token(e);
    struct frame *f = top(b);
    struct cfg_at at = at_mark(b, t != NULL ? fy_token_start_mark(t) : NULL);
    enum fy_scalar_style style = t != NULL ? fy_scalar_token_get_style(t) : FYSS_PLAIN;
    struct yaml_node *n;

    if (t == NULL && f != NULL)
        at = f->key != NULL ? f->key_at : f->node->at;
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
        at.col--; /* the mark is behind the quote */
    n = node_new(YAML_SCALAR, at);
    n->text = token_text(t);
    n->quoted = style != FYSS_PLAIN;
    if (t != NULL && strlen(n->text) != fy_token_get_text_length(t)) {
        cfg_errors_add(b->errs, at, "a zero byte is not allowed");
        n->faulty = true;
    }
    /* A key's node does not outlive it, so a key cannot be referred to. */
    if (f == NULL || f->node->kind != YAML_MAP || f->key != NULL)
        remember(b, anchor_name(e), n);
    attach(b, n);
    return true;
}

static struct yaml_node *copy(struct builder *b, const struct yaml_node *from)
{
    struct yaml_node *n = node_new(from->kind, from->at);

    b->n_nodes++;
    n->quoted = from->quoted;
    n->faulty = from->faulty;
    n->text = from->text != NULL ? mem_str(from->text) : NULL;
    for (size_t i = 0; i < from->n && b->n_nodes <= YAML_NODES_MAX; i++) {
        const struct yaml_item *it = &from->items[i];

        yaml_append(n,
                    (struct yaml_item){mem_str(it->key), it->key_at, copy(b, it->value)});
    }
    return n;
}

static bool add_alias(struct builder *b, struct fy_event *e)
{
    struct cfg_at at = at_mark(b, fy_event_start_mark(e));
    char *name = token_text(fy_event_get_token(e));
    const struct yaml_node *from = recall(b, name);

    at.col--; /* the mark is behind the asterisk */
    if (from == NULL)
        cfg_errors_add(b->errs, at, "no anchor '%s' is finished before this", name);
    else
        attach(b, copy(b, from));
    free(name);
    return from != NULL;
}

static bool start_document(struct builder *b, struct fy_event *e)
{
    if (b->documents++ == 0)
        return true;
    cfg_errors_add(b->errs, at_mark(b, fy_event_start_mark(e)),
                   "a second YAML document begins here; one is allowed");
    return false;
}

/* False: go no further; the reason was reported. */
static bool take_event(struct builder *b, struct fy_event *e)
{
    struct fy_token *tag = fy_event_get_tag_token(e);

    if (tag != NULL)
        cfg_errors_add(b->errs, at_mark(b, fy_token_start_mark(tag)),
                       "tags mean nothing here");
    if (++b->n_nodes > YAML_NODES_MAX) {
        cfg_errors_add(b->errs, at_mark(b, fy_event_start_mark(e)), "more than %d values",
                       YAML_NODES_MAX);
        return false;
    }
    switch (e->type) {
    case FYET_DOCUMENT_START:
        return start_document(b, e);
    case FYET_MAPPING_START:
        return open_node(b, e, YAML_MAP);
    case FYET_SEQUENCE_START:
        return open_node(b, e, YAML_LIST);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        return close_node(b);
    case FYET_SCALAR:
        return add_scalar(b, e);
    case FYET_ALIAS:
        return add_alias(b, e);
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
        return true;
    }
    return true;
}

/* True: the text was read to its end. */
static bool read_events(struct builder *b, struct fy_parser *parser, struct fy_diag *diag)
{
    struct fy_event *e;
    bool going = true;

    while (going && (e = fy_parser_parse(parser)) != NULL) {
        going = take_event(b, e);
        fy_parser_event_free(parser, e);
    }
    if (!going)
        return false;
    if (!fy_parser_get_stream_error(parser))
        return true;
    report_syntax(b, diag);
    return false;
}

static struct fy_diag *diag_new(void)
{
    struct fy_diag_cfg dc;
    struct fy_diag *diag;

    fy_diag_cfg_default(&dc);
    dc.fp = NULL;
    dc.level = FYET_ERROR;
    diag = fy_diag_create(&dc);
    CHECK(diag != NULL);
    fy_diag_set_collect_errors(diag, true);
    return diag;
}

/* What is left when reading stopped in the middle. */
static void drop_unfinished(struct builder *b)
{
    while (b->depth > 0) {
        struct frame *f = &b->stack[--b->depth];

        yaml_free(f->node);
        free(f->anchor);
        free(f->key);
    }
    yaml_free(b->root);
    b->root = NULL;
}

static void build(struct builder *b)
{
    struct fy_diag *diag = diag_new();
    const struct fy_parse_cfg pc = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 |
                 FYPCF_JSON_NONE | FYPCF_SLOPPY_FLOW_INDENTATION,
        .diag = diag,
    };
    struct fy_parser *parser = fy_parser_create(&pc);

    CHECK(parser != NULL);
    if (fy_parser_set_string(parser, b->text, b->len) != 0 || !read_events(b, parser, diag))
        drop_unfinished(b);
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
}

/* ---- the text itself ---------------------------------------------------------------- */

/* False: a byte that no configuration may hold; it was reported. */
static bool check_bytes(const struct builder *b)
{
    struct cfg_at at = {b->file, 1, 1};
    size_t step;

    for (size_t i = 0; i < b->len; i += step, at.col++) {
        unsigned char c = (unsigned char)b->text[i];

        step = utf8_length(b->text + i, b->len - i);
        if (step == 0) {
            cfg_errors_add(b->errs, at, "not UTF-8 text");
            return false;
        }
        if ((c < 0x20 && strchr("\t\n\r", c) == NULL) || c == 0 || c == 0x7f) {
            cfg_errors_add(b->errs, at, "a control byte (0x%02x) is not allowed", c);
            return false;
        }
        if (c == '\n') {
            at.line++;
            at.col = 0;
        }
    }
    return true;
}

struct yaml_node *yaml_parse(const char *file, const char *text, size_t len,
                             struct cfg_errors *errs)
{
    struct builder b = {.file = file, .text = text, .len = len, .errs = errs};

    if (check_bytes(&b))
        build(&b);
    for (size_t i = 0; i < b.n_anchors; i++)
        free(b.anchors[i].name);
    free(b.anchors);
    return b.root;
}
