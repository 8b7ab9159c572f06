#include "profiler/outlook.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/varint.h"
#include "profiler/comeback.h"
#include "profiler/expect.h"

#define HOUR_S       3600
#define SPREAD_START 2.0 /* variance over what the parts say, before it is measured */
#define SPREAD_RATE  .05
#define SPREAD_LEAST .5
#define SPREAD_MOST  100.0

struct service {                /* of one service */
    uint32_t hour;              /* of the week's count, now */
    double this_hour;           /* share of the horizon that is in it */
    double came;                /* requests in the window */
    double said, said_variance; /* at the window's start */
    double spread;
};

struct outlook_model {
    struct outlook_setup setup;
    struct expect *expect;
    struct comeback *comeback;
    double *mean, *variance;  /* of the active, being added up */
    uint32_t window_s;        /* when the window began; 0: none yet */
    uint32_t step_s;          /* when the last step was */
    size_t walk_at, requests; /* of the walk over all users; requests since the last step */
    struct service of[];
};

struct outlook_model *outlook_new(const struct outlook_setup *setup)
{
    size_t n = setup->n_services;
    struct outlook_model *m = mem_new(1, sizeof(*m) + n * sizeof(m->of[0]));

    m->setup = *setup;
    m->expect = expect_new(n);
    m->comeback = comeback_new(n);
    m->mean = MEM_NEW_N(double, n);
    m->variance = MEM_NEW_N(double, n);
    for (size_t i = 0; i < n; i++)
        m->of[i].spread = SPREAD_START;
    comeback_begin(m->comeback);
    return m;
}

void outlook_free(struct outlook_model *m)
{
    if (m == NULL)
        return;
    expect_free(m->expect);
    comeback_free(m->comeback);
    free(m->mean);
    free(m->variance);
    free(m);
}

void outlook_set_walk(struct outlook_model *m, size_t users)
{
    m->setup.walk = users;
}

/* ---- samples ---- */

/* False: the resource belongs to no service of today. */
static bool state_of(const struct outlook_model *m, uint16_t token, uint8_t idle,
                     uint8_t depth, struct expect_state *out)
{
    int service = token_service(m->setup.tokens, token);

    *out = (struct expect_state){idle, depth, token, (uint16_t)service};
    return service >= 0;
}

static bool state_now(const struct outlook_model *m, const struct user *user,
                      uint32_t now_s, struct expect_state *out)
{
    const struct session *s = &user->profile.session;
    uint32_t idle_s = now_s > s->last_s ? now_s - s->last_s : 0;

    return state_of(m, token_now(m->setup.tokens, s->history[s->n_history - 1]),
                    expect_idle(idle_s), expect_depth(s->requests), out);
}

static void finish_sample(struct outlook_model *m, struct user *user)
{
    struct user_sample *sample = &user->sample;
    struct expect_state s;

    if (sample->at_s != 0 && state_of(m, sample->token, sample->idle, sample->depth, &s))
        expect_learn(m->expect, &s, sample->requests);
    sample->at_s = 0;
}

/* Whether the user's turn, once a horizon and at a time of his own, was since the last
 * step. */
static bool is_turn(const struct outlook_model *m, const struct user *user, uint32_t now_s)
{
    uint32_t own = (uint32_t)(user->key % OUTLOOK_HORIZON_S);

    return (now_s + own) / OUTLOOK_HORIZON_S != (m->step_s + own) / OUTLOOK_HORIZON_S;
}

/* Ends the sample that is due and begins the next. */
static void sample_user(struct outlook_model *m, struct user *user, uint32_t now_s,
                        const struct expect_state *s)
{
    bool due = user->sample.at_s != 0 ? now_s - user->sample.at_s >= OUTLOOK_HORIZON_S
                                      : is_turn(m, user, now_s);

    if (!due)
        return;
    finish_sample(m, user);
    user->sample = (struct user_sample){now_s, s->token, 0, s->idle, s->depth};
}

