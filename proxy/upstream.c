#include "proxy/upstream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "proxy/client.h"
#include "proxy/dial.h"
#include "proxy/forward.h"
#include "proxy/h1/body.h"
#include "proxy/h1/emit.h"
#include "proxy/h1/head.h"
#include "proxy/h2up.h"
#include "proxy/inbox.h"

#define UPSTREAM_MAGIC 0x55505354u
/* A backend's answer may have a larger head than we let clients send. */
#define MAX_HEAD_BYTES 65536

/* From here on the rest of a body is spliced, in steps. */
#define SPLICE_MIN      16384
#define SPLICE_MAX      262144
#define HEAD_READ_BYTES 4096

enum upstream_state {
    UP_CONNECTING,
    UP_HEAD, /* the request is going out, an answer's head is awaited */
    UP_BODY,
    UP_TRAILERS,
    UP_DONE, /* the answer is complete */
    UP_TUNNEL,
    UP_IDLE, /* kept for the next request */
    UP_GONE,
};

struct upstream {
    struct sock sock; /* first */
    uint32_t magic;
    uint8_t state;
    uint8_t method; /* of the request being served: decides about the answer's body */
    bool keep_alive;
    bool reused;        /* it has served before, and no byte of this answer has come */
    bool chunk_request; /* the body goes up in chunks of our making */
    bool request_over;
    bool stalled;     /* reading the body waits for resume() */
    bool was_spliced; /* the last body: of the next little is read with its head */
    struct stream stream;
    struct loop_timer timer;
    struct worker_dead dead;
    struct list node;      /* in worker_idle() */
    struct client_tie tie; /* to the client it was announced for */
    struct backend *backend;
    const struct cfg_service *cfg; /* of the exchange being served; NULL: idle */
    uint32_t idle_ms;
    struct inbox inbox;
    size_t seen;
    struct body body;
};

static const struct stream_ops upstream_ops;

static struct upstream *upstream_of(struct stream *s)
{
    return CONTAINER_OF(s, struct upstream, stream);
}

static void deadline(struct upstream *u, uint32_t ms)
{
    struct loop *l = u->sock.w->loop;

    loop_timer_set(l, &u->timer, loop_now(l) + (mono_us)ms * US_PER_MS);
}

/* ---- life ---- */

static void upstream_free(struct worker_dead *d)
{
    struct upstream *u = CONTAINER_OF(d, struct upstream, dead);

    backend_unref(u->backend);
    OBJ_DEAD(u);
    free(u);
}

static void leave_idle(struct upstream *u)
{
    list_remove(&u->node);
    backend_idle_release(u->backend);
}

static void upstream_close(struct upstream *u)
{
    struct worker *w = u->sock.w;

    CHECK(u->stream.x == NULL);
    if (u->state == UP_GONE)
        return;
    if (u->state == UP_IDLE)
        leave_idle(u);
    client_untie(&u->tie);
    u->state = UP_GONE;
    sock_uncork(w); /* it may borrow from the inbox */
    sock_close(&u->sock);
    inbox_clear(&u->inbox, &w->bufs);
    loop_timer_remove(&u->timer);
    backend_connection_release(u->backend);
    STATS_ADD(w->stats->upstream_connections, -1);
    worker_bury(w, &u->dead, upstream_free);
}

/* It was announced for a client that is gone. */
static bool of_use_to_nobody(const struct upstream *u)
{
    return u->backend->proxy_protocol != 0 && u->tie.client == NULL;
}

static void on_client_gone(struct client_tie *t)
{
    struct upstream *u = CONTAINER_OF(t, struct upstream, tie);

    if (u->state == UP_IDLE)
        upstream_close(u);
}

/* Keeps the connection for another request, or closes it. */
static void park(struct upstream *u)
{
    bool clean = u->inbox.len == 0 && sock_unsent(&u->sock) == 0 && !u->sock.failed &&
                 !u->sock.peer_closed;

    if (!u->keep_alive || !clean || of_use_to_nobody(u) || u->sock.w->draining ||
        !backend_stays(u->backend) || !backend_idle_reserve(u->backend)) {
        upstream_close(u);
        return;
    }
    u->state = UP_IDLE;
    u->cfg = NULL;
    u->stalled = false;
    list_add_head(worker_idle(u->sock.w, u->backend), &u->node);
    deadline(u, u->idle_ms);
}

