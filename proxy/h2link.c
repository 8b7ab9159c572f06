#include "proxy/h2link.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

/* Frames are gathered in pieces of this size. */
#define OUT_BYTES 8192
/* A piece of a body up to this size is copied among them, which saves a vector entry. */
#define COPY_BYTES 2048
/* From here on a piece of a body is not kept for the end of the turn. */
#define LEND_BYTES    8192
#define SPARE_STREAMS 1024

_Static_assert(PAIRS_MAX >= EXCHANGE_FIELDS_MAX + PAIRS_EXTRA, "a head must fit");

static struct worker *worker_of(const struct h2link *l)
{
    return l->sock->w;
}

static struct buf_pool *bufs_of(const struct h2link *l)
{
    return &l->sock->w->bufs;
}

void h2link_wake(struct h2link *l)
{
    if (l->sock->fd >= 0)
        loop_ready_add(worker_of(l)->loop, &l->sock->ready);
}

/* ---- streams ---------------------------------------------------------------------------
 */

static void on_stream_timer(struct loop_timer *t)
{
    struct h2stream *s = CONTAINER_OF(t, struct h2stream, timer);
    struct h2link *l = s->link;

    l->ops->timeout(s);
    h2link_wake(l);
    sock_uncork(worker_of(l));
}

struct h2stream *h2link_stream(struct h2link *l, int32_t id, const struct stream_ops *ops)
{
    struct h2pool *pool = l->pool;
    struct h2stream *s;

    if (pool->n_spare > 0) {
        s = LIST_FIRST(&pool->spare, struct h2stream, node);
        list_remove(&s->node);
        pool->n_spare--;
    } else {
        s = mem_grow(NULL, 1, sizeof(*s));
    }
    *s = (struct h2stream){.link = l, .id = id, .stream = {.ops = ops}};
    list_init(&s->todo);
    loop_timer_init(&s->timer, on_stream_timer);
    list_add_tail(&l->streams, &s->node);
    l->n_streams++;
    if (id > 0)
        nghttp2_session_set_stream_user_data(l->session, id, s);
    return s;
}

static void free_stream(struct h2stream *s)
{
    struct h2link *l = s->link;
    struct h2pool *pool = l->pool;

    CHECK(s->stream.x == NULL && s->n_lent == 0);
    loop_timer_remove(&s->timer);
    bufq_clear(bufs_of(l), &s->out);
    bufq_clear(bufs_of(l), &s->early);
    free(s->trailers);
    free(s->ws_accept);
    list_remove(&s->todo);
    list_remove(&s->node);
    l->n_streams--;
    if (pool->n_spare >= SPARE_STREAMS) {
        free(s);
        return;
    }
    list_add_head(&pool->spare, &s->node);
    pool->n_spare++;
}

void h2link_drop(struct h2stream *s)
{
    CHECK(s->id < 0);
    free_stream(s);
}

void h2link_deadline(struct h2stream *s, uint32_t ms)
{
    struct loop *loop = worker_of(s->link)->loop;

    loop_timer_set(loop, &s->timer, loop_now(loop) + (mono_us)ms * US_PER_MS);
}

/* ---- what the library calls ------------------------------------------------------------
 */

static struct h2stream *stream_at(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct h2link *l = ctx;

    (void)session;
    (void)frame;
    block_begin(&l->pool->block, &l->limits, h2pool_storage(l->pool));
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
                     nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags, void *ctx)
{
    struct h2link *l = ctx;
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name), v = nghttp2_rcbuf_get_buf(value);

    (void)session;
    (void)frame;
    (void)flags;
    block_add(&l->pool->block, (const char *)n.base, n.len, (const char *)v.base, v.len);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *ctx)
{
    struct h2link *l = ctx;
    struct h2stream *s = stream_at(session, id);

    (void)flags;
    nghttp2_session_consume_connection(session, len);
    if (s == NULL || s->closed) {
        nghttp2_session_consume_stream(session, id, len);
        return 0;
    }
    s->received += len;
    l->ops->data(s, data, len);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct h2link *l = ctx;
    struct h2stream *s = stream_at(session, frame->hd.stream_id);
    bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (s != NULL && end)
            s->remote_ended = true;
        l->ops->block(l, s, frame->hd.stream_id, end);
        break;
    case NGHTTP2_DATA:
        if (s == NULL || !end)
            break;
        s->remote_ended = true;
        l->ops->end(s);
        break;
    case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0 && l->ops->settings != NULL)
            l->ops->settings(l);
        break;
    case NGHTTP2_GOAWAY:
        if (l->ops->goaway != NULL)
            l->ops->goaway(l);
        break;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
            l->ops->ping_answered(l);
        break;
    default:
        break;
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *ctx)
{
    struct h2link *l = ctx;
    struct h2stream *s = stream_at(session, id);

    if (s == NULL || s->closed)
        return 0;
    s->closed = true;
    s->error = error;
    if (list_empty(&s->todo)) /* else it is in `sent`, and moves on from there */
        list_add_tail(&l->closed, &s->todo);
    return 0;
}

