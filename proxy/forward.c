#include "proxy/forward.h"

#include <string.h>

#include "base/check.h"
#include "proxy/ahead.h"
#include "proxy/arrive.h"
#include "proxy/budget.h"
#include "proxy/edge.h"
#include "proxy/hop.h"
#include "proxy/note.h"
#include "proxy/observe.h"
#include "proxy/reply.h"
#include "proxy/upstream.h"
#include "proxy/waitq.h"

/* While no backend takes the body, this much of it is kept and then the client waits. */
#define REQUEST_BUFFER SOCK_OUT_LOW

static void try_backend(struct exchange *x);

/* Bytes of all 1xx heads of one answer: they go down whether or not the client takes them.
 */
#define MAX_INTERIM_BYTES 65536

/* Retry-After is at least this. */
#define RETRY_AFTER_MIN_S 1

static mono_us now_of(const struct exchange *x)
{
    return loop_now(x->w->loop);
}

static void count_error(struct exchange *x, enum load_error e)
{
    if (x->stats != NULL)
        STATS_INC(x->stats->errors[e]);
}

/* ---- the end ---- */

/* Gives back the backend's slot of the current attempt, if one is held. */
static void release_backend(struct exchange *x, enum backend_outcome oc)
{
    struct backend *be = x->backend;
    struct tier_stats *t;
    mono_us now = now_of(x), took;

    if (be == NULL)
        return;
    ahead_room(x);
    took = now - x->attempt_at - x->blocked_us;
    x->backend = NULL;
    t = &x->stats->tier[be->tier];
    STATS_ADD(t->inflight, -1);
    STATS_ADD(t->busy_base, now);
    if (oc == BACKEND_OK) {
        STATS_INC(t->completed);
        hist_add(&t->latency, (uint64_t)(now - x->routed_at - x->blocked_us));
        waitq_note_latency(x->w, x->service, took);
    }
    backend_release(be, oc, oc == BACKEND_OK ? took : 0, now);
    if (waitq_anybody(x->service->shared))
        waitq_kick(x->w, x->service->shared);
}

/* The attempt is over; a stream that is still there is given up. */
static void close_attempt(struct exchange *x, enum backend_outcome oc)
{
    struct stream *up = x->up;

    waitq_leave(x);
    if (x->attempt != ATTEMPT_NONE && x->attempt != ATTEMPT_CLOSED)
        exchange_attempt_go(x, ATTEMPT_CLOSED);
    release_backend(x, oc);
    if (up == NULL)
        return;
    x->up = NULL;
    if (x->request == REQUEST_DONE && x->response == RESPONSE_DONE)
        up->ops->release(up);
    else
        up->ops->reset(up, FAULT_CANCEL);
}

/* Both machines are over: reports, lets go of both sides. */
static void finish(struct exchange *x)
{
    struct stream *down = x->down;

    CHECK(x->up == NULL && x->backend == NULL);
    if (x->edge != NULL) {
        edge_unwrap(x);
        down = x->down;
    }
    observe_exchange(x);
    if (x->log != NULL)
        note_exchange(x);
    x->down = NULL;
    exchange_free(x);
    if (down != NULL)
        down->ops->release(down);
}

/* Nothing of an answer was sent before. */
void forward_answer_with(struct exchange *x, unsigned status,
                         void (*send)(struct exchange *x, void *ctx), void *ctx)
{
    exchange_ends(x, status < 400 ? ENDING_LOCAL : ENDING_REFUSED);
    close_attempt(x, BACKEND_ABANDONED);
    x->flags |= OBS_FAILED;
    x->status = (uint16_t)status;
    exchange_response_go(x, RESPONSE_HEAD);
    send(x, ctx);
    exchange_response_go(x, RESPONSE_DONE);
    if (!exchange_request_over(x))
        exchange_request_go(x, REQUEST_RESET);
    finish(x);
}

struct own_answer {
    unsigned status;
    const char *why;
    double retry_after_s;
};

