/*
 * proxy.h - the data plane as the rest of the program sees it.
 *
 * Opens the listeners, runs the workers, owns membership (which lives on the main
 * loop).  Functions ending in _mt may be called from any thread, the others belong to
 * the main thread.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "base/handover.h"
#include "base/loop.h"
#include "base/ring.h"
#include "conf/cfg.h"
#include "conf/cfg_errors.h"
#include "proxy/access/access.h"
#include "proxy/stats.h"

struct proxy;

/*
 * Binds every listener and makes the workers; nothing is served yet.  `classify` is
 * borrowed and may be NULL: then nobody is profiled.  `cfg` is referenced.
 */
int proxy_new(struct cfg *cfg, struct loop *main_loop, const struct classify *classify,
              struct proxy **p, struct why *w);
/* All that is wrong with the files that cfg names: certificates, keys, pages, users.
 * Blocks. */
int proxy_check(struct cfg *cfg, struct cfg_errors *errs);
int proxy_start(struct proxy *p, struct why *w);

/* The rings of a worker, for the profiler to poll; they live as long as the proxy. */
unsigned proxy_workers(const struct proxy *p);
struct ring *proxy_observations(struct proxy *p, unsigned worker);
struct ring *proxy_paths(struct proxy *p, unsigned worker);

/*
 * A new configuration: listeners are added and left, services and routes replaced,
 * connections and requests go on.  On failure the old one stays.  What cannot change
 * without a restart (workers) is left and said in the log.
 */
int proxy_reload(struct proxy *p, struct cfg *cfg, struct why *w);

/*
 * No new connections; each open one ends after its answer, and from the return on every
 * answer says so.  `now` cuts everything.
 * proxy_drained_mt() tells when the last has gone.
 */
void proxy_drain(struct proxy *p, bool now);
bool proxy_drained_mt(const struct proxy *p);
void proxy_free(struct proxy *p); /* drains at once and waits for the workers */

/* Writes what there is to the access logs' files and opens them again. */
void proxy_reopen_logs_mt(struct proxy *p);

/* True when backends are known and those with probes have answered. */
bool proxy_settled(const struct proxy *p);

/* ---- figures ---- */

/* `service` is an index of the newest configuration; false: there is none such. */
bool proxy_load_mt(struct proxy *p, uint16_t service, struct load *out);

struct proxy_tls {
    uint64_t handshakes; /* completed */
    uint64_t resumed;    /* of these */
    uint64_t failed[TLS_IO_N_FAULTS];
};

struct proxy_totals {
    uint64_t accepted, requests, bytes_in, bytes_out;
    uint64_t refused[N_REFUSALS];
    struct proxy_tls tls_down, tls_up; /* with clients, with backends */
    uint64_t upstream_opened, upstream_reused, upstream_stale, handed_over, accept_pauses;
    uint64_t h2_requests; /* of `requests` */
    int64_t h2_connections, h2_upstream_connections;
    uint64_t observations_dropped, slow_turns;
    uint64_t access_lost; /* requests that found no room on their way to the access logs */
    int64_t connections, upstream_connections, exchanges;
    uint32_t max_connections;
};
void proxy_totals_mt(struct proxy *p, struct proxy_totals *out);

/* Where access logs are written, and how it goes; free(*out). */
size_t proxy_logs_mt(struct proxy *p, struct access_place **out);
/* Of a service, as proxy_load_mt(). */
bool proxy_edge_mt(struct proxy *p, uint16_t service, struct stats_edge *out);

/* The newest configuration; unref it. */
struct cfg *proxy_cfg_mt(struct proxy *p);

/* ---- membership ---- */

size_t proxy_backends_mt(struct proxy *p, uint16_t service, enum tier tier,
                         struct backend_view *out, size_t max);
int proxy_change_mt(struct proxy *p, const struct pool_change *c);
/* Administrative drain or return of one backend; RC_NOT_FOUND. */
int proxy_drain_backend(struct proxy *p, const char *service, const char *addr, bool drain);

#endif