static void count_for_sample(struct outlook_model *m, struct user_sample *sample,
                             uint32_t at_s, uint16_t service)
{
    struct expect_state s;

    if (sample->at_s == 0 || at_s < sample->at_s ||
        at_s - sample->at_s >= OUTLOOK_HORIZON_S)
        return;
    if (sample->requests < UINT16_MAX)
        sample->requests++;
    if (state_of(m, sample->token, sample->idle, sample->depth, &s))
        expect_share(m->expect, &s, service);
}

void outlook_note(struct outlook_model *m, struct user *user, uint32_t at_s,
                  uint16_t service)
{
    const struct profile *p = &user->profile;

    m->requests++;
    count_for_sample(m, &user->sample, at_s, service);
    if (m->window_s == 0)
        return;
    m->of[service].came++;
    if (p->session.start_s >= m->window_s)
        comeback_count(m->comeback, comeback_class(p->sessions - 1), service);
}

void outlook_close(struct outlook_model *m, struct user *user)
{
    finish_sample(m, user);
}

/* ---- the walk over habits ---- */

static void set_hours(struct outlook_model *m, uint32_t now_s)
{
    for (size_t i = 0; i < m->setup.n_services; i++) {
        int32_t offset = zone_offset_s(m->setup.zone[i], now_s);
        uint32_t left_s = HOUR_S - (uint32_t)((int64_t)now_s + offset) % HOUR_S;

        m->of[i].hour = profile_hour_at(now_s, offset);
        m->of[i].this_hour =
            left_s < OUTLOOK_HORIZON_S ? (double)left_s / OUTLOOK_HORIZON_S : 1;
    }
}

/* Requests in the next horizon by habit; the user's week is in his last service's zone. */
static double habit_of(const struct outlook_model *m, const struct profile *p)
{
    int last = token_service(m->setup.tokens, p->recent_token[0]);
    const struct service *s = &m->of[last >= 0 ? last : 0];
    double hourly = s->this_hour * profile_habit(p, s->hour);

    if (s->this_hour < 1)
        hourly += (1 - s->this_hour) * profile_habit(p, s->hour + 1);
    return hourly * OUTLOOK_HORIZON_S / HOUR_S;
}

static void add_habit(struct outlook_model *m, const struct profile *p)
{
    enum comeback_class class = comeback_class(p->sessions);
    double habit = p->n_recent > 0 ? habit_of(m, p) : 0;
    uint32_t all = 0;

    if (habit <= 0 || class == COMEBACK_NEW)
        return;
    for (unsigned i = 0; i < PROFILE_MIX; i++)
        all += p->mix_weight[i];
    for (unsigned i = 0; i < PROFILE_MIX; i++) {
        int service = token_service(m->setup.tokens, p->mix_token[i]);

        if (service >= 0 && p->mix_weight[i] > 0)
            comeback_add(m->comeback, class, (uint16_t)service,
                         habit * p->mix_weight[i] / all);
    }
}

/* Goes on where it stopped; a whole round becomes the new sum. */
static void walk(struct outlook_model *m, struct users *users)
{
    size_t places = users_places(users), n = m->setup.walk + m->requests;

    for (; n > 0 && m->walk_at < places; n--) {
        const struct user *user = users_at(users, m->walk_at++);

        if (user != NULL && !user->active)
            add_habit(m, &user->profile);
    }
    if (m->walk_at < places)
        return;
    comeback_end(m->comeback);
    comeback_begin(m->comeback);
    m->walk_at = 0;
}

/* ---- looking ahead ---- */

static void add_active(struct outlook_model *m, struct users *users, uint32_t now_s,
                       struct outlook *out)
{
    size_t n = m->setup.n_services;

