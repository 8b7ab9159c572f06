#include "tests/tools/trafficgen/webclient.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/tools/trafficgen/answer.h"

enum { HEAD_MAX = 4096, READ_BYTES = 65536, EVENTS_MAX = 256, SWEEP_MS = 10 };

struct link { /* a connection, or a place for one */
    int fd;   /* -1: none */
    bool busy, reused, fresh_tried;
    uint32_t want; /* of epoll */
    mono_us began, deadline;
    uint64_t tag;
    size_t head_len, sent, out_bytes; /* out_bytes: head and body */
    struct answer answer;
    char head[HEAD_MAX];
};

struct webclient {
    struct sockaddr_storage to;
    socklen_t to_len;
    char host[128];
    webclient_done_fn *done;
    void *ctx;
    int epoll_fd;
    mono_us sweep_at;
    unsigned n_links, n_busy;
    struct link *links;
    unsigned n_spare;
    struct link **spare; /* stack: not busy; connected ones on top */
    char scratch[READ_BYTES];
};

static const char zeros[16384];

/* ---- addresses ---- */

static bool resolve_unix(struct webclient *w, const char *path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&w->to;

    if (strlen(path) >= sizeof(un->sun_path))
        return false;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, strlen(path) + 1);
    w->to_len = sizeof(*un);
    snprintf(w->host, sizeof(w->host), "localhost");
    return true;
}

static bool resolve(struct webclient *w, const char *where)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    const char *colon = strrchr(where, ':');
    bool bracket = where[0] == '[';
    char name[128];

    if (strncmp(where, "unix:", 5) == 0)
        return resolve_unix(w, where + 5);
    if (colon == NULL || (size_t)(colon - where) >= sizeof(name))
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)(colon - where) - 2 * bracket,
             where + bracket);
    if (getaddrinfo(name, colon + 1, &hints, &found) != 0)
        return false;
    memcpy(&w->to, found->ai_addr, found->ai_addrlen);
    w->to_len = found->ai_addrlen;
    freeaddrinfo(found);
    snprintf(w->host, sizeof(w->host), "%s", where);
    return true;
}

struct webclient *webclient_new(const char *where, unsigned max_connections,
                                webclient_done_fn *done, void *ctx)
{
    struct webclient *w = calloc(1, sizeof(*w));

    if (w == NULL)
        abort();
    if (!resolve(w, where)) {
        fprintf(stderr, "trafficgen: no such address: %s\n", where);
        free(w);
        return NULL;
    }
    w->done = done;
    w->ctx = ctx;
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->n_links = w->n_spare = max_connections;
    w->links = calloc(max_connections, sizeof(*w->links));
    w->spare = calloc(max_connections, sizeof(struct link *));
    if (w->links == NULL || w->spare == NULL || w->epoll_fd < 0)
        abort();
    for (unsigned i = 0; i < max_connections; i++) {
        w->links[i].fd = -1;
        w->spare[i] = &w->links[i];
    }
    return w;
}

void webclient_free(struct webclient *w)
{
    for (unsigned i = 0; i < w->n_links; i++)
        if (w->links[i].fd >= 0)
            close(w->links[i].fd);
    close(w->epoll_fd);
    free(w->links);
    free(w->spare);
    free(w);
}

/* ---- one connection ---- */

static void want(struct webclient *w, struct link *l, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = l};

    if (l->want == events)
        return;
    l->want = events;
    epoll_ctl(w->epoll_fd, EPOLL_CTL_MOD, l->fd, &ev);
}

static void disconnect(struct link *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

/* On failure there is no descriptor. */
static void connect_link(struct webclient *w, struct link *l)
{
    struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = l};
    int one = 1;

    l->fd = socket(w->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return;
    l->reused = false;
    l->want = EPOLLOUT;
    if (w->to.ss_family != AF_UNIX)
        setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if ((connect(l->fd, (struct sockaddr *)&w->to, w->to_len) < 0 &&
         errno != EINPROGRESS) ||
        epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, l->fd, &ev) < 0)
        disconnect(l);
}

/* An idle connection goes on top, an empty place to the bottom: connections are kept warm.
 */
static void put_back(struct webclient *w, struct link *l)
{
    l->busy = false;
    w->n_busy--;
    if (l->fd >= 0) {
        w->spare[w->n_spare++] = l;
        return;
    }
    memmove(w->spare + 1, w->spare, w->n_spare * sizeof(struct link *));
    w->spare[0] = l;
    w->n_spare++;
}

static void finish(struct webclient *w, struct link *l, enum webclient_end end)
{
    struct webclient_result r = {.tag = l->tag,
                                 .end = end,
                                 .status = l->answer.status,
                                 .latency_us = (uint64_t)(clock_mono() - l->began),
                                 .body_bytes = l->answer.body_bytes};

    if (end != WEBCLIENT_ANSWERED || l->answer.close || l->sent < l->out_bytes)
        disconnect(l);
    else
        want(w, l, EPOLLIN);
    put_back(w, l);
    w->done(w->ctx, &r);
}

