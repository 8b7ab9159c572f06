/*
 * sample.c - a small web shop to put behind a proxy: demo, scenarios, benches.
 *
 * One thread, epoll, HTTP/1.1 with keep-alive.  A page costs CPU time and takes
 * a while, and both grow with the number of pages made at once, as in a real
 * service: at most `concurrency` are in the making, the others wait in line.
 *
 *   /  /search  /product/N  /cart  /checkout     pages
 *   /size/N  /chunked/N        N bytes, with a length or chunked
 *   /slow/MS  /status/CODE     a page that takes MS longer; an answer of that status
 *   /echo                      the request's body
 *   /upgrade                   101, then every byte comes back
 *   /abort                     a reset instead of an answer
 *   /healthz  /stats           at once, outside the line; counters as JSON
 *
 * A request may choose its answer with `X-Sample-Status: CODE` and
 * `X-Sample-Bytes: N`; a trace's answers are repeated that way.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "docker/sample-service/sample.h"

enum { EVENTS_MAX = 64, STOP_MS = 5000 };

struct sample_options opt = {
    .host = "127.0.0.1", .latency_us = 5000, .cpu_us = 200, .concurrency = 64};

static int listen_fd;
static int64_t started_us;
static volatile sig_atomic_t stopping;

static int64_t now_us(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

bool sample_stopping(void)
{
    return stopping;
}

bool sample_unready(void)
{
    return stopping || now_us(CLOCK_MONOTONIC) - started_us < opt.start_us;
}

/* ---- a page in the making ---- */

static void burn(int64_t us)
{
    int64_t end = now_us(CLOCK_THREAD_CPUTIME_ID) + us;

    while (now_us(CLOCK_THREAD_CPUTIME_ID) < end)
        ;
}

/* Both costs are twice as high when every place is taken as when one is. */
static void make_page(struct conn *c)
{
    double load = opt.concurrency > 1 ? (double)n_making / (opt.concurrency - 1) : 0;

    sample_go(c, STATE_MAKING);
    burn((int64_t)((double)opt.cpu_us * (1 + load)));
    c->due_us = now_us(CLOCK_MONOTONIC) + (int64_t)((double)opt.latency_us * (1 + load)) +
                (int64_t)c->req.extra_us;
}

static void make_waiting(void)
{
    while (line_first != NULL && n_making < opt.concurrency)
        make_page(line_first);
}

/* ---- steps: true when the state changed, so that there may be more to do ---- */

static bool step_head(struct conn *c)
{
    char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
    char head[IN_MAX];
    size_t n;

    if (end == NULL) {
        if (c->in_len == IN_MAX)
            sample_close(c, false);
        return false;
    }
    n = (size_t)(end - c->in) + 4;
    memcpy(head, c->in, n);
    head[n - 1] = '\0';
    sample_take_in(c, n);
    if (!sample_read_head(&c->req, head)) {
        sample_close(c, false);
        return false;
    }
    c->body_len = 0;
    stats.requests += c->req.kind != KIND_HEALTH && c->req.kind != KIND_STATS;
    sample_go(c, STATE_BODY);
    return true;
}

static bool step_body(struct conn *c)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    enum progress p = sample_read_body(c);

    if (p == PROGRESS_BAD) {
        sample_close(c, true);
    } else if (p == PROGRESS_MORE && c->req.expects) {
        c->req.expects = false;
        if (send(c->fd, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL) < 0)
            sample_close(c, false);
    } else if (p == PROGRESS_DONE && c->req.kind == KIND_PAGE) {
        sample_go(c, STATE_LINE);
        make_waiting();
    } else if (p == PROGRESS_DONE) {
        sample_answer(c);
    }
    return p == PROGRESS_DONE;
}

static bool step_answer(struct conn *c)
{
    do {
        sample_refill(c);
        if (!sample_flush(c))
            return false;
    } while (c->out_left > 0);

    if (c->req.kind == KIND_UPGRADE) {
        sample_go(c, STATE_TUNNEL);
    } else if (c->req.close) {
        sample_close(c, false);
    } else {
        sample_go(c, STATE_HEAD);
        sample_want(c, EPOLLIN);
    }
    return true;
}

static bool step_tunnel(struct conn *c)
{
    if (!sample_flush(c))
        return false;
    memcpy(c->out, c->in, c->in_len);
    c->out_len = c->in_len;
    c->in_len = 0;
    if (sample_flush(c))
        sample_want(c, EPOLLIN);
    return false;
}

static void serve(struct conn *c)
{
    bool more = true;

    while (more)
        switch (c->state) {
        case STATE_HEAD:
            more = step_head(c);
            break;
        case STATE_BODY:
            more = step_body(c);
            break;
        case STATE_ANSWER:
            more = step_answer(c);
            break;
        case STATE_TUNNEL:
            more = step_tunnel(c);
            break;
        case STATE_LINE:
        case STATE_MAKING:
        case STATE_DEAD:
            more = false;
            break;
        }
}

/* ---- events ---- */

/* The peer closed or half-closed; whoever leaves before the answer is an abort. */
static void on_gone(struct conn *c)
{
    stats.aborted += sample_inflight(c) && c->state != STATE_TUNNEL;
    sample_close(c, false);
    make_waiting();
}

static void on_readable(struct conn *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_len, IN_MAX - c->in_len, 0);

    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        on_gone(c);
        return;
    }
    c->in_len += n > 0 ? (size_t)n : 0;
    serve(c);
}

