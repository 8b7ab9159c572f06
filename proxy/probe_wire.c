#include "proxy/probe_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/proxyproto.h"
#include "proxy/tls/tls_peer.h"

#define INPUT_BYTES 4096

struct probe_wire {
    struct loop_io io; /* first */
    struct probe_wire_spec spec;
    int fd;
    bool connected;
    /* to be sent: n bytes, of which `sent` are */
    uint8_t *out;
    size_t n, sent;
    /* with TLS */
    struct tls_io *tls;
    struct tls_block block;
};

/* ---- out ---- */

static void queue(struct probe_wire *w, const uint8_t *p, size_t n)
{
    if (n == 0)
        return;
    w->out = mem_grow(w->out, w->n + n, 1);
    memcpy(w->out + w->n, p, n);
    w->n += n;
}

/* What TLS made. */
static void queue_records(struct probe_wire *w)
{
    queue(w, w->block.out, w->block.out_len);
    w->block.out_len = 0;
}

static void encrypt(struct probe_wire *w, const uint8_t *p, size_t n)
{
    struct iovec piece = {(void *)(uintptr_t)p, n};

    if (w->tls == NULL) {
        queue(w, p, n);
        return;
    }
    tls_io_write(w->tls, &w->block, &piece, 1); /* what is broken shows when it is read */
    queue_records(w);
}

/* 0, or errno. */
static int flush(struct probe_wire *w)
{
    while (w->sent < w->n) {
        ssize_t n = send(w->fd, w->out + w->sent, w->n - w->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : errno;
        w->sent += (size_t)n;
    }
    w->n = w->sent = 0;
    return 0;
}

static bool broken(struct probe_wire *w, const char *reason)
{
    w->spec.ops->broken(w->spec.ctx, reason);
    return false;
}

/* False: the wire is gone. */
static bool flush_or_break(struct probe_wire *w)
{
    int err = flush(w);

    return err == 0 || broken(w, strerror(err));
}

bool probe_wire_send(struct probe_wire *w, const uint8_t *p, size_t n)
{
    encrypt(w, p, n);
    return flush_or_break(w);
}

void probe_wire_farewell(struct probe_wire *w, const uint8_t *p, size_t n)
{
    encrypt(w, p, n);
    flush(w);
}

/* ---- in ---- */

static bool broken_tls(struct probe_wire *w)
{
    char reason[80];

    snprintf(reason, sizeof(reason), "TLS: %s", tls_io_reason(w->tls));
    return broken(w, reason);
}

/* The next step; false: the wire is gone. */
static bool continue_handshake(struct probe_wire *w)
{
    if (tls_io_established(w->tls))
        return true;
    tls_io_handshake(w->tls, &w->block);
    queue_records(w);
    if (tls_io_broken(w->tls)) {
        flush(w); /* an alert */
        return broken_tls(w);
    }
    if (!flush_or_break(w))
        return false;
    return !tls_io_established(w->tls) || w->spec.ops->open(w->spec.ctx);
}

/* What came, up to where more is needed.  False: the wire is gone. */
static bool take_records(struct probe_wire *w)
{
    uint8_t buf[INPUT_BYTES];

    for (;;) {
        ssize_t n;

        if (!continue_handshake(w))
            return false;
        if (!tls_io_established(w->tls))
            return true;
        n = tls_io_read(w->tls, &w->block, buf, sizeof(buf));
        queue_records(w);
        if (n == TLS_IO_AGAIN)
            return flush_or_break(w);
        if (n <= 0)
            return broken(w, n == TLS_IO_EOF ? "closed" : tls_io_reason(w->tls));
        if (!w->spec.ops->input(w->spec.ctx, buf, (size_t)n))
            return false;
    }
}

static bool take_wire(struct probe_wire *w, ssize_t n, const uint8_t *buf)
{
    if (w->tls == NULL && n == 0)
        return broken(w, "closed");
    if (w->tls == NULL && n < 0)
        return broken(w, strerror(errno));
    if (w->tls == NULL)
        return w->spec.ops->input(w->spec.ctx, buf, (size_t)n);
    if (n <= 0)
        tls_io_ended(w->tls);
    else
        tls_io_received(w->tls, &w->block, (size_t)n);
    return take_records(w);
}

static void on_readable(struct probe_wire *w)
{
    uint8_t buf[INPUT_BYTES];
    bool more = true;

    while (more) {
        ssize_t n = w->tls != NULL ? read(w->fd, w->block.in, TLS_BLOCK_IN)
                                   : read(w->fd, buf, sizeof(buf));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        more = take_wire(w, n, buf);
    }
}

/* ---- the beginning ---- */

/* A receiver may refuse "unknown" in version 1: there the ends are told that the
 * connection has (the specification, 2.1). */
static void queue_header(struct probe_wire *w)
{
    struct proxyproto_ends e = {0};
    socklen_t from = sizeof(e.from), to = sizeof(e.to);
    uint8_t header[PROXYPROTO_OUT_MAX];
    bool told = w->spec.proxy_protocol == 1;

    if (w->spec.proxy_protocol == 0)
        return;
    if (told && (getsockname(w->fd, &e.from.any, &from) < 0 ||
                 getpeername(w->fd, &e.to.any, &to) < 0))
        told = false;
    queue(w, header, proxyproto_write(w->spec.proxy_protocol, told ? &e : NULL, header));
}

/* False: the wire is gone. */
static bool connected(struct probe_wire *w)
{
    int err = 0;
    socklen_t len = sizeof(err);

    if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 || err != 0)
        return broken(w, strerror(err != 0 ? err : errno));
    w->connected = true;
    queue_header(w);
    if (w->tls != NULL)
        return continue_handshake(w);
    return flush_or_break(w) && w->spec.ops->open(w->spec.ctx);
}

static void on_io(struct loop_io *io, unsigned what)
{
    struct probe_wire *w = CONTAINER_OF(io, struct probe_wire, io);

    if (!w->connected && !connected(w))
        return;
    if ((what & LOOP_WRITE) && !flush_or_break(w))
        return;
    if (what & (LOOP_READ | LOOP_CLOSED))
        on_readable(w);
}

struct probe_wire *probe_wire_open(const struct probe_wire_spec *spec)
{
    const struct addr *a = spec->addr;
    int fd = socket(a->sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct probe_wire *w;
    int err;

    if (fd < 0)
        return NULL;
    w = MEM_NEW(struct probe_wire);
    w->spec = *spec;
    w->fd = fd;
    if (spec->tls != NULL) {
        tls_block_init(&w->block);
        w->tls = tls_io_connect(spec->tls, spec->offer, &w->block);
    }
    loop_io_add(spec->loop, &w->io, fd, on_io);
    if (connect(fd, &a->sa.any, a->len) == 0 || errno == EINPROGRESS)
        return w;
    err = errno;
    probe_wire_close(w);
    errno = err;
    return NULL;
}

void probe_wire_close(struct probe_wire *w)
{
    if (w->tls != NULL) {
        tls_io_end(w->tls);
        queue_records(w);
        flush(w);
    }
    loop_io_remove(&w->io);
    close(w->fd);
    if (w->tls != NULL) {
        tls_io_free(w->tls);
        tls_block_fini(&w->block);
    }
    free(w->out);
    free(w);
}

bool probe_wire_agreed_on_h2(const struct probe_wire *w)
{
    size_t len = 0;
    const char *name = w->tls != NULL ? tls_io_protocol(w->tls, &len) : NULL;

    return len == 2 && memcmp(name, "h2", 2) == 0;
}
