#include "proxy/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/unixsock.h"
#include "proxy/conn.h"
#include "proxy/tls/tls_server.h"
#include "proxy/tls/tls_set.h"

#define ACCEPTS_A_TURN 64
/* A worker this far above the mean gives a new connection away. */
#define ABOVE_MEAN 16

/* ---- sockets, on the main thread ---- */

/*
 * SO_REUSEPORT would let two programs share an address without a word: the first socket
 * is tried without it.
 */
static int check_free(const struct cfg_listener *lis, struct why *w)
{
    int one = 1, rc = RC_OK, fd;

    if (lis->bind.kind == ADDR_UNIX)
        return RC_OK;
    fd = socket(lis->bind.sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return why_set(w, RC_SYS, "socket for %s: %s", lis->bind.text, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, &lis->bind.sa.any, lis->bind.len) < 0)
        rc = why_set(w, RC_SYS, "listen on %s: %s", lis->bind.text, strerror(errno));
    close(fd);
    return rc;
}

static int bind_socket(const struct cfg_listener *lis, struct why *w)
{
    int one = 1, fd;

    fd = socket(lis->bind.sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return why_set(w, RC_SYS, "socket for %s: %s", lis->bind.text, strerror(errno));
    if (lis->bind.kind != ADDR_UNIX) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* is inherited */
    } else if (unixsock_stale(&lis->bind)) {
        unlink(lis->bind.sa.un.sun_path);
    }
    if (lis->bind.kind == ADDR_IP6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, &lis->bind.sa.any, lis->bind.len) < 0 ||
        listen(fd, (int)lis->backlog) < 0) {
        why_set(w, RC_SYS, "listen on %s: %s", lis->bind.text, strerror(errno));
        close(fd);
        return RC_SYS;
    }
    return fd;
}

int listener_open(const struct cfg_listener *lis, unsigned n, int *fds, struct why *w)
{
    int rc = check_free(lis, w);

    if (rc != RC_OK)
        return rc;
    for (unsigned i = 0; i < n; i++) {
        if (lis->bind.kind == ADDR_UNIX && i > 0) {
            fds[i] = fds[0];
            continue;
        }
        fds[i] = bind_socket(lis, w);
        if (fds[i] < 0) {
            listener_close(lis, i, fds);
            return RC_SYS;
        }
    }
    return RC_OK;
}

void listener_close(const struct cfg_listener *lis, unsigned n, const int *fds)
{
    for (unsigned i = 0; i < n; i++)
        if (lis->bind.kind != ADDR_UNIX || i == 0)
            close(fds[i]);
    if (lis->bind.kind == ADDR_UNIX && n > 0)
        unlink(lis->bind.sa.un.sun_path);
}

/* ---- accepting, on the worker ---- */

static int64_t connections(const struct worker *w)
{
    return atomic_load_explicit(&w->stats->connections, memory_order_relaxed);
}

/* The worker that should serve a new connection: usually this one. */
static struct worker *whose(struct worker *w)
{
    struct worker *least = w;
    int64_t sum = 0, mine = connections(w);
    unsigned n = w->shared->n_workers;

    for (unsigned i = 0; i < n; i++) {
        struct worker *o = w->shared->workers[i];

        sum += connections(o);
        if (connections(o) < connections(least))
            least = o;
    }
    return mine > sum / n + sum / n / 2 + ABOVE_MEAN ? least : w;
}

static void pause_accepting(struct listener *l)
{
    if (l->paused)
        return;
    loop_io_remove(&l->io);
    l->paused = true;
}

/* No more for now: worker_conn_gone() resumes. */
static void hold_back(struct listener *l)
{
    STATS_INC(l->w->stats->accept_pauses);
    pause_accepting(l);
}

static void serve(struct listener *l, int fd, const union proxyproto_addr *from)
{
    struct worker *to = whose(l->w);

    if (to == l->w) {
        conn_new(l->w, fd, l, from);
        return;
    }
    STATS_INC(l->w->stats->handed_over);
    worker_give_conn_mt(to, fd, l->cfg->bind.text, from);
}

static bool at_limit(const struct listener *l)
{
    return connections(l->w) >= l->w->shared->max_connections ||
           (l->cfg->max_connections != 0 &&
            connections(l->w) * l->w->shared->n_workers >= l->cfg->max_connections);
}