static void note_reset(struct h2link *l, uint32_t id)
{
    uint32_t *at = &l->resets_at[l->n_resets++ % N_ELEMS(l->resets_at)];

    if (*at > l->resets_before)
        l->resets_before = *at;
    *at = id;
}

void h2link_pay_reset(struct h2link *l)
{
    if (!sieve_spend(&l->resets, l->reset_rate, (uint64_t)loop_now(worker_of(l)->loop)))
        h2link_fail(l, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* What the peer made us break off is paid for as if it had done so itself: nearly all such
 * resets are the library's own. */
static void reset_sent(struct h2link *l, const nghttp2_rst_stream *f)
{
    struct h2stream *s = stream_at(l->session, f->hd.stream_id);

    note_reset(l, (uint32_t)f->hd.stream_id);
    if (f->error_code == NGHTTP2_NO_ERROR || f->error_code == NGHTTP2_INTERNAL_ERROR ||
        f->error_code == NGHTTP2_CANCEL)
        return;
    if (s != NULL)
        s->broken = true;
    if (l->server)
        STATS_INC(worker_of(l)->stats->refused[REFUSAL_MALFORMED]);
    h2link_pay_reset(l);
}

/* A whole answer has gone out while the request still comes: it need not (RFC 9113, 8.1).
 */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct h2link *l = ctx;
    int32_t id = frame->hd.stream_id;
    struct h2stream *s;

    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        reset_sent(l, &frame->rst_stream);
        return 0;
    }
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        l->broken = true;
    if (!l->server || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 ||
        (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS))
        return 0;
    s = stream_at(session, id);
    if (s != NULL && !s->remote_ended && !s->whole && s->stream.x == NULL)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
    return 0;
}

/* The library refused a frame by itself: more of its stream may be in the same input. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *ctx)
{
    struct h2link *l = ctx;
    bool was_read = error == NGHTTP2_ERR_HTTP_HEADER || error == NGHTTP2_ERR_HTTP_MESSAGING;

    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    note_reset(l, (uint32_t)frame->hd.stream_id);
    if (l->ops->refused != NULL && (was_read || error == NGHTTP2_ERR_REFUSED_STREAM) &&
        stream_at(session, frame->hd.stream_id) == NULL)
        l->ops->refused(l, was_read);
    return 0;
}

/* ---- sending ---------------------------------------------------------------------------
 */

static void put_text(struct h2link *l)
{
    struct h2pool *pool = l->pool;

    if (pool->out != NULL)
        sock_write(l->sock, pool->out, pool->n_out);
    pool->out = NULL;
}

/* Copies among what is gathered. */
static void put(struct h2link *l, const uint8_t *p, size_t n)
{
    struct h2pool *pool = l->pool;

    while (n > 0) {
        size_t k;

        if (pool->out == NULL) {
            pool->out = sock_text(worker_of(l), OUT_BYTES);
            pool->n_out = 0;
        }
        k = OUT_BYTES - pool->n_out < n ? OUT_BYTES - pool->n_out : n;
        memcpy(pool->out + pool->n_out, p, k);
        pool->n_out += k;
        p += k;
        n -= k;
        if (pool->n_out == OUT_BYTES)
            put_text(l);
    }
}

static void put_body(struct h2link *l, const uint8_t *p, size_t n)
{
    if (n <= COPY_BYTES) {
        put(l, p, n);
        return;
    }
    put_text(l);
    sock_write(l->sock, p, n);
}

