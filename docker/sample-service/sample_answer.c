#include "docker/sample-service/sample.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

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

void sample_answer(struct conn *c)
{
    struct request *r = &c->req;

    c->out_len = c->out_sent = 0;
    r->close = r->close || sample_stopping();
    sample_go(c, STATE_ANSWER);
    switch (r->kind) {
    case KIND_ABORT:
        sample_close(c, true);
        break;
    case KIND_UPGRADE:
        print(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n"
                 "Connection: Upgrade\r\n\r\n");
        break;
    case KIND_STATS:
        print_stats(c);
        break;
    case KIND_HEALTH:
        r->status = sample_unready() ? 503 : 200;
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

bool sample_refill(struct conn *c)
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

bool sample_flush(struct conn *c)
{
    while (c->out_sent < c->out_len) {
        ssize_t n =
            send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            sample_want(c, EPOLLOUT);
            return false;
        }
        if (n < 0) {
            stats.aborted++;
            sample_close(c, false);
            return false;
        }
        c->out_sent += (size_t)n;
    }
    c->out_len = c->out_sent = 0;
    return true;
}
