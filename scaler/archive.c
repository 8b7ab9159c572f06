#include "scaler/archive.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/kv.h"
#include "base/log.h"
#include "base/mem.h"
#include "scaler/demand_codec.h"

#define KEY_MAX (NAME_MAX_LEN + 64)

static const char ring_letter[N_DEMAND_RINGS] = {'s', 'm', 'h'};

/* ---- saving ---- */

static void save_block(struct ledger *l, const char *service, struct demand *d,
                       enum demand_ring r, int64_t block)
{
    struct demand_cell cells[DEMAND_BLOCK];
    uint8_t bytes[DEMAND_CODEC_MAX];
    char key[KEY_MAX];
    size_t len;

    for (int i = 0; i < DEMAND_BLOCK; i++)
        cells[i] = demand_get(d, r, block * DEMAND_BLOCK + i);
    len = demand_codec_put(block, cells, bytes);
    snprintf(key, sizeof(key), "scaler/demand/%s/%c/%03" PRId64, service, ring_letter[r],
             block % (int64_t)demand_blocks(r));
    ledger_put(l, key, bytes, len);
}

static void save_ring(struct archive *a, struct ledger *l, const char *service,
                      struct demand *d, enum demand_ring r)
{
    int64_t newest = demand_newest(d, r), from;

    if (newest < 0)
        return;
    if (a->saved[r] > newest) /* the clock went back */
        a->saved[r] = newest - DEMAND_BLOCK;
    from = a->saved[r] + 1;
    if (from < demand_oldest(d, r))
        from = demand_oldest(d, r);
    for (int64_t b = from / DEMAND_BLOCK; from <= newest && b <= newest / DEMAND_BLOCK; b++)
        save_block(l, service, d, r, b);
    a->saved[r] = newest;
}

static void save_rest(struct ledger *l, const char *service, struct insight *i)
{
    char key[KEY_MAX], *text = insight_state(i);

    snprintf(key, sizeof(key), "scaler/learned/%s", service);
    ledger_put(l, key, text, strlen(text));
    free(text);
}

void archive_save(struct archive *a, struct ledger *l, const char *service,
                  struct insight *i)
{
    if (l == NULL)
        return;
    for (int r = 0; r < N_DEMAND_RINGS; r++)
        save_ring(a, l, service, insight_demand(i), (enum demand_ring)r);
    save_rest(l, service, i);
}

/* ---- loading ---- */

struct block {
    int64_t number;
    struct demand_cell cells[DEMAND_BLOCK];
};

struct loading {
    struct block *blocks;
    size_t n, damaged;
};

static bool take_block(void *ctx, const void *key, size_t key_len, const void *value,
                       size_t len)
{
    struct loading *in = ctx;
    struct block *b;

    (void)key;
    (void)key_len;
    in->blocks = mem_grow(in->blocks, in->n + 1, sizeof(*in->blocks));
    b = &in->blocks[in->n];
    if (demand_codec_get(value, len, &b->number, b->cells) == RC_OK)
        in->n++;
    else
        in->damaged++;
    return true;
}

static int by_number(const void *x, const void *y)
{
    const struct block *a = x, *b = y;

    return (a->number > b->number) - (a->number < b->number);
}

/* The last block ends with slots that were not over yet; they do not count as newest. */
static void put_blocks(struct loading *in, struct demand *d, enum demand_ring r)
{
    qsort(in->blocks, in->n, sizeof(*in->blocks), by_number);
    for (size_t k = 0; k < in->n; k++) {
        const struct block *b = &in->blocks[k];
        int last = DEMAND_BLOCK - 1;

        while (k + 1 == in->n && last >= 0 &&
               b->cells[last].requests != b->cells[last].requests)
            last--;
        for (int i = 0; i <= last; i++)
            demand_put(d, r, b->number * DEMAND_BLOCK + i, b->cells[i]);
    }
}

static int load_ring(struct kv *kv, const char *service, struct demand *d,
                     enum demand_ring r)
{
    struct loading in = {0};
    char prefix[KEY_MAX];
    int n =
        snprintf(prefix, sizeof(prefix), "scaler/demand/%s/%c/", service, ring_letter[r]);
    int rc = kv_each(kv, prefix, (size_t)n, take_block, &in);

    if (in.n > 0)
        put_blocks(&in, d, r);
    if (in.damaged > 0)
        log_warn("scaler", "%zu damaged blocks of history are left out service=%s",
                 in.damaged, service);
    free(in.blocks);
    return rc;
}

static int load_rest(struct kv *kv, const char *service, struct insight *i)
{
    char key[KEY_MAX];
    void *text = NULL;
    size_t len;
    int n = snprintf(key, sizeof(key), "scaler/learned/%s", service);
    int rc = kv_get(kv, key, (size_t)n, &text, &len);

    if (rc == RC_OK && !insight_restore(i, text, len))
        log_warn("scaler", "what was learned is damaged and left out service=%s", service);
    free(text);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

int archive_load(struct archive *a, struct kv *kv, const char *service, struct insight *i)
{
    struct demand *d = insight_demand(i);
    int rc = RC_OK;

    for (int r = 0; r < N_DEMAND_RINGS && rc == RC_OK; r++) {
        rc = load_ring(kv, service, d, (enum demand_ring)r);
        a->saved[r] = demand_newest(d, (enum demand_ring)r);
    }
    if (rc == RC_OK)
        rc = load_rest(kv, service, i);
    insight_rebuild(i);
    return rc;
}