/*
 * A backend may close a kept connection whenever it likes, also while a request is on its
 * way to it: no failure of the request's making (RFC 9112, 9.3.1).
 */
static enum stream_fault of_kept(const struct upstream *u, enum stream_fault why)
{
    if (!u->reused || (why != FAULT_RESET && why != FAULT_CLOSED))
        return why;
    return u->sock.sent ? FAULT_STALE : FAULT_UNSENT;
}

/* The backend's side is broken. */
static void upstream_fault(struct upstream *u, enum stream_fault why)
{
    struct exchange *x = u->stream.x;

    if (x != NULL)
        forward_up_fault(x, of_kept(u, why));
    CHECK(u->stream.x == NULL);
    upstream_close(u);
}

/* ---- answers in ---- */

/* The answer is complete; whoever listened is told. */
static void answer_complete(struct upstream *u, const struct msg *trailers)
{
    u->state = UP_DONE;
    loop_timer_clear(&u->timer);
    if (u->stream.x != NULL)
        forward_response_end(u->stream.x, trailers);
}

static void enter_body(struct upstream *u, const struct msg *m)
{
    if (m->body == BODY_TUNNEL) {
        u->state = UP_TUNNEL;
        u->chunk_request = false;
        loop_timer_clear(&u->timer);
        return;
    }
    body_init(&u->body, m);
    u->body.framed = u->stream.framed_in;
    u->was_spliced = false;
    u->state = UP_BODY;
    deadline(u, u->cfg->response_timeout_ms);
}

static bool body_is_empty(const struct msg *m)
{
    return m->body == BODY_NONE || (m->body == BODY_LENGTH && m->content_length == 0);
}

static size_t take_head(struct upstream *u, uint8_t *p, size_t len)
{
    struct head_limits lim = {MAX_HEAD_BYTES, 0, WORKER_FIELDS};
    struct msg m = {
        .fields = u->sock.w->fields, .fields_room = WORKER_FIELDS, .method_id = u->method};
    struct head_fault fault;
    size_t used;
    bool end;

    switch (head_response((char *)p, len, &u->seen, &lim, &m, &fault)) {
    case HEAD_MORE:
        u->sock.can_read = true; /* a reset may have come with the bytes: look */
        return 0;
    case HEAD_BAD:
        upstream_fault(u, FAULT_BAD);
        return 0;
    case HEAD_DONE:
        break;
    }
    used = m.text_len;
    u->seen = 0;
    if (m.status < 200 && m.status != 101) {
        deadline(u, u->cfg->response_timeout_ms);
        forward_response(u->stream.x, &m, false);
        return used;
    }
    u->keep_alive = (m.flags & MSG_KEEP_ALIVE) != 0 && m.body != BODY_CLOSE;
    end = body_is_empty(&m);
    if (end) {
        u->state = UP_DONE;
        loop_timer_clear(&u->timer);
    }
    forward_response(u->stream.x, &m, end);
    if (!end && u->state == UP_HEAD)
        enter_body(u, &m);
    return used;
}

/* A size line that came in two pieces is handed out from the decoder, which may write it
 * again before it is sent. */
static const uint8_t *lasting(struct upstream *u, const uint8_t *in, size_t len,
                              const uint8_t *data, size_t n)
{
    char *copy;

    if (data >= in && data < in + len)
        return data;
    copy = sock_text(u->sock.w, n);
    memcpy(copy, data, n);
    return (const uint8_t *)copy;
}

