#include "scaler/demand.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

#define LEARN_GAP_MS                                                                       \
    (6 * 3600 * MS_PER_S) /* a log that is silent for longer had no server */
#define CLOCK_SLACK_MS (60 * MS_PER_S)
#define N_READINGS     128 /* over a minute of readings of one a second */

static const struct {
    uint32_t slot_ms, slots; /* slots: a multiple of DEMAND_BLOCK */
} spec[N_DEMAND_RINGS] = {
    [DEMAND_STEP] = {DEMAND_STEP_MS, 8 * DEMAND_STEPS_A_DAY},
    [DEMAND_MINUTE] = {60 * MS_PER_S, 35 * 1440},
    [DEMAND_HOUR] = {3600 * MS_PER_S, 366 * 24 + 96},
};

struct slots {
    struct demand_cell *cells; /* cell of a slot: slot % number of slots */
    int64_t oldest, newest;    /* closed slots that the ring holds; -1: none */
    struct demand_open open;
};

struct reading {
    wall_ms at;
    uint64_t arrivals;
};

struct demand {
    struct slots ring[N_DEMAND_RINGS];
    wall_ms known_to; /* up to here time is accounted for; 0: nothing is yet */
    bool marked;      /* `mark` holds counters that the next reading is compared with */
    struct load mark;
    wall_ms mark_at;
    struct reading readings[N_READINGS]; /* of the present run of readings */
    size_t n_readings;                   /* ever; the last N_READINGS are kept */
};

struct demand *demand_new(void)
{
    struct demand *d = MEM_NEW(struct demand);

    for (int r = 0; r < N_DEMAND_RINGS; r++) {
        d->ring[r].cells = MEM_NEW_N(struct demand_cell, spec[r].slots);
        d->ring[r].oldest = d->ring[r].newest = d->ring[r].open.slot = -1;
    }
    return d;
}

void demand_free(struct demand *d)
{
    if (d == NULL)
        return;
    for (int r = 0; r < N_DEMAND_RINGS; r++)
        free(d->ring[r].cells);
    free(d);
}

static struct demand_cell *cell(struct slots *s, enum demand_ring r, int64_t slot)
{
    return &s->cells[(uint64_t)slot % spec[r].slots];
}

/* Makes `slot` the newest; what is skipped is unknown. */
static void append(struct slots *s, enum demand_ring r, int64_t slot, struct demand_cell c)
{
    int64_t from = s->newest < 0 ? slot : s->newest + 1;

    if (slot - from > spec[r].slots)
        from = slot - spec[r].slots;
    for (; from < slot; from++)
        *cell(s, r, from) = (struct demand_cell){.requests = NAN};
    *cell(s, r, slot) = c;
    if (s->oldest < 0)
        s->oldest = slot;
    s->newest = slot;
    if (s->newest - s->oldest >= spec[r].slots)
        s->oldest = s->newest - spec[r].slots + 1;
}

void demand_put(struct demand *d, enum demand_ring r, int64_t slot, struct demand_cell c)
{
    struct slots *s = &d->ring[r];

    if (slot < 0)
        return;
    if (slot > s->newest)
        append(s, r, slot, c);
    else if (slot >= s->oldest)
        *cell(s, r, slot) = c;
    if (r == DEMAND_STEP && d->known_to < (s->newest + 1) * DEMAND_STEP_MS)
        d->known_to = (s->newest + 1) * DEMAND_STEP_MS;
}

static void close_slot(struct slots *s, enum demand_ring r)
{
    const struct demand_open *o = &s->open;
    double len = spec[r].slot_ms, scale = o->known_ms > 0 ? len / (double)o->known_ms : 0;
    struct demand_cell c = {.requests = NAN};

    if (2 * o->known_ms >= spec[r].slot_ms)
        c = (struct demand_cell){(float)(o->requests * scale), (float)(o->work_s * scale),
                                 (float)(o->bytes * scale),
                                 (float)(o->busy_ms * scale / len)};
    if (o->slot > s->newest)
        append(s, r, o->slot, c);
    s->open = (struct demand_open){.slot = -1};
}

/* Closes what is over by `now` and opens the slot that `now` is in. */
static void turn_to(struct slots *s, enum demand_ring r, wall_ms now)
{
    int64_t slot = now / spec[r].slot_ms;

    if (s->open.slot == slot)
        return;
    if (s->open.slot >= 0)
        close_slot(s, r);
    s->open.slot = slot;
}

struct amounts {
    double requests, work_s, bytes, busy_ms;
};

/* Moves a share of `rest` into the open slot; requests stay whole. */
static void take_share(struct demand_open *o, struct amounts *rest, double share)
{
    struct amounts part = {floor(rest->requests * share), rest->work_s * share,
                           rest->bytes * share, rest->busy_ms * share};

    if (share >= 1)
        part = *rest;
    o->requests += part.requests;
    o->work_s += part.work_s;
    o->bytes += part.bytes;
    o->busy_ms += part.busy_ms;
    rest->requests -= part.requests;
    rest->work_s -= part.work_s;
    rest->bytes -= part.bytes;
    rest->busy_ms -= part.busy_ms;
}

