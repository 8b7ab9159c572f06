#include "profiler/profile_code.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/varint.h"

#define VERSION      1
#define WEIGHT_BITS  4    /* of a weight that are not stored */
#define FLOAT_SCALE  16   /* means keep a sixteenth */
#define RECENT_ONE   4    /* kept of a user with a single session */
#define HOURS_ONE    16   /* the same; with these the fixed part is at most 155 bytes */
#define HOURS_DENSE  0xff /* instead of a count: all of them follow */
#define HOURS_SPARSE 84   /* two bytes each; from here on dense is shorter */
#define MIX_SHARE    .5   /* of the room that is left */
#define MIX_BYTES    (3 + 2)
#define MOVE_BYTES   (3 + 3 + 2)

/* ---- writing ---- */

static void put_float(struct varint_out *o, float v)
{
    varint_put(o, v > 0 ? (uint64_t)lrintf(v * FLOAT_SCALE) : 0);
}

/* A bit for each that is not zero, then these. */
static void put_small(struct varint_out *o, const uint8_t *v, unsigned n)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < n; i++)
        mask |= (uint64_t)(v[i] != 0) << i;
    varint_put(o, mask);
    for (unsigned i = 0; i < n; i++)
        if (v[i] != 0)
            varint_put_bytes(o, &v[i], 1);
}

/* The smallest code of which, with all above it, at most `max` hours are kept. */
static unsigned least_kept(const uint8_t *hours, unsigned max)
{
    unsigned n_with[256] = {0}, code = 256, n = 0;

    for (unsigned i = 0; i < PROFILE_HOURS; i++)
        n_with[hours[i]]++;
    while (code > 1 && n + n_with[code - 1] <= max)
        n += n_with[--code];
    return code;
}

static void put_hours(struct varint_out *o, const uint8_t *hours, unsigned max)
{
    unsigned least = least_kept(hours, max), last = 0;
    uint8_t n = 0;

    for (unsigned i = 0; i < PROFILE_HOURS; i++)
        n = (uint8_t)(n + (hours[i] >= least));
    if (n >= HOURS_SPARSE) {
        n = HOURS_DENSE;
        varint_put_bytes(o, &n, 1);
        varint_put_bytes(o, hours, PROFILE_HOURS);
        return;
    }
    varint_put_bytes(o, &n, 1);
    for (unsigned i = 0; i < PROFILE_HOURS; i++) {
        if (hours[i] < least)
            continue;
        varint_put(o, i - last);
        varint_put_bytes(o, &hours[i], 1);
        last = i;
    }
}

static void put_recent(struct varint_out *o, const struct profile *p, unsigned max)
{
    unsigned n = p->n_recent < max ? p->n_recent : max;
    uint32_t later = p->session.last_s;

    varint_put(o, n);
    for (unsigned i = 0; i < n; i++) {
        uint32_t at = p->recent_s[i] < later ? p->recent_s[i] : later;

        varint_put(o, p->recent_token[i]);
        varint_put(o, later - at);
        later = at;
    }
}

/* Indices of the weights above what would be stored as 0, heaviest first. */
static unsigned heaviest(const uint16_t *weight, unsigned n, uint8_t *order)
{
    unsigned found = 0;

    for (unsigned i = 0; i < n; i++) {
        unsigned at = found;

        if (weight[i] >> WEIGHT_BITS == 0)
            continue;
        for (; at > 0 && weight[order[at - 1]] < weight[i]; at--)
            order[at] = order[at - 1];
        order[at] = (uint8_t)i;
        found++;
    }
    return found;
}

static void put_mix(struct varint_out *o, const struct profile *p, size_t room)
{
    uint8_t order[PROFILE_MIX];
    unsigned n = heaviest(p->mix_weight, PROFILE_MIX, order);

    if (n > room / MIX_BYTES)
        n = (unsigned)(room / MIX_BYTES);
    varint_put(o, n);
    for (unsigned i = 0; i < n; i++) {
        varint_put(o, p->mix_token[order[i]]);
        varint_put(o, p->mix_weight[order[i]] >> WEIGHT_BITS);
    }
}

static void put_moves(struct varint_out *o, const struct profile *p, size_t room)
{
    uint8_t order[PROFILE_MOVES];
    unsigned n = heaviest(p->move_weight, PROFILE_MOVES, order);

    if (n > room / MOVE_BYTES)
        n = (unsigned)(room / MOVE_BYTES);
    varint_put(o, n);
    for (unsigned i = 0; i < n; i++) {
        varint_put(o, p->move_from[order[i]]);
        varint_put(o, p->move_to[order[i]]);
        varint_put(o, p->move_weight[order[i]] >> WEIGHT_BITS);
    }
}

static void put_numbers(struct varint_out *o, const struct profile *p)
{
    varint_put(o, p->first_s);
    varint_put(o, p->session.last_s);
    varint_put(o, p->session.last_s - p->session.start_s);
    varint_put(o, p->session.requests);
    varint_put(o, p->requests);
    varint_put(o, p->sessions);
    varint_put(o, p->hour);
    varint_put(o, p->hour_requests);
    for (unsigned i = 0; i < PROFILE_COUNTS; i++)
        varint_put(o, p->count[i]);
    put_float(o, p->session_requests);
    put_float(o, p->session_s);
    put_float(o, p->pause_s);
    put_float(o, p->latency_us);
}

