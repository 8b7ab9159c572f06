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
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_MAX = 16384, OUT_MAX = 32768, CHUNK_FRAME = 32, EVENTS_MAX = 64 };
enum { BODY_MAX = 8 << 20, STOP_MS = 5000, US_PER_MS = 1000 };

enum kind { KIND_PAGE, KIND_ECHO, KIND_UPGRADE, KIND_ABORT, KIND_HEALTH, KIND_STATS };

struct request {
    enum kind kind;
    bool head_only, close, expects;
    bool chunked_in, last_chunk, chunked_out;
    int status;
    uint64_t answer_bytes;
    uint64_t extra_us;
    uint64_t body_left; /* of the body, or of the chunk being read */
};

/* What a connection does now; its only writer is conn_go(). */
enum state {
    STATE_HEAD,
    STATE_BODY,
    STATE_LINE,   /* waits until fewer than `concurrency` are made */
    STATE_MAKING, /* until due_us */
    STATE_ANSWER, /* writes */
    STATE_TUNNEL,
    STATE_DEAD,
};

struct conn {
    struct conn *prev, *next; /* all connections */
    struct conn *line_next;   /* STATE_LINE */
    int fd;
    enum state state;
    uint32_t want;  /* of epoll */
    int64_t due_us; /* STATE_MAKING */
    struct request req;
    char *body; /* the request's, for /echo */
    size_t body_len, body_cap;
    uint64_t out_left; /* bytes of the answer's body not yet in `out` */
    size_t in_len, out_len, out_sent;
    char in[IN_MAX], out[OUT_MAX];
};

static struct {
    const char *host;
    int port;
    int64_t latency_us, cpu_us, start_us;
    unsigned concurrency;
} opt = {.host = "127.0.0.1", .latency_us = 5000, .cpu_us = 200, .concurrency = 64};

static struct {
    uint64_t requests, aborted, bytes_in;
    unsigned inflight, inflight_max, connections, connections_max;
} stats;

static struct conn conns = {.prev = &conns, .next = &conns};
static struct conn *line_first, **line_last = &line_first;
static unsigned n_making;
static int epoll_fd, listen_fd;
static int64_t started_us;
static volatile sig_atomic_t stopping;

