/*
 * worker.h - a thread with one loop and everything its connections share.
 *
 * Workers share nothing but the topology (immutable), the shared counts of backends
 * and services, and mail.  This header is the inside of the data plane: conn, upstream,
 * exchange, forward and waitq work on it; the rest of the program sees proxy.h.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include <pthread.h>

#include "base/bufq.h"
#include "base/map.h"
#include "base/ring.h"
#include "base/rng.h"
#include "proxy/fronts.h"
#include "proxy/httpdate.h"
#include "proxy/pipes.h"
#include "proxy/proxyproto.h"
#include "proxy/repeat.h"
#include "proxy/sock.h"
#include "proxy/stats.h"
#include "proxy/tls/tls_block.h"
#include "proxy/topology.h"

struct access;
struct bytering;
struct conn;
struct conn_turn;
struct edge_worker;
struct exchange;
struct h2pool;
struct hasher;
struct upstream;
struct waitq;

#define WORKER_FIELDS     256 /* fields of a head being parsed; cfg max_fields is below */
#define WORKER_SEEN_PATHS 1024

/* A topology as this worker uses it.  Exchanges pin it by a plain count. */
struct topology_pin {
    struct topology *topology;
    uint32_t pins;
    bool current;
};

/* What all workers use and none of them changes. */
struct worker_shared {
    unsigned n_workers;
    struct worker **workers;
    const struct classify *classify;
    struct repeat *repeat;
    struct access *access;
    struct fronts fronts;
    struct hasher *hasher;
    uint32_t max_connections; /* per worker */
    _Atomic bool draining;    /* before the workers hear of it by mail */
    _Atomic unsigned running; /* workers whose loop has not ended */
};

struct worker {
    /* fixed after new */
    unsigned id;
    struct loop *loop;
    struct worker_shared *shared;
    struct ring *observations, *paths;
    struct bytering *log; /* main sets it, before a topology that logs; NULL: none did */
    struct worker_stats *stats;
    /* owner's thread */
    struct topology_pin *topology;
    struct rng rng;
    struct buf_pool bufs;
    uint8_t *scratch;     /* SOCK_SCRATCH_BYTES */
    struct field *fields; /* WORKER_FIELDS, for a head being parsed */
    struct cork cork;
    struct pipes pipes;
    struct h2pool *h2; /* NULL until a connection speaks HTTP/2 */
    struct tls_block tls;
    struct list listeners, conns, exchanges; /* exchanges: oldest first */
    struct list *idle;  /* unused upstream connections, by backend slot, newest first */
    struct list *links; /* HTTP/2 connections to backends, the same way */
    uint32_t n_idle_slots;
    struct list dead; /* upstream and conn to free at the end of the turn */
    struct list spare_exchanges, ended_exchanges;
    struct conn_turn *spare_turns; /* conn.c */
    uint32_t n_spare;
    struct map waitqs;           /* service_shared -> waitq */
    struct loop_timer second;    /* once a second: long streams, waiting */
    uint64_t *seen_paths;        /* path hashes sent to the profiler lately */
    struct edge_worker *edge;    /* NULL until a request needs it */
    uint64_t request_ids;        /* makes X-Request-Id */
    char date[HTTPDATE_LEN + 1]; /* of the current second */
    mono_us date_until;          /* when the next one begins */
    bool draining;
    pthread_t thread;
    bool started;
};

struct worker *worker_new(struct worker_shared *shared, unsigned id);
void worker_free(struct worker *w); /* after its thread ended, or before it began */
int worker_start(struct worker *w, struct why *why);

/*
 * A new topology, whose reference the worker takes over, and this worker's sockets for
 * its listeners (copied).  Any thread.
 */
void worker_take_topology_mt(struct worker *w, struct topology *t, const int *fds);
/* No new connections; idle ones are closed; ends the loop when the last has gone.  With
 * `now` everything is cut at once. */
void worker_drain_mt(struct worker *w, bool now);
/* A connection that another worker accepted on its listener's bind address. */
void worker_give_conn_mt(struct worker *w, int fd, const char *bind,
                         const union proxyproto_addr *from);

/* The time as a Date field has it: 29 characters, until the next call. */
const char *worker_date(struct worker *w);

struct topology_pin *worker_pin(struct worker *w);
struct topology_pin *worker_pin_again(struct topology_pin *pin);
void worker_unpin(struct worker *w, struct topology_pin *pin);

struct exchange *worker_exchange_get(struct worker *w);
void worker_exchange_add(struct worker *w, struct exchange *x); /* to w->exchanges */
void worker_exchange_put(struct worker *w, struct exchange *x);

/* The list of unused upstream connections to a backend. */
struct list *worker_idle(struct worker *w, const struct backend *be);

/* The list of HTTP/2 connections to it, used or not. */
struct list *worker_links(struct worker *w, const struct backend *be);

/* `node` is in a struct whose memory is freed at the end of the turn by `fn`. */
struct worker_dead {
    struct list node;
    void (*fn)(struct worker_dead *d);
};
void worker_bury(struct worker *w, struct worker_dead *d,
                 void (*fn)(struct worker_dead *d));

/* A connection ended: listeners may accept again, a draining worker may be finished. */
void worker_conn_gone(struct worker *w);

#endif
