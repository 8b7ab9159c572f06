#include "profiler/expect.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/handover.h"
#include "base/mem.h"
#include "base/varint.h"

#define CELLS       (EXPECT_IDLE * EXPECT_DEPTH)
#define TOKENS      65536
#define N_MAX       1000 /* then a cell's counts are halved */
#define PRIOR_MEAN  .3   /* before anything is known */
#define PRIOR_IDLE  2    /* weights of the parent, in observations */
#define PRIOR_DEPTH 5
#define PRIOR_TOKEN 10
#define PRIOR_SHARE 5
#define FORMAT      1
#define SCALE       256 /* stored numbers keep this part */

struct cell {
    float n, sum, squares;
};

struct row { /* of one token */
    struct cell cell[CELLS];
    float n_shares;
    float share[]; /* of each service */
};

struct expect {
    size_t n_services;
    struct cell idle[EXPECT_IDLE];
    struct cell depth[CELLS];
    struct row **row;  /* by token; NULL: never seen */
    struct row **from; /* by service: shares only */
};

struct expect *expect_new(size_t n_services)
{
    struct expect *x = MEM_NEW(struct expect);

    x->n_services = n_services;
    x->row = MEM_NEW_N(struct row *, TOKENS);
    x->from = MEM_NEW_N(struct row *, n_services);
    return x;
}

static void clear(struct expect *x)
{
    for (size_t i = 0; i < TOKENS; i++) {
        free(x->row[i]);
        x->row[i] = NULL;
    }
    for (size_t i = 0; i < x->n_services; i++) {
        free(x->from[i]);
        x->from[i] = NULL;
    }
    memset(x->idle, 0, sizeof(x->idle));
    memset(x->depth, 0, sizeof(x->depth));
}

void expect_free(struct expect *x)
{
    if (x == NULL)
        return;
    clear(x);
    free(x->row);
    free(x->from);
    free(x);
}

/* ---- states ---- */

uint8_t expect_idle(uint32_t idle_s)
{
    static const uint32_t below_s[EXPECT_IDLE - 1] = {30, 60, 120, 300, 600, 1800};
    uint8_t i = 0;

    while (i < EXPECT_IDLE - 1 && idle_s >= below_s[i])
        i++;
    return i;
}

uint8_t expect_depth(uint32_t requests)
{
    uint8_t i = 0;

    while (i < EXPECT_DEPTH - 1 && requests >= 2u << i)
        i++;
    return i;
}

static unsigned cell_of(const struct expect_state *s)
{
    CHECK(s->idle < EXPECT_IDLE && s->depth < EXPECT_DEPTH);
    return (unsigned)s->idle * EXPECT_DEPTH + s->depth;
}

static struct row *get_row(const struct expect *x, struct row **place)
{
    if (*place == NULL)
        *place = mem_new(1, sizeof(**place) + x->n_services * sizeof((*place)->share[0]));
    return *place;
}

/* ---- learning ---- */

static void count(struct cell *c, float requests)
{
    if (c->n >= N_MAX)
        *c = (struct cell){c->n / 2, c->sum / 2, c->squares / 2};
    c->n++;
    c->sum += requests;
    c->squares += requests * requests;
}

void expect_learn(struct expect *x, const struct expect_state *s, uint32_t requests)
{
    unsigned at = cell_of(s);

    count(&x->idle[s->idle], (float)requests);
    count(&x->depth[at], (float)requests);
    count(&get_row(x, &x->row[s->token])->cell[at], (float)requests);
}

static void count_share(const struct expect *x, struct row *r, uint16_t service)
{
    if (r->n_shares >= N_MAX) {
        r->n_shares /= 2;
        for (size_t i = 0; i < x->n_services; i++)
            r->share[i] /= 2;
    }
    r->n_shares++;
    r->share[service]++;
}

void expect_share(struct expect *x, const struct expect_state *s, uint16_t service)
{
    CHECK(s->service < x->n_services && service < x->n_services);
    count_share(x, get_row(x, &x->row[s->token]), service);
    count_share(x, get_row(x, &x->from[s->service]), service);
}

