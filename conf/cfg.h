/*
 * cfg.h - what was configured: plain, checked, immutable structs.
 *
 * Nothing here runs.  Every field is documented, with unit, range and default,
 * in cfg_table.h, from which docs/configuration.md is made.  A `struct cfg` is
 * shared by reference count; a reload is a new one.  Lists are arrays with a
 * count beside them; strings are never NULL, an unset one is "".
 */
#ifndef CONF_CFG_H
#define CONF_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/handover.h"
#include "base/log.h"
#include "conf/cfg_edge.h"
#include "conf/cfg_template.h"

enum cfg_log_only { CFG_LOG_ALL, CFG_LOG_ERRORS };
enum cfg_log_facility { /* of syslog (RFC 5424, 6.2.1), less 16 */
                        CFG_LOG_LOCAL0,
                        CFG_LOG_LOCAL7 = CFG_LOG_LOCAL0 + 7,
};

#define CFG_LOG_OFF         "off" /* in place of a path: this list is empty */
#define CFG_LOGS_MAX        8     /* of one list */
#define CFG_LOG_HEADERS_MAX 16    /* of requests and of answers, over a list */
#define CFG_LOG_HEADER_NAME 64    /* bytes of such a name */

struct cfg_access_log {
    char *path; /* a file, "stdout", "stderr", "syslog:ADDRESS", or CFG_LOG_OFF */
    struct cfg_template format; /* cfg_access.h */
    uint32_t buffer;            /* bytes gathered before they are written */
    uint32_t flush_ms;          /* they are written after this at the latest */
    double sample;              /* share of the lines that is written, 0..1 */
    enum cfg_log_only only;
    uint32_t slower_than_ms;  /* 0: whatever it took */
    bool empty_connections;   /* a line too for those that sent nothing */
    bool query, mask_address; /* what of a request is told */
    enum cfg_log_facility facility;
    char **request_headers, **response_headers; /* told as well */
    size_t n_request_headers, n_response_headers;
};

struct cfg_timeouts_down { /* towards the client */
    uint32_t head_ms;      /* first byte of a request to the end of its head */
    uint32_t body_ms;      /* longest pause inside a request body */
    uint32_t write_ms;     /* longest time in which the client takes no byte */
    uint32_t idle_ms;      /* keep-alive, between requests */
    uint32_t tunnel_ms;    /* no byte either way on an upgraded connection */
    uint32_t linger_ms;    /* reading on after an early answer, before closing */
};

struct cfg_h2 { /* HTTP/2 towards the client */
    bool enabled, only;
    uint32_t max_streams;   /* at once on one connection */
    uint32_t stream_window; /* bytes of a request body that may be on their way */
    uint32_t window;        /* ... of all on one connection */
    uint32_t resets;        /* streams broken off, a second; 0: no limit */
    uint32_t control;       /* frames that carry nothing, a second; 0: no limit */
};

enum cfg_tls_version { CFG_TLS_1_2, CFG_TLS_1_3 };

struct cfg_tls_cert {
    char *cert; /* file: the certificate and what leads from it to a root */
    char *key;  /* file; "": in `cert` */
    char *ocsp; /* file with an answer of the issuer to staple; "": none */
};

struct cfg_tls_tickets {
    bool enabled;
    uint32_t rotate_ms;
    char **files; /* the first encrypts, all decrypt; none: random keys */
    size_t n_files;
};

enum cfg_tls_verify {
    CFG_TLS_VERIFY_NONE,
    CFG_TLS_VERIFY_OPTIONAL,
    CFG_TLS_VERIFY_REQUIRE
};

struct cfg_tls_clients { /* certificates of clients */
    enum cfg_tls_verify verify;
    char *ca, *crl; /* files; "": none */
};

struct cfg_listener_tls {
    bool present;
    struct cfg_tls_cert *certificates; /* the first is the default */
    size_t n_certificates;
    bool strict_sni;
    enum cfg_tls_version min_version, max_version;
    char *ciphers, *ciphersuites, *groups; /* as OpenSSL writes them */
    struct cfg_tls_tickets tickets;
    struct cfg_tls_clients clients;
};

enum cfg_half_close { CFG_HALF_CLOSE_ABORT, CFG_HALF_CLOSE_SERVE };

