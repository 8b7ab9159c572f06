#include "proxy/conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/forward.h"
#include "proxy/h1/body.h"
#include "proxy/h1/emit.h"
#include "proxy/h1/head.h"
#include "proxy/h2/sieve.h"
#include "proxy/h2conn.h"
#include "proxy/inbox.h"
#include "proxy/listener.h"
#include "proxy/note.h"
#include "proxy/refusal.h"

#define CONN_MAGIC 0x434f4e4eu
/* What a client may send ahead while its request is being answered. */
#define PIPELINE_BYTES 16384

enum conn_state {
    CONN_HEAD,     /* between requests, or inside a head */
    CONN_BODY,     /* inside a request body */
    CONN_TRAILERS, /* after its last chunk */
    CONN_WAIT,     /* the request is complete, the answer is not */
    CONN_TUNNEL,
    CONN_H2,     /* h2conn.c has it */
    CONN_LINGER, /* answered and shut down; what still comes is dropped */
    CONN_GONE,
};

/* What is there only while a request is under way, or a part of one. */
struct conn_turn {
    struct stream stream; /* first */
    struct conn *c;
    struct conn_turn *next; /* of a spare one */
    struct inbox inbox;
    size_t seen;   /* bytes of an unfinished head looked at already */
    mono_us since; /* when its first byte came */
    struct body body;
};

struct conn {
    struct sock sock; /* first */
    uint32_t magic;
    uint8_t state;
    uint8_t version;     /* of the request being served */
    bool keep_alive;     /* the client wishes it */
    bool close_after;    /* we said, or must say, Connection: close */
    bool chunk_answer;   /* body goes down in chunks of our making */
    bool blocked;        /* the client takes nothing: the timer is write_ms */
    bool stalled;        /* reading the body waits for resume() */
    bool reset_on_abort; /* the end of the body is the end of the connection */
    bool began;          /* it is known what the client speaks */
    bool taking;         /* input is being used */
    bool said_last;      /* the client promised to send nothing after this request */
    uint8_t method;
    union {
        struct loop_timer timer;
        struct worker_dead dead; /* once it is closed */
    };
    struct list node;
    struct listener *lis;
    struct h2conn *h2;      /* NULL: HTTP/1 */
    struct conn_turn *turn; /* NULL: nothing of a request is here */
    struct client client;
};

static const struct stream_ops conn_ops;

static struct conn *conn_of(struct stream *s)
{
    return ((struct conn_turn *)(void *)s)->c;
}

/* The exchange that serves the request under way; NULL: none. */
static struct exchange *served_by(const struct conn *c)
{
    return c->turn != NULL ? c->turn->stream.x : NULL;
}

/* Bytes received and not used yet. */
static size_t kept(const struct conn *c)
{
    return c->turn != NULL ? c->turn->inbox.len : 0;
}

/* Spare ones are kept: there are as many as ever were under way at once. */
static struct conn_turn *begin_turn(struct conn *c)
{
    struct worker *w = c->sock.w;

    if (c->turn != NULL)
        return c->turn;
    c->turn = w->spare_turns;
    if (c->turn != NULL)
        w->spare_turns = c->turn->next;
    else
        c->turn = MEM_NEW(struct conn_turn);
    c->turn->c = c;
    c->turn->seen = 0;
    return c->turn;
}

static void end_turn(struct conn *c)
{
    struct worker *w = c->sock.w;

    if (c->turn == NULL)
        return;
    CHECK(c->turn->stream.x == NULL);
    inbox_clear(&c->turn->inbox, &w->bufs);
    c->turn->next = w->spare_turns;
    w->spare_turns = c->turn;
    c->turn = NULL;
}

/* Between requests, with nothing of the next one here, an idle connection is small. */
static void rest(struct conn *c)
{
    if (!c->taking && c->state != CONN_GONE && served_by(c) == NULL && kept(c) == 0 &&
        (c->turn == NULL || c->turn->seen == 0))
        end_turn(c);
}

static const struct cfg_timeouts_down *timeouts(const struct conn *c)
{
    return &c->lis->cfg->timeouts;
}

