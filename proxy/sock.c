#include "proxy/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/proxyproto.h"
#include "proxy/tls/tls_io.h"
#include "proxy/worker.h"

void sock_open(struct sock *s, struct worker *w, int fd,
               void (*on_io)(struct loop_io *io, unsigned what),
               void (*on_ready)(struct loop_ready *r))
{
    *s = (struct sock){.w = w, .fd = fd, .can_write = true};
    loop_ready_init(&s->ready, on_ready);
    loop_io_add(w->loop, &s->io, fd, on_io);
}

void sock_move(struct sock *to, struct sock *from,
               void (*on_io)(struct loop_io *io, unsigned what),
               void (*on_ready)(struct loop_ready *r))
{
    CHECK(from->w->cork.s != from);
    loop_ready_cancel(&from->ready);
    loop_io_remove(&from->io);
    *to = *from;
    from->fd = -1;
    from->tls = NULL;
    from->out = (struct bufq){0};
    loop_ready_init(&to->ready, on_ready);
    loop_io_add(to->w->loop, &to->io, to->fd, on_io);
    loop_ready_add(to->w->loop, &to->ready);
}

void sock_set_reset(struct sock *s)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    s->reset = true;
    setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void sock_note(struct sock *s, unsigned what)
{
    if (what & LOOP_READ)
        s->can_read = true;
    if (what & LOOP_WRITE)
        s->can_write = true;
    if (what & LOOP_CLOSED)
        s->can_read = s->peer_closed = true;
}

/* ---- the wire ---- */

static ssize_t receive_any(struct sock *s, void *buf, size_t room)
{
    ssize_t n;

    do
        n = recv(s->fd, buf, room, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        if ((size_t)n < room && !s->peer_closed)
            s->can_read = false;
        return n;
    }
    s->can_read = false;
    if (n == 0) {
        s->peer_closed = true;
        return SOCK_EOF;
    }
    return errno == EAGAIN ? SOCK_AGAIN : SOCK_BROKEN;
}

/* The header is taken off what came.  Bytes that are left of it; 0: none. */
static ssize_t take_header(struct sock *s, uint8_t *p, size_t n)
{
    size_t used;

    switch (proxyproto_next(s->header, p, n, &used)) {
    case PROXYPROTO_MORE:
        return 0;
    case PROXYPROTO_DONE:
        memmove(p, p + used, n - used);
        return (ssize_t)(n - used);
    case PROXYPROTO_BAD:
        break;
    }
    s->can_read = false;
    return SOCK_BROKEN;
}

static bool awaits_header(const struct sock *s)
{
    return s->header != NULL && !s->header->done;
}

static ssize_t receive(struct sock *s, void *buf, size_t room)
{
    ssize_t n = receive_any(s, buf, room);

    while (awaits_header(s) && n > 0) {
        n = take_header(s, buf, (size_t)n);
        if (n == 0)
            n = receive_any(s, buf, room); /* an end may have come with it: look */
    }
    return n;
}

void sock_expect(struct sock *s)
{
    s->header = MEM_NEW(struct proxyproto);
}

void sock_drop_header(struct sock *s)
{
    free(s->header);
    s->header = NULL;
}

void sock_begin(struct sock *s, const void *p, size_t n)
{
    bufq_append(&s->w->bufs, &s->out, p, n);
}

static void drop_pipe(struct sock *s)
{
    if (s->pipe != NULL)
        pipes_put(&s->w->pipes, s->pipe);
    s->pipe = NULL;
}

static void fail(struct sock *s)
{
    s->failed = true;
    s->can_write = false;
    drop_pipe(s);
    bufq_clear(&s->w->bufs, &s->out);
    loop_ready_add(s->w->loop, &s->ready);
}

/* Bytes taken by the kernel; sets can_write and failed. */
static size_t send_iov(struct sock *s, struct iovec *iov, int n, size_t bytes)
{
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = (size_t)n};
    ssize_t sent;

    do
        sent = sendmsg(s->fd, &m, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        if (errno == EAGAIN)
            s->can_write = false;
        else
            fail(s);
        return 0;
    }
    s->sent = s->sent || sent > 0;
    if ((size_t)sent < bytes)
        s->can_write = false;
    return (size_t)sent;
}