struct cfg_listener {
    char *name; /* default: the bind text */
    struct addr bind;
    struct cfg_timeouts_down timeouts;
    struct cfg_h2 h2;
    uint32_t max_head_bytes;
    uint32_t max_target_bytes;
    uint32_t max_fields;
    uint64_t max_body_bytes;  /* 0: no limit */
    uint32_t min_body_rate;   /* bytes a second; 0: any */
    uint32_t max_connections; /* 0: from RLIMIT_NOFILE */
    uint32_t backlog;
    enum cfg_half_close half_close; /* a client's FIN while it waits for its answer */
    struct addr_block *trusted; /* peers whose Forwarded and X-Forwarded-* are believed */
    size_t n_trusted;
    struct cfg_access_log *access_log; /* in place of cfg.access_log; n 0: that one */
    size_t n_access_log;
    uint16_t index;                /* its place in cfg.listeners */
    bool proxy_protocol;           /* each connection begins with a header of it */
    struct addr_block *proxy_from; /* peers that may send one; none: all */
    size_t n_proxy_from;
    struct cfg_listener_tls tls;
};

#define CFG_HEALTH_NO_GRPC "off"

enum cfg_health_kind { CFG_HEALTH_HTTP, CFG_HEALTH_GRPC, CFG_HEALTH_TCP };

struct cfg_health { /* active probes */
    bool enabled;
    enum cfg_health_kind kind; /* from the next three */
    char *path;
    char *grpc; /* a service, "": the whole server, or CFG_HEALTH_NO_GRPC */
    bool tcp;
    char *host; /* "": the backend's address */
    uint32_t interval_ms, timeout_ms;
    uint32_t rise, fall;
    uint16_t status_from, status_to; /* inclusive */
};

struct cfg_ejection { /* passive, by failures seen */
    bool enabled;
    uint32_t failures; /* in a row */
    uint32_t base_ms, max_ms;
    double max_share; /* of a pool's backends, 0..1 */
};

enum cfg_backend_tls { CFG_BACKEND_TLS_AUTO, CFG_BACKEND_TLS_ON, CFG_BACKEND_TLS_OFF };

struct cfg_backend {
    struct addr addr;
    uint32_t weight;          /* 1..256 */
    enum cfg_backend_tls tls; /* auto: as its pool */
    char *server_name;        /* "": as its pool */
};

struct cfg_pool_tls { /* towards backends */
    bool present;
    bool verify;
    char *ca;          /* file; "": the system's */
    char *server_name; /* asked for and checked; "": the host of the address */
    char *cert, *key;  /* files: ours, for backends that ask; "": none */
    enum cfg_tls_version min_version;
    char *ciphers, *ciphersuites, *groups;
};

/* What is spoken to backends; `auto`: what is agreed on with TLS, else HTTP/1.1. */
enum cfg_protocol { CFG_PROTOCOL_AUTO, CFG_PROTOCOL_H1, CFG_PROTOCOL_H2 };

/* The header that a connection to a backend begins with; its version. */
enum cfg_proxy_protocol {
    CFG_PROXY_PROTOCOL_OFF,
    CFG_PROXY_PROTOCOL_V1,
    CFG_PROXY_PROTOCOL_V2
};

struct cfg_pool {
    bool present;                 /* named in the configuration */
    struct cfg_backend *backends; /* fixed ones */
    size_t n_backends;
    char *provider;           /* "", or the name of a key under `providers` */
    uint32_t min, max;        /* instances the provider may run */
    uint32_t reserve;         /* instances kept ready, burst only */
    uint32_t max_requests;    /* at once per backend, over all workers */
    uint32_t max_connections; /* per backend, over all workers; 0: as max_requests */
    uint32_t max_idle;        /* unused connections kept per backend, over all workers */
    uint32_t slow_start_ms;
    enum cfg_protocol protocol;
    enum cfg_proxy_protocol proxy_protocol;
    uint32_t h2_streams;     /* at once on one HTTP/2 connection */
    uint32_t ping_ms;        /* 0: never */
    struct cfg_pool_tls tls; /* in force for backends with tls on, present or not */
};

struct cfg_provider_local {
    bool present;
    char *command; /* {port}, {service}, {tier}, {id} are replaced */
    char *ready;   /* path that answers 2xx once the instance can serve */
    uint16_t port_from, port_to;
    uint32_t start_timeout_ms, stop_timeout_ms;
    char *log; /* file that gets the children's output; "": ours */
};

enum cfg_policy { CFG_POLICY_PREDICTIVE, CFG_POLICY_THRESHOLD };
enum cfg_baseline_is { CFG_BASELINE_CARRIES, CFG_BASELINE_RESERVE };
enum cfg_mode { CFG_MODE_LIVE, CFG_MODE_SHADOW, CFG_MODE_OFF, CFG_MODE_REACTIVE };

struct cfg_scaling {
    enum cfg_mode mode;
    enum cfg_policy policy;
    enum cfg_baseline_is baseline_is; /* threshold policy: which reading of its rule */
    double instance_rps;              /* planned requests/s of one instance; 0: learned */
    uint32_t target_latency_ms;       /* what instance_rps is learned for */
    double target_utilisation;        /* of max_requests, when learning; 0..1 */
    double quantile;                  /* of the forecast, 0.5..0.9995 */
    uint32_t lead_ms;      /* virtual time from order to serving, until it is learned */
    uint32_t hold_down_ms; /* a lower wish must last this long (virtual) */
    uint32_t max_step_up, max_step_down; /* instances at once; 0: no limit */
};