/* n bytes of what is pending: of the queue first. */
static void put_pending(struct h2stream *s, size_t n)
{
    struct h2link *l = s->link;
    struct iovec iov[4];

    while (n > 0 && s->sent < s->out.len) {
        size_t k;

        bufq_iov(&s->out, s->sent, iov, 1);
        k = iov[0].iov_len < n ? iov[0].iov_len : n;
        put_body(l, iov[0].iov_base, k);
        s->sent += k;
        n -= k;
    }
    if (n == 0)
        return;
    CHECK(n <= s->n_lent);
    put_body(l, s->lent, n);
    s->lent += n;
    s->n_lent -= n;
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                     size_t len, nghttp2_data_source *source, void *ctx)
{
    struct h2link *l = ctx;
    struct h2stream *s = source->ptr;

    (void)session;
    (void)frame;
    if (l->sock->out.len > SOCK_OUT_LOW || l->sock->failed)
        return NGHTTP2_ERR_WOULDBLOCK;
    put(l, head, 9);
    put_pending(s, len);
    if (list_empty(&s->todo))
        list_add_tail(&l->sent, &s->todo);
    return 0;
}

static bool submit_trailers(struct h2stream *s)
{
    struct pairs *p = &s->link->pool->pairs;

    return pairs_trailers(p, s->trailers) && p->n > 0 &&
           nghttp2_submit_trailer(s->link->session, s->id, p->nv, p->n) == 0;
}

/* nghttp2's signature. */
static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buf, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
    struct h2stream *s = source->ptr;
    size_t have = h2link_pending(s), n = have < room ? have : room;

    (void)session;
    (void)id;
    (void)buf;
    (void)ctx;
    if (have == 0 && !s->ended) {
        s->waits = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (s->ended && n == have) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->trailers != NULL && submit_trailers(s))
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return (ssize_t)n;
}

/* What left the queues and is with the kernel, or copied, is given back. */
static void settle_sent(struct h2link *l)
{
    if (list_empty(&l->sent))
        return;
    sock_uncork(worker_of(l)); /* it borrows from the queues */
    while (!list_empty(&l->sent)) {
        struct h2stream *s = LIST_FIRST(&l->sent, struct h2stream, todo);

        list_remove(&s->todo);
        bufq_consume(bufs_of(l), &s->out, s->sent);
        s->sent = 0;
        if (s->closed)
            list_add_tail(&l->closed, &s->todo);
        else
            l->ops->moved(s, true);
        if (s->was_full && s->out.len <= SOCK_OUT_LOW)
            l->relieved = true;
    }
}

static void flush(struct h2link *l)
{
    const uint8_t *p;
    ssize_t n;

    CHECK(!l->flushing && !l->receiving);
    l->flushing = true;
    while (l->sock->out.len <= SOCK_OUT_LOW && !l->sock->failed) {
        n = nghttp2_session_mem_send(l->session, &p);
        if (n < 0)
            l->dead = true;
        if (n <= 0)
            break;
        put(l, p, (size_t)n);
    }
    put_text(l);
    l->flushing = false;
    settle_sent(l);
}

/* ---- life ------------------------------------------------------------------------------
 */

static void make_shared(struct h2pool *pool)
{
    nghttp2_session_callbacks *c;
    nghttp2_option *o;

    if (pool->callbacks != NULL)
        return;
    CHECK(nghttp2_session_callbacks_new(&c) == 0 && nghttp2_option_new(&o) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(c, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_sent);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid_frame);
    nghttp2_session_callbacks_set_send_data_callback(c, send_data);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_continuations(o, SIEVE_CONTINUATION_MAX);
    /* Resets are counted here, where the limit is configured. */
    nghttp2_option_set_stream_reset_rate_limit(o, UINT64_MAX, UINT64_MAX);
    pool->callbacks = c;
    pool->options = o;
}

static void submit_settings(struct h2link *l, const struct h2link_settings *set)
{
    nghttp2_settings_entry s[5];
    size_t n = 0;

#define SET(id, v)                                                                         \
    s[n++] = (nghttp2_settings_entry)                                                      \
    {                                                                                      \
        NGHTTP2_SETTINGS_##id, (v)                                                         \
    }
    if (l->server) {
        SET(MAX_CONCURRENT_STREAMS, set->max_streams);
        SET(ENABLE_CONNECT_PROTOCOL, 1);
        SET(NO_RFC7540_PRIORITIES, 1);
    } else {
        SET(ENABLE_PUSH, 0);
    }
    SET(INITIAL_WINDOW_SIZE, set->stream_window);
    SET(MAX_HEADER_LIST_SIZE, set->limits.max_head_bytes);
#undef SET
    CHECK(nghttp2_submit_settings(l->session, NGHTTP2_FLAG_NONE, s, n) == 0);
    CHECK(nghttp2_session_set_local_window_size(l->session, NGHTTP2_FLAG_NONE, 0,
                                                (int32_t)set->link_window) == 0);
}

