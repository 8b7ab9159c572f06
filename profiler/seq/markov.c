#include "profiler/seq/markov.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/varint.h"

#define DISCOUNT    0.75
#define TOKENS      65536
#define ENTRIES_MAX 512
#define FORMAT      1

struct entry {
    uint16_t token, n;
};

/* One context of order 1 or more: what followed it, roughly the most frequent first. */
struct context {
    uint64_t key;
    uint32_t total; /* N(h) */
    uint16_t n, cap;
    bool used; /* since the hand last passed */
    struct entry *entry;
};

struct markov {
    unsigned order;
    size_t max_contexts;
    struct map by_key;
    struct context **context; /* in no order; `hand` goes round */
    size_t n_contexts, cap, hand;
    /* order 0: dense */
    uint32_t *count;
    uint64_t total;
    uint32_t distinct;
    uint16_t most; /* the most frequent token */
    /* private to markov_top() */
    double *score;
    uint16_t *touched;
};

/* ---- contexts ---- */

/* splitmix64's finisher over the tokens; the order is part of it. */
static uint64_t key_of(const uint16_t *last, unsigned order)
{
    uint64_t h = order;

    for (unsigned i = 0; i < order; i++) {
        h = (h ^ last[i]) + 0x9e3779b97f4a7c15u;
        h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
        h = (h ^ h >> 27) * 0x94d049bb133111ebu;
        h ^= h >> 31;
    }
    return h;
}

static void free_context(struct context *c)
{
    free(c->entry);
    free(c);
}

/* Takes one that was not used since the hand last came by. */
static size_t make_room(struct markov *m)
{
    for (;;) {
        size_t at = m->hand;
        struct context *c = m->context[at];

        m->hand = (m->hand + 1) % m->n_contexts;
        if (c->used) {
            c->used = false;
            continue;
        }
        map_remove(&m->by_key, c->key);
        free_context(c);
        return at;
    }
}

static struct context *add_context(struct markov *m, uint64_t key)
{
    struct context *c = MEM_NEW(struct context);
    size_t at = m->n_contexts;

    if (m->n_contexts == m->max_contexts) {
        at = make_room(m);
    } else if (m->n_contexts++ == m->cap) {
        m->cap = m->cap > 0 ? 2 * m->cap : 256;
        m->context = mem_grow(m->context, m->cap, sizeof(m->context[0]));
    }
    c->key = key;
    m->context[at] = c;
    map_set(&m->by_key, key, c);
    return c;
}

/* Keeps the ratios and room for more. */
static void halve(struct context *c)
{
    uint16_t kept = 0;

    c->total = 0;
    for (uint16_t i = 0; i < c->n; i++) {
        struct entry e = {c->entry[i].token, c->entry[i].n / 2};

        if (e.n == 0)
            continue;
        c->entry[kept++] = e;
        c->total += e.n;
    }
    c->n = kept;
}

static void add_entry(struct context *c, uint16_t token)
{
    if (c->n == ENTRIES_MAX) {
        c->total -= c->entry[--c->n].n;
    } else if (c->n == c->cap) {
        c->cap = (uint16_t)(c->cap > 0 ? 2 * c->cap : 2);
        c->entry = mem_grow(c->entry, c->cap, sizeof(c->entry[0]));
    }
    c->entry[c->n++] = (struct entry){token, 1};
    c->total++;
}

static void count_in(struct context *c, uint16_t token)
{
    struct entry *e = c->entry;

    c->used = true;
    for (uint16_t i = 0; i < c->n; i++) {
        if (e[i].token != token)
            continue;
        c->total++;
        if (++e[i].n == UINT16_MAX) {
            halve(c);
        } else if (i > 0 && e[i].n > e[i - 1].n) {
            struct entry up = e[i];

            e[i] = e[i - 1];
            e[i - 1] = up;
        }
        return;
    }
    add_entry(c, token);
}

static void count_token(struct markov *m, uint16_t token)
{
    m->distinct += m->count[token]++ == 0;
    m->total++;
    if (m->count[token] > m->count[m->most])
        m->most = token;
}