static void send_own(struct exchange *x, void *ctx)
{
    struct own_answer *a = ctx;

    if (x->internal)
        return;
    if (!errpage_answer(x, &a->status, a->why, a->retry_after_s))
        x->bytes_down +=
            reply_send(x->down, x->head.method_id, a->status, a->why, a->retry_after_s);
    x->status = (uint16_t)a->status;
}

void forward_answer(struct exchange *x, unsigned status, const char *why,
                    double retry_after_s)
{
    struct own_answer a = {status, why, retry_after_s};

    forward_answer_with(x, status, send_own, &a);
}

/* The same for a request that is refused for what it is. */
static void refuse(struct exchange *x, enum stats_refusal reason, unsigned status,
                   const char *why)
{
    STATS_INC(x->w->stats->refused[reason]);
    if (x->routed_at != 0 && !x->admitted)
        STATS_INC(x->stats->left);
    forward_answer(x, status, why, 0);
}

/* ---- routing ---- */

static void count_arrival(struct exchange *x)
{
    if (!x->internal)
        x->tries_before =
            (uint8_t)repeat_take(x->w->shared->repeat, x->repeat_key, x->routed_at);
    if (x->tries_before > 0)
        STATS_INC(x->stats->client_retries);
    else
        STATS_INC(x->stats->arrivals);
}

void forward_admitted(struct exchange *x)
{
    x->routed_at = now_of(x);
    count_arrival(x);
    budget_request(&x->service->shared->retry_tokens, x->service->cfg->retry_budget);
    x->gathers = ahead_gathers(x);
    if (!x->gathers)
        try_backend(x);
    else if (x->body.len >= REQUEST_BUFFER) /* stopped while it was not admitted */
        x->down->ops->resume(x->down);
}

static void route(struct exchange *x, const struct stream_info *info)
{
    struct sockaddr_storage client;
    struct arrival a;

    if (!arrive(x, info, &client, &a)) {
        if (a.refused)
            refuse(x, a.reason, a.status, a.why);
        else
            forward_answer(x, a.status, a.why, 0);
        return;
    }
    if (!x->route->edged || edge_admit(x, (struct sockaddr *)&client))
        forward_admitted(x);
}

static double retry_after_s(struct exchange *x)
{
    double wait = waitq_forecast_s(x->w, x->service);

    return wait > RETRY_AFTER_MIN_S ? wait : RETRY_AFTER_MIN_S;
}

static void waited_too_long(struct exchange *x)
{
    if (!x->admitted)
        STATS_INC(x->stats->timed_out);
    count_error(x, LOAD_E_OVERLOAD);
    exchange_ends(x, ENDING_QUEUE_TIMEOUT);
    forward_answer(x, 503, "no backend became free in time", retry_after_s(x));
}

static void on_timer(struct loop_timer *t)
{
    struct exchange *x = CONTAINER_OF(t, struct exchange, timer);
    struct worker *w = x->w;

    if (x->attempt == ATTEMPT_ACTIVE)
        ahead_late(x);
    else
        waited_too_long(x);
    sock_uncork(w);
}

void forward_request(struct worker *w, struct stream *down, const struct msg *head,
                     const struct stream_info *info, bool end)
{
    struct exchange *x = exchange_new(w, down, head);

    x->timer.fn = on_timer;
    x->pin = worker_pin(w);
    x->listener = info->listener;
    x->client = info->client;
    exchange_request_go(x, end ? REQUEST_DONE : REQUEST_BODY);
    if (x->pin->topology->access != NULL)
        note_begin(x, info);
    route(x, info);
}

void forward_subrequest(struct worker *w, struct stream *down, const struct msg *head,
                        const struct forward_sub *sub)
{
    struct exchange *x = exchange_new(w, down, head);

    x->timer.fn = on_timer;
    x->pin = worker_pin_again(sub->pin);
    x->listener = sub->listener;
    x->client = sub->client;
    x->route = sub->route;
    x->service = &x->pin->topology->services[sub->service];
    x->stats = &x->service->shared->stats[w->id];
    x->internal = true;
    x->never_wait = sub->never_wait;
    x->body = *sub->body;
    *sub->body = (struct bufq){.first = NULL};
    x->bytes_up = x->body.len;
    exchange_request_go(x, REQUEST_DONE);
    forward_admitted(x);
}