void h2link_open(struct h2link *l, struct sock *sock, const struct h2link_settings *set,
                 const struct h2link_ops *ops)
{
    struct h2pool *pool = h2pool_of(sock->w);
    int rc;

    *l = (struct h2link){
        .sock = sock,
        .pool = pool,
        .ops = ops,
        .server = set->server,
        .reset_rate = set->reset_rate,
        .control_rate = set->control_rate,
        .limits = set->limits,
        .sieve = {.left = set->server ? SIEVE_PREFACE_LEN : 0,
                  .max_block = set->limits.max_head_bytes + SIEVE_FRAME_MAX}};
    list_init(&l->streams);
    list_init(&l->sent);
    list_init(&l->closed);
    make_shared(pool);
    pool->making = &l->pages;
    if (set->server)
        rc = nghttp2_session_server_new3(&l->session, pool->callbacks, l, pool->options,
                                         &pool->mem);
    else
        rc = nghttp2_session_client_new3(&l->session, pool->callbacks, l, pool->options,
                                         &pool->mem);
    CHECK(rc == 0);
    pool->making = NULL;
    submit_settings(l, set);
    h2link_wake(l);
}

void h2link_close(struct h2link *l)
{
    CHECK(!l->flushing && !l->receiving);
    while (!list_empty(&l->streams))
        free_stream(LIST_FIRST(&l->streams, struct h2stream, node));
    h2link_rouse(l);
    nghttp2_session_del(l->session);
    l->session = NULL;
    h2pool_end(l->pool, &l->pages);
    inbox_clear(&l->inbox, bufs_of(l));
}

void h2link_fail(struct h2link *l, uint32_t error)
{
    CHECK(!l->rests);
    if (l->dead)
        return;
    l->dead = true;
    if (error == NGHTTP2_ENHANCE_YOUR_CALM && l->server)
        STATS_INC(worker_of(l)->stats->refused[REFUSAL_FLOOD]);
    nghttp2_session_terminate_session(l->session, error);
    h2link_wake(l);
}

void h2link_rest(struct h2link *l)
{
    if (!l->rests && l->n_streams == 0 && l->sock->out.len == 0 &&
        !nghttp2_session_want_write(l->session)) {
        h2pool_rest(&l->pages);
        l->rests = true;
    }
}

void h2link_rouse(struct h2link *l)
{
    if (l->rests)
        h2pool_rouse(&l->pages);
    l->rests = false;
}

bool h2link_over(const struct h2link *l)
{
    if (l->sock->out.len > 0)
        return false;
    return !nghttp2_session_want_write(l->session) &&
           (l->dead || !nghttp2_session_want_read(l->session));
}

/* ---- receiving -------------------------------------------------------------------------
 */

/* Did we break it off, so that frames may have been under way? */
static bool reset_by_us(const struct h2link *l, uint32_t id)
{
    for (size_t i = 0; i < N_ELEMS(l->resets_at); i++)
        if (l->resets_at[i] == id)
            return true;
    return id <= l->resets_before;
}

/* Frames on a stream of the peer's that is over (RFC 9113, 5.1).  0, or the error. */
static uint32_t judge_stream(struct h2link *l, uint32_t id, bool opens)
{
    if (!l->server || l->leaving || id % 2 == 0)
        return 0;
    if (id > l->highest) {
        if (!opens)
            return 0; /* idle: the library says so */
        l->skip_from = id > l->highest + 2 ? l->highest : l->skip_from;
        l->skip_to = id > l->highest + 2 ? id : l->skip_to;
        l->highest = id;
        return 0;
    }
    if (nghttp2_session_find_stream(l->session, (int32_t)id) != NULL || reset_by_us(l, id))
        return 0;
    return id > l->skip_from && id < l->skip_to ? NGHTTP2_PROTOCOL_ERROR
                                                : NGHTTP2_STREAM_CLOSED;
}