static void deadline(struct conn *c, uint32_t ms)
{
    struct loop *l = c->sock.w->loop;

    loop_timer_set(l, &c->timer, loop_now(l) + (mono_us)ms * US_PER_MS);
}

static void conn_free(struct worker_dead *d)
{
    struct conn *c = CONTAINER_OF(d, struct conn, dead);

    OBJ_DEAD(c);
    free(c);
}

/* Closes; the exchange, if there is one, must have been told. */
static void conn_close(struct conn *c)
{
    struct worker *w = c->sock.w;

    if (c->state == CONN_GONE)
        return;
    sock_uncork(w); /* it may borrow from the inbox */
    end_turn(c);
    c->state = CONN_GONE;
    if (c->h2 != NULL)
        h2conn_free(c->h2);
    c->h2 = NULL;
    client_gone(&c->client);
    sock_close(&c->sock);
    loop_timer_remove(&c->timer);
    list_remove(&c->node);
    STATS_ADD(w->stats->connections, -1);
    atomic_fetch_sub_explicit(&c->lis->front->open, 1, memory_order_relaxed);
    worker_bury(w, &c->dead, conn_free);
    worker_conn_gone(w);
}

/* Before anything has come, the timer tells; it is 0 when it fires. */
static mono_us accepted(const struct conn *c)
{
    mono_us now = loop_now(c->sock.w->loop);
    mono_us due = c->timer.due != 0 ? c->timer.due : now;
    mono_us at = due - (mono_us)timeouts(c)->head_ms * US_PER_MS;

    return at < now ? at : now; /* the setting may be another by now */
}

/* For the access logs: what is known where there was no request. */
static struct note_unread unread(const struct conn *c)
{
    return (struct note_unread){.listener = c->lis->cfg,
                                .peer = &c->client.from.any,
                                .tls = c->sock.tls,
                                .began = c->turn != NULL ? c->turn->since : accepted(c),
                                .bytes = c->turn != NULL ? c->turn->inbox.data : NULL,
                                .len = kept(c)};
}

/* The connection ends where a request should have come, unless it was idle. */
static void tell_no_request(const struct conn *c, enum stream_fault why)
{
    struct note_unread u = unread(c);

    if (!c->began || (c->turn != NULL && c->turn->seen > 0))
        note_no_request(c->sock.w, &u, why);
}

/* The listener expects a PROXY protocol header, and this is none. */
static void deny(const struct conn *c, const char *reason)
{
    struct note_unread u = unread(c);

    listener_denies(c->lis, &c->client.from, reason);
    u.ending = ENDING_BAD_REQUEST;
    u.fault = stats_refusal_name[REFUSAL_PROXY_PROTOCOL];
    note_unread(c->sock.w, &u);
}

/* The client's side is broken: tells the exchange and closes. */
static void conn_fault(struct conn *c, enum stream_fault why)
{
    const struct proxyproto *h = c->sock.header;

    if (h != NULL && !h->done && proxyproto_began(h))
        deny(c, h->reason != NULL ? h->reason : "cut off");
    else if (c->state == CONN_HEAD)
        tell_no_request(c, why);
    if (served_by(c) != NULL) {
        served_by(c)->unsent = sock_unsent(&c->sock);
        forward_down_fault(served_by(c), why);
    }
    if (served_by(c) == NULL && c->state != CONN_LINGER)
        conn_close(c);
}

/* Not the worker's own word, which comes by mail: whoever saw new connections refused must
 * not be promised that this one stays. */
static bool draining(const struct conn *c)
{
    return atomic_load_explicit(&c->sock.w->shared->draining, memory_order_acquire);
}

/*
 * A client that asked for the end of the connection sends nothing more (RFC 9112, 9.6):
 * once all of its answer is with the kernel there is nobody to wait for.
 */
static bool may_part(struct conn *c)
{
    if (c->state != CONN_WAIT || !c->said_last || kept(c) > 0 || c->sock.can_read)
        return false;
    sock_uncork(c->sock.w);
    return sock_unsent(&c->sock) == 0 && !c->sock.failed;
}

