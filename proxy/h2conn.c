#include "proxy/h2conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/forward.h"
#include "proxy/h2/wskey.h"
#include "proxy/h2link.h"
#include "proxy/note.h"

/* A connection that was idle for this long gives memory back. */
#define REST_MS 200
/* From the first GOAWAY to the last when the client answers no PING. */
#define DRAIN_MS 1000

struct h2conn {
    struct h2link link; /* first */
    struct h2conn_env env;
    mono_us idle_since;     /* 0: requests are under way */
    bool rests;             /* has given back what it does not need */
    bool in_frame;          /* the timer runs for a frame that is not complete */
    bool blocked;           /* ... for a client that takes nothing */
    bool draining, noticed; /* a first, a last GOAWAY */
    uint8_t ending;         /* enum ending, of what is open when it is closed */
};

static const struct stream_ops h2conn_ops;

static struct h2stream *stream_of(struct stream *s)
{
    return (struct h2stream *)(void *)s;
}

static struct h2conn *conn_of(struct h2link *l)
{
    return (struct h2conn *)(void *)l;
}

static struct worker *worker_of(const struct h2conn *h)
{
    return h->env.sock->w;
}

static const struct cfg_listener *cfg_of(const struct h2link *l)
{
    return (*((const struct h2conn *)(const void *)l)->env.lis)->cfg;
}

static void deadline(struct h2conn *h, mono_us from, uint32_t ms)
{
    loop_timer_set(worker_of(h)->loop, h->env.timer, from + (mono_us)ms * US_PER_MS);
}

/* ---- a stream's timer ------------------------------------------------------------------
 */

/* Is the client to say more: its body, or after its answer that this was all? */
static bool is_due(const struct h2stream *s)
{
    if (s->remote_ended || s->upgrade)
        return false;
    return s->stream.x != NULL ? !s->answered && !s->whole : s->whole;
}

/* What it waits for decides how long. */
static void set_timer(struct h2stream *s)
{
    const struct cfg_timeouts_down *t = &cfg_of(s->link)->timeouts;

    if (s->closed)
        loop_timer_clear(&s->timer);
    else if (h2link_pending(s) > 0)
        h2link_deadline(s, t->write_ms);
    else if (s->tunnel && s->stream.x != NULL)
        h2link_deadline(s, t->tunnel_ms);
    else if (is_due(s))
        h2link_deadline(s, t->body_ms);
    else
        loop_timer_clear(&s->timer);
}

static void on_moved(struct h2stream *s, bool sent)
{
    if (sent || s->tunnel || s->timer.due == 0)
        set_timer(s);
}

static void on_timeout(struct h2stream *s)
{
    bool waiting = h2link_pending(s) == 0 && (s->held > 0 || s->early.len > 0);

    if (s->closed)
        return;
    if (waiting && s->stream.x != NULL && !s->tunnel) { /* we are the slow one */
        set_timer(s);
        return;
    }
    if (s->stream.x == NULL) { /* the end of an answer nobody takes, or of a request */
        h2link_reset(s, NGHTTP2_CANCEL);
        return;
    }
    s->stream.x->unsent = h2link_pending(s);
    forward_down_fault(s->stream.x, FAULT_TIMEOUT);
    if (s->stream.x == NULL && !s->ended)
        h2link_reset(s, NGHTTP2_CANCEL);
}

/* ---- requests in -----------------------------------------------------------------------
 */

/* What comes is kept: the tunnel it is for is not open, or earlier bytes come first. */
static bool waits_for_tunnel(const struct h2stream *s)
{
    return s->upgrade && (!s->tunnel || s->early.len > 0);
}

static void request_ends(struct h2stream *s, const struct msg *trailers)
{
    set_timer(s);
    if (s->stream.x != NULL && !waits_for_tunnel(s))
        forward_request_end(s->stream.x, trailers);
}

static void on_end(struct h2stream *s)
{
    request_ends(s, NULL);
}

/* For the access logs: a request that never was one.  NULL: nothing of it was read. */
static void note_refused(struct h2link *l, unsigned status, const struct block *b)
{
    struct note_unread u = {.listener = cfg_of(l),
                            .peer = &conn_of(l)->env.client->from.any,
                            .tls = l->sock->tls,
                            .began = l->since != 0 ? l->since : loop_now(l->sock->w->loop),
                            .status = (uint16_t)status,
                            .ending = ENDING_BAD_REQUEST,
                            .fault = "too_many_streams"};

    if (b != NULL) {
        u.fault = b->fault.reason != NULL ? b->fault.reason : "malformed";
        u.head = &b->m;
        u.sent = status != 0 ? pairs_bytes(&l->pool->pairs) : 0;
    }
    note_unread(l->sock->w, &u);
}

