#include "proxy/sock.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "proxy/worker.h"

void sock_open(struct sock *s, struct worker *w, int fd,
               void (*on_io)(struct loop_io *io, unsigned what),
               void (*on_ready)(struct loop_ready *r))
{
    *s = (struct sock){.w = w, .fd = fd, .can_write = true};
    loop_ready_init(&s->ready, on_ready);
    loop_io_add(w->loop, &s->io, fd, on_io);
}

void sock_close(struct sock *s)
{
    if (s->fd < 0)
        return;
    if (s->w->cork.s == s)
        sock_uncork(s->w);
    loop_ready_cancel(&s->ready);
    loop_io_remove(&s->io);
    close(s->fd);
    s->fd = -1;
    bufq_clear(&s->w->bufs, &s->out);
}

void sock_set_reset(struct sock *s)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

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

ssize_t sock_read(struct sock *s, void *buf, size_t room)
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

static void fail(struct sock *s)
{
    s->failed = true;
    s->can_write = false;
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
    if ((size_t)sent < bytes)
        s->can_write = false;
    return (size_t)sent;
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
    else if (s->shut && !s->failed)
        shutdown(s->fd, SHUT_WR);
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
    if (s->out.len > 0 || !s->can_write) {
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

bool sock_has_room(struct sock *s)
{
    if (s->out.len <= SOCK_OUT_LOW)
        return true;
    s->was_full = true;
    return false;
}

bool sock_drain(struct sock *s)
{
    struct iovec iov[16];

    while (s->out.len > 0 && s->can_write && !s->failed) {
        int n = bufq_iov(&s->out, 0, iov, (int)N_ELEMS(iov));
        size_t bytes = 0, sent;

        for (int i = 0; i < n; i++)
            bytes += iov[i].iov_len;
        sent = send_iov(s, iov, n, bytes);
        if (!s->failed)
            bufq_consume(&s->w->bufs, &s->out, sent);
    }
    if (s->shut && s->out.len == 0 && !s->failed)
        shutdown(s->fd, SHUT_WR);
    if (!s->was_full || s->failed || s->out.len > SOCK_OUT_LOW)
        return false;
    s->was_full = false;
    return true;
}

void sock_shutdown(struct sock *s)
{
    s->shut = true;
    if (s->w->cork.s != s && s->out.len == 0 && !s->failed && s->fd >= 0)
        shutdown(s->fd, SHUT_WR);
}
