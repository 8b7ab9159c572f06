#include <stddef.h>

#include "tests/tools/trafficgen/play.h"
#include "tests/tools/trafficgen/webclient.h"

struct bench {
    const struct play_options *opt;
    struct webclient *web;
    struct outcome outcome;
};

/* One request after another on every connection, until all are sent. */
static void send_more(struct bench *b)
{
    struct webclient_request q = {.method = b->opt->method,
                                  .target = b->opt->path,
                                  .fields = "",
                                  .body_bytes = b->opt->body_bytes,
                                  .patience_ms = b->opt->patience_ms};

    while (b->outcome.sent < b->opt->requests && !play_stopped() &&
           webclient_send(b->web, &q))
        b->outcome.sent++;
}

static void on_done(void *ctx, const struct webclient_result *r)
{
    struct bench *b = ctx;

    if (r->end == WEBCLIENT_ANSWERED) {
        outcome_answer(&b->outcome, r->status, r->latency_us, r->body_bytes);
        b->outcome.wrong += r->status != b->opt->expect;
    }
    b->outcome.lost += r->end == WEBCLIENT_LOST;
    b->outcome.left += r->end == WEBCLIENT_LEFT;
}

int play_bench(const struct play_options *o)
{
    struct bench b = {.opt = o, .outcome = {.began = clock_mono()}};
    struct play_progress progress = {0};

    b.web = webclient_new(o->target, o->connections, on_done, &b);
    if (b.web == NULL)
        return 1;
    send_more(&b);
    while (webclient_busy(b.web) > 0) {
        webclient_turn(b.web, 1000);
        send_more(&b);
        play_report(&progress, &b.outcome, 0, webclient_busy(b.web));
    }
    outcome_print(&b.outcome, "bench", stdout);
    webclient_free(b.web);
    return b.outcome.lost + b.outcome.left + b.outcome.wrong > 0;
}