static void spread(struct slots *s, enum demand_ring r, wall_ms from, wall_ms to,
                   struct amounts rest)
{
    turn_to(s, r, from);
    while (from < to) {
        wall_ms end = (s->open.slot + 1) * spec[r].slot_ms;
        wall_ms upto = end < to ? end : to;

        take_share(&s->open, &rest, (double)(upto - from) / (double)(to - from));
        s->open.known_ms += upto - from;
        from = upto;
        turn_to(s, r, from);
    }
}

static void account(struct demand *d, wall_ms from, wall_ms to, const struct amounts *a)
{
    for (int r = 0; r < N_DEMAND_RINGS; r++)
        spread(&d->ring[r], (enum demand_ring)r, from, to, *a);
    d->known_to = to;
}

static uint64_t total_busy_us(const struct load *l)
{
    uint64_t us = 0;

    for (int t = 0; t < N_TIERS; t++)
        us += l->tier[t].busy_us;
    return us;
}

static uint64_t total_bytes(const struct load *l)
{
    uint64_t n = 0;

    for (int t = 0; t < N_TIERS; t++)
        n += l->tier[t].bytes_up + l->tier[t].bytes_down;
    return n;
}

/* What came between two readings; time busy is real and becomes virtual here. */
static struct amounts between(const struct load *was, const struct load *is, double cost_s,
                              double speed)
{
    double n = (double)(is->arrivals - was->arrivals);
    double us = (double)(total_busy_us(is) - total_busy_us(was));

    return (struct amounts){n, n * cost_s, (double)(total_bytes(is) - total_bytes(was)),
                            us / US_PER_MS * speed};
}

static bool went_back(const struct load *was, const struct load *is)
{
    return is->arrivals < was->arrivals || total_busy_us(is) < total_busy_us(was) ||
           total_bytes(is) < total_bytes(was);
}

static void note_reading(struct demand *d, wall_ms now, uint64_t arrivals)
{
    d->readings[d->n_readings++ % N_READINGS] = (struct reading){now, arrivals};
}

static void drop_future(struct demand *d, wall_ms now)
{
    if (d->known_to - now <= CLOCK_SLACK_MS)
        return;
    for (int r = 0; r < N_DEMAND_RINGS; r++) {
        struct slots *s = &d->ring[r];
        int64_t last = now / spec[r].slot_ms - 1;

        if (s->newest > last)
            s->newest = last;
        if (s->oldest > s->newest)
            s->oldest = s->newest = -1;
        s->open = (struct demand_open){.slot = -1};
    }
    d->known_to = now;
}

void demand_read(struct demand *d, wall_ms now, const struct load *l, double cost_s,
                 double speed)
{
    if (d->marked && (now < d->mark_at || went_back(&d->mark, l)))
        demand_pause(d);
    drop_future(d, now);
    if (d->marked && now == d->mark_at)
        return;
    if (d->marked && d->mark_at >= d->known_to) {
        struct amounts a = between(&d->mark, l, cost_s, speed);

        account(d, d->mark_at, now, &a);
    }
    d->mark = *l;
    d->mark_at = now;
    d->marked = true;
    note_reading(d, now, l->arrivals);
}

void demand_pause(struct demand *d)
{
    d->marked = false;
    d->n_readings = 0;
}

void demand_learn(struct demand *d, wall_ms at, double n)
{
    static const struct amounts nothing;

    if (at < d->known_to || at <= 0)
        return;
    if (d->known_to == 0 || at - d->known_to > LEARN_GAP_MS)
        d->known_to = at / DEMAND_STEP_MS * DEMAND_STEP_MS;
    account(d, d->known_to, at, &nothing);
    for (int r = 0; r < N_DEMAND_RINGS; r++)
        d->ring[r].open.requests += n;
}

double demand_rate(const struct demand *d, wall_ms now, uint32_t span_ms, double *n)
{
    size_t held = d->n_readings < N_READINGS ? d->n_readings : N_READINGS;
    const struct reading *last, *first;
    double came;

    if (n != NULL)
        *n = 0;
    if (held < 2)
        return 0;
    last = first = &d->readings[(d->n_readings - 1) % N_READINGS];
    for (size_t i = 2; i <= held && now - first->at < span_ms; i++)
        first = &d->readings[(d->n_readings - i) % N_READINGS];
    if (first == last)
        return 0;
    came = (double)(last->arrivals - first->arrivals);
    if (n != NULL)
        *n = came;
    return came * MS_PER_S / (double)(last->at - first->at);
}

int64_t demand_newest(const struct demand *d, enum demand_ring r)
{
    return d->ring[r].newest;
}

int64_t demand_oldest(const struct demand *d, enum demand_ring r)
{
    return d->ring[r].oldest;
}

struct demand_cell demand_get(const struct demand *d, enum demand_ring r, int64_t slot)
{
    const struct slots *s = &d->ring[r];

    if (s->oldest < 0 || slot < s->oldest || slot > s->newest)
        return (struct demand_cell){.requests = NAN};
    return s->cells[(uint64_t)slot % spec[r].slots];
}

size_t demand_blocks(enum demand_ring r)
{
    return spec[r].slots / DEMAND_BLOCK;
}

struct demand_open demand_open(const struct demand *d, enum demand_ring r)
{
    return d->ring[r].open;
}

void demand_set_open(struct demand *d, enum demand_ring r, const struct demand_open *o)
{
    d->ring[r].open = *o;
    if (r == DEMAND_STEP && o->slot >= 0 && o->slot > d->ring[r].newest)
        d->known_to = o->slot * DEMAND_STEP_MS + o->known_ms;
}
