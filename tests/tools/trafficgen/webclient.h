/*
 * webclient.h - many HTTP/1.1 requests at once to one address, over a few connections.
 *
 * Knows nothing of users, time tables or repeats; says how each request ended.  A
 * kept connection that the other side closed before the first byte of an answer is
 * replaced by a new one, once, as every browser does; that is not counted as a
 * repeat.  One thread.
 */
#ifndef TESTS_TOOLS_TRAFFICGEN_WEBCLIENT_H
#define TESTS_TOOLS_TRAFFICGEN_WEBCLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct webclient;

enum { WEBCLIENT_HEAD_MAX = 3500 };

struct webclient_request {
    const char *method, *target;
    const char *fields;   /* complete lines, each with its CRLF; "" */
    uint32_t body_bytes;  /* of zeros; sent with a Content-Length when the method is not GET
                             or HEAD */
    uint32_t patience_ms; /* 0: for ever */
    uint64_t tag;         /* comes back in the result */
};

enum webclient_end {
    WEBCLIENT_ANSWERED, /* a complete answer */
    WEBCLIENT_LOST,     /* no connection, or it ended too early, or not HTTP */
    WEBCLIENT_LEFT,     /* patience ran out; the connection was closed */
};

struct webclient_result {
    uint64_t tag;
    enum webclient_end end;
    unsigned status; /* 0: none seen */
    uint64_t latency_us, body_bytes;
};

/* Called from webclient_turn() only; may call webclient_send(). */
typedef void webclient_done_fn(void *ctx, const struct webclient_result *r);

/* `where` is HOST:PORT, [IPV6]:PORT or unix:PATH.  NULL, with a line on stderr: no such
 * address. */
struct webclient *webclient_new(const char *where, unsigned max_connections,
                                webclient_done_fn *done, void *ctx);
void webclient_free(struct webclient *w);

/*
 * False: all connections are busy; try again after a request ended.  Copies what it
 * needs.  Target and fields together are at most WEBCLIENT_HEAD_MAX bytes.
 */
bool webclient_send(struct webclient *w, const struct webclient_request *q);
unsigned webclient_busy(const struct webclient *w); /* requests under way */

/* Waits at most that long for something to happen, and handles it. */
void webclient_turn(struct webclient *w, int max_wait_ms);

#endif