/* The answer is out: the next request, or the end of the connection. */
static void conn_next(struct conn *c)
{
    if (may_part(c)) {
        conn_close(c);
        return;
    }
    c->stalled = false;
    if (c->close_after || !c->keep_alive || draining(c)) {
        sock_shutdown(&c->sock);
        c->state = CONN_LINGER;
        deadline(c, c->blocked ? timeouts(c)->write_ms : timeouts(c)->linger_ms);
        loop_ready_add(c->sock.w->loop, &c->sock.ready);
        rest(c);
        return;
    }
    c->state = CONN_HEAD;
    if (c->turn != NULL)
        c->turn->seen = 0;
    deadline(c, timeouts(c)->idle_ms);
    if (kept(c) > 0 || c->sock.can_read)
        loop_ready_add(c->sock.w->loop, &c->sock.ready);
    rest(c);
}

/* ---- an answer of our own, before there is an exchange ---- */

/* [p, p+n): what came of the head. */
static void refuse(struct conn *c, const struct head_fault *f, const uint8_t *p, size_t n)
{
    struct note_unread u = unread(c);
    char *out = sock_text(c->sock.w, REFUSAL_TEXT_MAX);

    STATS_INC(c->sock.w->stats->refused[refusal_of(f)]);
    u.status = f->status;
    u.ending = f->status == 408 ? ENDING_HEAD_TIMEOUT : ENDING_BAD_REQUEST;
    u.fault = f->reason;
    u.bytes = p;
    u.len = n;
    u.sent = refusal_text(f->status, worker_date(c->sock.w), out, &u.body);
    note_unread(c->sock.w, &u);
    sock_write(&c->sock, out, u.sent);
    c->close_after = true;
    conn_next(c);
}

/* ---- requests in ---- */

static const char *scheme_of(const struct conn *c)
{
    return c->sock.tls != NULL ? "https" : "http";
}

static void request_begins(struct conn *c, const struct msg *m)
{
    struct stream_info info = {.listener = c->lis->cfg,
                               .client = &c->client,
                               .peer = &c->client.from.any,
                               .scheme = scheme_of(c),
                               .subject = sock_subject(&c->sock),
                               .tls = c->sock.tls,
                               .began = c->turn->since};
    bool end = m->body == BODY_NONE || (m->body == BODY_LENGTH && m->content_length == 0);
    struct conn_turn *t = c->turn;

    c->version = m->version;
    c->method = m->method_id;
    /* What comes behind a CONNECT may be meant for the tunnel that it does not get. */
    c->keep_alive = (m->flags & MSG_KEEP_ALIVE) != 0 && m->method_id != METHOD_CONNECT;
    c->said_last = !c->keep_alive && m->method_id != METHOD_CONNECT;
    c->close_after = c->stalled = c->reset_on_abort = false;
    c->turn->seen = 0;
    body_init(&t->body, m);
    t->stream = (struct stream){.ops = &conn_ops, .h1_chunks = m->version != HTTP_10};
    c->state = end ? CONN_WAIT : CONN_BODY;
    if (end)
        loop_timer_clear(&c->timer);
    else
        deadline(c, timeouts(c)->body_ms);
    STATS_INC(c->sock.w->stats->requests);
    forward_request(c->sock.w, &t->stream, m, &info, end);
}

/* ---- which version --------------------------------------------------------------------
 */

/* From here on the connection is h2conn.c's; the sock, the timer and the end stay here. */
static void begin_h2(struct conn *c)
{
    struct h2conn_env env = {.sock = &c->sock,
                             .timer = &c->timer,
                             .lis = &c->lis,
                             .client = &c->client,
                             .scheme = scheme_of(c),
                             .subject = sock_subject(&c->sock)};

    c->began = true;
    c->state = CONN_H2;
    c->h2 = h2conn_new(&env);
}

enum speaks { SPEAKS_H1, SPEAKS_H2, SPEAKS_UNKNOWN };

