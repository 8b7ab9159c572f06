/*
 * stats.h - the counters of the data plane: plain numbers, one writer each.
 *
 * A worker writes its own block and nobody else's; readers on other threads add the
 * blocks up.  The counters are atomics only so that each is read whole; an increment
 * is a load, an add and a store.
 */
#ifndef PROXY_STATS_H
#define PROXY_STATS_H

#include <stdatomic.h>

#include "base/handover.h"
#include "proxy/tls/tls_io.h"

#define STATS_ADD(c, k)                                                                    \
    atomic_store_explicit(&(c), atomic_load_explicit(&(c), memory_order_relaxed) + (k),    \
                          memory_order_relaxed)
#define STATS_INC(c) STATS_ADD(c, 1)

struct tier_stats {
    _Atomic uint64_t admitted, completed, attempts, bytes_up, bytes_down;
    _Atomic int64_t inflight, blocked; /* of those: the backend waits for the client */
    /* Sum of ends less sum of starts, in microseconds: with (inflight - blocked) * now it
     * is the integral of requests that are worked on. */
    _Atomic int64_t busy_base;
    struct hist latency;
};

/* Why a request was refused at the edge, before it was demand. */
#define STATS_DENIALS(X)                                                                   \
    X(ADDRESS, "address")                                                                  \
    X(RATE, "rate")                                                                        \
    X(NO_CREDENTIALS, "no_credentials")                                                    \
    X(PASSWORD, "password")                                                                \
    X(TOKEN_FORM, "token_malformed")                                                       \
    X(TOKEN_ALGORITHM, "token_algorithm")                                                  \
    X(TOKEN_KEY, "token_key")                                                              \
    X(TOKEN_SIGNATURE, "token_signature")                                                  \
    X(TOKEN_TIME, "token_time")                                                            \
    X(TOKEN_ISSUER, "token_issuer")                                                        \
    X(TOKEN_AUDIENCE, "token_audience")                                                    \
    X(TOKEN_CLAIM, "token_claim")                                                          \
    X(AUTH_SERVICE, "auth_service")                                                        \
    X(AUTH_FAILED, "auth_failed")

/* Why an answer was not compressed, though compression was asked for. */
#define STATS_BYPASSES(X)                                                                  \
    X(CLIENT, "client")                                                                    \
    X(TYPE, "type")                                                                        \
    X(SMALL, "small")                                                                      \
    X(ENCODED, "encoded")                                                                  \
    X(NO_TRANSFORM, "no_transform")                                                        \
    X(RANGE, "range")                                                                      \
    X(DIGEST, "digest")                                                                    \
    X(MEMORY, "memory")

/* What became of copies of requests. */
#define STATS_MIRRORS(X)                                                                   \
    X(SENT, "sent")                                                                        \
    X(ANSWERED, "answered")                                                                \
    X(FAILED, "failed")                                                                    \
    X(BUSY, "busy")                                                                        \
    X(TOO_LARGE, "too_large")

enum stats_denial {
#define X(sym, name) DENIAL_##sym,
    STATS_DENIALS(X)
#undef X
        N_DENIALS
};
enum stats_bypass {
#define X(sym, name) BYPASS_##sym,
    STATS_BYPASSES(X)
#undef X
        N_BYPASSES
};
enum stats_mirror {
#define X(sym, name) MIRROR_##sym,
    STATS_MIRRORS(X)
#undef X
        N_MIRRORS
};
#define N_CODINGS 3 /* as enum cfg_coding */

extern const char *const stats_denial_name[N_DENIALS];
extern const char *const stats_bypass_name[N_BYPASSES];
extern const char *const stats_mirror_name[N_MIRRORS];
extern const char *const stats_coding_name[N_CODINGS];