static size_t take_body(struct upstream *u, uint8_t *p, size_t len)
{
    const uint8_t *data;
    size_t used, n;

    switch (body_next(&u->body, p, len, &used, &data, &n)) {
    case BODY_V_DATA:
        deadline(u, u->cfg->response_timeout_ms);
        data = lasting(u, p, len, data, n);
        if (!forward_response_data(u->stream.x, data, n))
            u->stalled = true;
        if (u->body.kind == BODY_LENGTH && u->body.left == 0 && u->state == UP_BODY)
            answer_complete(u, NULL);
        break;
    case BODY_V_END:
        answer_complete(u, NULL);
        break;
    case BODY_V_TRAILERS:
        u->state = UP_TRAILERS;
        u->seen = 0;
        break;
    case BODY_V_BAD:
        upstream_fault(u, FAULT_BAD);
        break;
    case BODY_V_MORE:
        break;
    }
    return used;
}

static size_t take_trailers(struct upstream *u, uint8_t *p, size_t len)
{
    struct head_limits lim = {MAX_HEAD_BYTES, 0, WORKER_FIELDS};
    struct msg m = {.fields = u->sock.w->fields, .fields_room = WORKER_FIELDS};
    struct head_fault fault;
    size_t used;

    switch (head_trailers((char *)p, len, &u->seen, &lim, &m, &fault)) {
    case HEAD_MORE:
        return 0;
    case HEAD_BAD:
        upstream_fault(u, FAULT_BAD);
        return 0;
    case HEAD_DONE:
        break;
    }
    used = m.text_len;
    answer_complete(u, &m);
    return used;
}

/* Bytes used.  Without an exchange nothing may come: see take_input(). */
static size_t take_some(struct upstream *u, uint8_t *p, size_t len)
{
    switch ((enum upstream_state)u->state) {
    case UP_HEAD:
        return take_head(u, p, len);
    case UP_BODY:
        return take_body(u, p, len);
    case UP_TRAILERS:
        return take_trailers(u, p, len);
    case UP_TUNNEL:
        if (!forward_response_data(u->stream.x, p, len))
            u->stalled = true;
        return len;
    case UP_DONE:
    case UP_CONNECTING:
    case UP_IDLE:
    case UP_GONE:
        break;
    }
    return 0;
}

/* An answer nobody asked for, or more than the answer: never the next one's
 * (RFC 9112, 6.3). */
static void unasked(struct upstream *u)
{
    u->keep_alive = false;
    if (u->stream.x == NULL)
        upstream_close(u);
}

static void take_input(struct upstream *u, uint8_t *p, size_t n)
{
    struct buf_pool *pool = &u->sock.w->bufs;
    size_t len, used;
    uint8_t state;

    p = inbox_view(&u->inbox, pool, p, n, &len);
    do {
        state = u->state;
        used = u->stream.x != NULL ? take_some(u, p, len) : 0;
        p += used;
        len -= used;
    } while (len > 0 && (used > 0 || u->state != state));
    sock_uncork(u->sock.w);
    if (u->state == UP_GONE)
        return;
    if (len > 0 && (u->state == UP_DONE || u->state == UP_IDLE)) {
        inbox_clear(&u->inbox, pool);
        unasked(u);
        return;
    }
    inbox_keep(&u->inbox, pool, p, len);
}

/* After anything that may have ended the exchange.  While there may be more to read it
 * waits: what comes then was not asked for. */
static void settle(struct upstream *u)
{
    if (u->state == UP_DONE && u->stream.x == NULL && !u->sock.can_read)
        park(u);
}

static void input_ended(struct upstream *u)
{
    if (u->state == UP_BODY && u->body.kind == BODY_CLOSE) {
        u->keep_alive = false;
        answer_complete(u, NULL);
        return;
    }
    if (u->state == UP_TUNNEL) {
        u->keep_alive = false;
        if (u->stream.x != NULL)
            forward_response_end(u->stream.x, NULL);
        return;
    }
    if (u->state == UP_DONE) { /* the request is still going up */
        u->keep_alive = false;
        return;
    }
    upstream_fault(u, u->seen > 0 || u->state != UP_HEAD ? FAULT_CLOSED : FAULT_RESET);
}

static bool wants_input(const struct upstream *u)
{
    return u->state != UP_GONE && u->state != UP_CONNECTING && !u->stalled;
}

/* The rest of a body of known length is moved from socket to socket if it is long. */
static bool may_splice(const struct upstream *u)
{
    return u->state == UP_BODY && u->body.kind == BODY_LENGTH &&
           u->body.left >= SPLICE_MIN && u->inbox.len == 0 && u->stream.x != NULL;
}