/* With TLS it was agreed on (RFC 9113, 3.2).  Without, the first bytes say: HTTP/2 with
 * prior knowledge has a preface that is no request (3.3). */
static enum speaks what_speaks(const struct conn *c, const uint8_t *p, size_t len)
{
    size_t n = len < SIEVE_PREFACE_LEN ? len : SIEVE_PREFACE_LEN;

    if (c->lis->cfg->h2.only)
        return SPEAKS_H2;
    if (c->sock.tls != NULL)
        return sock_agreed_on_h2(&c->sock) ? SPEAKS_H2 : SPEAKS_H1;
    if (!c->lis->cfg->h2.enabled || memcmp(p, SIEVE_PREFACE, n) != 0)
        return SPEAKS_H1;
    return n == SIEVE_PREFACE_LEN ? SPEAKS_H2 : SPEAKS_UNKNOWN;
}

/* From here on the client is who the header says. */
static void take_header(struct conn *c)
{
    client_told(&c->client, c->sock.header);
    sock_drop_header(&c->sock);
}

/* True when a first head of HTTP/1 is to be read. */
static bool choose_version(struct conn *c, const uint8_t *p, size_t len)
{
    if (c->sock.header != NULL)
        take_header(c);
    switch (what_speaks(c, p, len)) {
    case SPEAKS_H1:
        c->began = true;
        return true;
    case SPEAKS_H2:
        begin_h2(c);
        return false;
    case SPEAKS_UNKNOWN:
        break;
    }
    if (c->turn->seen == 0)
        deadline(c, timeouts(c)->head_ms);
    c->turn->seen = 1; /* something is here, and nobody looked for the end of a head */
    return false;
}

/* Bytes used; 0: more is needed, or the connection took another turn. */
static size_t take_head(struct conn *c, uint8_t *p, size_t len)
{
    const struct cfg_listener *cfg = c->lis->cfg;
    struct head_limits lim = {cfg->max_head_bytes, cfg->max_target_bytes, cfg->max_fields};
    struct msg m = {.fields = c->sock.w->fields, .fields_room = WORKER_FIELDS};
    struct head_fault fault;
    bool began = c->turn->seen == 0;
    size_t used;

    if (began)
        c->turn->since = loop_now(c->sock.w->loop);
    if (!c->began && !choose_version(c, p, len))
        return 0;
    switch (head_request((char *)p, len, &c->turn->seen, &lim, &m, &fault)) {
    case HEAD_MORE:
        if (began)
            deadline(c, timeouts(c)->head_ms);
        c->sock.can_read = true; /* a reset may have come with the bytes: look */
        return 0;
    case HEAD_BAD:
        refuse(c, &fault, p, len);
        return 0;
    case HEAD_DONE:
        break;
    }
    used = m.text_len;
    request_begins(c, &m);
    return used;
}

static void request_complete(struct conn *c, const struct msg *trailers)
{
    c->state = CONN_WAIT;
    c->turn->seen = 0;
    loop_timer_clear(&c->timer);
    if (served_by(c) != NULL)
        forward_request_end(served_by(c), trailers);
}

static void bad_body(struct conn *c)
{
    if (served_by(c) != NULL)
        forward_down_fault(served_by(c), FAULT_BAD);
    if (c->state != CONN_LINGER)
        conn_close(c);
}

static void body_deadline(struct conn *c, size_t n)
{
    struct loop *l = c->sock.w->loop;

    loop_timer_set(l, &c->timer,
                   listener_body_due(c->lis->cfg, loop_now(l), c->timer.due, n));
}

static void pass_body(struct conn *c, const uint8_t *p, size_t n)
{
    uint64_t max = c->lis->cfg->max_body_bytes;

    body_deadline(c, n);
    if (max != 0 && body_received(&c->turn->body) > max) {
        forward_too_large(served_by(c));
        if (served_by(c) == NULL && c->state == CONN_BODY)
            conn_close(c);
        return;
    }
    if (!forward_request_data(served_by(c), p, n))
        c->stalled = true;
}