/* X(field, elements) - the counters of the edge, of one service. */
#define STATS_EDGE(X)                                                                      \
    X(denied, N_DENIALS)                                                                   \
    X(compressed, N_CODINGS)                                                               \
    X(bypassed, N_BYPASSES)                                                                \
    X(mirrored, N_MIRRORS)                                                                 \
    X(plain_bytes, 1) /* of answers that were compressed: before */                        \
    X(coded_bytes, 1) /* ... and after */                                                  \
    X(pages, 1)       /* error pages sent */                                               \
    X(auth_known, 1)  /* credentials that had been checked before */                       \
    X(auth_checked, 1)

struct edge_stats {
#define X(field, n) _Atomic uint64_t field[n];
    STATS_EDGE(X)
#undef X
};

struct service_stats {
    _Atomic uint64_t arrivals, client_retries, proxy_retries, held, shed, timed_out,
        refused, left;
    _Atomic uint64_t errors[N_LOAD_ERRORS];
    _Atomic uint64_t status[6];
    _Atomic int64_t queued, long_streams;
    struct tier_stats tier[N_TIERS];
    struct edge_stats edge;
};

/* Why a request was refused for what it was. */
#define STATS_REFUSALS(X)                                                                  \
    X(BAD_REQUEST, "bad_request")                                                          \
    X(FRAMING, "framing")                                                                  \
    X(HOST, "host")                                                                        \
    X(TIMEOUT, "timeout")                                                                  \
    X(BODY_TOO_LARGE, "body_too_large")                                                    \
    X(URI_TOO_LONG, "uri_too_long")                                                        \
    X(EXPECTATION, "expectation")                                                          \
    X(HEAD_TOO_LARGE, "head_too_large")                                                    \
    X(NOT_IMPLEMENTED, "not_implemented")                                                  \
    X(VERSION, "version")                                                                  \
    X(NO_ROUTE, "no_route")                                                                \
    X(METHOD, "method")                                                                    \
    X(MALFORMED, "malformed")                                                              \
    X(FLOOD, "flood")                                                                      \
    X(PROXY_PROTOCOL, "proxy_protocol")                                                    \
    X(MISDIRECTED, "misdirected")

enum stats_refusal {
#define X(sym, name) REFUSAL_##sym,
    STATS_REFUSALS(X)
#undef X
        N_REFUSALS
};
extern const char *const stats_refusal_name[N_REFUSALS];
enum stats_refusal stats_refusal_of(unsigned status); /* of a 400 the most general */

/* Of one side's TLS. */
struct tls_stats {
    _Atomic uint64_t handshakes; /* completed */
    _Atomic uint64_t resumed;    /* of these */
    _Atomic uint64_t failed[TLS_IO_N_FAULTS];
};

struct worker_stats {
    _Atomic uint64_t accepted, requests, bytes_in, bytes_out;
    _Atomic uint64_t refused[N_REFUSALS];
    _Atomic uint64_t upstream_opened, upstream_reused;
    _Atomic uint64_t upstream_stale; /* kept, and gone when used; replaced */
    _Atomic uint64_t handed_over;    /* connections given to a less loaded worker */
    _Atomic uint64_t accept_pauses;
    _Atomic int64_t connections, upstream_connections, exchanges;
    /* Of these, what speaks HTTP/2. */
    _Atomic uint64_t h2_requests;
    _Atomic int64_t h2_connections, h2_upstream_connections;
    struct tls_stats tls_down, tls_up;
};

/* One zeroed block for each worker; free() it. */
struct service_stats *stats_new(unsigned n_workers);

/* Requests now, waiting ones included. */
uint32_t stats_requests(const struct service_stats *blocks, unsigned n_workers);

/* Adds up the workers' blocks; `now` closes the in-flight integral. */
void stats_load(const struct service_stats *blocks, unsigned n_workers, mono_us now,
                struct load *out);

/* The same counters as plain numbers. */
struct stats_edge {
#define X(field, n) uint64_t field[n];
    STATS_EDGE(X)
#undef X
};
void stats_edge(const struct service_stats *blocks, unsigned n_workers,
                struct stats_edge *out);

#endif