static int64_t now_us(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- a connection's state, and the counters that follow from it ---- */

static bool is_inflight(const struct conn *c)
{
    bool counted = c->req.kind != KIND_HEALTH && c->req.kind != KIND_STATS;

    return counted && c->state >= STATE_BODY && c->state <= STATE_TUNNEL;
}

static void line_remove(struct conn *c)
{
    struct conn **at = &line_first;

    while (*at != c)
        at = &(*at)->line_next;
    *at = c->line_next;
    if (line_last == &c->line_next)
        line_last = at;
}

static void line_append(struct conn *c)
{
    c->line_next = NULL;
    *line_last = c;
    line_last = &c->line_next;
}

static void conn_go(struct conn *c, enum state to)
{
    bool was = is_inflight(c);

    if (c->state == STATE_LINE)
        line_remove(c);
    n_making -= c->state == STATE_MAKING;
    c->state = to;
    n_making += to == STATE_MAKING;
    if (to == STATE_LINE)
        line_append(c);

    stats.inflight += (unsigned)is_inflight(c) - (unsigned)was;
    if (stats.inflight > stats.inflight_max)
        stats.inflight_max = stats.inflight;
}

static void conn_want(struct conn *c, uint32_t events)
{
    struct epoll_event ev = {.events = events | EPOLLRDHUP, .data.ptr = c};

    if (c->want == events)
        return;
    c->want = events;
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
}

static void conn_close(struct conn *c, bool reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (c->state == STATE_DEAD)
        return;
    if (reset)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    conn_go(c, STATE_DEAD);
    close(c->fd);
    stats.connections--;
}

/* The dead are freed after the turn: events of this turn may still name them. */
static void free_dead(void)
{
    for (struct conn *c = conns.next, *next; c != &conns; c = next) {
        next = c->next;
        if (c->state != STATE_DEAD)
            continue;
        c->prev->next = c->next;
        c->next->prev = c->prev;
        free(c->body);
        free(c);
    }
}

/* ---- reading a request ---- */

static bool starts(const char *s, const char *with, const char **rest)
{
    size_t n = strlen(with);

    if (strncmp(s, with, n) != 0)
        return false;
    *rest = s + n;
    return true;
}

static uint64_t number(const char *s)
{
    return strtoull(s, NULL, 10);
}

static void read_path(struct request *r, const char *path)
{
    const char *rest = "";

    if (starts(path, "/size/", &rest))
        r->answer_bytes = number(rest);
    else if (starts(path, "/chunked/", &rest))
        r->answer_bytes = number(rest), r->chunked_out = true;
    else if (starts(path, "/slow/", &rest))
        r->extra_us = number(rest) * US_PER_MS;
    else if (starts(path, "/status/", &rest))
        r->status = (int)number(rest);
    else if (starts(path, "/product/", &rest))
        r->answer_bytes = 2048 + number(rest) % 4096;
    else if (starts(path, "/echo", &rest))
        r->kind = KIND_ECHO;
    else if (starts(path, "/upgrade", &rest))
        r->kind = KIND_UPGRADE;
    else if (starts(path, "/abort", &rest))
        r->kind = KIND_ABORT;
    else if (starts(path, "/healthz", &rest))
        r->kind = KIND_HEALTH;
    else if (starts(path, "/stats", &rest))
        r->kind = KIND_STATS;
}

static bool field_is(const char *line, const char *name, const char **value)
{
    size_t n = strlen(name);

    if (strncasecmp(line, name, n) != 0 || line[n] != ':')
        return false;
    *value = line + n + 1 + strspn(line + n + 1, " \t");
    return true;
}

static void read_field(struct request *r, const char *line)
{
    const char *v = "";

    if (field_is(line, "content-length", &v))
        r->body_left = number(v);
    else if (field_is(line, "transfer-encoding", &v))
        r->chunked_in = strcasestr(v, "chunked") != NULL;
    else if (field_is(line, "connection", &v))
        r->close = r->close || strcasestr(v, "close") != NULL;
    else if (field_is(line, "expect", &v))
        r->expects = true;
    else if (field_is(line, "x-sample-status", &v))
        r->status = (int)number(v);
    else if (field_is(line, "x-sample-bytes", &v))
        r->answer_bytes = number(v);
}

/* `head` is terminated and ends with an empty line. */
static bool read_head(struct request *r, char *head)
{
    char *save = NULL, *line = strtok_r(head, "\r\n", &save);
    char *path = line != NULL ? strchr(line, ' ') : NULL;

    *r = (struct request){.status = 200, .answer_bytes = 1024};
    if (path == NULL)
        return false;
    *path++ = '\0';
    r->head_only = strcmp(line, "HEAD") == 0;
    r->close = strstr(path, " HTTP/1.0") != NULL;
    read_path(r, path);
    while ((line = strtok_r(NULL, "\r\n", &save)) != NULL)
        read_field(r, line);
    return true;
}

static void take_in(struct conn *c, size_t n)
{
    c->in_len -= n;
    memmove(c->in, c->in + n, c->in_len);
}

static bool keep_body(struct conn *c, const char *bytes, size_t n)
{
    stats.bytes_in += n;
    if (c->req.kind != KIND_ECHO)
        return true;
    if (c->body_len + n > BODY_MAX)
        return false;
    if (c->body_len + n > c->body_cap) {
        c->body_cap = (c->body_len + n) * 2;
        c->body = realloc(c->body, c->body_cap);
        if (c->body == NULL)
            abort();
    }
    memcpy(c->body + c->body_len, bytes, n);
    c->body_len += n;
    return true;
}

enum progress { PROGRESS_MORE, PROGRESS_DONE, PROGRESS_BAD };

static enum progress read_data(struct conn *c)
{
    size_t n = c->in_len < c->req.body_left ? c->in_len : (size_t)c->req.body_left;

    if (!keep_body(c, c->in, n))
        return PROGRESS_BAD;
    c->req.body_left -= n;
    take_in(c, n);
    return c->req.body_left == 0 ? PROGRESS_DONE : PROGRESS_MORE;
}

/* One line of the framing: a size, the end of a chunk's data, a trailer, the end. */
static enum progress read_chunk_line(struct conn *c)
{
    char *end = memmem(c->in, c->in_len, "\r\n", 2);
    bool empty = end == c->in;
    enum progress done = c->req.last_chunk && empty ? PROGRESS_DONE : PROGRESS_MORE;

    if (end == NULL)
        return c->in_len < IN_MAX ? PROGRESS_MORE : PROGRESS_BAD;
    if (!empty && !c->req.last_chunk) {
        c->req.body_left = strtoull(c->in, NULL, 16);
        c->req.last_chunk = c->req.body_left == 0;
    }
    take_in(c, (size_t)(end - c->in) + 2);
    return done;
}

static enum progress read_chunked(struct conn *c)
{
    size_t before;
    enum progress p;

    do {
        before = c->in_len;
        if (c->req.body_left > 0)
            p = read_data(c) == PROGRESS_BAD ? PROGRESS_BAD : PROGRESS_MORE;
        else
            p = read_chunk_line(c);
    } while (p == PROGRESS_MORE && c->in_len < before);
    return p;
}

/* ---- the answer ---- */

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 304:
        return "Not Modified";
    case 404:
        return "Not Found";
    case 503:
        return "Service Unavailable";
    default:
        return "Sample";
    }
}