/* As sock_read(), but the bytes are where they belong. */
static ssize_t splice_some(struct upstream *u)
{
    size_t max = u->body.left < SPLICE_MAX ? (size_t)u->body.left : SPLICE_MAX;
    ssize_t n = forward_response_splice(u->stream.x, &u->sock, max);

    if (n == SOCK_FULL)
        u->stalled = true;
    if (n <= 0)
        return n;
    u->was_spliced = true;
    u->body.left -= (uint64_t)n;
    deadline(u, u->cfg->response_timeout_ms);
    if (u->body.left == 0)
        answer_complete(u, NULL);
    return n;
}

static ssize_t read_once(struct upstream *u)
{
    ssize_t n = may_splice(u) ? splice_some(u) : SOCK_COPY;

    if (n != SOCK_COPY)
        return n;
    n = sock_read(&u->sock, u->sock.w->scratch,
                  u->state == UP_HEAD && u->was_spliced ? HEAD_READ_BYTES
                                                        : SOCK_SCRATCH_BYTES);
    if (n > 0) {
        u->reused = false;
        take_input(u, u->sock.w->scratch, (size_t)n);
    }
    return n;
}

static void read_some(struct upstream *u)
{
    struct worker *w = u->sock.w;
    size_t total = 0;

    for (int i = 0; i < SOCK_TURN_READS && total < SOCK_TURN_BYTES; i++) {
        ssize_t n;

        if (!u->sock.can_read || !wants_input(u))
            return;
        n = read_once(u);
        if (n == SOCK_AGAIN || n == SOCK_FULL)
            return;
        if (n == SOCK_BROKEN) {
            upstream_fault(u, FAULT_RESET);
            return;
        }
        if (n == SOCK_EOF) {
            input_ended(u);
            return;
        }
        total += (size_t)n;
    }
    if (u->sock.can_read && wants_input(u))
        loop_ready_add(w->loop, &u->sock.ready);
}

/* ---- the connection ---- */

/* The backend chose HTTP/2: the connection goes on as an h2up, and with it the exchange. */
static void become_h2(struct upstream *u)
{
    struct exchange *x = u->stream.x;

    u->stream.x = NULL;
    u->state = UP_GONE;
    client_untie(&u->tie);
    loop_timer_remove(&u->timer);
    h2up_adopt(&u->sock, x);
    worker_bury(x->w, &u->dead, upstream_free);
}

static void connected(struct upstream *u)
{
    switch (dial_look(&u->sock, u->backend)) {
    case DIALLED_NOT_YET:
        return;
    case DIALLED_NOBODY:
        upstream_fault(u, FAULT_CONNECT);
        return;
    case DIALLED_UNTRUSTED:
        upstream_fault(u, FAULT_TLS);
        return;
    case DIALLED:
        break;
    }
    if (sock_agreed_on_h2(&u->sock)) {
        become_h2(u);
        return;
    }
    u->state = UP_HEAD;
    loop_timer_clear(&u->timer);
    forward_connected(u->stream.x);
    sock_uncork(u->sock.w);
}

static void write_some(struct upstream *u)
{
    bool room = sock_drain(&u->sock);

    if (u->state == UP_HEAD && sock_unsent(&u->sock) > 0)
        deadline(u, u->cfg->response_timeout_ms);
    else if (u->state == UP_HEAD && !u->request_over)
        loop_timer_clear(&u->timer);
    if (room && u->stream.x != NULL)
        forward_up_room(u->stream.x);
}

static void upstream_run(struct upstream *u)
{
    if (u->sock.failed) {
        /* What the backend said before it closed still counts. */
        u->sock.can_read = true;
        u->keep_alive = false;
        if (wants_input(u))
            read_some(u);
        if (u->state != UP_GONE && u->state != UP_DONE)
            upstream_fault(u, FAULT_RESET);
        settle(u);
        return;
    }
    if (sock_unsent(&u->sock) > 0 && u->sock.can_write)
        write_some(u);
    else if (sock_unsent(&u->sock) > 0 && u->state == UP_HEAD && u->timer.due == 0)
        deadline(u, u->cfg->response_timeout_ms);
    read_some(u);
    settle(u);
}

