#include "proxy/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "proxy/client.h"

/* The descriptor of a connection that was begun, or -1. */
static int begin(const struct backend *be)
{
    int fd, one = 1;

    fd = socket(be->addr.sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (be->addr.kind != ADDR_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, &be->addr.sa.any, be->addr.len) < 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

int dial(struct exchange *x, enum upstream_got *why)
{
    int fd;

    *why = UPSTREAM_FULL;
    if (!backend_connection_reserve(x->backend))
        return -1;
    fd = begin(x->backend);
    *why = fd < 0 ? UPSTREAM_FAILED : UPSTREAM_CONNECTING;
    if (fd < 0)
        backend_connection_release(x->backend);
    return fd;
}

static enum tls_offer offer_to(const struct backend *be)
{
    switch (be->protocol) {
    case CFG_PROTOCOL_AUTO:
        return TLS_OFFER_H2_H1;
    case CFG_PROTOCOL_H2:
        return TLS_OFFER_H2;
    default:
        return TLS_OFFER_H1;
    }
}

void dial_open(struct sock *s, struct exchange *x, int fd,
               void (*on_io)(struct loop_io *io, unsigned what),
               void (*on_ready)(struct loop_ready *r))
{
    const struct backend *be = x->backend;

    sock_open(s, x->w, fd, on_io, on_ready);
    s->can_write = false;
    if (be->proxy_protocol != 0)
        client_announce(x->client, s, be->proxy_protocol);
    if (be->tls != NULL)
        sock_connect_tls(s, be->tls, offer_to(be));
    STATS_INC(x->w->stats->upstream_opened);
    STATS_INC(x->w->stats->upstream_connections);
}

enum dialled dial_look(struct sock *s, const struct backend *be)
{
    int err = 0;
    socklen_t len = sizeof(err);

    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 || err != 0)
        return DIALLED_NOBODY;
    switch (sock_handshake(s)) {
    case SOCK_AGAIN:
        return DIALLED_NOT_YET;
    case SOCK_BROKEN:
        log_warn("pool", "no TLS with backend addr=%s reason=\"%s\"", be->addr.text,
                 sock_tls_reason(s));
        return DIALLED_UNTRUSTED;
    default:
        return DIALLED;
    }
}