static void on_accept(struct loop_io *io, unsigned what)
{
    struct listener *l = (struct listener *)(void *)io;

    (void)what;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        union proxyproto_addr from = {0};
        socklen_t len = sizeof(from);
        int fd;

        if (at_limit(l)) {
            log_warn("listener", "connection limit reached bind=%s", l->cfg->bind.text);
            hold_back(l);
            return;
        }
        fd = accept4(l->fd, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            serve(l, fd, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_error("listener", "accept on %s: %s", l->cfg->bind.text, strerror(errno));
            hold_back(l);
        }
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static struct listener *by_fd(struct worker *w, int fd)
{
    for (struct list *n = w->listeners.next; n != &w->listeners; n = n->next) {
        struct listener *l = CONTAINER_OF(n, struct listener, node);

        if (l->fd == fd)
            return l;
    }
    return NULL;
}

struct listener *listener_find(struct worker *w, const char *bind)
{
    for (struct list *n = w->listeners.next; n != &w->listeners; n = n->next) {
        struct listener *l = CONTAINER_OF(n, struct listener, node);

        if (strcmp(l->cfg->bind.text, bind) == 0)
            return l;
    }
    return NULL;
}

/* Who is connected to a unix socket was let in by the file system. */
bool listener_may_tell(const struct cfg_listener *cfg, const struct sockaddr *peer)
{
    bool may = cfg->n_proxy_from == 0 || peer->sa_family == AF_UNIX;

    for (size_t i = 0; !may && i < cfg->n_proxy_from; i++)
        may = addr_block_has(&cfg->proxy_from[i], peer);
    return may;
}

void listener_denies(const struct listener *l, const union proxyproto_addr *from,
                     const char *reason)
{
    bool ip = from->any.sa_family == AF_INET || from->any.sa_family == AF_INET6;
    struct addr peer;

    addr_from_sockaddr(&from->any, ip ? sizeof(*from) : sizeof(sa_family_t), &peer);
    STATS_INC(l->w->stats->refused[REFUSAL_PROXY_PROTOCOL]);
    log_warn("listener", "no PROXY header bind=%s peer=%s reason=\"%s\"", l->cfg->bind.text,
             peer.text, reason);
}

static void use_settings(struct listener *l, const struct topology *t, size_t i)
{
    struct tls_server *old_tls = l->tls, *tls = tls_set_server(t->tls, i);
    struct cfg *old = l->owner;

    l->owner = cfg_ref(t->cfg);
    l->cfg = &t->cfg->listeners[i];
    l->front = fronts_get(&l->w->shared->fronts, l->cfg->bind.text, l->cfg->name);
    l->tls = tls != NULL ? tls_server_ref(tls) : NULL;
    tls_server_unref(old_tls);
    cfg_unref(old);
}

static void add(struct worker *w, int fd, const struct topology *t, size_t i)
{
    struct listener *l = MEM_NEW(struct listener);

    l->w = w;
    l->fd = fd;
    use_settings(l, t, i);
    list_add_tail(&w->listeners, &l->node);
    loop_io_add_level(w->loop, &l->io, fd, on_accept);
}

static bool still_there(const struct listener *l, const struct cfg *cfg, const int *fds)
{
    for (size_t i = 0; i < cfg->n_listeners; i++)
        if (fds[i] == l->fd)
            return true;
    return false;
}

void listener_configure(struct worker *w, const struct topology *t, const int *fds)
{
    const struct cfg *cfg = t->cfg;

    for (struct list *n = w->listeners.next; n != &w->listeners; n = n->next) {
        struct listener *l = CONTAINER_OF(n, struct listener, node);

        if (l->fd >= 0 && !still_there(l, cfg, fds)) {
            pause_accepting(l);
            l->fd = -1; /* its connections go on with the settings they know */
        }
    }
    for (size_t i = 0; i < cfg->n_listeners && !w->draining; i++) {
        struct listener *l = by_fd(w, fds[i]);

        if (l != NULL)
            use_settings(l, t, i);
        else
            add(w, fds[i], t, i);
    }
}

void listener_stop_all(struct worker *w)
{
    for (struct list *n = w->listeners.next; n != &w->listeners; n = n->next)
        pause_accepting(CONTAINER_OF(n, struct listener, node));
}

void listener_free_all(struct worker *w)
{
    listener_stop_all(w);
    while (!list_empty(&w->listeners)) {
        struct listener *l = LIST_FIRST(&w->listeners, struct listener, node);

        list_remove(&l->node);
        tls_server_unref(l->tls);
        cfg_unref(l->owner);
        free(l);
    }
}

void listener_resume_all(struct worker *w)
{
    for (struct list *n = w->listeners.next; n != &w->listeners; n = n->next) {
        struct listener *l = CONTAINER_OF(n, struct listener, node);

        if (l->paused && l->fd >= 0 && !at_limit(l)) {
            l->paused = false;
            loop_io_add_level(w->loop, &l->io, l->fd, on_accept);
        }
    }
}