static size_t take_body(struct conn *c, uint8_t *p, size_t len)
{
    const uint8_t *data;
    size_t used, n;

    switch (body_next(&c->turn->body, p, len, &used, &data, &n)) {
    case BODY_V_DATA:
        pass_body(c, data, n);
        if (c->state == CONN_BODY && c->turn->body.kind == BODY_LENGTH &&
            c->turn->body.left == 0)
            request_complete(c, NULL);
        break;
    case BODY_V_END:
        request_complete(c, NULL);
        break;
    case BODY_V_TRAILERS:
        c->state = CONN_TRAILERS;
        c->turn->seen = 0;
        break;
    case BODY_V_BAD:
        bad_body(c);
        break;
    case BODY_V_MORE:
        break;
    }
    return used;
}

static size_t take_trailers(struct conn *c, uint8_t *p, size_t len)
{
    const struct cfg_listener *cfg = c->lis->cfg;
    struct head_limits lim = {cfg->max_head_bytes, cfg->max_target_bytes, cfg->max_fields};
    struct msg m = {.fields = c->sock.w->fields, .fields_room = WORKER_FIELDS};
    struct head_fault fault;
    size_t used;

    switch (head_trailers((char *)p, len, &c->turn->seen, &lim, &m, &fault)) {
    case HEAD_MORE:
        return 0;
    case HEAD_BAD:
        bad_body(c);
        return 0;
    case HEAD_DONE:
        break;
    }
    used = m.text_len;
    request_complete(c, &m);
    return used;
}

static size_t take_tunnel(struct conn *c, uint8_t *p, size_t len)
{
    if (served_by(c) == NULL)
        return len;
    deadline(c, timeouts(c)->tunnel_ms);
    if (!forward_request_data(served_by(c), p, len))
        c->stalled = true;
    return len;
}

static size_t take_some(struct conn *c, uint8_t *p, size_t len)
{
    switch ((enum conn_state)c->state) {
    case CONN_HEAD:
        return take_head(c, p, len);
    case CONN_BODY:
        return take_body(c, p, len);
    case CONN_TRAILERS:
        return take_trailers(c, p, len);
    case CONN_TUNNEL:
        return take_tunnel(c, p, len);
    case CONN_LINGER:
        return len;
    case CONN_H2:
        h2conn_input(c->h2, p, len);
        return len;
    case CONN_WAIT:
    case CONN_GONE:
        break;
    }
    return 0;
}

/* Gives all that was received to the parsers, and keeps what they cannot use yet. */
static void take_input(struct conn *c, uint8_t *p, size_t n)
{
    struct buf_pool *pool = &c->sock.w->bufs;
    size_t len, used;
    uint8_t state;

    p = inbox_view(&begin_turn(c)->inbox, pool, p, n, &len);
    c->taking = true;
    do {
        state = c->state;
        used = len > 0 ? take_some(c, p, len) : 0;
        p += used;
        len -= used;
    } while (len > 0 && (used > 0 || c->state != state));
    c->taking = false;
    sock_uncork(c->sock.w);
    if (c->state == CONN_GONE)
        return;
    inbox_keep(&c->turn->inbox, pool, p, len);
    rest(c);
}

/* ---- when to read ---- */

static bool wants_input(const struct conn *c)
{
    switch ((enum conn_state)c->state) {
    case CONN_HEAD:
    case CONN_LINGER:
        return true;
    case CONN_BODY:
    case CONN_TRAILERS:
    case CONN_TUNNEL:
        return !c->stalled;
    case CONN_WAIT:
        return kept(c) < PIPELINE_BYTES;
    case CONN_H2: /* reads by itself */
    case CONN_GONE:
        break;
    }
    return false;
}

