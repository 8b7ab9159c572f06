#include "proxy/h2up.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/dial.h"
#include "proxy/forward.h"
#include "proxy/h2/wskey.h"
#include "proxy/h2link.h"
#include "proxy/lex.h"
#include "proxy/waitq.h"

#define H2UP_MAGIC 0x48325550u
/* A backend's answer may have a larger head than we let clients send. */
#define MAX_HEAD_BYTES 65536
#define STREAM_WINDOW  65536
#define LINK_WINDOW    1048576

enum h2up_state {
    H2UP_CONNECTING,
    H2UP_GREETING, /* connected; SETTINGS are awaited */
    H2UP_OPEN,
    H2UP_GONE,
};

struct h2up {
    struct sock sock; /* first */
    uint32_t magic;
    uint8_t state;
    bool settled;    /* SETTINGS came */
    bool idle;       /* counted as unused */
    bool kept;       /* it was, and nothing has come since */
    bool leaving;    /* no more requests */
    bool gone_away;  /* the backend said so */
    bool pinged;     /* an answer is due */
    uint32_t in_use; /* streams, until the library has closed them */
    struct h2link link;
    struct loop_timer timer;
    struct worker_dead dead;
    struct list node;      /* in worker_links() */
    struct client_tie tie; /* to the client it was announced for */
    struct backend *backend;
    uint32_t connect_ms, idle_ms;
};

static const struct stream_ops h2up_ops;
static const struct h2link_ops link_ops;

static struct h2stream *stream_of(struct stream *s)
{
    return (struct h2stream *)(void *)s;
}

static struct h2up *up_of(const struct h2link *l)
{
    return CONTAINER_OF(l, struct h2up, link);
}

static void deadline(struct h2up *u, uint32_t ms)
{
    struct loop *l = u->sock.w->loop;

    loop_timer_set(l, &u->timer, loop_now(l) + (mono_us)ms * US_PER_MS);
}

static uint32_t response_ms(const struct h2stream *s)
{
    return s->stream.x->service->cfg->response_timeout_ms;
}

/* ---- life ------------------------------------------------------------------------------
 */

static void h2up_free(struct worker_dead *d)
{
    struct h2up *u = CONTAINER_OF(d, struct h2up, dead);

    backend_unref(u->backend);
    OBJ_DEAD(u);
    free(u);
}

static void leave_idle(struct h2up *u)
{
    if (u->idle)
        backend_idle_release(u->backend);
    u->idle = false;
}

/* Closes; no stream belongs to an exchange any more. */
static void h2up_close(struct h2up *u)
{
    struct worker *w = u->sock.w;

    if (u->state == H2UP_GONE)
        return;
    leave_idle(u);
    client_untie(&u->tie);
    u->state = H2UP_GONE;
    list_remove(&u->node);
    sock_uncork(w); /* it may borrow from the streams' queues */
    h2link_close(&u->link);
    sock_close(&u->sock);
    loop_timer_remove(&u->timer);
    backend_connection_release(u->backend);
    STATS_ADD(w->stats->upstream_connections, -1);
    STATS_ADD(w->stats->h2_upstream_connections, -1);
    worker_bury(w, &u->dead, h2up_free);
}

/* The connection is broken: so is what was under way on it. */
static void h2up_fault(struct h2up *u, enum stream_fault why)
{
    list_remove(&u->node); /* what is tried again is not tried here */
    client_untie(&u->tie);
    LIST_EACH (n, &u->link.streams) {
        struct h2stream *s = CONTAINER_OF(n, struct h2stream, node);

        s->closed = true;
        if (s->stream.x != NULL)
            forward_up_fault(s->stream.x, why);
    }
    h2up_close(u);
}

/* Says goodbye, as far as the socket takes it at once. */
static void h2up_end(struct h2up *u)
{
    if (u->state == H2UP_OPEN) {
        h2link_fail(&u->link, NGHTTP2_NO_ERROR);
        h2link_run(&u->link);
    }
    h2up_close(u);
}

/* Ends once nothing is under way on it: in a later turn, we may be inside its input. */
static void on_client_gone(struct client_tie *t)
{
    struct h2up *u = CONTAINER_OF(t, struct h2up, tie);

    leave_idle(u);
    u->leaving = true;
    h2link_wake(&u->link);
}

static bool serves_nobody(const struct h2up *u)
{
    for (struct list *n = u->link.streams.next; n != &u->link.streams; n = n->next)
        if (CONTAINER_OF(n, struct h2stream, node)->stream.x != NULL)
            return false;
    return true;
}