/* ---- asking ---- */

struct moments {
    double mean, square;
};

static struct moments shrink(const struct cell *c, struct moments parent, double k)
{
    return (struct moments){(c->sum + k * parent.mean) / (c->n + k),
                            (c->squares + k * parent.square) / (c->n + k)};
}

static struct moments moments_of(const struct expect *x, const struct expect_state *s)
{
    unsigned at = cell_of(s);
    struct moments m = {PRIOR_MEAN, PRIOR_MEAN + PRIOR_MEAN * PRIOR_MEAN};

    m = shrink(&x->idle[s->idle], m, PRIOR_IDLE);
    m = shrink(&x->depth[at], m, PRIOR_DEPTH);
    if (x->row[s->token] != NULL)
        m = shrink(&x->row[s->token]->cell[at], m, PRIOR_TOKEN);
    return m;
}

/* Of the requests after this state, those to one service; the parent is the service's own.
 */
static double share_of(const struct expect *x, const struct expect_state *s, size_t service)
{
    const struct row *token = x->row[s->token], *from = x->from[s->service];
    double p = service == s->service;

    if (from != NULL)
        p = (from->share[service] + p) / (from->n_shares + 1);
    if (token != NULL)
        p = (token->share[service] + PRIOR_SHARE * p) / (token->n_shares + PRIOR_SHARE);
    return p;
}

void expect_add(const struct expect *x, const struct expect_state *s, double *mean,
                double *variance)
{
    struct moments m = moments_of(x, s);
    double spread = m.square - m.mean * m.mean;

    for (size_t i = 0; i < x->n_services; i++) {
        double p = share_of(x, s, i);

        mean[i] += p * m.mean;
        variance[i] += p * p * spread + p * (1 - p) * m.mean; /* thinned by p */
    }
}

/* ---- bytes ---- */

static void put_number(struct varint_out *o, float v)
{
    varint_put(o, (uint64_t)llrintf(v * SCALE));
}

static float get_number(struct varint_in *in)
{
    uint64_t v = varint_get(in);

    in->bad |= v > (uint64_t)1 << 40;
    return (float)v / SCALE;
}

static void put_cells(struct varint_out *o, const struct cell *c, unsigned n)
{
    uint64_t used = 0;

    for (unsigned i = 0; i < n; i++)
        used |= (uint64_t)(c[i].n > 0) << i;
    varint_put(o, used);
    for (unsigned i = 0; i < n; i++)
        if (c[i].n > 0) {
            put_number(o, c[i].n);
            put_number(o, c[i].sum);
            put_number(o, c[i].squares);
        }
}

static void get_cells(struct varint_in *in, struct cell *c, unsigned n)
{
    uint64_t used = varint_get(in);

    in->bad |= used >> n != 0;
    for (unsigned i = 0; i < n && !in->bad; i++)
        if (used >> i & 1) {
            c[i].n = get_number(in);
            c[i].sum = get_number(in);
            c[i].squares = get_number(in);
        }
}

static void put_shares(const struct expect *x, struct varint_out *o, const struct row *r)
{
    size_t n = 0;

    for (size_t i = 0; i < x->n_services; i++)
        n += r->share[i] > 0;
    varint_put(o, n);
    for (size_t i = 0; i < x->n_services; i++)
        if (r->share[i] > 0) {
            varint_put(o, i);
            put_number(o, r->share[i]);
        }
}

/* now[i]: the service that was stored as i, or -1. */
static void get_shares(const struct expect *x, struct varint_in *in, struct row *r,
                       const int *now, size_t n_stored)
{
    for (uint64_t n = varint_get(in); n > 0 && !in->bad; n--) {
        uint64_t service = varint_get(in);
        float v = get_number(in);

        in->bad |= service >= n_stored;
        if (in->bad || now[service] < 0)
            continue;
        CHECK((size_t)now[service] < x->n_services);
        r->share[now[service]] += v;
        r->n_shares += v;
    }
}

