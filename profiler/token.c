#include "profiler/token.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/varint.h"

#define FORMAT         1
#define TEXT_MAX       256
#define NAME_MAX_BYTES 128

struct token {
    char *text;         /* NULL: this number is not used */
    char *service_name; /* kept for a service that is not configured today */
    int service;        /* -1: not configured today */
    uint16_t alias;     /* 0: none */
    bool unsaved;
};

struct token_table {
    const char *const *service;
    size_t n_services;
    struct token *token; /* [0] is TOKEN_START */
    size_t n, cap;
    uint16_t *unsaved; /* may name one twice; `token.unsaved` decides */
    size_t n_unsaved, unsaved_cap;
};

static void grow_to(struct token_table *t, size_t n)
{
    if (n > t->cap) {
        size_t cap = n > 2 * t->cap ? n : 2 * t->cap;

        t->token = mem_grow(t->token, cap, sizeof(t->token[0]));
        memset(t->token + t->cap, 0, (cap - t->cap) * sizeof(t->token[0]));
        t->cap = cap;
    }
    if (n > t->n)
        t->n = n;
}

struct token_table *token_new(const char *const *service, size_t n_services)
{
    struct token_table *t = MEM_NEW(struct token_table);

    t->service = service;
    t->n_services = n_services;
    grow_to(t, 64);
    t->n = 1;
    return t;
}

void token_free(struct token_table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->n; i++) {
        free(t->token[i].text);
        free(t->token[i].service_name);
    }
    free(t->token);
    free(t->unsaved);
    free(t);
}

static int service_index(const struct token_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_services; i++)
        if (strcmp(t->service[i], name) == 0)
            return (int)i;
    return -1;
}

void token_set_services(struct token_table *t, const char *const *service,
                        size_t n_services)
{
    t->service = service;
    t->n_services = n_services;
    for (size_t i = 1; i < t->n; i++)
        if (t->token[i].text != NULL)
            t->token[i].service = service_index(t, t->token[i].service_name);
}

static const struct token *find(const struct token_table *t, uint16_t token)
{
    return token < t->n && t->token[token].text != NULL ? &t->token[token] : NULL;
}

static void mark_unsaved(struct token_table *t, uint16_t token)
{
    if (t->token[token].unsaved)
        return;
    t->token[token].unsaved = true;
    if (t->n_unsaved == t->unsaved_cap) {
        t->unsaved_cap = t->unsaved_cap > 0 ? 2 * t->unsaved_cap : 16;
        t->unsaved = mem_grow(t->unsaved, t->unsaved_cap, sizeof(t->unsaved[0]));
    }
    t->unsaved[t->n_unsaved++] = token;
}

uint16_t token_add(struct token_table *t, uint16_t service, const char *text)
{
    size_t id = t->n;

    CHECK(service < t->n_services);
    if (id > TOKEN_MAX)
        return TOKEN_NONE;
    grow_to(t, id + 1);
    t->token[id] = (struct token){.text = mem_strn(text, strnlen(text, TEXT_MAX)),
                                  .service_name = mem_str(t->service[service]),
                                  .service = service};
    mark_unsaved(t, (uint16_t)id);
    return (uint16_t)id;
}

void token_alias(struct token_table *t, uint16_t token, uint16_t target)
{
    CHECK(find(t, token) != NULL && find(t, target) != NULL &&
          token_now(t, target) != token);
    t->token[token].alias = target;
    mark_unsaved(t, token);
}

uint16_t token_now(const struct token_table *t, uint16_t token)
{
    const struct token *k = find(t, token);

    for (int hops = 0; k != NULL && k->alias != 0 && hops < 16; hops++) {
        token = k->alias;
        k = find(t, token);
    }
    return token;
}

const char *token_text(const struct token_table *t, uint16_t token)
{
    const struct token *k = find(t, token);

    return k != NULL ? k->text : "";
}

int token_service(const struct token_table *t, uint16_t token)
{
    const struct token *k = find(t, token);

    return k != NULL ? k->service : -1;
}

size_t token_count(const struct token_table *t)
{
    return t->n - 1;
}

/* ---- storage ---- */

size_t token_take_unsaved(struct token_table *t, uint16_t *out, size_t max)
{
    size_t n = 0;

    while (n < max && t->n_unsaved > 0) {
        uint16_t token = t->unsaved[--t->n_unsaved];

        t->token[token].unsaved = false;
        out[n++] = token;
    }
    return n;
}

size_t token_record(const struct token_table *t, uint16_t token, uint8_t *out)
{
    struct varint_out o = {out, out + TOKEN_RECORD_MAX, false};
    const struct token *k = find(t, token);

    CHECK(k != NULL);
    varint_put(&o, FORMAT);
    varint_put(&o, k->alias);
    varint_put(&o, strlen(k->service_name));
    varint_put_bytes(&o, k->service_name, strlen(k->service_name));
    varint_put(&o, strlen(k->text));
    varint_put_bytes(&o, k->text, strlen(k->text));
    CHECK(!o.bad);
    return (size_t)(o.at - out);
}

/* NULL when damaged; to be freed. */
static char *get_text(struct varint_in *in, size_t max)
{
    uint64_t len = varint_get(in);
    const uint8_t *p;

    if (in->bad || len == 0 || len > max)
        return NULL;
    p = varint_get_bytes(in, (size_t)len);
    return p != NULL ? mem_strn((const char *)p, (size_t)len) : NULL;
}

int token_restore(struct token_table *t, uint16_t token, const uint8_t *in, size_t len)
{
    struct varint_in from = {in, in + len, false};
    struct token k = {0};
    uint64_t alias;

    if (token == TOKEN_START || find(t, token) != NULL || varint_get(&from) != FORMAT)
        return RC_CORRUPT;
    alias = varint_get(&from);
    k.service_name = get_text(&from, NAME_MAX_BYTES);
    k.text = k.service_name != NULL ? get_text(&from, TEXT_MAX) : NULL;
    if (k.text == NULL || alias > TOKEN_MAX || alias == token) {
        free(k.service_name);
        free(k.text);
        return RC_CORRUPT;
    }
    k.alias = (uint16_t)alias;
    k.service = service_index(t, k.service_name);
    grow_to(t, (size_t)token + 1);
    t->token[token] = k;
    return RC_OK;
}
