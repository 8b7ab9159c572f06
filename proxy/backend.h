/*
 * backend.h - one server of a pool: its limits, its shared counts, its state.
 *
 * Made and dropped by the main thread (membership.c); used by all workers.  What must
 * hold over all workers lives in one cache-line aligned block of atomics: a slot is
 * reserved before it is used, and a count never passes its limit, not even for a moment.
 * Administrative intent (ready, draining) and observed health are two things;
 * backend_takes() combines them.
 *
 * A backend lives as long as somebody holds a reference: a topology, or an upstream
 * connection.
 */
#ifndef PROXY_BACKEND_H
#define PROXY_BACKEND_H

#include <stdatomic.h>

#include "base/handover.h"
#include "base/mem.h"
#include "conf/cfg.h"

/* The first cache line is what a request touches. */
struct backend_shared {
    _Alignas(CACHE_LINE) _Atomic uint32_t inflight; /* requests, over all workers */
    _Atomic uint32_t connections;                   /* open or opening ones */
    _Atomic uint32_t idle;                          /* of these, unused */
    _Atomic uint32_t fails_in_row;
    _Atomic uint32_t suspect_ms;   /* until then others are preferred; 0: no (breaker.c) */
    _Atomic uint8_t health;        /* enum backend_health, written by main */
    _Atomic uint8_t admin;         /* enum backend_admin, written by main */
    _Atomic int64_t ejected_until; /* mono_us; not 0: counted in its pool's `ejected` */
    _Atomic int64_t up_since;      /* mono_us; slow start counts from here */
    _Atomic uint64_t ewma_us;      /* latency; bits of a double (balance.h) */
    _Atomic int64_t ewma_at;
    _Atomic uint64_t requests; /* that ended */

    _Atomic uint64_t failures, ejections;
    _Atomic uint32_t h2_allows; /* streams on a connection, as it last said; 0: unknown */
    _Atomic bool agrees_on_h2;  /* in the last handshake with TLS */
    _Atomic uint32_t ejections_in_row;
    _Atomic int64_t calm_since; /* mono_us; end of the last ejection */
    _Atomic unsigned refs;      /* private: of the backends that share this block */
};
_Static_assert(offsetof(struct backend_shared, failures) == CACHE_LINE,
               "a request touches one line of a backend");

struct pool_shared;
struct service_shared;
struct slots;
struct tls_client;
struct tls_peer;

struct backend {
    /* fixed after new */
    struct addr addr; /* resolved: addr.len > 0 */
    char id[NAME_MAX_LEN];
    uint32_t slot; /* small number, unique among living backends; workers index by it */
    uint16_t service;
    uint8_t tier;
    bool probed;            /* takes no traffic before the first passed probe */
    uint8_t protocol;       /* enum cfg_protocol */
    uint8_t proxy_protocol; /* version of the header connections begin with; 0: none */
    uint32_t max_requests, max_connections, max_idle, weight, slow_start_ms;
    uint32_t h2_streams, ping_ms;
    struct cfg_ejection ejection;
    struct pool_shared *pool;
    struct service_shared *home; /* a reference; `pool` is in it */
    struct slots *slots;         /* private */
    struct tls_peer *tls;        /* a reference; NULL: plain */
    /* any thread */
    _Atomic unsigned refs;
    struct backend_shared *shared; /* a reference */
};

/* What a backend is made from; all of it is copied or referenced. */
struct backend_spec {
    const struct addr *addr;
    const char *id; /* "" for a configured one */
    const struct cfg_service *service;
    enum tier tier;
    uint32_t weight;
    bool probed;
    struct tls_client *tls;  /* NULL: plain */
    const char *server_name; /* with TLS: whom to expect; "": anybody */
    struct service_shared *home;
    struct backend_shared *shared; /* of an earlier backend with this address, or NULL */
    struct slots *slots;
};

/* Health is BACKEND_UNKNOWN unless `shared` says more.  Main thread. */
struct backend *backend_new(const struct backend_spec *spec);
/* Would a backend made from this be no other one? */
bool backend_fits(const struct backend *be, const struct backend_spec *spec);
struct backend *backend_ref(struct backend *be);
void backend_unref(struct backend *be);

/* What it is called by who has no other name for it; lives as long as `a`. */
static inline const char *backend_host(const struct addr *a)
{
    return a->kind == ADDR_UNIX ? "localhost" : a->text;
}

/* What main saw and what an operator wants.  Main thread. */
void backend_set_health(struct backend *be, enum backend_health health, mono_us now);
void backend_set_admin(struct backend *be, enum backend_admin admin);
/* Healthy and not drained, whatever the requests say. */
bool backend_serves(const struct backend *be);
/* Neither drained nor removed: a connection to it is worth keeping. */
bool backend_stays(const struct backend *be);

/* Up, ready and not ejected: may be given a request at `now`.  Says nothing of room. */
bool backend_takes(const struct backend *be, mono_us now);

/* Takes one of max_requests; false: none is left. */
bool backend_reserve(struct backend *be);

/* Gives it back unused: it counts as no request. */
void backend_unreserve(struct backend *be);

enum backend_outcome {
    BACKEND_OK,        /* a complete answer */
    BACKEND_FAILED,    /* no connection, reset, timeout, bad answer: counts against it */
    BACKEND_ABANDONED, /* the client left, or we gave up for another reason: for nobody */
};

/*
 * Gives the slot back.  latency_us (0: none) feeds the balancer on BACKEND_OK.  A
 * failure may eject the backend (breaker.h); that is logged.  Who counts itself as
 * waiting before it finds no slot is seen by a look at that count after this call.
 */
void backend_release(struct backend *be, enum backend_outcome oc, mono_us latency_us,
                     mono_us now);

/* One of max_connections, for opening a connection; false: at the limit. */
bool backend_connection_reserve(struct backend *be);
void backend_connection_release(struct backend *be);
/* One of max_idle, for keeping an unused connection; false: close it instead. */
bool backend_idle_reserve(struct backend *be);
void backend_idle_release(struct backend *be);

/* The latency average as it is at `now`; 0: none yet. */
double backend_ewma_us(const struct backend *be, mono_us now);

void backend_view(const struct backend *be, mono_us now, struct backend_view *out);

#endif