/* ---- trying a backend ---- */

/* The backend has taken the attempt: a request is admitted once, however it goes on. */
static void begin_attempt(struct exchange *x)
{
    struct tier_stats *t = &x->stats->tier[x->backend->tier];

    x->tier = x->backend->tier;
    x->elsewhere = x->elsewhere || (x->last != NULL && x->last != x->backend);
    x->last = x->backend;
    x->connected_at = 0;
    x->attempt_at = now_of(x);
    x->reached = false;
    x->attempts++;
    STATS_INC(t->inflight);
    STATS_ADD(t->busy_base, -x->attempt_at);
    STATS_INC(t->attempts);
    if (!x->admitted)
        STATS_INC(t->admitted);
    x->admitted = true;
}

static void wait_for_slot(struct exchange *x)
{
    const struct cfg_service *cfg = x->service->cfg;
    double wait = waitq_forecast_s(x->w, x->service);
    bool hopeless =
        x->never_wait || (x->waiting_since == 0 && wait * MS_PER_S > cfg->queue_timeout_ms);

    if (hopeless || !waitq_join(x)) {
        if (!x->admitted)
            STATS_INC(x->stats->shed);
        count_error(x, LOAD_E_OVERLOAD);
        exchange_ends(x, ENDING_QUEUE_FULL);
        forward_answer(x, 503, "overloaded", retry_after_s(x));
        return;
    }
    if (x->attempt != ATTEMPT_QUEUED)
        exchange_attempt_go(x, ATTEMPT_QUEUED);
    if (!x->held)
        STATS_INC(x->stats->held);
    x->held = true;
    x->flags |= OBS_HELD;
    loop_timer_set(x->w->loop, &x->timer,
                   x->waiting_since + (mono_us)cfg->queue_timeout_ms * US_PER_MS);
}

/* What was received of the request goes up. */
static void send_request(struct exchange *x)
{
    struct stream *up = x->up;
    struct iovec iov[8];
    struct bufq *q = &x->body;
    bool whole = x->request == REQUEST_DONE;
    /* A chunked body has an end even when nothing is in it. */
    bool end = whole && q->len == 0 && x->head.body != BODY_CHUNKED;
    size_t offset = 0;

    exchange_attempt_go(x, ATTEMPT_ACTIVE);
    x->connected_at = now_of(x);
    x->h2_up = !up->h1_chunks;
    x->reached = true;
    up->ops->head(up, &x->head, end);
    x->up_has_room = true;
    while (offset < q->len) {
        int n = bufq_iov(q, offset, iov, (int)N_ELEMS(iov));

        for (int i = 0; i < n; i++) {
            x->up_has_room = up->ops->data(up, iov[i].iov_base, iov[i].iov_len);
            offset += iov[i].iov_len;
        }
    }
    sock_uncork(x->w); /* it borrows from x->body */
    if (whole && !end)
        up->ops->end(up, x->trailers);
    if (x->body_is_whole && q->len > x->service->cfg->retry_buffer) {
        x->body_is_whole = false;
        bufq_clear(&x->w->bufs, q);
    }
    if (x->up_has_room && x->request == REQUEST_BODY && x->down != NULL)
        x->down->ops->resume(x->down);
}

/* May it be sent again (RFC 9110, 9.2.2), and is it all there? */
static bool repeatable(const struct exchange *x)
{
    bool safe = msg_idempotent(x->head.method_id) || !x->reached;

    return exchange_unanswered(x) && safe && x->body_is_whole && x->down != NULL;
}

static bool may_retry(struct exchange *x)
{
    return repeatable(x) && exchange_attempts(x) <= x->service->cfg->retry_attempts &&
           budget_retry(&x->service->shared->retry_tokens);
}

