/*
 * handover.h - what crosses between proxy, profiler and scaler: types only.
 *
 * The three never include one another.  app/wire.c joins them; everything that
 * passes is plain data of this file.
 *
 *   load         proxy -> scaler     exact counters, read every second
 *   observation  proxy -> profiler   bounded rings; may be dropped, then counted
 *   path_text    proxy -> profiler   raw paths not seen lately, to learn templates from
 *   outlook      profiler -> scaler  what the users now known will ask for
 *   pool_change  scaler -> proxy     membership of a pool
 *   backend_view proxy -> scaler     what became of it
 */
#ifndef BASE_HANDOVER_H
#define BASE_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/hist.h"

/* Always in this order: enums, JSON, logs and docs. */
enum tier { TIER_BASELINE, TIER_PREDICTIVE, TIER_BURST, N_TIERS };
extern const char *const tier_name[N_TIERS];

#define SERVICES_MAX 256
#define NAME_MAX_LEN 64 /* of a service, an instance; terminated */

/* ---- load: proxy -> scaler --------------------------------------------------------- */

/* Why a request did not end as a complete answer of the origin. */
#define LOAD_ERRORS(X)                                                                     \
    X(CONNECT, "connect", "no connection to the backend")                                  \
    X(CONNECT_TIMEOUT, "connect_timeout", "the connection took too long")                  \
    X(TLS, "tls", "no TLS with the backend: refused, or its certificate is not good")      \
    X(RESET, "reset", "the backend closed before its answer was complete")                 \
    X(RESPONSE_TIMEOUT, "response_timeout", "the backend sent nothing for too long")       \
    X(BAD_RESPONSE, "bad_response", "the backend's answer broke the rules of HTTP")        \
    X(CLIENT_ABORT, "client_abort", "the client left")                                     \
    X(CLIENT_TIMEOUT, "client_timeout", "the client was too slow")                         \
    X(CLIENT_BAD, "client_bad", "the client's body broke the rules of HTTP or a limit")    \
    X(OVERLOAD, "overload", "no tier could take it in time")

enum load_error {
#define X(sym, name, text) LOAD_E_##sym,
    LOAD_ERRORS(X)
#undef X
        N_LOAD_ERRORS
};
extern const char *const load_error_name[N_LOAD_ERRORS];

struct load_tier {
    uint64_t admitted;  /* requests that got a backend of this tier, each once */
    uint64_t completed; /* answered in full by it */
    uint64_t
        busy_us; /* integral of requests in flight over time, in request-microseconds */
    uint64_t attempts; /* requests sent, proxy retries included */
    int64_t inflight;  /* now */
    uint64_t bytes_up, bytes_down;
    struct hist_view
        latency; /* routing to the last byte from the backend, completed ones */
};

/*
 * Of one service, cumulative since the process started except where "now" is
 * said.  arrivals is the original demand: what users wanted, each want once:
 *   arrivals + client_retries =
 *       sum of tiers' admitted + shed + timed_out + refused + left + waiting now
 */
struct load {
    uint64_t arrivals;       /* requests routed here, repeats by clients left out */
    uint64_t client_retries; /* a failed request asked again */
    uint64_t proxy_retries;  /* attempts beyond a request's first */
    uint64_t held;           /* had to wait for a slot, whatever came of it */
    uint64_t shed;      /* refused at once: queue full, or the wait forecast too long */
    uint64_t timed_out; /* waited in vain */
    uint64_t refused;   /* no backend is up */
    uint64_t left;      /* the client left while waiting */
    uint64_t errors[N_LOAD_ERRORS];
    uint64_t status[6];   /* answers to clients by class; [0]: none was sent */
    int64_t queued;       /* now */
    int64_t long_streams; /* now: tunnels and exchanges older than 30 s */
    mono_us oldest_wait;  /* now: since when the longest waiting one waits; 0: none */
    struct load_tier tier[N_TIERS];
};

/* ---- observation: proxy -> profiler ------------------------------------------------- */

enum obs_method { OBS_GET, OBS_HEAD, OBS_POST, OBS_PUT, OBS_DELETE, OBS_OTHER };
enum obs_device { OBS_UNKNOWN, OBS_DESKTOP, OBS_MOBILE, OBS_TABLET, OBS_BOT, OBS_TOOL };