/* Rates, and what may not come on a stream that is over.  0, or the error. */
static uint32_t judge(struct h2link *l, const struct sieve_frame *f)
{
    uint64_t now = (uint64_t)loop_now(worker_of(l)->loop);

    switch ((enum sieve_kind)f->kind) {
    case SIEVE_DATA:
        if (f->idle_data && !sieve_spend(&l->control, l->control_rate, now))
            return NGHTTP2_ENHANCE_YOUR_CALM;
        return judge_stream(l, f->id, false);
    case SIEVE_HEADERS:
        return judge_stream(l, f->id, true);
    case SIEVE_RESET:
        return sieve_spend(&l->resets, l->reset_rate, now) ? 0 : NGHTTP2_ENHANCE_YOUR_CALM;
    case SIEVE_CONTROL:
        return sieve_spend(&l->control, l->control_rate, now) ? 0
                                                              : NGHTTP2_ENHANCE_YOUR_CALM;
    case SIEVE_REST:
    case SIEVE_OTHER:
        break;
    }
    return 0;
}

/* Bytes that passed; 0: more are needed, or nothing is read any more. */
static size_t pass_some(struct h2link *l, const uint8_t *p, size_t len)
{
    struct sieve_frame f;
    uint32_t error;
    size_t n = 0;
    ssize_t rc;

    switch (sieve_next(&l->sieve, p, len, &n, &f)) {
    case SIEVE_MORE:
        return 0;
    case SIEVE_ERROR:
        h2link_fail(l, f.error);
        return 0;
    case SIEVE_PASS:
        break;
    }
    error = judge(l, &f);
    if (error != 0) {
        h2link_fail(l, error);
        return 0;
    }
    rc = nghttp2_session_mem_recv(l->session, p, n);
    if (rc < 0) {
        h2link_fail(l, rc == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM
                                                 : NGHTTP2_PROTOCOL_ERROR);
        return 0;
    }
    l->since = 0;
    return n;
}

bool h2link_read(struct h2link *l)
{
    struct sock *sock = l->sock;
    struct worker *w = sock->w;
    size_t total = 0;

    for (int i = 0; i < SOCK_TURN_READS && total < SOCK_TURN_BYTES; i++) {
        ssize_t n;

        if (!sock->can_read || l->dead)
            return true;
        n = sock_read(sock, w->scratch, SOCK_SCRATCH_BYTES);
        if (n == SOCK_AGAIN)
            return true;
        if (n == SOCK_BROKEN || n == SOCK_EOF)
            return false;
        if (l->server)
            STATS_ADD(w->stats->bytes_in, (uint64_t)n);
        total += (size_t)n;
        l->heard = true;
        h2link_input(l, w->scratch, (size_t)n);
    }
    if (sock->can_read)
        h2link_wake(l);
    return true;
}

void h2link_input(struct h2link *l, uint8_t *p, size_t n)
{
    struct buf_pool *pool = bufs_of(l);
    size_t len, used;

    CHECK(!l->rests);
    p = inbox_view(&l->inbox, pool, p, n, &len);
    l->receiving = true;
    do {
        used = l->dead ? 0 : pass_some(l, p, len);
        p += used;
        len -= used;
    } while (used > 0 && len > 0);
    l->receiving = false;
    sock_uncork(worker_of(l)); /* what was passed on may borrow from the input */
    if (len > 0 && l->since == 0)
        l->since = loop_now(worker_of(l)->loop);
    inbox_keep(&l->inbox, pool, p, l->dead ? 0 : len);
    h2link_wake(l);
}

/* ---- the turn's work -------------------------------------------------------------------
 */

static void tell_closed(struct h2link *l)
{
    while (!list_empty(&l->closed)) {
        struct h2stream *s = LIST_FIRST(&l->closed, struct h2stream, todo);

        l->ops->closed(s);
        free_stream(s);
    }
}

static void tell_room(struct h2link *l)
{
    l->relieved = false;
    LIST_EACH (n, &l->streams) {
        struct h2stream *s = CONTAINER_OF(n, struct h2stream, node);

        if (s->closed || !s->was_full || s->out.len > SOCK_OUT_LOW)
            continue;
        s->was_full = false;
        l->ops->room(s);
    }
}

void h2link_run(struct h2link *l)
{
    CHECK(!l->rests);
    flush(l);
    tell_closed(l);
    if (l->relieved)
        tell_room(l);
    sock_uncork(worker_of(l));
}