static bool is_starting(void)
{
    return now_us(CLOCK_MONOTONIC) - started_us < opt.start_us;
}

__attribute__((format(printf, 2, 3))) static void print(struct conn *c, const char *fmt,
                                                        ...)
{
    va_list args;

    va_start(args, fmt);
    c->out_len += (size_t)vsnprintf(c->out + c->out_len, OUT_MAX - c->out_len, fmt, args);
    va_end(args);
}

static void print_head(struct conn *c, const char *type)
{
    struct request *r = &c->req;
    bool bodiless = r->status / 100 == 1 || r->status == 204 || r->status == 304;

    print(c, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nX-Sample: %d\r\n", r->status,
          reason(r->status), type, opt.port);
    if (r->close)
        print(c, "Connection: close\r\n");
    if (r->chunked_out && !bodiless)
        print(c, "Transfer-Encoding: chunked\r\n\r\n");
    else if (!bodiless)
        print(c, "Content-Length: %llu\r\n\r\n", (unsigned long long)r->answer_bytes);
    else
        print(c, "\r\n");
    c->out_left = bodiless || r->head_only ? 0 : r->answer_bytes;
    if (r->chunked_out && !bodiless && !r->head_only && c->out_left == 0)
        print(c, "0\r\n\r\n");
}

static void print_stats(struct conn *c)
{
    char text[256];
    int n =
        snprintf(text, sizeof(text),
                 "{\"requests\":%llu,\"aborted\":%llu,\"inflight\":%u,\"inflight_max\":%u,"
                 "\"connections\":%u,\"connections_max\":%u,\"bytes_in\":%llu}\n",
                 (unsigned long long)stats.requests, (unsigned long long)stats.aborted,
                 stats.inflight, stats.inflight_max, stats.connections,
                 stats.connections_max, (unsigned long long)stats.bytes_in);

    c->req.answer_bytes = (uint64_t)n;
    print_head(c, "application/json");
    if (c->out_left > 0)
        print(c, "%s", text);
    c->out_left = 0;
}

static void answer(struct conn *c)
{
    struct request *r = &c->req;

    c->out_len = c->out_sent = 0;
    r->close = r->close || stopping;
    conn_go(c, STATE_ANSWER);
    switch (r->kind) {
    case KIND_ABORT:
        conn_close(c, true);
        break;
    case KIND_UPGRADE:
        print(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n"
                 "Connection: Upgrade\r\n\r\n");
        break;
    case KIND_STATS:
        print_stats(c);
        break;
    case KIND_HEALTH:
        r->status = is_starting() || stopping ? 503 : 200;
        print_head(c, "text/plain");
        break;
    case KIND_ECHO:
        r->answer_bytes = c->body_len;
        print_head(c, "application/octet-stream");
        break;
    case KIND_PAGE:
        print_head(c, "text/plain");
        break;
    }
}