enum obs_flag {
    OBS_ABORTED = 1 << 0,       /* by the client */
    OBS_ABORT_WAITING = 1 << 1, /* ... before the first response byte */
    OBS_RETRIED = 1 << 2,       /* by the proxy */
    OBS_HELD = 1 << 3,
    OBS_REPEAT = 1 << 4, /* the client asked again after a failure */
    OBS_FAILED = 1 << 5, /* answered by us, not by the origin */
    OBS_UPGRADED = 1 << 6,
};

struct observation {               /* 64 bytes */
    uint64_t user;                 /* keyed hash, never 0 */
    uint64_t path;                 /* hash of the path without the query */
    wall_ms start;                 /* virtual time */
    uint32_t latency_us;           /* start to the last byte; saturates */
    uint32_t ttfb_us;              /* start to the first response byte; 0: none */
    uint32_t bytes_up, bytes_down; /* saturate */
    uint16_t service, route;
    uint16_t status; /* 0: none sent */
    uint16_t flags;  /* enum obs_flag */
    uint8_t method, device, tier;
    uint8_t pad[13];
};
_Static_assert(sizeof(struct observation) == 64, "an observation is one cache line");

#define PATH_TEXT_MAX 112

struct path_text { /* 128 bytes */
    uint64_t path; /* the same hash as in observation */
    uint16_t service;
    uint16_t len;
    uint32_t pad;
    char text[PATH_TEXT_MAX]; /* cut, not terminated */
};

/*
 * What a worker asks about a request, through pure functions that the profiler
 * provides: no clock, no allocation, no shared state.  The view is borrowed.
 */
struct request_view {
    const struct sockaddr *client; /* the client, after the trust rule */
    const char *path;              /* without the query */
    size_t path_len;
    const void *fields; /* handed back to field() */
    /* The value of the first field of that lower-case name, or NULL. */
    const char *(*field)(const void *fields, const char *name, size_t *len);
};

struct classify {
    const void *ctx;
    uint64_t (*user)(const void *ctx, const struct request_view *v); /* 0: do not profile */
    enum obs_device (*device)(const void *ctx, const struct request_view *v);
    uint64_t (*path)(const char *path, size_t len); /* never 0 */
};

/* ---- outlook: profiler -> scaler ----------------------------------------------------- */

struct outlook_service {
    double expected; /* requests in the next `horizon_ms` */
    double variance;
    double from_active, from_back,
        from_new; /* parts: active now; expected back; never seen */
    uint32_t active_users;
};

struct outlook {
    wall_ms made; /* virtual */
    uint32_t horizon_ms;
    uint32_t n_services;
    struct outlook_service service[SERVICES_MAX];
};

/* ---- pool changes: scaler -> proxy, and what came of them ---------------------------- */

enum pool_change_kind { POOL_ADD, POOL_DRAIN, POOL_REMOVE };

struct pool_change {
    enum pool_change_kind kind;
    uint16_t service;
    enum tier tier;
    struct addr addr;      /* the backend; names it for DRAIN and REMOVE */
    char id[NAME_MAX_LEN]; /* the provider's name for the instance */
    char probe[128];       /* ADD: path that must answer 2xx before traffic; "": none */
};

enum backend_health { BACKEND_UNKNOWN, BACKEND_UP, BACKEND_DOWN };
enum backend_admin {
    BACKEND_READY,
    BACKEND_DRAIN,   /* no new requests */
    BACKEND_LEAVING, /* removed: none but those routed by an earlier topology */
};

struct backend_view {
    struct addr addr;
    char id[NAME_MAX_LEN]; /* "" for a configured one */
    enum tier tier;
    enum backend_health health;
    enum backend_admin admin;
    bool ejected;
    uint32_t inflight, connections, idle;
    uint32_t max_requests, weight;
    uint64_t requests, failures, ejections; /* since it was added */
    mono_us up_since;                       /* 0: never up */
    double ewma_us; /* latency as the balancer sees it; 0: none yet */
};

#endif