void markov_learn(struct markov *m, const uint16_t *hist, size_t n, uint16_t token)
{
    for (unsigned order = 1; order <= m->order && order <= n; order++) {
        uint64_t key = key_of(hist + n - order, order);
        struct context *c = map_find(&m->by_key, key);

        count_in(c != NULL ? c : add_context(m, key), token);
    }
    count_token(m, token);
}

/* ---- questions ---- */

struct level { /* one order's share of the answer */
    const struct context *context;
    double weight; /* what the higher orders left over */
};

/* Level 0 is order 1; *rest is what remains for order 0.  Returns the number of levels. */
static unsigned find_levels(const struct markov *m, const uint16_t *hist, size_t n,
                            struct level *level, double *rest)
{
    unsigned found = 0;

    while (found < m->order && found < n) {
        uint64_t key = key_of(hist + n - found - 1, found + 1);
        const struct context *c = map_find(&m->by_key, key);

        if (c == NULL || c->total == 0)
            break;
        level[found++].context = c;
    }
    *rest = 1;
    for (unsigned i = found; i-- > 0;) {
        level[i].weight = *rest / level[i].context->total;
        *rest *= DISCOUNT * level[i].context->n / level[i].context->total;
    }
    return found;
}

static double prob_of_any(const struct markov *m, uint16_t token, double rest)
{
    double flat = 1.0 / (m->distinct + 1), n = (double)m->total;

    if (m->total == 0)
        return rest * flat;
    if (m->count[token] == 0)
        return rest * DISCOUNT * m->distinct / n * flat;
    return rest * ((m->count[token] - DISCOUNT) / n + DISCOUNT * m->distinct / n * flat);
}

/* Adds to the scores; each token goes into `touched` once. */
static size_t add_level(struct markov *m, const struct level *l, size_t n_touched)
{
    for (uint16_t i = 0; i < l->context->n; i++) {
        struct entry e = l->context->entry[i];

        if (m->score[e.token] == 0)
            m->touched[n_touched++] = e.token;
        m->score[e.token] += l->weight * (e.n - DISCOUNT);
    }
    return n_touched;
}

static size_t insert_guess(struct markov_guess *out, size_t n, size_t k,
                           struct markov_guess g)
{
    size_t at = n < k ? n : k;

    while (at > 0 && out[at - 1].p < g.p) {
        if (at < k)
            out[at] = out[at - 1];
        at--;
    }
    if (at < k)
        out[at] = g;
    return n < k ? n + 1 : k;
}

size_t markov_top(struct markov *m, const uint16_t *hist, size_t n,
                  struct markov_guess *out, size_t k)
{
    struct level level[MARKOV_ORDER_MAX];
    size_t n_touched = 0, n_out = 0;
    double rest;
    unsigned levels = find_levels(m, hist, n, level, &rest);

    for (unsigned i = 0; i < levels; i++)
        n_touched = add_level(m, &level[i], n_touched);
    if (m->total > 0 && m->score[m->most] == 0)
        m->touched[n_touched++] = m->most;
    for (size_t i = 0; i < n_touched; i++) {
        uint16_t token = m->touched[i];
        double p = m->score[token] + prob_of_any(m, token, rest);

        m->score[token] = 0;
        n_out = insert_guess(out, n_out, k, (struct markov_guess){token, p});
    }
    return n_out;
}

uint32_t markov_count(const struct markov *m, uint16_t token)
{
    return m->count[token];
}

/* ---- life ---- */

struct markov *markov_new(unsigned order, size_t max_contexts)
{
    struct markov *m = MEM_NEW(struct markov);

    CHECK(order >= 1 && order <= MARKOV_ORDER_MAX && max_contexts > 0);
    m->order = order;
    m->max_contexts = max_contexts;
    map_init(&m->by_key);
    m->count = MEM_NEW_N(uint32_t, TOKENS);
    m->score = MEM_NEW_N(double, TOKENS);
    m->touched = MEM_NEW_N(uint16_t, TOKENS);
    return m;
}