static void on_io(struct loop_io *io, unsigned what)
{
    struct upstream *u;

    OBJ_FROM(u, (void *)io, UPSTREAM_MAGIC);
    sock_note(&u->sock, what);
    if (u->state == UP_CONNECTING)
        connected(u);
    if (u->state != UP_GONE && u->state != UP_CONNECTING)
        upstream_run(u);
}

static void on_ready(struct loop_ready *r)
{
    struct upstream *u;

    OBJ_FROM(u, (void *)CONTAINER_OF(r, struct sock, ready), UPSTREAM_MAGIC);
    if (u->state == UP_CONNECTING)
        connected(u); /* a part of the handshake waits to be sent, or cannot be */
    else if (u->state != UP_GONE)
        upstream_run(u);
}

static void on_timer(struct loop_timer *t)
{
    struct upstream *u = CONTAINER_OF(t, struct upstream, timer);

    if (u->state == UP_IDLE) {
        upstream_close(u);
        return;
    }
    if (u->stalled) { /* the client is the slow one */
        deadline(u, u->cfg->response_timeout_ms);
        return;
    }
    upstream_fault(u, FAULT_TIMEOUT);
}

/* ---- requests out: the stream's operations ---- */

static void op_head(struct stream *s, const struct msg *m, bool end)
{
    struct upstream *u = upstream_of(s);
    const char *own = backend_host(&u->backend->addr);
    size_t room = m->text_len + (size_t)m->n_fields * 4 + strlen(own) + 256;
    char *out = sock_text(u->sock.w, room);
    size_t n = emit_request(m, own, out, room);

    CHECK(n > 0);
    u->method = m->method_id;
    u->seen = 0;
    u->chunk_request = m->body == BODY_CHUNKED;
    u->request_over = end;
    sock_write(&u->sock, out, n);
    if (end)
        deadline(u, u->cfg->response_timeout_ms);
}

static bool op_data(struct stream *s, const uint8_t *p, size_t n)
{
    struct upstream *u = upstream_of(s);

    if (u->chunk_request) {
        char *out = sock_text(u->sock.w, 24);

        sock_write(&u->sock, out, emit_chunk_size(n, out, 24));
    }
    sock_write(&u->sock, p, n);
    if (u->chunk_request)
        sock_write(&u->sock, "\r\n", 2);
    return sock_has_room(&u->sock);
}

static void op_end(struct stream *s, const struct msg *trailers)
{
    struct upstream *u = upstream_of(s);

    if (u->state == UP_TUNNEL) {
        sock_shutdown(&u->sock);
        return;
    }
    if (u->chunk_request) {
        size_t room =
            trailers != NULL ? trailers->text_len + 4u * trailers->n_fields + 16 : 16;
        char *out = sock_text(u->sock.w, room);

        sock_write(&u->sock, out, emit_chunk_end(trailers, out, room));
    }
    u->request_over = true;
    if (u->state == UP_HEAD)
        deadline(u, u->cfg->response_timeout_ms);
}

static void op_reset(struct stream *s, enum stream_fault why)
{
    struct upstream *u = upstream_of(s);

    (void)why;
    s->x = NULL;
    upstream_close(u);
}

static void op_release(struct stream *s)
{
    struct upstream *u = upstream_of(s);

    s->x = NULL;
    if (u->state != UP_DONE)
        upstream_close(u);
    /* else we are inside its own input: settle() follows */
}

static void op_resume(struct stream *s)
{
    struct upstream *u = upstream_of(s);

    if (!u->stalled)
        return;
    u->stalled = false;
    loop_ready_add(u->sock.w->loop, &u->sock.ready);
}

static void op_check(struct stream *s)
{
    struct upstream *u = upstream_of(s);

    if (!wants_input(u))
        return;
    u->sock.can_read = true;
    loop_ready_add(u->sock.w->loop, &u->sock.ready);
}