static void input_ended(struct conn *c)
{
    switch ((enum conn_state)c->state) {
    case CONN_TUNNEL:
        if (served_by(c) != NULL)
            forward_request_end(served_by(c), NULL);
        return;
    case CONN_WAIT:
        if (c->lis->cfg->half_close == CFG_HALF_CLOSE_SERVE) {
            c->keep_alive = false;
            return;
        }
        conn_fault(c, FAULT_CLOSED);
        return;
    case CONN_HEAD:
    case CONN_BODY:
    case CONN_TRAILERS:
    case CONN_LINGER:
        conn_fault(c, FAULT_CLOSED);
        if (c->state == CONN_LINGER)
            conn_close(c);
        return;
    case CONN_H2:
    case CONN_GONE:
        return;
    }
}

static void read_some(struct conn *c)
{
    struct worker *w = c->sock.w;
    size_t total = 0;

    for (int i = 0; i < SOCK_TURN_READS && total < SOCK_TURN_BYTES; i++) {
        ssize_t n;

        if (!c->sock.can_read || !wants_input(c))
            return;
        n = sock_read(&c->sock, w->scratch, SOCK_SCRATCH_BYTES);
        if (n == SOCK_AGAIN)
            return;
        if (n == SOCK_PLAIN) {
            refuse(c, &(struct head_fault){.status = 400, .reason = "plain_http"}, NULL, 0);
            return;
        }
        if (n == SOCK_BROKEN) {
            conn_fault(c, FAULT_RESET);
            if (c->state == CONN_LINGER)
                conn_close(c);
            return;
        }
        if (n == SOCK_EOF) {
            input_ended(c);
            return;
        }
        STATS_ADD(w->stats->bytes_in, (uint64_t)n);
        total += (size_t)n;
        take_input(c, w->scratch, (size_t)n);
    }
    if (c->state != CONN_GONE && c->sock.can_read && wants_input(c))
        loop_ready_add(w->loop, &c->sock.ready);
}

static void write_some(struct conn *c)
{
    bool room = sock_drain(&c->sock);

    c->blocked = sock_unsent(&c->sock) > 0;
    if (c->blocked)
        deadline(c, timeouts(c)->write_ms);
    else if (c->state == CONN_WAIT)
        loop_timer_clear(&c->timer);
    else if (c->state == CONN_LINGER)
        deadline(c, timeouts(c)->linger_ms);
    if (room && served_by(c) != NULL)
        forward_down_room(served_by(c));
}

static void wait_for_client(struct conn *c)
{
    c->blocked = true;
    if (c->state != CONN_TUNNEL)
        deadline(c, timeouts(c)->write_ms);
}

/* After it has run, or its timer has. */
static void h2_went(struct conn *c, enum h2conn_verdict v)
{
    switch (v) {
    case H2CONN_GOES_ON:
        return;
    case H2CONN_BROKEN:
        conn_close(c);
        return;
    case H2CONN_OVER:
        break;
    }
    h2conn_free(c->h2);
    c->h2 = NULL;
    c->close_after = true;
    conn_next(c);
}

static void conn_run(struct conn *c)
{
    if (c->state == CONN_H2) {
        h2_went(c, h2conn_run(c->h2));
        return;
    }
    if (c->sock.failed) {
        conn_fault(c, FAULT_RESET);
        if (c->state == CONN_LINGER)
            conn_close(c);
        return;
    }
    if (sock_unsent(&c->sock) > 0 && c->sock.can_write)
        write_some(c);
    else if (sock_unsent(&c->sock) > 0 && !c->blocked)
        wait_for_client(c);
    if (c->state != CONN_GONE && kept(c) > 0 && wants_input(c))
        take_input(c, NULL, 0);
    if (c->state != CONN_GONE)
        read_some(c);
}

static void on_io(struct loop_io *io, unsigned what)
{
    struct conn *c;

    OBJ_FROM(c, (void *)io, CONN_MAGIC);
    sock_note(&c->sock, what);
    conn_run(c);
}

static void on_ready(struct loop_ready *r)
{
    struct conn *c;

    OBJ_FROM(c, (void *)CONTAINER_OF(r, struct sock, ready), CONN_MAGIC);
    conn_run(c);
}

