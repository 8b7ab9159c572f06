#include <stdio.h>
#include <stdlib.h>

#include "tests/tools/trafficgen/heap.h"
#include "tests/tools/trafficgen/play.h"
#include "tests/tools/trafficgen/vclock.h"
#include "tests/tools/trafficgen/webclient.h"

enum { TURN_MS = 20 };

struct errand { /* what a user is after; one at a time */
    struct want want;
    uint32_t tries;
};

struct live {
    const struct play_options *opt;
    struct population *people;
    struct webclient *web;
    struct vclock clock;
    struct outcome outcome;
    struct errand *errands; /* by user */
    struct heap
        ready; /* order of arrival -> user: to be sent as soon as there is a connection */
    struct heap again; /* mono ms -> user: waits to ask once more */
    int64_t arrivals;
};

static void enqueue(struct live *l, uint32_t user)
{
    heap_add(&l->ready, l->arrivals++, user);
}

static void take_wants(struct live *l)
{
    wall_ms now = vclock_now(&l->clock);
    struct want w;

    while (population_next_at(l->people) <= now) {
        population_next(l->people, &w);
        l->errands[w.user] = (struct errand){.want = w};
        l->outcome.sent++;
        enqueue(l, w.user);
    }
}

static void take_repeats(struct live *l)
{
    int64_t now_ms = clock_mono() / US_PER_MS;
    const struct heap_item *first;

    while ((first = heap_first(&l->again)) != NULL && first->at <= now_ms)
        enqueue(l, heap_take(&l->again).id);
}

static bool send_first(struct live *l)
{
    const struct heap_item *first = heap_first(&l->ready);
    const struct want *w = first != NULL ? &l->errands[first->id].want : NULL;
    char id[POPULATION_ID_MAX], fields[256];
    struct webclient_request q = {.fields = fields};

    if (w == NULL)
        return false;
    population_id(l->people, w->user, id);
    snprintf(fields, sizeof(fields), "X-User-Id: %s\r\nUser-Agent: %s\r\n", id,
             population_agent(w->user));
    q.method = w->request.method;
    q.target = w->request.path;
    q.patience_ms =
        (uint32_t)(l->opt->patience_ms * population_patience(l->people, w->user));
    q.tag = w->user;
    if (!webclient_send(l->web, &q))
        return false;
    heap_take(&l->ready);
    return true;
}

/* A failure is asked again after a pause that doubles; false: no more. */
static bool try_again(struct live *l, uint32_t user)
{
    struct errand *e = &l->errands[user];

    if (e->tries >= l->opt->retries || play_stopped())
        return false;
    heap_add(&l->again,
             clock_mono() / US_PER_MS + ((int64_t)l->opt->backoff_ms << e->tries), user);
    e->tries++;
    l->outcome.retries++;
    return true;
}

static void on_done(void *ctx, const struct webclient_result *r)
{
    struct live *l = ctx;
    uint32_t user = (uint32_t)r->tag;
    bool failed = r->end == WEBCLIENT_LOST || r->status >= 500;

    if (failed && try_again(l, user))
        return;
    if (r->end == WEBCLIENT_ANSWERED)
        outcome_answer(&l->outcome, r->status, r->latency_us, r->body_bytes);
    l->outcome.lost += r->end == WEBCLIENT_LOST;
    l->outcome.left += r->end == WEBCLIENT_LEFT;
    population_done(l->people, user, vclock_now(&l->clock),
                    failed || r->end == WEBCLIENT_LEFT);
}

static bool is_over(const struct live *l)
{
    bool idle = webclient_busy(l->web) == 0 && heap_first(&l->ready) == NULL &&
                heap_first(&l->again) == NULL;

    return idle && (play_stopped() || vclock_now(&l->clock) >= l->opt->people.until);
}

static void play(struct live *l)
{
    struct play_progress progress = {0};

    while (!is_over(l)) {
        if (!play_stopped())
            take_wants(l);
        take_repeats(l);
        while (send_first(l))
            ;
        webclient_turn(l->web,
                       vclock_wait_ms(&l->clock, population_next_at(l->people), TURN_MS));
        play_report(&progress, &l->outcome, vclock_now(&l->clock), webclient_busy(l->web));
    }
}

int play_live(const struct play_options *o)
{
    struct play_options opt = *o;
    struct live l = {.opt = &opt, .outcome = {.began = clock_mono()}};

    vclock_begin(&l.clock, o->start, o->speed);
    l.web = webclient_new(o->target, o->connections, on_done, &l);
    if (l.web == NULL || (o->admin != NULL && !vclock_follow(&l.clock, o->admin)))
        return 1;
    opt.people.from = vclock_now(&l.clock);
    opt.people.until =
        o->hours > 0 ? opt.people.from + (wall_ms)(o->hours * 3600 * MS_PER_S) : INT64_MAX;
    l.people = population_new(&opt.people);
    l.errands = calloc(o->people.users + o->people.flash_users, sizeof(*l.errands));
    if (l.errands == NULL)
        abort();
    play(&l);
    outcome_print(&l.outcome, "live", stdout);
    webclient_free(l.web);
    population_free(l.people);
    heap_fini(&l.ready);
    heap_fini(&l.again);
    free(l.errands);
    return 0;
}