static enum ending ending_of_attempt(enum load_error e)
{
    switch (e) {
    case LOAD_E_CONNECT:
    case LOAD_E_TLS:
        return ENDING_CONNECT_FAILED;
    case LOAD_E_CONNECT_TIMEOUT:
        return ENDING_CONNECT_TIMEOUT;
    case LOAD_E_RESPONSE_TIMEOUT:
        return ENDING_BACKEND_TIMEOUT;
    case LOAD_E_BAD_RESPONSE:
        return ENDING_BAD_RESPONSE;
    case LOAD_E_RESET:
    case LOAD_E_CLIENT_ABORT:
    case LOAD_E_CLIENT_BAD:
    case LOAD_E_CLIENT_TIMEOUT:
    case LOAD_E_OVERLOAD:
    case N_LOAD_ERRORS:
        break;
    }
    return ENDING_BACKEND_ABORT;
}

static const char *failure_text(enum load_error e, unsigned status)
{
    if (e == LOAD_E_BAD_RESPONSE)
        return "the service's answer was not valid";
    return status == 504 ? "the service did not answer in time"
                         : "the service could not be reached";
}

/* The attempt failed: another one elsewhere, or an answer of ours. */
static void attempt_failed(struct exchange *x, enum load_error e, unsigned status)
{
    bool lost = e == LOAD_E_CONNECT || e == LOAD_E_CONNECT_TIMEOUT || e == LOAD_E_TLS ||
                e == LOAD_E_RESET;
    bool again = lost && may_retry(x);

    x->avoid = x->backend;
    count_error(x, e);
    if (!again)
        exchange_ends(x, ending_of_attempt(e));
    close_attempt(x, BACKEND_FAILED);
    if (again) {
        STATS_INC(x->stats->proxy_retries);
        x->flags |= OBS_RETRIED;
        try_backend(x);
        return;
    }
    forward_answer(x, status, failure_text(e, status), 0);
}

/*
 * A kept connection was gone.  That is no failure of the backend's: once a request gets
 * another connection for it, counted neither as one of its retries nor in the budget.
 */
static void replace_connection(struct exchange *x)
{
    if (x->replaced || !repeatable(x)) {
        attempt_failed(x, LOAD_E_RESET, 502);
        return;
    }
    x->replaced = true;
    x->flags |= OBS_RETRIED;
    STATS_INC(x->stats->proxy_retries);
    STATS_INC(x->w->stats->upstream_stale);
    close_attempt(x, BACKEND_ABANDONED);
    try_backend(x);
}

/* All connections of a backend with a free slot are in use elsewhere.  Nobody is woken for
 * that slot: they would find no connection either. */
static void wait_for_connection(struct exchange *x, struct backend *be)
{
    x->backend = NULL;
    backend_unreserve(be);
    waitq_ask_for_connection(x->w, x->service, be);
    wait_for_slot(x);
}

/* Its slot is reserved.  False: x went (back) to the queue, or was shed. */
static bool use_backend(struct exchange *x, struct backend *be)
{
    enum upstream_got got;

    x->backend = be;
    got = upstream_get(x, x->attempts > 0);
    if (got == UPSTREAM_FULL) {
        wait_for_connection(x, be);
        return false;
    }
    begin_attempt(x);
    if (got == UPSTREAM_READY)
        send_request(x);
    else if (got == UPSTREAM_CONNECTING)
        exchange_attempt_go(x, ATTEMPT_CONNECTING);
    else
        attempt_failed(x, LOAD_E_CONNECT, 502);
    return true;
}

static void try_backend(struct exchange *x)
{
    struct pick p = {.now = now_of(x), .rng = &x->w->rng, .avoid = x->avoid};
    struct backend *be;

    if (waitq_anybody(x->service->shared) && x->attempts == 0) {
        wait_for_slot(x);
        return;
    }
    switch (service_pick(x->service, &p, &be)) {
    case PICK_OK:
        use_backend(x, be);
        return;
    case PICK_FULL:
        wait_for_slot(x);
        return;
    case PICK_NONE:
        x->cold = service_starting(x->service);
        if (x->cold)
            wait_for_slot(x);
        else
            forward_refuse(x);
        return;
    }
}