/* ---- TLS ---- */

/* Steps of a handshake, and reads that hold no content, within one call. */
#define TLS_STEPS 8
/* A peer that makes us answer its records and reads nothing is given up beyond this. */
#define TLS_UNREAD_MAX 524288

static struct tls_stats *tls_stats(const struct sock *s)
{
    struct worker_stats *st = s->w->stats;

    return tls_io_is_server(s->tls) ? &st->tls_down : &st->tls_up;
}

/* Sends what TLS made, behind what waits already. */
static void push_tls(struct sock *s)
{
    struct tls_block *b = &s->w->tls;
    struct iovec iov = {b->out, b->out_len};
    size_t sent = 0;

    if (b->out_len > 0 && s->out.len == 0 && s->can_write)
        sent = send_iov(s, &iov, 1, b->out_len);
    if (sent < b->out_len && !s->failed) {
        bufq_append(&s->w->bufs, &s->out, b->out + sent, b->out_len - sent);
        loop_ready_add(s->w->loop, &s->ready); /* the owner sees to its timer */
    }
    b->out_len = 0;
}

/* After a step of the handshake, for what was known before it. */
static void count_handshake(struct sock *s, bool was_established)
{
    struct tls_stats *st = tls_stats(s);

    if (was_established)
        return;
    if (tls_io_broken(s->tls)) {
        STATS_INC(st->failed[tls_io_fault(s->tls)]);
    } else if (tls_io_established(s->tls)) {
        STATS_INC(st->handshakes);
        if (tls_io_resumed(s->tls))
            STATS_INC(st->resumed);
    }
}

/* Gives TLS what has come, unless it still has something. */
static ssize_t feed_tls(struct sock *s)
{
    struct tls_block *b = &s->w->tls;
    ssize_t n;

    if (tls_io_holds(s->tls))
        return 1;
    n = receive(s, b->in, TLS_BLOCK_IN);
    if (n > 0)
        tls_io_received(s->tls, b, (size_t)n);
    else if (n != SOCK_AGAIN)
        tls_io_ended(s->tls);
    return n;
}

static ssize_t not_tls(struct sock *s)
{
    STATS_INC(tls_stats(s)->failed[TLS_IO_F_PLAIN_HTTP]);
    tls_io_free(s->tls);
    s->tls = NULL;
    return SOCK_PLAIN;
}

static ssize_t read_tls_once(struct sock *s, void *buf, size_t room)
{
    bool was_established = tls_io_established(s->tls), answers;
    ssize_t n = feed_tls(s);

    if (n == SOCK_AGAIN || awaits_header(s)) /* TLS has not begun */
        return n;
    n = tls_io_read(s->tls, &s->w->tls, buf, room);
    answers = s->w->tls.out_len > 0;
    if (answers && s->out.len > TLS_UNREAD_MAX)
        n = TLS_IO_BROKEN;
    if (n == TLS_IO_PLAIN)
        return not_tls(s);
    count_handshake(s, was_established);
    push_tls(s);
    if (n > 0) {
        if (tls_io_holds(s->tls))
            s->can_read = true;
        return n;
    }
    if (n == TLS_IO_AGAIN) {
        /* A part of something: a reset may have come with it. */
        if (was_established || !answers)
            s->can_read = true;
        return SOCK_AGAIN;
    }
    s->can_read = false;
    if (n == TLS_IO_EOF)
        s->peer_closed = true;
    return n == TLS_IO_EOF ? SOCK_EOF : SOCK_BROKEN;
}

/* Reads until there is content, or the kernel has no more. */
static ssize_t read_tls(struct sock *s, void *buf, size_t room)
{
    for (int i = 0; i < TLS_STEPS; i++) {
        ssize_t n = read_tls_once(s, buf, room);

        if (n != SOCK_AGAIN || !s->can_read)
            return n;
    }
    loop_ready_add(s->w->loop, &s->ready);
    return SOCK_AGAIN;
}

static void write_tls(struct sock *s, const struct iovec *iov, int n)
{
    if (!tls_io_write(s->tls, &s->w->tls, iov, n)) {
        s->w->tls.out_len = 0;
        fail(s);
        return;
    }
    if (s->shut)
        tls_io_end(s->tls);
    push_tls(s);
}

