#include "profiler/profile.h"

#include <math.h>
#include <string.h>

#include "profiler/token.h"

#define HOUR_S       3600
#define MONDAY       72     /* hours from Monday 1969-12-29 to 1970-01-01 */
#define WEEK_KEEPS   .85    /* of the histogram, from week to week */
#define CODE_LEAST   .02    /* code 1; below it an hour is forgotten */
#define CODE_LOG     .08126 /* ln of a code's step: two steps are one week */
#define CODES_A_WEEK 2
#define MIX_KEEPS    64225 /* of 65536, per request: .98 */
#define MOVE_KEEPS   58982 /* of 65536, per visit of the same place: .9 */
#define MEAN_RATE    .1f

/* ---- the week ---- */

uint32_t profile_hour_at(int64_t unix_s, int32_t zone_offset_s)
{
    return (uint32_t)((unix_s + zone_offset_s) / HOUR_S + MONDAY);
}

static double code_value(unsigned code)
{
    return code > 0 ? CODE_LEAST * exp((code - 1) * CODE_LOG) : 0;
}

/* Rounds up by chance `up`, 0..1. */
static uint8_t value_code(double v, double up)
{
    double code = v > 0 ? 1 + floor(log(v / CODE_LEAST) / CODE_LOG + up) : 0;

    if (code < 1)
        return 0;
    return code > 255 ? 255 : (uint8_t)code;
}

/*
 * A code's step is 8 %, a week's addition 15 %: rounded to the nearest, a steady
 * habit would come to rest up to a quarter beside the truth.  The golden ratio
 * spreads the roundings of the same hour's weeks evenly, with no random source.
 */
static double dither(uint32_t hour)
{
    double turns = hour * .61803398875;

    return turns - floor(turns);
}

static uint8_t faded(uint8_t code, uint32_t weeks)
{
    if (weeks >= 128 || code <= CODES_A_WEEK * weeks)
        return 0;
    return (uint8_t)(code - CODES_A_WEEK * weeks);
}

static uint32_t weeks_between(uint32_t hour, uint32_t later)
{
    return later > hour ? later / PROFILE_HOURS - hour / PROFILE_HOURS : 0;
}

/* Puts the pending hour into the histogram, and lets that fade to the new one. */
static void turn_hour(struct profile *p, uint32_t hour)
{
    uint8_t *code = &p->hours[p->hour % PROFILE_HOURS];
    uint32_t weeks = weeks_between(p->hour, hour);

    if (p->hour_requests > 0)
        *code = value_code(code_value(*code) + p->hour_requests, dither(p->hour));
    for (unsigned i = 0; weeks > 0 && i < PROFILE_HOURS; i++)
        p->hours[i] = faded(p->hours[i], weeks);
    p->hour = hour;
    p->hour_requests = 0;
}

double profile_hour(const struct profile *p, unsigned hour_of_week, uint32_t hour)
{
    uint32_t weeks = weeks_between(p->hour, hour);
    double v = code_value(faded(p->hours[hour_of_week], weeks));

    if (p->hour % PROFILE_HOURS == hour_of_week)
        v += p->hour_requests * pow(WEEK_KEEPS, weeks);
    return v;
}

double profile_habit(const struct profile *p, uint32_t hour)
{
    unsigned at = hour % PROFILE_HOURS;
    double known = ((double)hour - profile_hour_at(p->first_s, 0)) / PROFILE_HOURS;
    double weeks =
        WEEK_KEEPS * (1 - pow(WEEK_KEEPS, known > 0 ? known : 0)) / (1 - WEEK_KEEPS);
    double seen = .5 * profile_hour(p, at, hour) +
                  .25 * profile_hour(p, (at + 1) % PROFILE_HOURS, hour) +
                  .25 * profile_hour(p, (at + PROFILE_HOURS - 1) % PROFILE_HOURS, hour);

    return seen / (weeks + 1);
}

/* ---- small counters ---- */

static void count_small(uint8_t *counter, unsigned n, unsigned which)
{
    if (which >= n || ++counter[which] < UINT8_MAX)
        return;
    for (unsigned i = 0; i < n; i++)
        counter[i] /= 2;
}