/*
 * The connection broke.  One that was kept may have been closed before it saw us.
 * A busy place without a connection is found by sweep(): finishing here would call
 * the user from inside webclient_send().
 */
static void broken(struct webclient *w, struct link *l)
{
    bool again = l->reused && !l->fresh_tried && l->answer.status == 0;

    disconnect(l);
    l->fresh_tried = true;
    l->sent = 0;
    if (again)
        connect_link(w, l);
}

static ssize_t send_part(struct link *l)
{
    size_t body_at = l->sent > l->head_len ? l->sent - l->head_len : 0;
    size_t left = l->out_bytes - l->head_len - body_at;

    if (l->sent < l->head_len)
        return send(l->fd, l->head + l->sent, l->head_len - l->sent, MSG_NOSIGNAL);
    return send(l->fd, zeros, left < sizeof(zeros) ? left : sizeof(zeros), MSG_NOSIGNAL);
}

static void write_link(struct webclient *w, struct link *l)
{
    while (l->sent < l->out_bytes) {
        ssize_t n = send_part(l);

        if (n < 0 && errno == EAGAIN) {
            want(w, l, EPOLLIN | EPOLLOUT);
            return;
        }
        if (n < 0) {
            broken(w, l);
            return;
        }
        l->sent += (size_t)n;
    }
    want(w, l, EPOLLIN);
}

static void read_link(struct webclient *w, struct link *l)
{
    ssize_t n = recv(l->fd, w->scratch, sizeof(w->scratch), 0);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0)
        l->answer.close |= answer_take(&l->answer, w->scratch, (size_t)n) < (size_t)n;
    else if (n == 0 && l->answer.step == ANSWER_UNTIL_CLOSE)
        answer_eof(&l->answer);
    else {
        broken(w, l);
        return;
    }
    if (l->answer.step == ANSWER_BAD)
        finish(w, l, WEBCLIENT_LOST);
    else if (l->answer.step == ANSWER_DONE)
        finish(w, l, WEBCLIENT_ANSWERED);
}

static void on_event(struct webclient *w, struct link *l, uint32_t events)
{
    if (l->fd < 0)
        return;
    if (!l->busy) { /* an idle connection was closed by the other side */
        disconnect(l);
        return;
    }
    if (events & EPOLLOUT && !(events & EPOLLERR))
        write_link(w, l);
    if (l->busy && l->fd >= 0 && events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        read_link(w, l);
}

/* ---- use ---- */

static void print_head(struct webclient *w, struct link *l,
                       const struct webclient_request *q)
{
    bool bodiless = strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0;
    char length[48] = "";
    int n;

    if (!bodiless)
        snprintf(length, sizeof(length), "Content-Length: %u\r\n", q->body_bytes);
    n = snprintf(l->head, sizeof(l->head), "%s %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n",
                 q->method, q->target, w->host, length, q->fields);
    CHECK(n > 0 && n < HEAD_MAX);
    l->head_len = (size_t)n;
    l->out_bytes = l->head_len + (bodiless ? 0 : q->body_bytes);
}

bool webclient_send(struct webclient *w, const struct webclient_request *q)
{
    struct link *l;

    if (w->n_spare == 0)
        return false;
    l = w->spare[--w->n_spare];
    w->n_busy++;
    l->busy = true;
    l->reused = l->fd >= 0;
    l->fresh_tried = false;
    l->tag = q->tag;
    l->sent = 0;
    l->began = clock_mono();
    l->deadline =
        q->patience_ms > 0 ? l->began + (mono_us)q->patience_ms * US_PER_MS : INT64_MAX;
    print_head(w, l, q);
    answer_begin(&l->answer, strcmp(q->method, "HEAD") == 0);
    if (l->fd >= 0)
        write_link(w, l);
    else
        connect_link(w, l);
    return true;
}

unsigned webclient_busy(const struct webclient *w)
{
    return w->n_busy;
}

static void sweep(struct webclient *w, mono_us now)
{
    for (unsigned i = 0; i < w->n_links; i++) {
        struct link *l = &w->links[i];

        if (l->busy && l->fd < 0)
            finish(w, l, WEBCLIENT_LOST);
        else if (l->busy && l->deadline <= now)
            finish(w, l, WEBCLIENT_LEFT);
    }
}

void webclient_turn(struct webclient *w, int max_wait_ms)
{
    struct epoll_event evs[EVENTS_MAX];
    int wait_ms = w->n_busy > 0 && max_wait_ms > SWEEP_MS ? SWEEP_MS : max_wait_ms;
    int n = epoll_wait(w->epoll_fd, evs, EVENTS_MAX, wait_ms);
    mono_us now = clock_mono();

    for (int i = 0; i < n; i++)
        on_event(w, evs[i].data.ptr, evs[i].events);
    if (now >= w->sweep_at) {
        w->sweep_at = now + SWEEP_MS * US_PER_MS;
        sweep(w, now);
    }
}