bool forward_dispatch(struct exchange *x, struct backend *be)
{
    struct worker *w = x->w;
    bool used;

    loop_timer_clear(&x->timer);
    used = use_backend(x, be);
    sock_uncork(w);
    return used;
}

void forward_refuse(struct exchange *x)
{
    struct worker *w = x->w;

    if (!x->admitted)
        STATS_INC(x->stats->refused);
    exchange_ends(x, ENDING_NO_BACKEND);
    forward_answer(x, x->attempts > 0 ? 502 : 503, "no backend is up", RETRY_AFTER_MIN_S);
    sock_uncork(w);
}

void forward_connected(struct exchange *x)
{
    send_request(x);
}

/* ---- the request's body ---- */

bool forward_request_data(struct exchange *x, const uint8_t *p, size_t n)
{
    x->bytes_up += n;
    if (x->edge != NULL)
        edge_request_data(x, p, n);
    if (x->body_is_whole && exchange_unanswered(x)) {
        bool fits = x->body.len + n <= x->service->cfg->retry_buffer;

        if (fits || x->attempt != ATTEMPT_ACTIVE) {
            bufq_append(&x->w->bufs, &x->body, p, n);
        } else {
            x->body_is_whole = false;
            bufq_clear(&x->w->bufs, &x->body);
        }
    }
    if (x->attempt != ATTEMPT_ACTIVE)
        return x->gathers || x->body.len < REQUEST_BUFFER;
    STATS_ADD(x->stats->tier[x->tier].bytes_up, n);
    x->up_has_room = x->up->ops->data(x->up, p, n);
    return x->up_has_room;
}

void forward_request_end(struct exchange *x, const struct msg *trailers)
{
    struct msg kept;

    if (x->request != REQUEST_BODY)
        return;
    exchange_request_go(x, REQUEST_DONE);
    if (x->edge != NULL)
        edge_request_end(x);
    if (trailers != NULL && trailers->n_fields > 0) {
        kept = *trailers;
        hop_trailers(&kept);
        if (x->route->edged)
            edge_trailers(x, &kept);
        trailers = &kept;
        if (x->body_is_whole)
            exchange_keep_trailers(x, trailers);
    }
    if (x->gathers) {
        x->gathers = false;
        x->routed_at = now_of(x);
        try_backend(x);
        return;
    }
    if (x->attempt != ATTEMPT_ACTIVE)
        return;
    x->up->ops->end(x->up, trailers);
    if (x->tunnel && exchange_response_over(x)) {
        close_attempt(x, BACKEND_OK);
        finish(x);
    }
}

void forward_too_large(struct exchange *x)
{
    exchange_ends(x, ENDING_BODY_TOO_LARGE);
    if (exchange_unanswered(x) || x->response == RESPONSE_INFORMATIONAL) {
        count_error(x, LOAD_E_CLIENT_BAD);
        refuse(x, REFUSAL_BODY_TOO_LARGE, 413, "body too large");
        return;
    }
    forward_down_fault(x, FAULT_BAD);
}

void forward_up_room(struct exchange *x)
{
    x->up_has_room = true;
    if (x->request == REQUEST_BODY && x->down != NULL)
        x->down->ops->resume(x->down);
}

/* The client's side is over without an answer, or in the middle of one. */
static void abandon(struct exchange *x)
{
    if (!x->admitted && x->routed_at != 0)
        STATS_INC(x->stats->left);
    close_attempt(x, BACKEND_ABANDONED);
    if (!exchange_request_over(x))
        exchange_request_go(x, REQUEST_RESET);
    if (!exchange_response_over(x))
        exchange_response_go(x, RESPONSE_RESET);
    if (x->edge != NULL)
        edge_unwrap(x);
    x->down->x = NULL;
    x->down = NULL;
    finish(x);
}