static const struct stream_ops upstream_ops = {
    .head = op_head,
    .data = op_data,
    .end = op_end,
    .reset = op_reset,
    .release = op_release,
    .resume = op_resume,
    .check = op_check,
};

/* ---- getting one ---- */

/* Unused and x's client's own, or NULL. */
static struct upstream *find_own(const struct exchange *x)
{
    LIST_EACH (n, client_ties(x->client)) {
        struct client_tie *t = CONTAINER_OF(n, struct client_tie, node);
        struct upstream *u = CONTAINER_OF(t, struct upstream, tie);

        if (t->on_gone == on_client_gone && u->backend == x->backend && u->state == UP_IDLE)
            return u;
    }
    return NULL;
}

static struct upstream *find_idle(const struct exchange *x)
{
    struct list *idle = worker_idle(x->w, x->backend);

    if (x->backend->proxy_protocol != 0)
        return find_own(x);
    return list_empty(idle) ? NULL : LIST_FIRST(idle, struct upstream, node);
}

static struct upstream *take_idle(const struct exchange *x)
{
    struct upstream *u = find_idle(x);

    if (u == NULL)
        return NULL;
    leave_idle(u);
    u->state = UP_HEAD;
    u->reused = true;
    u->sock.sent = false;
    loop_timer_clear(&u->timer);
    STATS_INC(x->w->stats->upstream_reused);
    return u;
}

static void attach(struct upstream *u, struct exchange *x)
{
    u->cfg = x->service->cfg;
    u->idle_ms = u->cfg->upstream_idle_ms;
    u->keep_alive = true;
    u->stream = (struct stream){.ops = &upstream_ops, .x = x, .h1_chunks = true};
    x->up = &u->stream;
}

static enum upstream_got open_new(struct exchange *x)
{
    enum upstream_got got;
    int fd = dial(x, &got);
    struct upstream *u;

    if (fd < 0)
        return got;
    u = MEM_NEW(struct upstream);
    dial_open(&u->sock, x, fd, on_io, on_ready);
    client_tie_init(&u->tie, on_client_gone);
    if (x->backend->proxy_protocol != 0)
        client_tie(x->client, &u->tie);
    u->magic = UPSTREAM_MAGIC;
    u->state = UP_CONNECTING;
    u->backend = backend_ref(x->backend);
    list_init(&u->node);
    loop_timer_init(&u->timer, on_timer);
    attach(u, x);
    deadline(u, u->cfg->connect_timeout_ms);
    return got;
}

/* Which version a new connection to a backend speaks, as far as that is known before. */
static bool speaks_h2(const struct backend *be)
{
    if (be->protocol == CFG_PROTOCOL_AUTO && be->tls != NULL)
        return atomic_load_explicit(&be->shared->agrees_on_h2, memory_order_relaxed);
    return be->protocol == CFG_PROTOCOL_H2;
}

static enum upstream_got get_any(struct exchange *x, bool fresh)
{
    struct upstream *u;
    enum upstream_got got;

    if (speaks_h2(x->backend))
        return h2up_get(x);
    u = fresh ? NULL : take_idle(x);
    if (u == NULL) {
        got = open_new(x);
        if (got != UPSTREAM_FULL || !fresh)
            return got;
        u = take_idle(x);
        if (u == NULL)
            return UPSTREAM_FULL;
    }
    attach(u, x);
    return UPSTREAM_READY;
}

enum upstream_got upstream_get(struct exchange *x, bool fresh)
{
    enum upstream_got got = get_any(x, fresh);

    /* What is unused may be another client's. */
    if (got == UPSTREAM_FULL && x->backend->proxy_protocol != 0 &&
        upstream_close_one_idle(x->w, x->backend))
        got = get_any(x, fresh);
    return got;
}

void upstream_close_list(struct list *idle)
{
    while (!list_empty(idle))
        upstream_close(LIST_LAST(idle, struct upstream, node));
}

bool upstream_close_one_idle(struct worker *w, const struct backend *be)
{
    struct list *idle = worker_idle(w, be);

    if (list_empty(idle))
        return h2up_close_one_idle(w, be);
    upstream_close(LIST_LAST(idle, struct upstream, node));
    return true;
}