static void on_refused(struct h2link *l, bool was_read)
{
    note_refused(l, 0, was_read ? &l->pool->block : NULL);
}

/* A request that is answered before there is an exchange. */
static void refuse(struct h2link *l, int32_t id, unsigned status)
{
    struct h2stream *s = h2link_stream(l, id, &h2conn_ops);
    struct msg m = {.status = (uint16_t)status, .flags = MSG_HAS_LENGTH};

    STATS_INC(l->sock->w->stats->refused[stats_refusal_of(status)]);
    pairs_response(&l->pool->pairs, &m, worker_date(l->sock->w));
    note_refused(l, status, &l->pool->block);
    h2link_answer(s, true);
}

/* Malformed (RFC 9113, 8.1.1). */
static void reject(struct h2link *l, int32_t id)
{
    nghttp2_submit_rst_stream(l->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_PROTOCOL_ERROR);
}

/* A body ends with its declared length: a backend that answers then is not early, and
 * END_STREAM may be a while behind.  0: it does not, there may be trailers. */
static void expect_body(struct h2stream *s, const struct msg *m)
{
    bool known = m->body == BODY_LENGTH && msg_find(m, FIELD_TRAILER) == NULL;

    s->length = known ? m->content_length : 0;
    s->whole = known && m->content_length == 0;
}

static void make_key(struct worker *w, char key[WSKEY_LEN])
{
    uint64_t random[2] = {rng_next(&w->rng), rng_next(&w->rng)};

    wskey_make((const uint8_t *)random, key);
}

static void request_begins(struct h2link *l, int32_t id, bool end)
{
    struct h2conn *h = conn_of(l);
    struct block *b = &l->pool->block;
    struct stream_info info = {.listener = cfg_of(l),
                               .client = h->env.client,
                               .peer = &h->env.client->from.any,
                               .scheme = h->env.scheme,
                               .subject = h->env.subject,
                               .tls = h->env.sock->tls,
                               .began = l->since};
    char key[WSKEY_LEN] = {0};
    struct h2stream *s;

    STATS_INC(worker_of(h)->stats->requests);
    STATS_INC(worker_of(h)->stats->h2_requests);
    if (b->protocol.len > 0)
        make_key(worker_of(h), key);
    if (!block_request(b, end, key)) {
        if (b->fault.status != 0) {
            refuse(l, id, b->fault.status);
        } else {
            note_refused(l, 0, b);
            reject(l, id);
        }
        return;
    }
    s = h2link_stream(l, id, &h2conn_ops);
    s->remote_ended = end;
    s->upgrade = (b->m.flags & MSG_UPGRADE) != 0;
    expect_body(s, &b->m);
    h->idle_since = 0;
    forward_request(worker_of(h), &s->stream, &b->m, &info,
                    b->m.body == BODY_NONE || s->whole);
    set_timer(s);
}

static void on_block(struct h2link *l, struct h2stream *s, int32_t id, bool end)
{
    struct block *b = &l->pool->block;

    if (s == NULL && conn_of(l)->noticed)
        return; /* the last GOAWAY, sent or not, leaves it to be asked elsewhere */
    if (s == NULL)
        request_begins(l, id, end);
    else if (!block_trailers(b))
        reject(l, id);
    else
        request_ends(s, &b->m);
}

static void keep_early(struct h2stream *s, const uint8_t *p, size_t n)
{
    bufq_append(&s->link->sock->w->bufs, &s->early, p, n);
    s->held += (uint32_t)n;
}

static void body_deadline(struct h2stream *s, size_t n)
{
    struct loop *l = s->link->sock->w->loop;

    loop_timer_set(l, &s->timer,
                   listener_body_due(cfg_of(s->link), loop_now(l), s->timer.due, n));
}

static void on_data(struct h2stream *s, const uint8_t *p, size_t n)
{
    struct exchange *x = s->stream.x;
    uint64_t max = cfg_of(s->link)->max_body_bytes;

    if (x == NULL) {
        h2link_credit(s, n);
        return;
    }
    if (waits_for_tunnel(s)) {
        keep_early(s, p, n);
        return;
    }
    if (max != 0 && s->received > max && !s->tunnel) {
        h2link_pay_reset(s->link);
        forward_too_large(x);
        if (s->stream.x == NULL && !s->ended)
            h2link_reset(s, NGHTTP2_CANCEL);
        return;
    }
    s->held += (uint32_t)n;
    if (forward_request_data(x, p, n))
        h2link_credit_held(s);
    s->whole = s->length > 0 && s->received == s->length;
    if (s->whole)
        request_ends(s, NULL);
    else if (is_due(s))
        body_deadline(s, n);
    else
        set_timer(s);
}