/* ---- commands --------------------------------------------------------------------------
 */

static nghttp2_data_provider body_of(struct h2stream *s)
{
    return (nghttp2_data_provider){.source = {.ptr = s}, .read_callback = read_body};
}

void h2link_answer(struct h2stream *s, bool end)
{
    struct h2link *l = s->link;
    nghttp2_data_provider body = body_of(s);

    s->ended = end;
    if (!s->closed)
        nghttp2_submit_response(l->session, s->id, l->pool->pairs.nv, l->pool->pairs.n,
                                end ? NULL : &body);
    h2link_wake(l);
}

void h2link_ask(struct h2stream *s, bool end)
{
    struct h2link *l = s->link;
    nghttp2_data_provider body = body_of(s);

    s->ended = end;
    s->id = nghttp2_submit_request(l->session, NULL, l->pool->pairs.nv, l->pool->pairs.n,
                                   end ? NULL : &body, s);
    h2link_wake(l);
}

void h2link_inform(struct h2stream *s)
{
    struct h2link *l = s->link;

    if (!s->closed)
        nghttp2_submit_headers(l->session, NGHTTP2_FLAG_NONE, s->id, NULL,
                               l->pool->pairs.nv, l->pool->pairs.n, NULL);
    h2link_wake(l);
}

/* The library may ask for more. */
static void go_on(struct h2stream *s)
{
    if (s->waits) {
        s->waits = false;
        nghttp2_session_resume_data(s->link->session, s->id);
    }
    h2link_wake(s->link);
}

/* A large piece need not wait, when nothing stands before it. */
static bool may_lend(const struct h2stream *s, size_t n)
{
    const struct h2link *l = s->link;

    return n >= LEND_BYTES && !l->receiving && !l->flushing && s->out.len == 0 &&
           l->sock->out.len == 0 && l->sock->can_write && l->pool->out == NULL;
}

bool h2link_send(struct h2stream *s, const uint8_t *p, size_t n)
{
    struct h2link *l = s->link;

    if (s->closed)
        return true; /* its end is about to be told */
    if (may_lend(s, n)) {
        s->lent = p;
        s->n_lent = n;
        go_on(s);
        flush(l);
        p = s->lent;
        n = s->n_lent;
        s->lent = NULL;
        s->n_lent = 0;
    }
    if (n > 0 && !s->closed) {
        bufq_append(bufs_of(l), &s->out, p, n);
        go_on(s);
    }
    l->ops->moved(s, false);
    if (s->out.len <= SOCK_OUT_LOW)
        return true;
    s->was_full = true;
    return false;
}

/* A copy that lives until the body has gone out. */
static struct msg *keep_trailers(const struct msg *m)
{
    size_t fields = m->n_fields * sizeof(m->fields[0]);
    char *block = mem_grow(NULL, 1, sizeof(*m) + fields + m->text_len);
    struct msg *copy = (void *)block;

    *copy = (struct msg){.fields = (void *)(block + sizeof(*m)),
                         .fields_room = m->n_fields,
                         .text = block + sizeof(*m) + fields,
                         .text_room = m->text_len};
    msg_copy(copy, m);
    return copy;
}

void h2link_end(struct h2stream *s, const struct msg *trailers)
{
    if (s->closed || s->ended)
        return;
    s->ended = true;
    if (trailers != NULL && trailers->n_fields > 0)
        s->trailers = keep_trailers(trailers);
    go_on(s);
}

void h2link_reset(struct h2stream *s, uint32_t error)
{
    struct h2link *l = s->link;

    s->ended = true;
    if (!s->closed)
        nghttp2_submit_rst_stream(l->session, NGHTTP2_FLAG_NONE, s->id, error);
    h2link_wake(l);
}

void h2link_give_up(struct h2stream *s, uint32_t error)
{
    if (s->closed)
        return;
    s->closed = true;
    s->error = error;
    list_add_tail(&s->link->closed, &s->todo);
    h2link_wake(s->link);
}

void h2link_credit(struct h2stream *s, size_t n)
{
    if (n > 0 && !s->closed)
        nghttp2_session_consume_stream(s->link->session, s->id, n);
    h2link_wake(s->link);
}

void h2link_credit_held(struct h2stream *s)
{
    uint32_t n = s->held;

    s->held = 0;
    h2link_credit(s, n);
}