/* ---- answers in ------------------------------------------------------------------------
 */

/* The backend broke the protocol on one stream. */
static void spoil(struct h2stream *s)
{
    struct exchange *x = s->stream.x;

    h2link_reset(s, NGHTTP2_PROTOCOL_ERROR);
    if (x != NULL)
        forward_up_fault(x, FAULT_BAD);
}

static void take_trailers(struct h2stream *s)
{
    struct block *b = &s->link->pool->block;

    if (!block_trailers(b))
        spoil(s);
    else if (s->stream.x != NULL)
        forward_response_end(s->stream.x, &b->m);
}

static void take_head(struct h2stream *s, bool end)
{
    struct block *b = &s->link->pool->block;
    bool opens;

    if (!block_response(b, s->method, end)) {
        spoil(s);
        return;
    }
    h2link_deadline(s, response_ms(s));
    if (b->m.status < 200) {
        forward_response(s->stream.x, &b->m, false);
        return;
    }
    opens = s->ws_accept != NULL && b->m.status < 300;
    if (opens && !block_switched(b, s->ws_accept)) {
        spoil(s);
        return;
    }
    s->answered = true;
    s->tunnel = opens;
    if (opens)
        loop_timer_clear(&s->timer);
    forward_response(s->stream.x, &b->m, b->m.body == BODY_NONE);
    if (opens && end && s->stream.x != NULL)
        forward_response_end(s->stream.x, NULL);
}

static void on_block(struct h2link *l, struct h2stream *s, int32_t id, bool end)
{
    (void)l;
    (void)id;
    if (s == NULL || s->stream.x == NULL)
        return;
    if (s->answered)
        take_trailers(s);
    else
        take_head(s, end);
}

static void on_data(struct h2stream *s, const uint8_t *p, size_t n)
{
    if (s->stream.x == NULL) {
        h2link_credit(s, n);
        return;
    }
    if (!s->tunnel)
        h2link_deadline(s, response_ms(s));
    s->held += (uint32_t)n;
    if (forward_response_data(s->stream.x, p, n))
        h2link_credit_held(s);
}

static void on_end(struct h2stream *s)
{
    if (s->stream.x != NULL)
        forward_response_end(s->stream.x, NULL);
}

/* A stream has gone: there is room for another. */
static void give_room(struct h2up *u)
{
    u->in_use--;
    if (waitq_anybody(u->backend->home))
        waitq_kick(u->sock.w, u->backend->home);
}

/* What a GOAWAY leaves out was not looked at either: the connection ended meanwhile. */
static enum stream_fault closed_by(const struct h2stream *s)
{
    if (s->error != NGHTTP2_REFUSED_STREAM)
        return FAULT_RESET;
    return up_of(s->link)->gone_away ? FAULT_UNSENT : FAULT_REFUSED;
}

static void on_closed(struct h2stream *s)
{
    give_room(up_of(s->link));
    if (s->stream.x != NULL)
        forward_up_fault(s->stream.x, closed_by(s));
    CHECK(s->stream.x == NULL);
}

static void on_room(struct h2stream *s)
{
    if (s->stream.x != NULL)
        forward_up_room(s->stream.x);
}

/* While a body goes up the backend may take its time, but not stand still. */
static void on_moved(struct h2stream *s, bool sent)
{
    if (s->stream.x == NULL || s->answered)
        return;
    if (h2link_pending(s) == 0 && !s->ended)
        loop_timer_clear(&s->timer);
    else if (sent || s->timer.due == 0)
        h2link_deadline(s, response_ms(s));
}

static void on_timeout(struct h2stream *s)
{
    struct exchange *x = s->stream.x;

    if (s->closed)
        return;
    if (x != NULL && s->held > 0) { /* the client is the slow one */
        h2link_deadline(s, response_ms(s));
        return;
    }
    h2link_reset(s, NGHTTP2_CANCEL);
    if (x != NULL)
        forward_up_fault(x, FAULT_TIMEOUT);
}

static void on_settings(struct h2link *l)
{
    up_of(l)->settled = true;
}

static void on_goaway(struct h2link *l)
{
    up_of(l)->leaving = up_of(l)->gone_away = true;
}

static void on_ping_answered(struct h2link *l)
{
    up_of(l)->pinged = false;
}