/* A stream is over before its answer is. */
static void cut(struct h2stream *s, enum ending why)
{
    struct exchange *x = s->stream.x;

    if (x == NULL)
        return;
    x->unsent = h2link_pending(s);
    exchange_ends(x, s->broken || s->link->broken ? ENDING_BAD_BODY : why);
    forward_down_fault(x, FAULT_RESET);
    CHECK(s->stream.x == NULL);
}

/* The client, or an error, has ended a stream. */
static void on_closed(struct h2stream *s)
{
    cut(s, ENDING_CLIENT_ABORT);
}

static void send_early(struct h2stream *s)
{
    struct iovec iov[4];
    bool more = true;

    while (s->early.len > 0 && s->stream.x != NULL) {
        int n = bufq_iov(&s->early, 0, iov, (int)N_ELEMS(iov));
        size_t bytes = 0;

        for (int i = 0; i < n; i++) {
            more = forward_request_data(s->stream.x, iov[i].iov_base, iov[i].iov_len);
            bytes += iov[i].iov_len;
        }
        sock_uncork(s->link->sock->w); /* it borrows from the queue */
        bufq_consume(&s->link->sock->w->bufs, &s->early, bytes);
    }
    if (more)
        h2link_credit_held(s);
    if (s->remote_ended)
        request_ends(s, NULL);
}

static void on_room(struct h2stream *s)
{
    if (s->tunnel && s->early.len > 0)
        send_early(s);
    if (s->stream.x != NULL)
        forward_down_room(s->stream.x);
}

static void last_goaway(struct h2conn *h)
{
    struct h2link *l = &h->link;

    if (h->noticed)
        return;
    h->noticed = l->leaving = true;
    nghttp2_submit_goaway(l->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(l->session),
                          NGHTTP2_NO_ERROR, NULL, 0);
    h2link_wake(l);
}

static void on_ping_answered(struct h2link *l)
{
    if (conn_of(l)->draining)
        last_goaway(conn_of(l));
}

static const struct h2link_ops link_ops = {
    .block = on_block,
    .refused = on_refused,
    .data = on_data,
    .end = on_end,
    .closed = on_closed,
    .room = on_room,
    .moved = on_moved,
    .ping_answered = on_ping_answered,
    .timeout = on_timeout,
};

/* ---- the connection --------------------------------------------------------------------
 */

/* The conn's timer: a client that takes nothing, a frame that does not end, idleness. */
static void keep_time(struct h2conn *h)
{
    const struct cfg_timeouts_down *t = &cfg_of(&h->link)->timeouts;
    mono_us now = loop_now(worker_of(h)->loop);
    bool was = h->blocked;

    h->blocked = h->env.sock->out.len > 0;
    if (h->blocked) {
        h->in_frame = false;
        if (!was)
            deadline(h, now, t->write_ms);
        return;
    }
    if (h->link.inbox.len > 0) {
        if (!h->in_frame)
            deadline(h, now, t->head_ms);
        h->in_frame = true;
        return;
    }
    h->in_frame = false;
    if (h->draining && !h->noticed)
        return;
    if (h->link.n_streams > 0) {
        h->idle_since = 0;
        loop_timer_clear(h->env.timer);
        return;
    }
    if (h->idle_since == 0) {
        h->idle_since = now;
        h->rests = false;
    }
    deadline(h, h->idle_since, h->rests || t->idle_ms < REST_MS ? t->idle_ms : REST_MS);
}

enum h2conn_verdict h2conn_run(struct h2conn *h)
{
    struct sock *sock = h->env.sock;

    if (sock->failed)
        return H2CONN_BROKEN;
    h2link_rouse(&h->link);
    if (sock->out.len > 0 && sock->can_write) {
        sock_drain(sock);
        h->blocked = false; /* it took something */
    }
    if (!h2link_read(&h->link))
        return H2CONN_BROKEN;
    h2link_run(&h->link);
    if (sock->failed)
        return H2CONN_BROKEN;
    if (h2link_over(&h->link))
        return H2CONN_OVER;
    keep_time(h);
    return H2CONN_GOES_ON;
}

void h2conn_input(struct h2conn *h, uint8_t *p, size_t n)
{
    h2link_input(&h->link, p, n);
}

/* Is it the first of the two times that an idle connection waits for? */
static bool may_rest(const struct h2conn *h)
{
    return h->idle_since != 0 && !h->rests && !h->in_frame && !h->draining &&
           cfg_of(&h->link)->timeouts.idle_ms > REST_MS;
}