static void clear(struct markov *m)
{
    for (size_t i = 0; i < m->n_contexts; i++)
        free_context(m->context[i]);
    map_fini(&m->by_key);
    m->n_contexts = m->hand = 0;
    memset(m->count, 0, TOKENS * sizeof(m->count[0]));
    m->total = m->distinct = m->most = 0;
}

void markov_free(struct markov *m)
{
    if (m == NULL)
        return;
    clear(m);
    free(m->context);
    free(m->count);
    free(m->score);
    free(m->touched);
    free(m);
}

/* ---- bytes ---- */

static size_t saved_size(const struct markov *m)
{
    size_t n = 32 + (size_t)m->distinct * 8;

    for (size_t i = 0; i < m->n_contexts; i++)
        n += 12 + (size_t)m->context[i]->n * 6;
    return n;
}

void markov_save(const struct markov *m, uint8_t **out, size_t *len)
{
    size_t size = saved_size(m);
    struct varint_out o = {.at = mem_new(size, 1)};

    *out = o.at;
    o.end = o.at + size;
    varint_put(&o, FORMAT);
    varint_put(&o, m->order);
    varint_put(&o, m->distinct);
    for (uint32_t t = 0; t < TOKENS; t++)
        if (m->count[t] > 0) {
            varint_put(&o, t);
            varint_put(&o, m->count[t]);
        }
    varint_put(&o, m->n_contexts);
    for (size_t i = 0; i < m->n_contexts; i++) {
        const struct context *c = m->context[i];

        varint_put_bytes(&o, &c->key, sizeof(c->key));
        varint_put(&o, c->n);
        for (uint16_t j = 0; j < c->n; j++) {
            varint_put(&o, c->entry[j].token);
            varint_put(&o, c->entry[j].n);
        }
    }
    CHECK(!o.bad);
    *len = (size_t)(o.at - *out);
}

static bool load_tokens(struct markov *m, struct varint_in *in)
{
    uint64_t n = varint_get(in);

    for (uint64_t i = 0; i < n && !in->bad; i++) {
        uint64_t token = varint_get(in), count = varint_get(in);

        if (token >= TOKENS || count == 0 || count > UINT32_MAX || m->count[token] != 0)
            return false;
        m->count[token] = (uint32_t)count;
        m->total += count;
        m->distinct++;
        if (m->count[token] > m->count[m->most])
            m->most = (uint16_t)token;
    }
    return !in->bad;
}

static bool load_entries(struct context *c, struct varint_in *in)
{
    uint64_t n = varint_get(in);

    if (n > ENTRIES_MAX || n > (size_t)(in->end - in->at))
        return false;
    c->entry = mem_new(n, sizeof(c->entry[0]));
    c->cap = (uint16_t)n;
    while (c->n < n && !in->bad) {
        uint64_t token = varint_get(in), count = varint_get(in);

        if (token >= TOKENS || count == 0 || count >= UINT16_MAX)
            return false;
        c->entry[c->n++] = (struct entry){(uint16_t)token, (uint16_t)count};
        c->total += (uint32_t)count;
    }
    return !in->bad;
}

static bool load_contexts(struct markov *m, struct varint_in *in)
{
    uint64_t n = varint_get(in);

    for (uint64_t i = 0; i < n && !in->bad; i++) {
        const uint8_t *p = varint_get_bytes(in, sizeof(uint64_t));
        uint64_t key;

        if (p == NULL)
            return false;
        memcpy(&key, p, sizeof(key));
        if (map_find(&m->by_key, key) != NULL || !load_entries(add_context(m, key), in))
            return false;
    }
    return !in->bad;
}

int markov_load(struct markov *m, const uint8_t *in, size_t len)
{
    struct varint_in from = {in, in + len, false};

    clear(m);
    if (varint_get(&from) == FORMAT && varint_get(&from) == m->order &&
        load_tokens(m, &from) && load_contexts(m, &from) && from.at == from.end)
        return RC_OK;
    clear(m);
    return RC_CORRUPT;
}