static const struct h2link_ops link_ops = {
    .block = on_block,
    .data = on_data,
    .end = on_end,
    .closed = on_closed,
    .room = on_room,
    .moved = on_moved,
    .settings = on_settings,
    .goaway = on_goaway,
    .ping_answered = on_ping_answered,
    .timeout = on_timeout,
};

/* ---- the connection --------------------------------------------------------------------
 */

/* The backend that spoke HTTP/2 before now speaks something else, or never did. */
static void not_agreed(struct h2up *u)
{
    bool may_change = u->backend->protocol == CFG_PROTOCOL_AUTO;

    atomic_store_explicit(&u->backend->shared->agrees_on_h2, false, memory_order_relaxed);
    if (!may_change)
        log_warn("pool", "no HTTP/2 with backend addr=%s", u->backend->addr.text);
    h2up_fault(u, may_change ? FAULT_UNSENT : FAULT_CONNECT);
}

static void connected(struct h2up *u)
{
    switch (dial_look(&u->sock, u->backend)) {
    case DIALLED_NOT_YET:
        return;
    case DIALLED_NOBODY:
        h2up_fault(u, FAULT_CONNECT);
        return;
    case DIALLED_UNTRUSTED:
        h2up_fault(u, FAULT_TLS);
        return;
    case DIALLED:
        break;
    }
    if (u->sock.tls != NULL && !sock_agreed_on_h2(&u->sock)) {
        not_agreed(u);
        return;
    }
    u->state = H2UP_GREETING;
    h2link_wake(&u->link);
}