    memset(m->mean, 0, n * sizeof(m->mean[0]));
    memset(m->variance, 0, n * sizeof(m->variance[0]));
    for (struct user *u = users_oldest_active(users); u != NULL;
         u = users_later_active(users, u)) {
        struct expect_state s;

        if (!state_now(m, u, now_s, &s))
            continue;
        sample_user(m, u, now_s, &s);
        expect_add(m->expect, &s, m->mean, m->variance);
        out->service[s.service].active_users++;
    }
}

/* How far off the last window's word was, against the variance it gave. */
static void measure(struct service *s)
{
    double error = s->came - s->said;
    double ratio = error * error / (s->said_variance > 1 ? s->said_variance : 1);

    s->spread += SPREAD_RATE * (ratio - s->spread);
    if (s->spread < SPREAD_LEAST)
        s->spread = SPREAD_LEAST;
    if (s->spread > SPREAD_MOST)
        s->spread = SPREAD_MOST;
}

static bool turn_window(struct outlook_model *m, uint32_t now_s)
{
    bool first = m->window_s == 0;

    if (!first && now_s - m->window_s < OUTLOOK_HORIZON_S)
        return false;
    if (!first)
        comeback_turn(m->comeback);
    for (size_t i = 0; i < m->setup.n_services; i++) {
        if (!first)
            measure(&m->of[i]);
        m->of[i].came = 0;
    }
    m->window_s = now_s;
    return true;
}

void outlook_step(struct outlook_model *m, struct users *users, wall_ms now,
                  struct outlook *out)
{
    uint32_t now_s = (uint32_t)(now / MS_PER_S);
    bool turned;

    out->made = now;
    out->horizon_ms = OUTLOOK_HORIZON_S * MS_PER_S;
    out->n_services = (uint32_t)m->setup.n_services;
    memset(out->service, 0, m->setup.n_services * sizeof(out->service[0]));
    set_hours(m, now_s);
    walk(m, users);
    m->requests = 0;
    turned = turn_window(m, now_s);
    add_active(m, users, now_s, out);
    for (size_t i = 0; i < m->setup.n_services; i++) {
        struct outlook_service *o = &out->service[i];
        struct service *s = &m->of[i];
        double back, fresh;

        comeback_expect(m->comeback, (uint16_t)i, &back, &fresh);
        o->from_active = m->mean[i];
        o->from_back = back;
        o->from_new = fresh;
        o->expected = m->mean[i] + back + fresh;
        o->variance = s->spread * (m->variance[i] + back + fresh);
        if (turned) {
            s->said = o->expected;
            s->said_variance = m->variance[i] + back + fresh;
        }
    }
    m->step_s = now_s;
}

/* ---- bytes: comeback's, with their length in front, then expect's ---- */

void outlook_save(const struct outlook_model *m, uint8_t **out, size_t *len)
{
    uint8_t small[COMEBACK_BYTES_MAX], *large;
    size_t n_small = comeback_save(m->comeback, small), n_large;
    struct varint_out o;

    expect_save(m->expect, m->setup.service, &large, &n_large);
    *out = mem_new(VARINT_MAX + n_small + n_large, 1);
    o = (struct varint_out){*out, *out + VARINT_MAX + n_small + n_large, false};
    varint_put(&o, n_small);
    varint_put_bytes(&o, small, n_small);
    varint_put_bytes(&o, large, n_large);
    CHECK(!o.bad);
    *len = (size_t)(o.at - *out);
    free(large);
}

int outlook_load(struct outlook_model *m, const uint8_t *in, size_t len)
{
    struct varint_in from = {in, in + len, false};
    size_t n = (size_t)varint_get(&from);
    const uint8_t *small = varint_get_bytes(&from, n);
    int rc = RC_CORRUPT;

    if (small != NULL)
        rc = comeback_load(m->comeback, small, n);
    if (rc == RC_OK)
        rc =
            expect_load(m->expect, m->setup.service, from.at, (size_t)(from.end - from.at));
    return rc;
}