static void on_timer(struct loop_timer *t)
{
    struct conn *c = CONTAINER_OF(t, struct conn, timer);

    if (c->state == CONN_H2) {
        h2_went(c, h2conn_timeout(c->h2));
        return;
    }
    if (c->state == CONN_HEAD && c->turn != NULL && c->turn->seen > 0) {
        refuse(c, &(struct head_fault){.status = 408, .reason = "head_timeout"},
               c->turn->inbox.data, c->turn->inbox.len);
        return;
    }
    if (c->stalled) { /* we are the slow one */
        deadline(c, timeouts(c)->body_ms);
        return;
    }
    if (c->state == CONN_LINGER)
        conn_close(c);
    else
        conn_fault(c, FAULT_TIMEOUT);
}

/* ---- answers out: the stream's operations ---- */

/* An answer without a length is chunked for who understands that, else ended by the
 * connection; one without a body says so. */
static void choose_framing(struct conn *c, struct msg *m)
{
    bool empty = m->body == BODY_NONE && m->status >= 200 && m->status != 204 &&
                 m->status != 304 && c->method != METHOD_HEAD;

    if (empty && (m->flags & MSG_HAS_LENGTH) == 0) /* HTTP/2 ended it by its head */
        m->flags |= MSG_HAS_LENGTH;
    if (c->version == HTTP_10 && m->body == BODY_CHUNKED)
        m->body = BODY_CLOSE;
    else if (c->version != HTTP_10 && m->body == BODY_CLOSE)
        m->body = BODY_CHUNKED;
}

/* The final head decides what becomes of the connection. */
static void decide_end(struct conn *c, const struct msg *m)
{
    bool request_over = c->state == CONN_WAIT;

    if (m->body == BODY_TUNNEL) {
        c->state = CONN_TUNNEL;
        c->close_after = true;
        deadline(c, timeouts(c)->tunnel_ms);
        loop_ready_add(c->sock.w->loop, &c->sock.ready);
        return;
    }
    c->reset_on_abort = m->body == BODY_CLOSE;
    if (c->reset_on_abort || !request_over || draining(c))
        c->close_after = true;
}

static void op_head(struct stream *s, const struct msg *m, bool end)
{
    struct conn *c = conn_of(s);
    size_t room = m->text_len + (size_t)m->n_fields * 4 + 256;
    struct msg head = *m;
    char *out = sock_text(c->sock.w, room);
    size_t n;

    choose_framing(c, &head);
    if (m->status >= 200 || m->status == 101)
        decide_end(c, &head);
    c->chunk_answer = head.body == BODY_CHUNKED && !s->framed_out;
    n = emit_response(&head,
                      (struct emit_to){.version = (enum http_version)c->version,
                                       .close = c->close_after || !c->keep_alive,
                                       .date = worker_date(c->sock.w)},
                      out, room);
    CHECK(n > 0);
    s->x->heads_sent += n;
    sock_write(&c->sock, out, n);
    if (end)
        s->ops->end(s, NULL);
}

static bool op_data(struct stream *s, const uint8_t *p, size_t n)
{
    struct conn *c = conn_of(s);

    if (c->chunk_answer) {
        char *out = sock_text(c->sock.w, 24);
        size_t size = emit_chunk_size(n, out, 24);

        s->x->framing_sent += size + 2;
        sock_write(&c->sock, out, size);
    }
    sock_write(&c->sock, p, n);
    if (c->chunk_answer)
        sock_write(&c->sock, "\r\n", 2);
    STATS_ADD(c->sock.w->stats->bytes_out, n);
    if (c->state == CONN_TUNNEL)
        deadline(c, timeouts(c)->tunnel_ms);
    return sock_has_room(&c->sock);
}

static ssize_t op_splice(struct stream *s, struct sock *from, size_t max)
{
    struct conn *c = conn_of(s);
    ssize_t n = c->chunk_answer ? SOCK_COPY : sock_splice(&c->sock, from, max);

    if (n > 0)
        STATS_ADD(c->sock.w->stats->bytes_out, (uint64_t)n);
    return n;
}