static uint32_t allowed(const struct h2up *u)
{
    return nghttp2_session_get_remote_settings(u->link.session,
                                               NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

/* SETTINGS are here: who waited for them begins. */
static void open_for_use(struct h2up *u)
{
    u->state = H2UP_OPEN;
    atomic_store_explicit(&u->backend->shared->h2_allows, allowed(u), memory_order_relaxed);
    LIST_EACH (n, &u->link.streams) {
        struct h2stream *s = CONTAINER_OF(n, struct h2stream, node);

        if (s->id < 0 && s->stream.x != NULL)
            forward_connected(s->stream.x);
    }
}

/* Unused: kept for a while, or closed.  In use: asked for a sign of life, if that is
 * wanted. */
static void keep_time(struct h2up *u)
{
    const struct backend *be = u->backend;

    if (u->in_use > 0) {
        if (be->ping_ms == 0)
            loop_timer_clear(&u->timer);
        else if (!u->pinged)
            deadline(u, be->ping_ms);
        return;
    }
    if (u->idle)
        return;
    if (u->leaving || u->sock.w->draining || !backend_stays(be) ||
        !backend_idle_reserve(u->backend)) {
        h2up_end(u);
        return;
    }
    u->idle = true;
    deadline(u, u->idle_ms);
}

/*
 * A backend may close a kept connection whenever it likes, also while requests are on their
 * way to it: no failure of theirs (RFC 9113, 9.1).
 */
static enum stream_fault broken_by(const struct h2up *u)
{
    if (u->state != H2UP_OPEN)
        return FAULT_CONNECT;
    if (u->link.dead)
        return FAULT_BAD;
    if (u->kept)
        return u->sock.sent ? FAULT_STALE : FAULT_UNSENT;
    return FAULT_RESET;
}

static void h2up_run(struct h2up *u)
{
    bool more;

    if (u->sock.out.len > 0 && u->sock.can_write)
        sock_drain(&u->sock);
    u->link.heard = false;
    more = h2link_read(&u->link);
    if (u->link.heard)
        u->pinged = u->kept = false;
    if (u->settled && u->state == H2UP_GREETING)
        open_for_use(u);
    h2link_run(&u->link);
    if (!more || u->sock.failed || h2link_over(&u->link)) {
        h2up_fault(u, broken_by(u));
        return;
    }
    if (u->state == H2UP_OPEN)
        keep_time(u);
}

static void on_io(struct loop_io *io, unsigned what)
{
    struct h2up *u;

    OBJ_FROM(u, (void *)io, H2UP_MAGIC);
    sock_note(&u->sock, what);
    if (u->state == H2UP_CONNECTING)
        connected(u);
    if (u->state == H2UP_GREETING || u->state == H2UP_OPEN)
        h2up_run(u);
}

static void on_ready(struct loop_ready *r)
{
    struct h2up *u;

    OBJ_FROM(u, (void *)CONTAINER_OF(r, struct sock, ready), H2UP_MAGIC);
    if (u->state == H2UP_GREETING || u->state == H2UP_OPEN)
        h2up_run(u);
}

static void on_timer(struct loop_timer *t)
{
    struct h2up *u = CONTAINER_OF(t, struct h2up, timer);

    if (u->idle) {
        h2up_end(u);
    } else if (u->state != H2UP_OPEN || u->pinged) {
        h2up_fault(u, FAULT_TIMEOUT);
    } else {
        nghttp2_submit_ping(u->link.session, NGHTTP2_FLAG_NONE, NULL);
        u->pinged = true;
        deadline(u, u->backend->ping_ms);
        h2link_wake(&u->link);
    }
    sock_uncork(u->sock.w);
}

/* ---- requests out: the stream's operations ---------------------------------------------
 */

/* What the answer to an upgrade has to prove. */
static void keep_accept(struct h2stream *s, const struct msg *m)
{
    const struct field *f = msg_find_name(m, "sec-websocket-key", 17);

    s->ws_accept = mem_new(1, WSKEY_ACCEPT + 1);
    if (f != NULL)
        wskey_accept(msg_value(m, f), f->value_len, s->ws_accept);
}

static bool takes_tunnels(const struct h2stream *s, const struct msg *m)
{
    return LEX_IS(msg_at(m, m->upgrade), m->upgrade.len, "websocket") &&
           nghttp2_session_get_remote_settings(
               s->link->session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

static bool write_request(struct h2stream *s, const struct msg *m)
{
    const struct h2link *l = s->link;

    return pairs_request(&l->pool->pairs, m, l->sock->tls != NULL ? "https" : "http",
                         backend_host(&up_of(l)->backend->addr));
}

static void op_head(struct stream *st, const struct msg *m, bool end)
{
    struct h2stream *s = stream_of(st);
    bool upgrade = (m->flags & MSG_UPGRADE) != 0;

    s->method = m->method_id;
    if ((upgrade && !takes_tunnels(s, m)) || !write_request(s, m)) {
        h2link_give_up(s, NGHTTP2_HTTP_1_1_REQUIRED);
        return;
    }
    if (upgrade)
        keep_accept(s, m);
    h2link_ask(s, end && !upgrade);
    if (end)
        h2link_deadline(s, response_ms(s));
}

static bool op_data(struct stream *st, const uint8_t *p, size_t n)
{
    return h2link_send(stream_of(st), p, n);
}

static void op_end(struct stream *st, const struct msg *trailers)
{
    struct h2stream *s = stream_of(st);

    h2link_end(s, trailers);
    if (!s->closed && !s->tunnel && s->stream.x != NULL)
        h2link_deadline(s, response_ms(s));
}

static void op_reset(struct stream *st, enum stream_fault why)
{
    struct h2stream *s = stream_of(st);

    (void)why;
    st->x = NULL;
    if (s->id < 0 && !s->closed) {
        give_room(up_of(s->link));
        h2link_wake(s->link);
        h2link_drop(s);
        return;
    }
    loop_timer_clear(&s->timer);
    h2link_reset(s, NGHTTP2_CANCEL);
}

static void op_release(struct stream *st)
{
    struct h2stream *s = stream_of(st);

    st->x = NULL;
    loop_timer_clear(&s->timer);
    h2link_credit_held(s);
    if (!s->remote_ended)
        h2link_reset(s, NGHTTP2_NO_ERROR);
}

static void op_resume(struct stream *st)
{
    h2link_credit_held(stream_of(st));
}

static void op_check(struct stream *st)
{
    struct h2link *l = stream_of(st)->link;

    if (up_of(l)->state == H2UP_CONNECTING)
        return;
    l->sock->can_read = true;
    h2link_wake(l);
}

static const struct stream_ops h2up_ops = {
    .head = op_head,
    .data = op_data,
    .end = op_end,
    .reset = op_reset,
    .release = op_release,
    .resume = op_resume,
    .check = op_check,
};

/* ---- getting one -----------------------------------------------------------------------
 */

/* Streams it takes at once: what the backend says, or has said on another connection, and
 * no more than configured. */
static uint32_t room_of(const struct h2up *u)
{
    uint32_t ours = u->backend->h2_streams, theirs;

    if (u->state == H2UP_OPEN)
        theirs = allowed(u);
    else
        theirs = atomic_load_explicit(&u->backend->shared->h2_allows, memory_order_relaxed);
    if (theirs == 0 && u->state != H2UP_OPEN)
        return ours;
    return theirs < ours ? theirs : ours;
}

static bool has_room(const struct h2up *u)
{
    return !u->leaving && !u->link.dead && !u->sock.failed && u->in_use < room_of(u) &&
           nghttp2_session_check_request_allowed(u->link.session) != 0;
}

/* Among those that were announced for x's client. */
static struct h2up *find_own_room(const struct exchange *x)
{
    LIST_EACH (n, client_ties(x->client)) {
        struct client_tie *t = CONTAINER_OF(n, struct client_tie, node);
        struct h2up *u = CONTAINER_OF(t, struct h2up, tie);

        if (t->on_gone == on_client_gone && u->backend == x->backend && has_room(u))
            return u;
    }
    return NULL;
}

static struct h2up *find_room(const struct exchange *x)
{
    struct list *links = worker_links(x->w, x->backend);

    if (x->backend->proxy_protocol != 0)
        return find_own_room(x);
    for (struct list *n = links->next; n != links; n = n->next)
        if (has_room(CONTAINER_OF(n, struct h2up, node)))
            return CONTAINER_OF(n, struct h2up, node);
    return NULL;
}

static void attach(struct h2up *u, struct exchange *x)
{
    struct h2stream *s = h2link_stream(&u->link, -1, &h2up_ops);

    if (u->idle) {
        leave_idle(u);
        u->kept = true;
        u->sock.sent = false;
    }
    u->in_use++;
    s->stream.x = x;
    x->up = &s->stream;
}

static void open_link(struct h2up *u)
{
    struct h2link_settings set = {
        .stream_window = STREAM_WINDOW,
        .link_window = LINK_WINDOW,
        .limits = {MAX_HEAD_BYTES, 0, WORKER_FIELDS},
    };

    h2link_open(&u->link, &u->sock, &set, &link_ops);
    loop_ready_cancel(&u->sock.ready); /* nothing to send before it is connected */
}

/* All but its sock. */
static struct h2up *h2up_new(struct exchange *x)
{
    const struct cfg_service *cfg = x->service->cfg;
    struct h2up *u = MEM_NEW(struct h2up);

    u->magic = H2UP_MAGIC;
    u->backend = backend_ref(x->backend);
    u->connect_ms = cfg->connect_timeout_ms;
    u->idle_ms = cfg->upstream_idle_ms;
    loop_timer_init(&u->timer, on_timer);
    client_tie_init(&u->tie, on_client_gone);
    if (u->backend->proxy_protocol != 0)
        client_tie(x->client, &u->tie);
    list_add_head(worker_links(x->w, x->backend), &u->node);
    STATS_INC(x->w->stats->h2_upstream_connections);
    return u;
}

static enum upstream_got open_new(struct exchange *x, struct h2up **out)
{
    enum upstream_got got;
    int fd = dial(x, &got);
    struct h2up *u;

    if (fd < 0)
        return got;
    u = h2up_new(x);
    dial_open(&u->sock, x, fd, on_io, on_ready);
    open_link(u);
    deadline(u, u->connect_ms);
    *out = u;
    return got;
}

void h2up_adopt(struct sock *sock, struct exchange *x)
{
    struct h2up *u = h2up_new(x);

    atomic_store_explicit(&x->backend->shared->agrees_on_h2, true, memory_order_relaxed);
    sock_move(&u->sock, sock, on_io, on_ready);
    open_link(u);
    u->state = H2UP_GREETING;
    deadline(u, u->connect_ms);
    attach(u, x);
    h2link_wake(&u->link);
}

enum upstream_got h2up_get(struct exchange *x)
{
    struct h2up *u = find_room(x);
    enum upstream_got got;

    if (u == NULL) {
        got = open_new(x, &u);
        if (got != UPSTREAM_CONNECTING)
            return got;
    } else {
        STATS_INC(x->w->stats->upstream_reused);
    }
    attach(u, x);
    return u->state == H2UP_OPEN ? UPSTREAM_READY : UPSTREAM_CONNECTING;
}

void h2up_close_list(struct list *links)
{
    LIST_EACH (n, links) {
        struct h2up *u = CONTAINER_OF(n, struct h2up, node);

        u->leaving = true;
        if (serves_nobody(u))
            h2up_end(u);
    }
}

bool h2up_close_one_idle(struct worker *w, const struct backend *be)
{
    LIST_EACH (n, worker_links(w, be)) {
        struct h2up *u = CONTAINER_OF(n, struct h2up, node);

        if (!u->idle)
            continue;
        h2up_end(u);
        return true;
    }
    return false;
}
