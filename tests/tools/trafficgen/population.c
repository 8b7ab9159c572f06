#include "tests/tools/trafficgen/population.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/tools/trafficgen/heap.h"

#define MS_PER_HOUR    3600000.0
#define FLASH_SCALE_MS 180000.0 /* the crowd's arrivals peak that long after it began */

enum { N_HABITS = 3, DAYS_TO_THURSDAY = 4 };

/* When in the day people of a habit come, and how many have it: before work, at noon,
 * in the evening. */
static const struct {
    double hour, width_h, share;
} habits[N_HABITS] = {{8.2, 0.4, 0.40}, {12.7, 0.8, 0.25}, {20, 1.6, 0.35}};

/* The part of all visits that comes at any waking hour. */
#define ANY_HOUR 0.3
#define WEEKEND  0.6

struct user {
    struct rng rng; /* own, so that others' answers do not change what this user does */
    float activity; /* times the mean number of sessions */
    float patience;
    uint8_t habit, kind;
    bool in_session;
    enum shop_step step;
};

struct population {
    struct population_options opt;
    struct heap next; /* at -> user */
    uint32_t n_users; /* with the flash crowd */
    struct user *users;
};

/* Mean 1 over a day: a bump at the habit's hour upon a low tide of the waking hours. */
static double rhythm(unsigned habit, wall_ms at)
{
    double hour = fmod((double)at / MS_PER_HOUR, 24);
    unsigned day = (unsigned)((at / MS_PER_DAY + DAYS_TO_THURSDAY) % 7); /* 0: Sunday */
    double off = remainder(hour - habits[habit].hour, 24), width = habits[habit].width_h;
    double bump = exp(-0.5 * off * off / (width * width)) * 24 / (width * sqrt(2 * M_PI));
    double waking = hour >= 7 && hour < 23 ? 24.0 / 16 : 0;

    return (ANY_HOUR * waking + (1 - ANY_HOUR) * bump) *
           (day == 0 || day == 6 ? WEEKEND : 1);
}

static double rhythm_max(unsigned habit)
{
    return ANY_HOUR * 24.0 / 16 +
           (1 - ANY_HOUR) * 24 / (habits[habit].width_h * sqrt(2 * M_PI));
}

static double exponential(struct rng *r, double mean)
{
    return -mean * log1p(-rng_unit(r));
}

/* Non-homogeneous Poisson by thinning (Lewis and Shedler, 1979). */
static wall_ms next_session(const struct population *p, struct user *u, wall_ms from)
{
    double top = rhythm_max(u->habit);
    double mean_ms = MS_PER_DAY / (p->opt.sessions_per_day * (double)u->activity * top);
    double at = (double)from;

    do
        at += exponential(&u->rng, mean_ms);
    while (at < (double)p->opt.until &&
           rng_unit(&u->rng) * top > rhythm(u->habit, (wall_ms)at));
    return (wall_ms)at;
}

static void add(struct population *p, wall_ms at, uint32_t user)
{
    if (at < p->opt.until)
        heap_add(&p->next, at, user);
}

static unsigned draw_habit(struct rng *r)
{
    double x = rng_unit(r);
    unsigned h = 0;

    while (h < N_HABITS - 1 && x >= habits[h].share)
        x -= habits[h++].share;
    return h;
}

static void make_user(struct population *p, uint32_t i)
{
    struct user *u = &p->users[i];
    double sigma = 0.7;

    rng_init(&u->rng, p->opt.seed * 1000003 + i);
    u->habit = (uint8_t)draw_habit(&u->rng);
    u->kind = (uint8_t)rng_below(&u->rng, N_SHOP_KINDS);
    u->activity = (float)exp(sigma * shop_normal(&u->rng) - sigma * sigma / 2);
    u->patience = (float)exp(0.5 * shop_normal(&u->rng));
    if (i < p->opt.users)
        add(p, next_session(p, u, p->opt.from), i);
    else /* two exponential delays: the crowd swells fast and ebbs slowly */
        add(p,
            p->opt.flash_at + (wall_ms)(exponential(&u->rng, FLASH_SCALE_MS) +
                                        exponential(&u->rng, FLASH_SCALE_MS)),
            i);
}

struct population *population_new(const struct population_options *o)
{
    struct population *p = calloc(1, sizeof(*p));

    if (p == NULL)
        abort();
    p->opt = *o;
    p->n_users = o->users + (o->flash_at != 0 ? o->flash_users : 0);
    p->users = calloc(p->n_users, sizeof(*p->users));
    if (p->users == NULL)
        abort();
    for (uint32_t i = 0; i < p->n_users; i++)
        make_user(p, i);
    return p;
}

void population_free(struct population *p)
{
    heap_fini(&p->next);
    free(p->users);
    free(p);
}

wall_ms population_next_at(const struct population *p)
{
    const struct heap_item *first = heap_first(&p->next);

    return first != NULL ? first->at : INT64_MAX;
}

void population_next(struct population *p, struct want *out)
{
    struct heap_item first = heap_take(&p->next);
    struct user *u = &p->users[first.id];

    if (!u->in_session)
        u->step = shop_first((enum shop_kind)u->kind, &u->rng);
    u->in_session = true;
    out->at = first.at;
    out->user = first.id;
    shop_request(u->step, first.id, &u->rng, &out->request);
}

void population_done(struct population *p, uint32_t user, wall_ms at, bool gone)
{
    struct user *u = &p->users[user];
    enum shop_step was = u->step;

    u->step = gone ? SHOP_LEAVE : shop_next((enum shop_kind)u->kind, was, &u->rng);
    u->in_session = u->step != SHOP_LEAVE;
    if (u->in_session)
        add(p, at + shop_think_ms(was, &u->rng), user);
    else if (user < p->opt.users)
        add(p, next_session(p, u, at), user);
}

void population_id(const struct population *p, uint32_t user, char *out)
{
    bool known = user < p->opt.users;

    snprintf(out, POPULATION_ID_MAX, "%c%05u", known ? 'u' : 'f',
             known ? user : user - p->opt.users);
}

const char *population_agent(uint32_t user)
{
    static const char *const agents[] = {
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Mozilla/5.0 (Linux; Android 14; Mobile) AppleWebKit/537.36 Chrome/126.0 Mobile "
        "Safari/537.36",
        "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 "
        "Safari/604.1",
    };
    static const uint8_t of_five[] = {0, 0, 1, 1, 2};

    return agents[of_five[user % 5]];
}

double population_patience(const struct population *p, uint32_t user)
{
    return (double)p->users[user].patience;
}