static void op_end(struct stream *s, const struct msg *trailers)
{
    struct conn *c = conn_of(s);

    if (c->state == CONN_TUNNEL) {
        sock_shutdown(&c->sock);
        return;
    }
    if (c->chunk_answer || s->framed_out) {
        size_t room =
            trailers != NULL ? trailers->text_len + 4u * trailers->n_fields + 16 : 16;
        char *out = sock_text(c->sock.w, room);
        size_t n = emit_chunk_end(trailers, out, room);

        s->x->framing_sent += n;
        sock_write(&c->sock, out, n);
    }
    c->chunk_answer = false;
}

static void op_reset(struct stream *s, enum stream_fault why)
{
    struct conn *c = conn_of(s);

    (void)why;
    s->x->unsent = sock_unsent(&c->sock);
    s->x = NULL;
    if (c->reset_on_abort)
        sock_set_reset(&c->sock);
    conn_close(c);
}

static void op_resume(struct stream *s)
{
    struct conn *c = conn_of(s);

    if (!c->stalled)
        return;
    c->stalled = false;
    if (c->state == CONN_BODY)
        deadline(c, timeouts(c)->body_ms);
    loop_ready_add(c->sock.w->loop, &c->sock.ready);
}

static void op_check(struct stream *s)
{
    struct conn *c = conn_of(s);

    if (!wants_input(c))
        return;
    c->sock.can_read = true;
    loop_ready_add(c->sock.w->loop, &c->sock.ready);
}

/* The exchange is over; op_end() or op_reset() came before. */
static void op_release(struct stream *s)
{
    struct conn *c = conn_of(s);

    s->x = NULL;
    if (c->state == CONN_GONE)
        return;
    if (c->state != CONN_WAIT)
        c->close_after = true;
    conn_next(c);
}

static const struct stream_ops conn_ops = {
    .head = op_head,
    .data = op_data,
    .splice = op_splice,
    .end = op_end,
    .reset = op_reset,
    .resume = op_resume,
    .check = op_check,
    .release = op_release,
};

/* ---- life ---- */

static void expect_header(struct conn *c)
{
    sock_expect(&c->sock);
    if (listener_may_tell(c->lis->cfg, &c->client.from.any))
        return;
    deny(c, "peer is not in proxy_from");
    conn_close(c);
}

void conn_new(struct worker *w, int fd, struct listener *lis,
              const union proxyproto_addr *from)
{
    struct conn *c = MEM_NEW(struct conn);

    sock_open(&c->sock, w, fd, on_io, on_ready);
    c->magic = CONN_MAGIC;
    c->lis = lis;
    if (lis->tls != NULL)
        sock_serve_tls(&c->sock, lis->tls);
    client_init(&c->client, fd, from, lis->cfg->bind.port);
    loop_timer_init(&c->timer, on_timer);
    deadline(c, timeouts(c)->head_ms);
    list_add_tail(&w->conns, &c->node);
    STATS_INC(w->stats->accepted);
    STATS_INC(w->stats->connections);
    atomic_fetch_add_explicit(&lis->front->open, 1, memory_order_relaxed);
    if (lis->cfg->proxy_protocol)
        expect_header(c);
}

struct conn *conn_from_node(struct list *node)
{
    return CONTAINER_OF(node, struct conn, node);
}

void conn_drain(struct conn *c)
{
    c->close_after = true;
    if (c->state == CONN_H2) {
        h2conn_drain(c->h2);
        return;
    }
    if (c->state != CONN_HEAD || kept(c) > 0)
        return; /* busy: it ends after its answer */
    if (sock_unsent(&c->sock) > 0)
        conn_next(c); /* the last answer is not out yet */
    else
        conn_close(c);
}

void conn_free_spare(struct worker *w)
{
    while (w->spare_turns != NULL) {
        struct conn_turn *next = w->spare_turns->next;

        free(w->spare_turns);
        w->spare_turns = next;
    }
}

void conn_kill(struct conn *c)
{
    if (served_by(c) != NULL)
        forward_down_fault(served_by(c), FAULT_CANCEL);
    if (c->h2 != NULL)
        h2conn_kill(c->h2);
    conn_close(c);
}