static unsigned gap_bucket(uint32_t gap_s)
{
    unsigned bits = gap_s > 0 ? 32 - (unsigned)__builtin_clz(gap_s) : 0;

    return bits < PROFILE_GAPS ? bits : PROFILE_GAPS - 1;
}

static void follow(float *mean, float value, uint32_t n)
{
    float rate = 1.0f / (float)(n > 0 ? n : 1);

    *mean += (rate > MEAN_RATE ? rate : MEAN_RATE) * (value - *mean);
}

static void count_outcome(struct profile *p, const struct profile_event *e)
{
    if (e->flags & OBS_ABORTED)
        p->count[e->flags & OBS_ABORT_WAITING ? PROFILE_ABORTED_WAITING
                                              : PROFILE_ABORTED_LATER]++;
    else if (e->status >= 500 || e->flags & OBS_FAILED)
        p->count[PROFILE_FAILED]++;
    else
        follow(&p->latency_us, (float)e->latency_us, p->requests);
    if (e->flags & OBS_HELD)
        p->count[PROFILE_HELD]++;
}

enum obs_device profile_device(const struct profile *p)
{
    unsigned best = 0;

    for (unsigned i = 1; i < PROFILE_DEVICES; i++)
        if (p->devices[i] > p->devices[best])
            best = i;
    return (enum obs_device)best;
}

/* ---- what, and what after what ---- */

static void fade(uint16_t *weight, unsigned n, uint32_t keeps)
{
    for (unsigned i = 0; i < n; i++)
        weight[i] = (uint16_t)(weight[i] * keeps >> 16);
}

static unsigned lightest(const uint16_t *weight, unsigned n)
{
    unsigned least = 0;

    for (unsigned i = 1; i < n; i++)
        if (weight[i] < weight[least])
            least = i;
    return least;
}