enum h2conn_verdict h2conn_timeout(struct h2conn *h)
{
    if (h->blocked) {
        h->ending = ENDING_CLIENT_TIMEOUT;
        return H2CONN_BROKEN;
    }
    if (may_rest(h)) {
        h2link_rest(&h->link);
        h->rests = true;
        keep_time(h);
        return H2CONN_GOES_ON;
    }
    h2link_rouse(&h->link);
    if (h->draining && !h->noticed && !h->in_frame)
        last_goaway(h);
    else
        h2link_fail(&h->link, NGHTTP2_NO_ERROR);
    return H2CONN_GOES_ON;
}

void h2conn_drain(struct h2conn *h)
{
    struct h2link *l = &h->link;

    if (h->draining)
        return;
    h->draining = true;
    h2link_rouse(l);
    nghttp2_submit_shutdown_notice(l->session);
    nghttp2_submit_ping(l->session, NGHTTP2_FLAG_NONE, NULL);
    deadline(h, loop_now(worker_of(h)->loop), DRAIN_MS);
    h2link_wake(l);
}

void h2conn_kill(struct h2conn *h)
{
    h->ending = ENDING_KILLED;
}

/* ---- answers out: the stream's operations ----------------------------------------------
 */

static void op_head(struct stream *st, const struct msg *m, bool end)
{
    struct h2stream *s = stream_of(st);
    struct pairs *p = &s->link->pool->pairs;

    if (!pairs_response(p, m, worker_date(s->link->sock->w))) {
        h2link_reset(s, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    if (st->x->log != NULL)
        st->x->heads_sent += pairs_bytes(p);
    if (m->status < 200 && m->status != 101) {
        h2link_inform(s);
        return;
    }
    s->answered = true;
    if (m->status == 101) {
        s->tunnel = true;
        s->was_full = s->link->relieved = true; /* what came early goes on */
    }
    h2link_answer(s, end);
    set_timer(s);
}

static bool op_data(struct stream *st, const uint8_t *p, size_t n)
{
    struct h2stream *s = stream_of(st);

    STATS_ADD(s->link->sock->w->stats->bytes_out, n);
    return h2link_send(s, p, n);
}

static void op_end(struct stream *st, const struct msg *trailers)
{
    if (trailers != NULL)
        st->x->heads_sent += trailers->text_len;
    h2link_end(stream_of(st), trailers);
}

static void op_reset(struct stream *st, enum stream_fault why)
{
    st->x->unsent = h2link_pending(stream_of(st));
    st->x = NULL;
    h2link_reset(stream_of(st),
                 why == FAULT_CANCEL ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR);
}

static void op_release(struct stream *st)
{
    struct h2stream *s = stream_of(st);

    st->x = NULL;
    h2link_credit_held(s);
    set_timer(s);
    h2link_wake(s->link);
}

static void op_resume(struct stream *st)
{
    struct h2stream *s = stream_of(st);

    if (s->early.len == 0)
        h2link_credit_held(s);
    set_timer(s);
}

static void op_check(struct stream *st)
{
    struct h2link *l = stream_of(st)->link;

    l->sock->can_read = true;
    h2link_wake(l);
}

static const struct stream_ops h2conn_ops = {
    .head = op_head,
    .data = op_data,
    .end = op_end,
    .reset = op_reset,
    .release = op_release,
    .resume = op_resume,
    .check = op_check,
};

/* ---- life ------------------------------------------------------------------------------
 */

struct h2conn *h2conn_new(const struct h2conn_env *env)
{
    struct h2conn *h = MEM_NEW(struct h2conn);
    const struct cfg_listener *cfg = (*env->lis)->cfg;
    struct h2link_settings set = {
        .server = true,
        .max_streams = cfg->h2.max_streams,
        .stream_window = cfg->h2.stream_window,
        .link_window = cfg->h2.window,
        .reset_rate = cfg->h2.resets,
        .control_rate = cfg->h2.control,
        .limits = {cfg->max_head_bytes, cfg->max_target_bytes, cfg->max_fields},
    };

    h->env = *env;
    h->ending = ENDING_CLIENT_ABORT;
    h2link_open(&h->link, env->sock, &set, &link_ops);
    STATS_INC(env->sock->w->stats->h2_connections);
    if (env->sock->w->draining)
        h2conn_drain(h);
    return h;
}

void h2conn_free(struct h2conn *h)
{
    LIST_EACH (n, &h->link.streams) {
        struct h2stream *s = CONTAINER_OF(n, struct h2stream, node);

        s->closed = true;
        cut(s, (enum ending)h->ending);
    }
    STATS_ADD(worker_of(h)->stats->h2_connections, -1);
    h2link_close(&h->link);
    free(h);
}