static size_t n_rows(const struct expect *x)
{
    size_t n = 0;

    for (size_t i = 0; i < TOKENS; i++)
        n += x->row[i] != NULL;
    return n;
}

static size_t saved_size(const struct expect *x, const char *const *service)
{
    size_t shares = 12 * x->n_services + 10;
    size_t n = 64 + (CELLS + EXPECT_IDLE) * 24 + n_rows(x) * (CELLS * 24 + 16 + shares) +
               x->n_services * (shares + 8);

    for (size_t i = 0; i < x->n_services; i++)
        n += strlen(service[i]) + 4;
    return n;
}

void expect_save(const struct expect *x, const char *const *service, uint8_t **out,
                 size_t *len)
{
    size_t size = saved_size(x, service);
    struct varint_out o = {.at = mem_new(size, 1)};

    *out = o.at;
    o.end = o.at + size;
    varint_put(&o, FORMAT);
    varint_put(&o, x->n_services);
    for (size_t i = 0; i < x->n_services; i++) {
        varint_put(&o, strlen(service[i]));
        varint_put_bytes(&o, service[i], strlen(service[i]));
    }
    put_cells(&o, x->idle, EXPECT_IDLE);
    put_cells(&o, x->depth, CELLS);
    for (size_t i = 0; i < x->n_services; i++) {
        if (x->from[i] != NULL)
            put_shares(x, &o, x->from[i]);
        else
            varint_put(&o, 0);
    }
    varint_put(&o, n_rows(x));
    for (size_t i = 0; i < TOKENS; i++)
        if (x->row[i] != NULL) {
            varint_put(&o, i);
            put_cells(&o, x->row[i]->cell, CELLS);
            put_shares(x, &o, x->row[i]);
        }
    CHECK(!o.bad);
    *len = (size_t)(o.at - *out);
}

static int find_service(const struct expect *x, const char *const *service,
                        const uint8_t *name, size_t len)
{
    for (size_t i = 0; i < x->n_services; i++)
        if (strlen(service[i]) == len && memcmp(service[i], name, len) == 0)
            return (int)i;
    return -1;
}

/* Returns the number of services there were. */
static size_t get_services(const struct expect *x, const char *const *service,
                           struct varint_in *in, int *now, size_t max)
{
    uint64_t n = varint_get(in);

    in->bad |= n > max;
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        uint64_t len = varint_get(in);
        const uint8_t *name = varint_get_bytes(in, (size_t)len);

        if (name != NULL)
            now[i] = find_service(x, service, name, (size_t)len);
    }
    return (size_t)n;
}

static void get_rows(struct expect *x, struct varint_in *in, const int *now,
                     size_t n_stored)
{
    for (uint64_t n = varint_get(in); n > 0 && !in->bad; n--) {
        uint64_t token = varint_get(in);
        struct row *r;

        in->bad |= token >= TOKENS;
        if (in->bad)
            return;
        r = get_row(x, &x->row[token]);
        get_cells(in, r->cell, CELLS);
        get_shares(x, in, r, now, n_stored);
    }
}

int expect_load(struct expect *x, const char *const *service, const uint8_t *in, size_t len)
{
    struct varint_in from = {in, in + len, false};
    struct row *gone = NULL; /* the shares of services that are not configured today */
    int now[SERVICES_MAX];
    size_t n;

    clear(x);
    from.bad = varint_get(&from) != FORMAT;
    n = get_services(x, service, &from, now, SERVICES_MAX);
    get_cells(&from, x->idle, EXPECT_IDLE);
    get_cells(&from, x->depth, CELLS);
    for (size_t i = 0; i < n && !from.bad; i++)
        get_shares(x, &from, get_row(x, now[i] >= 0 ? &x->from[now[i]] : &gone), now, n);
    free(gone);
    get_rows(x, &from, now, n);
    if (!from.bad && from.at == from.end)
        return RC_OK;
    clear(x);
    return RC_CORRUPT;
}
