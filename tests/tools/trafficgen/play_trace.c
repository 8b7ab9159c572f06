#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/tools/trafficgen/play.h"
#include "tests/tools/trafficgen/trace.h"
#include "tests/tools/trafficgen/vclock.h"
#include "tests/tools/trafficgen/webclient.h"

enum { TURN_MS = 20, NONE = UINT32_MAX };

/* A user's rows are played one after the other, in order. */
struct visitor {
    bool busy;
    uint32_t first, last; /* rows that are due and wait for the one before; NONE */
};

struct replay {
    const struct play_options *opt;
    struct trace trace;
    struct webclient *web;
    struct vclock clock;
    struct outcome outcome;
    struct visitor *visitors;
    uint32_t *after;            /* of each row: the next of the same list */
    uint32_t ready, ready_last; /* rows that may be sent now, in order */
    size_t n_rows, due;         /* rows played at all; the first that is not due yet */
};

static void append(struct replay *p, uint32_t *first, uint32_t *last, uint32_t row)
{
    p->after[row] = NONE;
    if (*first == NONE)
        *first = row;
    else
        p->after[*last] = row;
    *last = row;
}

static void take_due(struct replay *p)
{
    wall_ms now = vclock_now(&p->clock);

    for (; p->due < p->n_rows && p->trace.rows[p->due].at <= now; p->due++) {
        uint32_t row = (uint32_t)p->due;
        struct visitor *v = &p->visitors[p->trace.rows[row].user_index];

        if (v->busy)
            append(p, &v->first, &v->last, row);
        else
            append(p, &p->ready, &p->ready_last, row);
        v->busy = true;
    }
}

static const char *method_of(const struct trace_row *r)
{
    static const char *const methods[] = {"GET", "HEAD",   "POST",
                                          "PUT", "DELETE", "OPTIONS"};

    for (size_t i = 0; i < N_ELEMS(methods); i++)
        if (strcmp(r->method, methods[i]) == 0)
            return methods[i];
    return "GET";
}

/* What the trace's server answered; an interim status cannot be the answer. */
static unsigned status_of(const struct trace_row *r)
{
    return r->status >= 200 && r->status < 600 ? r->status : 200;
}

static bool send_row(struct replay *p, uint32_t row)
{
    const struct trace_row *r = &p->trace.rows[row];
    uint64_t bytes = r->bytes < p->opt->max_bytes ? r->bytes : p->opt->max_bytes;
    char target[2048], fields[1024];
    struct webclient_request q = {.method = method_of(r),
                                  .target = target,
                                  .fields = fields,
                                  .patience_ms = p->opt->patience_ms,
                                  .tag = row};

    trace_target(r->path, target, sizeof(target));
    snprintf(fields, sizeof(fields),
             "X-User-Id: %.128s\r\nUser-Agent: %.512s\r\nX-Sample-Status: %u\r\n"
             "X-Sample-Bytes: %ju\r\n",
             r->user, r->agent, status_of(r), (uintmax_t)bytes);
    return webclient_send(p->web, &q);
}

static void send_ready(struct replay *p)
{
    while (p->ready != NONE && !play_stopped() && send_row(p, p->ready)) {
        p->ready = p->after[p->ready];
        p->outcome.sent++;
    }
}

static void on_done(void *ctx, const struct webclient_result *r)
{
    struct replay *p = ctx;
    const struct trace_row *row = &p->trace.rows[r->tag];
    struct visitor *v = &p->visitors[row->user_index];

    if (r->end == WEBCLIENT_ANSWERED) {
        outcome_answer(&p->outcome, r->status, r->latency_us, r->body_bytes);
        p->outcome.wrong += r->status != status_of(row);
    }
    p->outcome.lost += r->end == WEBCLIENT_LOST;
    p->outcome.left += r->end == WEBCLIENT_LEFT;
    v->busy = v->first != NONE;
    if (v->busy) {
        uint32_t next = v->first;

        v->first = p->after[next];
        append(p, &p->ready, &p->ready_last, next);
    }
}

static bool is_over(const struct replay *p)
{
    bool all = p->due == p->n_rows && p->ready == NONE;

    return webclient_busy(p->web) == 0 && (all || play_stopped());
}

static void play(struct replay *p)
{
    struct play_progress progress = {0};

    while (!is_over(p)) {
        wall_ms next = p->due < p->n_rows ? p->trace.rows[p->due].at : INT64_MAX;

        take_due(p);
        send_ready(p);
        webclient_turn(p->web, vclock_wait_ms(&p->clock, next, TURN_MS));
        play_report(&progress, &p->outcome, vclock_now(&p->clock), webclient_busy(p->web));
    }
}

static void prepare(struct replay *p)
{
    p->n_rows = p->trace.n_rows;
    if (p->opt->requests > 0 && p->opt->requests < p->n_rows)
        p->n_rows = (size_t)p->opt->requests;
    p->visitors = calloc(p->trace.n_users, sizeof(*p->visitors));
    p->after = calloc(p->n_rows, sizeof(*p->after));
    if (p->visitors == NULL || p->after == NULL)
        abort();
    for (uint32_t i = 0; i < p->trace.n_users; i++)
        p->visitors[i].first = NONE;
    p->ready = NONE;
}

/* Rows of before the clock's now are played at once: start the clock a little before the
 * trace. */
int play_trace(const struct play_options *o)
{
    struct replay p = {.opt = o, .outcome = {.began = clock_mono()}};

    if (!trace_read(&p.trace, o->file) || p.trace.n_rows == 0)
        return 1;
    prepare(&p);
    p.web = webclient_new(o->target, o->connections, on_done, &p);
    vclock_begin(&p.clock, p.trace.rows[0].at, o->speed);
    if (p.web == NULL || (o->admin != NULL && !vclock_follow(&p.clock, o->admin)))
        return 1;
    play(&p);
    outcome_print(&p.outcome, "trace", stdout);
    webclient_free(p.web);
    trace_fini(&p.trace);
    free(p.visitors);
    free(p.after);
    return p.outcome.lost + p.outcome.left + p.outcome.wrong > 0;
}