static enum ending ending_of_client(enum stream_fault why)
{
    if (why == FAULT_TIMEOUT)
        return ENDING_CLIENT_TIMEOUT;
    if (why == FAULT_BAD)
        return ENDING_BAD_BODY;
    return why == FAULT_CANCEL ? ENDING_KILLED : ENDING_CLIENT_ABORT;
}

void forward_down_fault(struct exchange *x, enum stream_fault why)
{
    bool unanswered = exchange_unanswered(x) || x->response == RESPONSE_INFORMATIONAL;

    count_error(x, why == FAULT_TIMEOUT ? LOAD_E_CLIENT_TIMEOUT
                   : why == FAULT_BAD   ? LOAD_E_CLIENT_BAD
                                        : LOAD_E_CLIENT_ABORT);
    exchange_ends(x, ending_of_client(why));
    x->flags |= OBS_ABORTED;
    if (unanswered)
        x->flags |= OBS_ABORT_WAITING;
    if (unanswered && x->request == REQUEST_BODY && why == FAULT_TIMEOUT)
        refuse(x, REFUSAL_TIMEOUT, 408, "the body came too slowly");
    else if (unanswered && x->request == REQUEST_BODY && why == FAULT_BAD)
        refuse(x, REFUSAL_FRAMING, 400, "bad body framing");
    else
        abandon(x);
}

/* ---- the response ---- */

static void begin_tunnel(struct exchange *x)
{
    x->tunnel = true;
    x->flags |= OBS_UPGRADED;
    x->counted_long = true;
    STATS_INC(x->stats->long_streams);
    if (x->request == REQUEST_DONE) /* the client's bytes follow after all */
        exchange_request_go(x, REQUEST_BODY);
}

/* 1xx: passed on to who can understand it (RFC 9110, 15.2). */
static void informational(struct exchange *x, struct msg *head)
{
    exchange_response_go(x, RESPONSE_INFORMATIONAL);
    if (x->head.version != HTTP_10)
        x->down->ops->head(x->down, head, false);
}

/* A 101 to what nobody asked for, or in the middle of the request, is a broken answer
 * (RFC 9110, 7.8). */
static bool switches_wrongly(const struct exchange *x, const struct msg *head)
{
    return head->status == 101 &&
           (x->request != REQUEST_DONE || !hop_upgrade_asked(&x->head, head));
}

static bool too_many_heads(struct exchange *x, const struct msg *head)
{
    if (head->status < 200)
        x->interim += (uint32_t)head->text_len;
    return x->interim > MAX_INTERIM_BYTES;
}

void forward_response(struct exchange *x, struct msg *head, bool end)
{
    struct stream *down;

    if (switches_wrongly(x, head) || too_many_heads(x, head) || !hop_response(head)) {
        x->up->ops->reset(x->up, FAULT_BAD);
        forward_up_fault(x, FAULT_BAD);
        return;
    }
    if (x->first_byte_at == 0)
        x->first_byte_at = now_of(x);
    if (head->status < 200 && head->status != 101) {
        informational(x, head);
        return;
    }
    bufq_clear(&x->w->bufs, &x->body);
    x->body_is_whole = false;
    x->answered_at = now_of(x);
    if (x->log != NULL)
        note_answer(x, head);
    exchange_response_go(x, RESPONSE_HEAD);
    ahead_begins(x, head); /* what comes, whatever is made of it */
    if (x->edge != NULL)
        head = edge_response(x, head, end);
    down = x->down;
    x->status = head->status;
    down->framed_out = head->body == BODY_CHUNKED && down->h1_chunks && x->up->h1_chunks;
    x->up->framed_in = down->framed_out;
    if (head->status == 101)
        begin_tunnel(x);
    down->ops->head(down, head, end);
    if (end)
        forward_response_end(x, NULL);
    else
        exchange_response_go(x, RESPONSE_BODY);
}

bool forward_response_data(struct exchange *x, const uint8_t *p, size_t n)
{
    x->bytes_down += n;
    STATS_ADD(x->stats->tier[x->tier].bytes_down, n);
    return ahead_passed(x, n, x->down->ops->data(x->down, p, n));
}