static void on_event(struct conn *c, uint32_t events)
{
    bool reads = c->state == STATE_HEAD || c->state == STATE_BODY ||
                 (c->state == STATE_TUNNEL && c->out_len == 0);

    if (c->state == STATE_DEAD)
        return;
    if (events & (EPOLLERR | EPOLLHUP) || (!reads && events & EPOLLRDHUP))
        on_gone(c);
    else if (reads && events & (EPOLLIN | EPOLLRDHUP))
        on_readable(c);
    else if (events & EPOLLOUT)
        serve(c);
    else
        sample_want(c, 0); /* a pipelined request waits in the socket */
}

static void on_accept(void)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP};
    struct conn *c = fd >= 0 ? calloc(1, sizeof(*c)) : NULL;

    if (c == NULL)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    *c = (struct conn){.fd = fd, .want = EPOLLIN, .next = conns.next, .prev = &conns};
    conns.next->prev = c;
    conns.next = c;
    ev.data.ptr = c;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
    if (++stats.connections > stats.connections_max)
        stats.connections_max = stats.connections;
}

static void answer_due(void)
{
    int64_t now = now_us(CLOCK_MONOTONIC);

    for (struct conn *c = conns.next; c != &conns; c = c->next)
        if (c->state == STATE_MAKING && c->due_us <= now) {
            sample_answer(c);
            serve(c);
        }
    make_waiting();
}

/* Milliseconds until the next answer is due; -1: none is. */
static int next_due_ms(void)
{
    int64_t now = now_us(CLOCK_MONOTONIC), next = INT64_MAX;

    for (struct conn *c = conns.next; c != &conns; c = c->next)
        if (c->state == STATE_MAKING && c->due_us < next)
            next = c->due_us;
    if (next == INT64_MAX)
        return -1;
    return next <= now ? 0 : (int)((next - now + US_PER_MS - 1) / US_PER_MS);
}

/* Nothing new is accepted; what is being answered is finished. */
static void begin_stop(void)
{
    if (listen_fd >= 0)
        close(listen_fd);
    listen_fd = -1;
    for (struct conn *c = conns.next; c != &conns; c = c->next)
        if (c->state == STATE_HEAD && c->in_len == 0)
            sample_close(c, false);
}

static void turn(const sigset_t *unblocked)
{
    struct epoll_event evs[EVENTS_MAX];
    int wait_ms, n;

    answer_due();
    sample_free_dead();
    wait_ms = next_due_ms();
    if (stopping && (wait_ms < 0 || wait_ms > 100))
        wait_ms = 100;
    n = epoll_pwait(epoll_fd, evs, EVENTS_MAX, wait_ms, unblocked);
    for (int i = 0; i < n; i++)
        if (evs[i].data.ptr == NULL)
            on_accept();
        else
            on_event(evs[i].data.ptr, evs[i].events);
}

static void run(const sigset_t *unblocked)
{
    int64_t stop_at = 0;

    while (!stopping)
        turn(unblocked);
    stop_at = now_us(CLOCK_MONOTONIC) + (int64_t)STOP_MS * US_PER_MS;
    begin_stop();
    while (conns.next != &conns && now_us(CLOCK_MONOTONIC) < stop_at) {
        turn(unblocked);
        begin_stop();
    }
}

/* ---- start ---- */

static void on_signal(int sig)
{
    (void)sig;
    stopping = 1;
}

/* The signals arrive only while turn() waits. */
static void catch_signals(sigset_t *unblocked)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigset_t block;

    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGINT);
    sigprocmask(SIG_BLOCK, &block, unblocked);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
}

static int open_listener(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0 || inet_pton(AF_INET, opt.host, &a.sin_addr) != 1)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1024) < 0)
        return -1;
    return fd;
}

static void usage(void)
{
    fprintf(stderr,
            "usage: sample-service --port N [--host ADDRESS]\n"
            "  --latency-ms N    a page's time when nothing else is made (5)\n"
            "  --cpu-us N        a page's CPU time, likewise (200)\n"
            "  --concurrency N   pages made at once; the others wait (64)\n"
            "  --start-ms N      /healthz answers 503 that long after the start (0)\n");
    exit(2);
}

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"host", required_argument, NULL, 'h'},
        {"latency-ms", required_argument, NULL, 'l'},
        {"cpu-us", required_argument, NULL, 'c'},
        {"concurrency", required_argument, NULL, 'n'},
        {"start-ms", required_argument, NULL, 's'},
        {0},
    };
    int o;

    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (o) {
        case 'p':
            opt.port = (int)sample_number(optarg);
            break;
        case 'h':
            opt.host = optarg;
            break;
        case 'l':
            opt.latency_us = (int64_t)sample_number(optarg) * US_PER_MS;
            break;
        case 'c':
            opt.cpu_us = (int64_t)sample_number(optarg);
            break;
        case 'n':
            opt.concurrency = (unsigned)sample_number(optarg);
            break;
        case 's':
            opt.start_us = (int64_t)sample_number(optarg) * US_PER_MS;
            break;
        default:
            usage();
        }
    if (opt.port == 0 || opt.concurrency == 0 || optind != argc)
        usage();
}

int main(int argc, char **argv)
{
    struct epoll_event ev = {.events = EPOLLIN};
    sigset_t unblocked;

    read_options(argc, argv);
    started_us = now_us(CLOCK_MONOTONIC);
    catch_signals(&unblocked);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    listen_fd = open_listener();
    if (listen_fd < 0 || epoll_fd < 0) {
        fprintf(stderr, "sample-service: %s:%d: %m\n", opt.host, opt.port);
        return 1;
    }
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &ev);
    run(&unblocked);
    return 0;
}