static void add_weight(uint16_t *weight, uint32_t more)
{
    uint32_t sum = *weight + more;

    *weight = (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
}

static void add_mix(struct profile *p, uint16_t token, uint32_t weight)
{
    unsigned at = 0;

    while (at < PROFILE_MIX && (p->mix_token[at] != token || p->mix_weight[at] == 0))
        at++;
    if (at == PROFILE_MIX) {
        at = lightest(p->mix_weight, PROFILE_MIX);
        if (p->mix_weight[at] >= weight)
            return;
        p->mix_token[at] = token;
        p->mix_weight[at] = 0;
    }
    add_weight(&p->mix_weight[at], weight);
}

static void add_move(struct profile *p, uint16_t from, uint16_t to, uint32_t weight)
{
    unsigned at = PROFILE_MOVES;

    for (unsigned i = 0; i < PROFILE_MOVES; i++)
        if (p->move_from[i] == from && p->move_to[i] == to && p->move_weight[i] > 0)
            at = i;
    if (at == PROFILE_MOVES) {
        at = lightest(p->move_weight, PROFILE_MOVES);
        if (p->move_weight[at] >= weight)
            return;
        p->move_from[at] = from;
        p->move_to[at] = to;
        p->move_weight[at] = 0;
    }
    add_weight(&p->move_weight[at], weight);
}

static void fade_moves_from(struct profile *p, uint16_t from)
{
    for (unsigned i = 0; i < PROFILE_MOVES; i++)
        if (p->move_from[i] == from)
            p->move_weight[i] = (uint16_t)(p->move_weight[i] * (uint32_t)MOVE_KEEPS >> 16);
}

static void push_recent(struct profile *p, uint16_t token, uint32_t at_s)
{
    memmove(p->recent_token + 1, p->recent_token,
            (PROFILE_RECENT - 1) * sizeof(p->recent_token[0]));
    memmove(p->recent_s + 1, p->recent_s, (PROFILE_RECENT - 1) * sizeof(p->recent_s[0]));
    p->recent_token[0] = token;
    p->recent_s[0] = at_s;
    if (p->n_recent < PROFILE_RECENT)
        p->n_recent++;
}

/* ---- an event ---- */

/* Old moves must fade even where the user does not go any more. */
static void turn_session(struct profile *p, uint32_t at_s)
{
    const struct session *s = &p->session;

    if (p->sessions > 0) {
        follow(&p->session_requests, (float)s->requests, p->sessions);
        follow(&p->session_s, (float)(s->last_s - s->start_s), p->sessions);
        follow(&p->pause_s, (float)(at_s - s->last_s), p->sessions);
        fade(p->move_weight, PROFILE_MOVES, MIX_KEEPS);
    } else {
        p->first_s = at_s;
    }
    p->sessions++;
    session_begin(&p->session, at_s);
}

bool profile_note(struct profile *p, const struct profile_event *e, uint32_t gap_s)
{
    bool is_new = session_is_over(&p->session, e->at_s, gap_s);
    uint16_t last = is_new ? TOKEN_START : p->session.history[p->session.n_history - 1];

    if (p->requests > 0 && e->at_s >= p->session.last_s)
        count_small(p->gaps, PROFILE_GAPS, gap_bucket(e->at_s - p->session.last_s));
    if (is_new)
        turn_session(p, e->at_s);
    if (e->hour > p->hour)
        turn_hour(p, e->hour);
    p->requests++;
    p->hour_requests++;
    count_small(p->devices, PROFILE_DEVICES, e->device);
    count_outcome(p, e);
    fade(p->mix_weight, PROFILE_MIX, MIX_KEEPS);
    add_mix(p, e->token, PROFILE_ONE);
    fade_moves_from(p, last);
    add_move(p, last, e->token, PROFILE_ONE);
    push_recent(p, e->token, e->at_s);
    session_add(&p->session, e->at_s, e->token);
    return is_new;
}

/* ---- two halves of one user ---- */

static float blend(float a, uint32_t n_a, float b, uint32_t n_b)
{
    return n_a + n_b == 0 ? 0 : (a * (float)n_a + b * (float)n_b) / (float)(n_a + n_b);
}

/* Halved together when one would overflow, so that the shares stay. */
static void merge_small(uint8_t *into, const uint8_t *from, unsigned n)
{
    unsigned most = 0;

    for (unsigned i = 0; i < n; i++)
        most = most > (unsigned)into[i] + from[i] ? most : (unsigned)into[i] + from[i];
    for (unsigned i = 0; i < n; i++) {
        unsigned sum = (unsigned)into[i] + from[i];

        into[i] = (uint8_t)(most > UINT8_MAX ? sum / 2 : sum);
    }
}

static void merge_recent(struct profile *p, const struct profile *before)
{
    for (unsigned i = 0; i < before->n_recent && p->n_recent < PROFILE_RECENT; i++) {
        p->recent_token[p->n_recent] = before->recent_token[i];
        p->recent_s[p->n_recent++] = before->recent_s[i];
    }
}

void profile_merge(struct profile *p, const struct profile *before)
{
    uint32_t now = p->hour;

    p->session_requests =
        blend(p->session_requests, p->sessions, before->session_requests, before->sessions);
    p->session_s = blend(p->session_s, p->sessions, before->session_s, before->sessions);
    p->pause_s = blend(p->pause_s, p->sessions, before->pause_s, before->sessions);
    p->latency_us = blend(p->latency_us, p->requests, before->latency_us, before->requests);
    if (before->requests > 0)
        p->first_s = before->first_s;
    p->requests += before->requests;
    p->sessions += before->sessions;
    for (unsigned i = 0; i < PROFILE_COUNTS; i++)
        p->count[i] += before->count[i];
    for (unsigned i = 0; i < PROFILE_HOURS; i++)
        p->hours[i] =
            value_code(code_value(p->hours[i]) + profile_hour(before, i, now), .5);
    merge_small(p->gaps, before->gaps, PROFILE_GAPS);
    merge_small(p->devices, before->devices, PROFILE_DEVICES);
    for (unsigned i = 0; i < PROFILE_MIX; i++)
        if (before->mix_weight[i] > 0)
            add_mix(p, before->mix_token[i], before->mix_weight[i]);
    for (unsigned i = 0; i < PROFILE_MOVES; i++)
        if (before->move_weight[i] > 0)
            add_move(p, before->move_from[i], before->move_to[i], before->move_weight[i]);
    merge_recent(p, before);
}