/* Puts the next piece of the body behind what is in `out`; false: there is none. */
static bool refill(struct conn *c)
{
    size_t room = OUT_MAX - c->out_len - CHUNK_FRAME;
    size_t n = c->out_left < room ? (size_t)c->out_left : room;

    if (n == 0)
        return false;
    if (c->req.chunked_out)
        print(c, "%zx\r\n", n);
    if (c->req.kind == KIND_ECHO)
        memcpy(c->out + c->out_len, c->body + c->body_len - c->out_left, n);
    else
        memset(c->out + c->out_len, 'x', n);
    c->out_len += n;
    c->out_left -= n;
    if (c->req.chunked_out)
        print(c, c->out_left == 0 ? "\r\n0\r\n\r\n" : "\r\n");
    return true;
}

/* True once all of `out` is written. */
static bool flush(struct conn *c)
{
    while (c->out_sent < c->out_len) {
        ssize_t n =
            send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            conn_want(c, EPOLLOUT);
            return false;
        }
        if (n < 0) {
            stats.aborted++;
            conn_close(c, false);
            return false;
        }
        c->out_sent += (size_t)n;
    }
    c->out_len = c->out_sent = 0;
    return true;
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

    conn_go(c, STATE_MAKING);
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
            conn_close(c, false);
        return false;
    }
    n = (size_t)(end - c->in) + 4;
    memcpy(head, c->in, n);
    head[n - 1] = '\0';
    take_in(c, n);
    if (!read_head(&c->req, head)) {
        conn_close(c, false);
        return false;
    }
    c->body_len = 0;
    stats.requests += c->req.kind != KIND_HEALTH && c->req.kind != KIND_STATS;
    conn_go(c, STATE_BODY);
    return true;
}

static bool step_body(struct conn *c)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    enum progress p = c->req.chunked_in ? read_chunked(c) : read_data(c);

    if (p == PROGRESS_BAD) {
        conn_close(c, true);
    } else if (p == PROGRESS_MORE && c->req.expects) {
        c->req.expects = false;
        if (send(c->fd, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL) < 0)
            conn_close(c, false);
    } else if (p == PROGRESS_DONE && c->req.kind == KIND_PAGE) {
        conn_go(c, STATE_LINE);
        make_waiting();
    } else if (p == PROGRESS_DONE) {
        answer(c);
    }
    return p == PROGRESS_DONE;
}

static bool step_answer(struct conn *c)
{
    do {
        refill(c);
        if (!flush(c))
            return false;
    } while (c->out_left > 0);

    if (c->req.kind == KIND_UPGRADE) {
        conn_go(c, STATE_TUNNEL);
    } else if (c->req.close) {
        conn_close(c, false);
    } else {
        conn_go(c, STATE_HEAD);
        conn_want(c, EPOLLIN);
    }
    return true;
}

static bool step_tunnel(struct conn *c)
{
    if (!flush(c))
        return false;
    memcpy(c->out, c->in, c->in_len);
    c->out_len = c->in_len;
    c->in_len = 0;
    if (flush(c))
        conn_want(c, EPOLLIN);
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
    stats.aborted += is_inflight(c) && c->state != STATE_TUNNEL;
    conn_close(c, false);
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
        conn_want(c, 0); /* a pipelined request waits in the socket */
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
            answer(c);
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
            conn_close(c, false);
}

static void turn(const sigset_t *unblocked)
{
    struct epoll_event evs[EVENTS_MAX];
    int wait_ms, n;

    answer_due();
    free_dead();
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
            opt.port = (int)number(optarg);
            break;
        case 'h':
            opt.host = optarg;
            break;
        case 'l':
            opt.latency_us = (int64_t)number(optarg) * US_PER_MS;
            break;
        case 'c':
            opt.cpu_us = (int64_t)number(optarg);
            break;
        case 'n':
            opt.concurrency = (unsigned)number(optarg);
            break;
        case 's':
            opt.start_us = (int64_t)number(optarg) * US_PER_MS;
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