/* Tells the peer, if it has seen all there was: then, and only then, it is the end. */
static void close_tls(struct sock *s)
{
    if (!tls_io_established(s->tls) && !tls_io_broken(s->tls) && !awaits_header(s))
        STATS_INC(tls_stats(s)->failed[TLS_IO_F_TIMEOUT]);
    if (!s->failed && !s->reset && s->out.len == 0) {
        tls_io_end(s->tls);
        push_tls(s);
    }
    tls_io_free(s->tls);
    s->tls = NULL;
}

void sock_serve_tls(struct sock *s, struct tls_server *server)
{
    s->tls = tls_io_accept(server, &s->w->tls);
}

void sock_connect_tls(struct sock *s, struct tls_peer *peer, enum tls_offer offer)
{
    s->tls = tls_io_connect(peer, offer, &s->w->tls);
}

int sock_handshake(struct sock *s)
{
    ssize_t n;

    if (s->tls == NULL || tls_io_established(s->tls))
        return 1;
    if (s->out.len > 0)
        sock_drain(s);
    do {
        if (s->can_read)
            feed_tls(s);
        n = tls_io_handshake(s->tls, &s->w->tls);
        push_tls(s);
    } while (n == TLS_IO_AGAIN && s->can_read);
    if (n == TLS_IO_AGAIN && !s->failed)
        return SOCK_AGAIN;
    count_handshake(s, false);
    if (n > 0 && tls_io_holds(s->tls))
        s->can_read = true;
    return n > 0 ? 1 : SOCK_BROKEN;
}