struct cfg_service {
    char *name;
    uint16_t index; /* its place in cfg.services */
    struct cfg_pool pools[N_TIERS];
    struct cfg_provider_local local;
    struct cfg_health health;
    struct cfg_ejection ejection;
    struct cfg_scaling scaling;
    uint32_t connect_timeout_ms;
    uint32_t
        response_timeout_ms; /* request sent to the response head, and between body bytes */
    uint32_t upstream_idle_ms; /* unused connections are closed after */
    uint32_t queue_size;       /* requests waiting, per worker */
    uint32_t queue_timeout_ms;
    double spill_at; /* baseline utilisation from which predictive takes its share */
    uint32_t retry_attempts;  /* beyond the first; 0..3 */
    double retry_budget;      /* of the requests, 0..1 */
    uint32_t retry_buffer;    /* bytes of request body kept for it */
    uint32_t request_buffer;  /* bytes of a body received before a backend is taken */
    uint32_t response_buffer; /* bytes of an answer read ahead of its client */
    uint32_t client_retry_ms; /* a failed request repeated within this is the same demand */
    char *time_zone;          /* IANA name, or "UTC" */
    struct cfg_access_log *access_log; /* in place of the listener's; n 0: that one */
    size_t n_access_log;
    struct cfg_edge edge;
};

struct cfg_route {
    char *host; /* lower case; "": any */
    char *path; /* prefix, matched on segment boundaries */
    uint16_t index, service;
    bool edged; /* something of the edge is to be done for its requests */
    struct cfg_edge edge;
    struct cfg_auth auth;
    struct cfg_mirror mirror;
};

struct cfg_admin {
    bool enabled;
    struct addr bind;
    char *token; /* "": changes are refused off loopback; secret */
};

enum cfg_identity_kind { CFG_ID_HEADER, CFG_ID_COOKIE, CFG_ID_ADDRESS };

struct cfg_identity {
    enum cfg_identity_kind kind;
    char *name; /* of the header (lower case) or cookie */
};

struct cfg_profiler {
    bool enabled;
    struct cfg_identity *identity; /* tried in order */
    size_t n_identity;
    bool respect_gpc; /* Sec-GPC: 1 is not profiled */
    char *key;        /* for hashing identifiers; "": made once and stored; secret */
    uint32_t session_gap_ms;
    uint64_t keep_ms;        /* after the last request; 0: for ever */
    uint32_t max_users;      /* held in memory */
    uint32_t max_templates;  /* per service */
    uint32_t template_users; /* distinct users before a template is published */
};

enum cfg_store_kind { CFG_STORE_LMDB, CFG_STORE_MEMORY };

struct cfg_store {
    enum cfg_store_kind kind;
    char *path; /* directory, for everything that must outlive the process */
    uint64_t max_bytes;
};

struct cfg_clock {
    double speed;
    wall_ms start; /* 0: now */
};

struct cfg_resolver {
    char **servers; /* "": the system's */
    size_t n_servers;
    uint32_t min_ttl_ms, max_ttl_ms;
};

struct cfg {
    _Atomic unsigned refs;     /* private */
    struct cfg_origin *origin; /* private: see cfg_origin.h; NULL: from no text */
    char *file;
    uint32_t workers; /* never 0 here: auto is filled in */
    enum log_level log_level;
    struct cfg_access_log *access_log;
    size_t n_access_log;
    uint32_t drain_delay_ms, drain_timeout_ms;
    uint64_t buffer_memory;      /* bytes, of all workers: beyond, nothing is read ahead */
    char *via;                   /* our pseudonym in Via */
    char *client_subject_header; /* lower case; "": the subject is not passed on */
    struct cfg_listener *listeners;
    size_t n_listeners;
    struct cfg_service *services;
    size_t n_services;
    struct cfg_route *routes; /* most specific first */
    size_t n_routes;
    struct cfg_error_page *errors; /* for requests whose route and service have none */
    size_t n_errors;
    uint64_t compression_bytes; /* that a worker's compressors may take */
    struct cfg_admin admin;
    struct cfg_profiler profiler;
    struct cfg_store store;
    struct cfg_clock clock;
    struct cfg_resolver resolver;
};

struct cfg *cfg_ref(struct cfg *c);
void cfg_unref(struct cfg *c); /* NULL is fine */

const struct cfg_service *cfg_service_find(const struct cfg *c, const char *name);

#endif