ssize_t forward_response_splice(struct exchange *x, struct sock *from, size_t max)
{
    struct stream *down = x->down;
    ssize_t n = down->ops->splice != NULL ? down->ops->splice(down, from, max) : SOCK_COPY;

    if (n == SOCK_FULL && ahead_copies(x))
        return SOCK_COPY;
    if (n > 0) {
        x->bytes_down += (uint64_t)n;
        STATS_ADD(x->stats->tier[x->tier].bytes_down, (uint64_t)n);
        ahead_passed(x, (size_t)n, true);
    }
    return n;
}

void forward_response_end(struct exchange *x, const struct msg *trailers)
{
    struct stream *down = x->down;
    struct msg kept;

    if (exchange_response_over(x))
        return; /* a half closed tunnel, reported again */
    if (x->response == RESPONSE_BODY) {
        if (trailers != NULL) {
            kept = *trailers;
            hop_trailers(&kept);
            trailers = &kept;
        }
        down->ops->end(down, trailers);
    }
    exchange_response_go(x, RESPONSE_DONE);
    if (x->tunnel && !exchange_request_over(x))
        return; /* half closed: the client may still send */
    if (!exchange_request_over(x))
        exchange_request_go(x, REQUEST_RESET);
    close_attempt(x, BACKEND_OK);
    finish(x);
}

void forward_down_room(struct exchange *x)
{
    ahead_room(x);
    if (x->edge != NULL)
        edge_down_room(x);
    if (x->up != NULL)
        x->up->ops->resume(x->up);
}

/* The attempt's stream is gone by itself. */
static void lose_stream(struct exchange *x)
{
    if (x->up == NULL)
        return;
    x->up->x = NULL;
    x->up = NULL;
}

static enum ending ending_of_backend(enum stream_fault why)
{
    if (why == FAULT_TIMEOUT)
        return ENDING_BACKEND_TIMEOUT;
    return why == FAULT_BAD ? ENDING_BAD_RESPONSE : ENDING_BACKEND_ABORT;
}

/* The answer broke off in the middle: the client must see that it is not whole. */
static void truncate_answer(struct exchange *x, enum stream_fault why)
{
    struct stream *down = x->down;

    count_error(x, LOAD_E_RESET);
    exchange_ends(x, ending_of_backend(why));
    close_attempt(x, x->tunnel ? BACKEND_OK : BACKEND_FAILED);
    if (!exchange_response_over(x))
        exchange_response_go(x, RESPONSE_RESET);
    if (!exchange_request_over(x))
        exchange_request_go(x, REQUEST_RESET);
    x->down = NULL;
    down->ops->reset(down, FAULT_RESET);
    finish(x);
}

void forward_up_fault(struct exchange *x, enum stream_fault why)
{
    lose_stream(x);
    if (x->response == RESPONSE_HEAD || x->response == RESPONSE_BODY ||
        exchange_response_over(x)) {
        truncate_answer(x, why);
        return;
    }
    switch (why) {
    case FAULT_CONNECT:
        attempt_failed(x, LOAD_E_CONNECT, 502);
        return;
    case FAULT_TLS:
        attempt_failed(x, LOAD_E_TLS, 502);
        return;
    case FAULT_TIMEOUT:
        attempt_failed(x, x->reached ? LOAD_E_RESPONSE_TIMEOUT : LOAD_E_CONNECT_TIMEOUT,
                       504);
        return;
    case FAULT_BAD:
        attempt_failed(x, LOAD_E_BAD_RESPONSE, 502);
        return;
    case FAULT_REFUSED:
        x->reached = false;
        attempt_failed(x, LOAD_E_RESET, 502);
        return;
    case FAULT_UNSENT:
        x->reached = false;
        replace_connection(x);
        return;
    case FAULT_STALE:
        replace_connection(x);
        return;
    case FAULT_CLOSED:
    case FAULT_RESET:
    case FAULT_CANCEL:
        attempt_failed(x, LOAD_E_RESET, 502);
        return;
    }
}