size_t profile_code_write(const struct profile *p, uint8_t out[PROFILE_CODE_MAX])
{
    bool one = p->sessions <= 1;
    struct varint_out o = {out, out + (one ? PROFILE_CODE_ONE : PROFILE_CODE_MAX), false};
    uint8_t version = VERSION;
    size_t left;

    varint_put_bytes(&o, &version, 1);
    put_numbers(&o, p);
    put_small(&o, p->devices, PROFILE_DEVICES);
    put_small(&o, p->gaps, PROFILE_GAPS);
    put_hours(&o, p->hours, one ? HOURS_ONE : PROFILE_HOURS);
    varint_put(&o, p->session.n_history);
    put_recent(&o, p, one ? RECENT_ONE : PROFILE_RECENT);
    left = (size_t)(o.end - o.at) - 2; /* without the two counts */
    put_mix(&o, p, (size_t)((double)left * MIX_SHARE));
    left = (size_t)(o.end - o.at) - 1;
    put_moves(&o, p, left);
    CHECK(!o.bad);
    return (size_t)(o.at - out);
}

/* ---- reading ---- */

static uint32_t get32(struct varint_in *in)
{
    uint64_t v = varint_get(in);

    in->bad |= v > UINT32_MAX;
    return (uint32_t)v;
}

static uint16_t get16(struct varint_in *in)
{
    uint64_t v = varint_get(in);

    in->bad |= v > UINT16_MAX;
    return (uint16_t)v;
}

static float get_float(struct varint_in *in)
{
    return (float)get32(in) / FLOAT_SCALE;
}

/* A count of things that follow. */
static unsigned get_count(struct varint_in *in, unsigned max)
{
    uint64_t n = varint_get(in);

    in->bad |= n > max;
    return in->bad ? 0 : (unsigned)n;
}

static uint8_t get_byte(struct varint_in *in)
{
    const uint8_t *p = varint_get_bytes(in, 1);

    return p != NULL ? *p : 0;
}

static void get_small(struct varint_in *in, uint8_t *v, unsigned n)
{
    uint64_t mask = varint_get(in);

    in->bad |= mask >> n != 0;
    for (unsigned i = 0; i < n; i++)
        if (mask >> i & 1)
            v[i] = get_byte(in);
}

static void get_hours(struct varint_in *in, uint8_t *hours)
{
    uint8_t n = get_byte(in);
    uint64_t at = 0;

    if (n == HOURS_DENSE) {
        const uint8_t *p = varint_get_bytes(in, PROFILE_HOURS);

        if (p != NULL)
            memcpy(hours, p, PROFILE_HOURS);
        return;
    }
    for (; n > 0 && !in->bad; n--) {
        at += varint_get(in);
        in->bad |= at >= PROFILE_HOURS;
        if (!in->bad)
            hours[at] = get_byte(in);
    }
}

static void get_recent(struct varint_in *in, struct profile *p)
{
    uint32_t at = p->session.last_s;

    p->n_recent = (uint8_t)get_count(in, PROFILE_RECENT);
    for (unsigned i = 0; i < p->n_recent; i++) {
        p->recent_token[i] = get16(in);
        at -= get32(in);
        p->recent_s[i] = at;
    }
}

static uint16_t get_weight(struct varint_in *in)
{
    uint32_t v = (uint32_t)get16(in) << WEIGHT_BITS;

    in->bad |= v > UINT16_MAX;
    return (uint16_t)v;
}

static void get_mix(struct varint_in *in, struct profile *p)
{
    unsigned n = get_count(in, PROFILE_MIX);

    for (unsigned i = 0; i < n; i++) {
        p->mix_token[i] = get16(in);
        p->mix_weight[i] = get_weight(in);
    }
}

static void get_moves(struct varint_in *in, struct profile *p)
{
    unsigned n = get_count(in, PROFILE_MOVES);

    for (unsigned i = 0; i < n; i++) {
        p->move_from[i] = get16(in);
        p->move_to[i] = get16(in);
        p->move_weight[i] = get_weight(in);
    }
}

static void get_numbers(struct varint_in *in, struct profile *p)
{
    struct session *s = &p->session;

    p->first_s = get32(in);
    s->last_s = get32(in);
    s->start_s = s->last_s - get32(in);
    s->requests = get32(in);
    p->requests = get32(in);
    p->sessions = get32(in);
    p->hour = get32(in);
    p->hour_requests = get32(in);
    for (unsigned i = 0; i < PROFILE_COUNTS; i++)
        p->count[i] = get32(in);
    p->session_requests = get_float(in);
    p->session_s = get_float(in);
    p->pause_s = get_float(in);
    p->latency_us = get_float(in);
}

/* The session's last tokens are the most recent ones; a short one also had its start. */
static void rebuild_history(struct profile *p, unsigned n)
{
    struct session *s = &p->session;
    unsigned tokens = s->requests < n ? s->requests : n;

    if (tokens > p->n_recent)
        tokens = p->n_recent;
    memset(s->history, 0, sizeof(s->history)); /* TOKEN_START is 0 */
    for (unsigned i = 0; i < tokens; i++)
        s->history[n - 1 - i] = p->recent_token[i];
    s->n_history = (uint16_t)n;
}

int profile_code_read(struct profile *p, const uint8_t *in, size_t len)
{
    struct varint_in from = {in, in + len, false};
    unsigned n_history;

    *p = (struct profile){0};
    from.bad = get_byte(&from) != VERSION;
    get_numbers(&from, p);
    get_small(&from, p->devices, PROFILE_DEVICES);
    get_small(&from, p->gaps, PROFILE_GAPS);
    get_hours(&from, p->hours);
    n_history = get_count(&from, SESSION_HISTORY);
    from.bad |= n_history == 0 && p->session.requests > 0;
    get_recent(&from, p);
    get_mix(&from, p);
    get_moves(&from, p);
    if (from.bad || from.at != from.end) {
        *p = (struct profile){0};
        return RC_CORRUPT;
    }
    rebuild_history(p, n_history);
    return RC_OK;
}
