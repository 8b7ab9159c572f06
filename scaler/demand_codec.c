#include "scaler/demand_codec.h"

#include <math.h>

#include "base/rc.h"

#define VERSION 1

struct out {
    uint8_t *p;
};

struct in {
    const uint8_t *p, *end;
    bool bad;
};

/* LEB128, unsigned. */
static void put(struct out *o, uint64_t v)
{
    while (v >= 0x80) {
        *o->p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *o->p++ = (uint8_t)v;
}

static uint64_t get(struct in *i)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64 && i->p < i->end; shift += 7) {
        uint8_t b = *i->p++;

        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return v;
    }
    i->bad = true;
    return 0;
}

static uint64_t rounded(double v)
{
    return v > 0 ? (uint64_t)llround(fmin(v, 1e18)) : 0;
}

size_t demand_codec_put(int64_t block, const struct demand_cell *cells,
                        uint8_t out[DEMAND_CODEC_MAX])
{
    struct out o = {out};

    put(&o, VERSION);
    put(&o, (uint64_t)block);
    for (int i = 0; i < DEMAND_BLOCK; i++) {
        const struct demand_cell *c = &cells[i];

        if (isnan(c->requests)) {
            put(&o, 0);
            continue;
        }
        put(&o, 1 + rounded(c->requests));
        put(&o, rounded(c->work_s * 1e3));
        put(&o, rounded(c->bytes / 1024));
        put(&o, rounded(c->concurrency * 100));
    }
    return (size_t)(o.p - out);
}

static struct demand_cell get_cell(struct in *i)
{
    struct demand_cell c = {.requests = NAN};
    uint64_t requests = get(i);

    if (requests == 0)
        return c;
    c.requests = (float)(requests - 1);
    c.work_s = (float)get(i) / 1e3F;
    c.bytes = (float)get(i) * 1024;
    c.concurrency = (float)get(i) / 100;
    return c;
}

int demand_codec_get(const uint8_t *in, size_t len, int64_t *block,
                     struct demand_cell *cells)
{
    struct in i = {.p = in, .end = in + len};

    if (get(&i) != VERSION)
        return RC_CORRUPT;
    *block = (int64_t)get(&i);
    for (int k = 0; k < DEMAND_BLOCK; k++)
        cells[k] = get_cell(&i);
    return i.bad || i.p != i.end || *block < 0 || *block > INT32_MAX ? RC_CORRUPT : RC_OK;
}