bool sock_agreed_on_h2(const struct sock *s)
{
    size_t len;
    const char *name;

    if (s->tls == NULL)
        return false;
    name = tls_io_protocol(s->tls, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0;
}

const char *sock_subject(const struct sock *s)
{
    return s->tls != NULL ? tls_io_subject(s->tls) : "";
}

const char *sock_tls_reason(const struct sock *s)
{
    return s->tls != NULL ? tls_io_reason(s->tls) : "";
}

void sock_close(struct sock *s)
{
    if (s->fd < 0)
        return;
    if (s->w->cork.s == s)
        sock_uncork(s->w);
    if (s->tls != NULL)
        close_tls(s);
    loop_ready_cancel(&s->ready);
    loop_io_remove(&s->io);
    close(s->fd);
    s->fd = -1;
    drop_pipe(s);
    sock_drop_header(s);
    bufq_clear(&s->w->bufs, &s->out);
}

/* ---- reading and writing ---- */

ssize_t sock_read(struct sock *s, void *buf, size_t room)
{
    return s->tls == NULL ? receive(s, buf, room) : read_tls(s, buf, room);
}

/* Ends our direction if that is wished and all is sent. */
static void end_output(struct sock *s)
{
    if (s->shut && sock_unsent(s) == 0 && !s->failed)
        shutdown(s->fd, SHUT_WR);
}

void sock_uncork(struct worker *w)
{
    struct cork *c = &w->cork;
    struct sock *s = c->s;
    size_t sent;

    c->s = NULL;
    c->text_used = 0;
    if (s == NULL)
        return;
    if (s->tls != NULL) {
        write_tls(s, c->iov, c->n);
        end_output(s);
        return;
    }
    sent = send_iov(s, c->iov, c->n, c->bytes);
    for (int i = 0; i < c->n && !s->failed; i++) {
        if (sent >= c->iov[i].iov_len) {
            sent -= c->iov[i].iov_len;
            continue;
        }
        bufq_append(&w->bufs, &s->out, (char *)c->iov[i].iov_base + sent,
                    c->iov[i].iov_len - sent);
        sent = 0;
    }
    if (s->out.len > 0)
        loop_ready_add(w->loop, &s->ready); /* the owner sees to its timer */
    end_output(s);
}

char *sock_text(struct worker *w, size_t n)
{
    struct cork *c = &w->cork;

    CHECK(n <= CORK_TEXT);
    if (c->text_used + n > CORK_TEXT)
        sock_uncork(w);
    return c->text + c->text_used;
}

/* True when p is the text just asked for and now used. */
static void claim_text(struct cork *c, const char *p, size_t n)
{
    if (p == c->text + c->text_used)
        c->text_used += n;
}

void sock_write(struct sock *s, const void *p, size_t n)
{
    struct cork *c = &s->w->cork;

    if (n == 0 || s->failed || s->fd < 0)
        return;
    if (c->s != NULL && (c->s != s || c->n == CORK_IOV)) {
        /* What p points to may be text that was asked for but not used yet. */
        size_t used = c->text_used;

        sock_uncork(s->w);
        c->text_used = used;
    }
    if (s->tls == NULL && (s->out.len > 0 || s->pipe != NULL || !s->can_write)) {
        bufq_append(&s->w->bufs, &s->out, p, n);
        return;
    }
    claim_text(c, p, n);
    if (c->s == NULL) {
        c->s = s;
        c->n = 0;
        c->bytes = 0;
    }
    c->iov[c->n++] = (struct iovec){(void *)(uintptr_t)p, n};
    c->bytes += n;
}

size_t sock_unsent(const struct sock *s)
{
    return s->out.len + (s->pipe != NULL ? s->pipe->held : 0);
}

/* ---- moving bytes unseen ---- */

static ssize_t fill_pipe(struct pipe *pipe, struct sock *from, size_t max)
{
    ssize_t n;

    do
        n = splice(from->fd, NULL, pipe->in, NULL, max, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        pipe->held = (size_t)n;
        return n;
    }
    if (n < 0 && errno == EINVAL)
        return SOCK_COPY; /* a kind of socket that has no splice */
    from->can_read = false;
    if (n == 0) {
        from->peer_closed = true;
        return SOCK_EOF;
    }
    return errno == EAGAIN ? SOCK_AGAIN : SOCK_BROKEN;
}

/* Until it is empty or the socket takes no more: a short transfer may have other reasons.
 */
static void empty_pipe(struct sock *s)
{
    struct pipe *pipe = s->pipe;

    while (pipe->held > 0 && s->can_write) {
        ssize_t n = splice(pipe->out, NULL, s->fd, NULL, pipe->held,
                           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

        if (n > 0) {
            pipe->held -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            s->can_write = false;
        } else if (n == 0 || errno != EINTR) {
            fail(s);
            return;
        }
    }
    if (pipe->held == 0)
        drop_pipe(s);
}

ssize_t sock_splice(struct sock *to, struct sock *from, size_t max)
{
    struct worker *w = to->w;
    ssize_t n;

    sock_uncork(w);
    if (to->tls != NULL || from->tls != NULL || to->failed)
        return SOCK_COPY;
    if (sock_unsent(to) > 0) {
        to->was_full = true;
        return SOCK_FULL;
    }
    to->pipe = pipes_get(&w->pipes);
    if (to->pipe == NULL)
        return SOCK_COPY;
    n = fill_pipe(to->pipe, from, max);
    if (n > 0)
        empty_pipe(to);
    else
        drop_pipe(to);
    if (to->pipe != NULL)
        loop_ready_add(w->loop, &to->ready); /* the owner sees to its timer */
    return n;
}

/* ---- room ---- */

bool sock_has_room(struct sock *s)
{
    if (sock_unsent(s) <= SOCK_OUT_LOW)
        return true;
    s->was_full = true;
    return false;
}

bool sock_drain(struct sock *s)
{
    struct iovec iov[16];

    if (s->pipe != NULL)
        empty_pipe(s);
    while (s->out.len > 0 && s->can_write && !s->failed) {
        int n = bufq_iov(&s->out, 0, iov, (int)N_ELEMS(iov));
        size_t bytes = 0, sent;

        for (int i = 0; i < n; i++)
            bytes += iov[i].iov_len;
        sent = send_iov(s, iov, n, bytes);
        if (!s->failed)
            bufq_consume(&s->w->bufs, &s->out, sent);
    }
    end_output(s);
    if (!s->was_full || s->failed || sock_unsent(s) > SOCK_OUT_LOW)
        return false;
    s->was_full = false;
    return true;
}

void sock_shutdown(struct sock *s)
{
    s->shut = true;
    if (s->w->cork.s == s || s->failed || s->fd < 0)
        return; /* what is gathered goes first */
    if (s->tls != NULL) {
        tls_io_end(s->tls);
        push_tls(s);
    }
    end_output(s);
}
