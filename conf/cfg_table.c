#include "conf/cfg_table.h"

#include <string.h>

#include "base/check.h"
#include "conf/cfg.h"
#include "conf/cfg_access.h"
#include "conf/cfg_rows.h"
#include "conf/cfg_table_edge.h"

/* ---- access logs -------------------------------------------------------------------- */

#define S cfg_access_log
static const char *const only_words[] = {"all", "errors", NULL};
static const char *const facility_words[] = {
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7", NULL};
static const struct cfg_key access_log_keys[] = {
    STRING("path", TEXT, path, NULL,
           "A file, `stdout`, `stderr`, `syslog:ADDRESS`, or `off` for none here.",
           .required = true, .example = "/var/log/tidegate/access.log"),
    TEMPLATE(
        "format", format, cfg_access_variables, "combined",
        "`common`, `combined`, `httplog` (HAProxy's), `json`, or a text with variables; "
        "docs/logging.md has them.",
        .example = "\"{client} {status} {total_ms} {target}\""),
    SIZE("buffer", buffer, "64k", "0", "16m",
         "Lines are written when there is this much of them."),
    DURATION("flush", flush_ms, "1s", "0s", "1m",
             "After this they are written at the latest."),
    SHARE("sample", sample, "100%", "0%", "100%", "Of the lines, chosen by chance."),
    ENUM("only", only, only_words, "all",
         "`errors`: what did not end in order, was tried again, or was answered 500 or "
         "above."),
    DURATION(
        "slower_than", slower_than_ms, "0s", "0s", "1d",
        "Only requests that took at least this; with `only: errors` either is enough."),
    BOOL("empty_connections", empty_connections, "false",
         "A line for connections too that ended without a byte from the client."),
    BOOL("query", query, "true", "Whether query strings are written."),
    BOOL("mask_address", mask_address, "false",
         "Clients' addresses without their last octet, IPv6 ones to /64."),
    LIST("request_headers", request_headers, TOKEN,
         "Fields of the request to write as well: `httplog` and `json`.",
         .example = "[ X-Tenant ]"),
    LIST("response_headers", response_headers, TOKEN, "Fields of the answer, the same way.",
         .example = "[ X-Cache ]"),
    ENUM("facility", facility, facility_words, "local0", "For `syslog:`."),
};
static const struct cfg_section access_log = {
    KEYS(access_log_keys), .title = "access_log[]", .shorthand = "path",
    .doc =
        "A service's own list goes before its listener's, and that before the one at the "
        "top. docs/logging.md tells what is written."};
#undef S

/* ---- listeners ---------------------------------------------------------------------- */

#define S cfg_timeouts_down
static const struct cfg_key listener_timeouts_keys[] = {
    DURATION("head", head_ms, "10s", "10ms", "10m",
             "From the first byte of a request to the end of its head."),
    DURATION("body", body_ms, "30s", "10ms", "1h", "Longest pause inside a request body."),
    DURATION("write", write_ms, "30s", "10ms", "1h",
             "Longest time in which the client takes no byte of an answer."),
    DURATION("idle", idle_ms, "60s", "10ms", "1d", "Keep-alive: between two requests."),
    DURATION("tunnel", tunnel_ms, "1h", "1s", "7d",
             "No byte either way on an upgraded connection (WebSocket)."),
    DURATION("linger", linger_ms, "2s", "0s", "1m",
             "How long to read on after an early answer, before closing."),
};
static const struct cfg_section listener_timeouts = {KEYS(listener_timeouts_keys),
                                                     .title = "listeners[].timeouts"};
#undef S

#define S cfg_h2
static const struct cfg_key listener_h2_keys[] = {
    BOOL("enabled", enabled, "true",
         "Whether clients may speak HTTP/2; without TLS they do so with prior knowledge."),
    BOOL("only", only, "false",
         "Whether they must: HTTP/1 is neither offered nor answered, not even with an "
         "error."),
    COUNT("streams", max_streams, "128", "1", "10000",
          "Requests at once on one connection."),
    SIZE("stream_window", stream_window, "64k", "1k", "16m",
         "Of a request's body that may be under way or waiting for a backend."),
    SIZE("window", window, "1m", "64k", "256m",
         "Of all request bodies of one connection that may be under way."),
    COUNT("resets", resets, "100", "0", "1000000",
          "Requests that a client may break off, or that are malformed, each second on one "
          "connection; ten seconds' worth at once.  Then it is closed.",
          .zero = "unlimited", .example = "20"),
    COUNT("control", control, "200", "0", "1000000",
          "The same for SETTINGS, PING, PRIORITY, unknown and empty frames.",
          .zero = "unlimited", .example = "50"),
};
static const struct cfg_section listener_h2 = {
    KEYS(listener_h2_keys), .title = "listeners[].h2", .shorthand = "enabled"};
#undef S

/* ---- TLS ---------------------------------------------------------------------------- */

/* Mozilla's "intermediate" without its finite-field (DHE) suites: they cost a server the
 * most and no client that speaks TLS 1.2 needs them. */
#define CIPHERS                                                                            \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                           \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                           \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERSUITES                                                                       \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:prime256v1:secp384r1"

static const char *const tls_version_words[] = {"1.2", "1.3", NULL};
static const char *const tls_verify_words[] = {"none", "optional", "require", NULL};

#define S cfg_tls_cert
static const struct cfg_key tls_cert_keys[] = {
    STRING("cert", TEXT, cert, NULL,
           "PEM file: the certificate, then those that lead from it to a root.",
           .required = true, .example = "/etc/tidegate/www.pem"),
    STRING("key", TEXT, key, "", "PEM file of its private key; by default in `cert`.",
           .example = "/etc/tidegate/www.key"),
    STRING("ocsp", TEXT, ocsp, "",
           "DER file with an OCSP response to staple; by default none is.",
           .example = "/etc/tidegate/www.ocsp"),
};
static const struct cfg_section tls_cert = {
    KEYS(tls_cert_keys), .title = "listeners[].tls.certificates[]", .shorthand = "cert",
    .doc = "An entry is a file, or a map of the following."};
#undef S

#define S cfg_tls_tickets
static const struct cfg_key tls_tickets_keys[] = {
    BOOL("enabled", enabled, "true", "Whether clients may resume a session."),
    DURATION("rotate", rotate_ms, "12h", "1s", "3d",
             "How long a random key encrypts tickets; it decrypts for as long again.  "
             "Also how long a ticket is good for."),
    LIST("files", files, TEXT,
         "Keys shared with other machines in place of random ones, 48 or 80 bytes each, as "
         "nginx has them: the first encrypts, all decrypt.",
         .example = "[ /run/keys/current, /run/keys/previous ]"),
};
static const struct cfg_section tls_tickets = {
    KEYS(tls_tickets_keys), .title = "listeners[].tls.tickets", .shorthand = "enabled"};
#undef S

#define S cfg_tls_clients
static const struct cfg_key tls_clients_keys[] = {
    ENUM("verify", verify, tls_verify_words, "none",
         "`none` asks for no certificate, `optional` takes clients without one, `require` "
         "does not.  A certificate that is not good is refused either way."),
    STRING("ca", TEXT, ca, "", "PEM file of the issuers whose certificates are good.",
           .example = "/etc/tidegate/clients-ca.pem"),
    STRING("crl", TEXT, crl, "", "PEM file of revoked ones.",
           .example = "/etc/tidegate/clients-crl.pem"),
};
static const struct cfg_section tls_clients = {
    KEYS(tls_clients_keys), .title = "listeners[].tls.clients", .shorthand = "verify",
    .doc = "Certificates of clients.  `client_subject_header` passes their subject on."};
#undef S

#define S cfg_listener_tls
static const struct cfg_key listener_tls_keys[] = {
    LIST_OF("certificates", certificates, tls_cert,
            "One or more for each name; a client gets one whose name it asks for and whose "
            "kind (ECDSA, RSA) it knows.  The first is for all others.",
            .required = true, .example = "[ { cert: www.pem, key: www.key } ]"),
    BOOL("strict_sni", strict_sni, "false",
         "Refuse clients that ask for no name of a certificate, or for none at all."),
    ENUM("min_version", min_version, tls_version_words, "1.2", "Lowest version of TLS."),
    ENUM("max_version", max_version, tls_version_words, "1.3", "Highest version of TLS."),
    STRING("ciphers", TEXT, ciphers, CIPHERS,
           "For TLS 1.2, as OpenSSL lists them; the client's order counts."),
    STRING("ciphersuites", TEXT, ciphersuites, CIPHERSUITES, "For TLS 1.3."),
    STRING("groups", TEXT, groups, GROUPS, "For the key exchange."),
    SECTION("tickets", tickets, tls_tickets, "Resumption without state on this side."),
    SECTION("clients", clients, tls_clients, "Certificates of clients."),
};
static const struct cfg_section listener_tls = {
    KEYS(listener_tls_keys), .title = "listeners[].tls", .optional = true,
    .doc = "All files are read again at each reload.  Defaults are Mozilla's "
           "\"intermediate\" profile without finite-field Diffie-Hellman."};
#undef S

#define S cfg_pool_tls
static const struct cfg_key pool_tls_keys[] = {
    BOOL("verify", verify, "true",
         "Whether a backend's certificate must be good and for its name."),
    STRING("ca", TEXT, ca, "", "PEM file of good issuers; by default the system's.",
           .example = "/etc/tidegate/backends-ca.pem"),
    STRING("server_name", HOST, server_name, "",
           "Asked for (SNI) and looked for in the certificate; by default the host in the "
           "backend's address.",
           .example = "app.internal"),
    STRING("cert", TEXT, cert, "",
           "PEM file of our own certificate, for backends that ask for one.",
           .example = "/etc/tidegate/proxy.pem"),
    STRING("key", TEXT, key, "", "PEM file of its private key; by default in `cert`.",
           .example = "/etc/tidegate/proxy.key"),
    ENUM("min_version", min_version, tls_version_words, "1.2", "Lowest version of TLS."),
    STRING("ciphers", TEXT, ciphers, CIPHERS, "For TLS 1.2, as OpenSSL lists them."),
    STRING("ciphersuites", TEXT, ciphersuites, CIPHERSUITES, "For TLS 1.3."),
    STRING("groups", TEXT, groups, GROUPS, "For the key exchange."),
};
static const struct cfg_section pool_tls = {
    KEYS(pool_tls_keys), .title = "services.NAME.pools.TIER.tls", .optional = true,
    .doc = "Speaks TLS to the pool's backends, probes too.  `tls: {}` is enough."};
#undef S

/* ---- listeners, the rest ------------------------------------------------------------ */

#define S cfg_listener
static const struct cfg_key listener_limits_keys[] = {
    SIZE("head", max_head_bytes, "16k", "1k", "64k",
         "Request line and fields together; more is answered 431."),
    SIZE("target", max_target_bytes, "8k", "256", "64k",
         "Request target; a longer one is answered 414."),
    COUNT("fields", max_fields, "100", "8", "256",
          "Fields of a request; more are answered 431."),
    SIZE64("body", max_body_bytes, "unlimited", "0", "1024g",
           "Request body; a longer one is answered 413.", .zero = "unlimited",
           .example = "100m"),
    SIZE("body_rate", min_body_rate, "100", "0", "1g",
         "Bytes a second of a request body, on average over `timeouts.body`; a slower one "
         "is answered 408.  `0` allows any."),
    COUNT("connections", max_connections, "auto", "0", "10000000",
          "Open at once; `auto` follows from the limit on open files.", .zero = "auto",
          .example = "20000"),
};
static const struct cfg_section listener_limits = {KEYS(listener_limits_keys),
                                                   .title = "listeners[].limits"};

static const char *const half_close_words[] = {"abort", "serve", NULL};

static const struct cfg_key listener_keys[] = {
    STRING("name", TEXT, name, "", "In logs and metrics; by default the bind text.",
           .example = "public"),
    ADDR("bind", bind, "Where to accept connections: an IP address or `unix:`.",
         .required = true, .example = "0.0.0.0:8080"),
    COUNT("backlog", backlog, "4096", "1", "65535",
          "Connections the kernel holds until they are accepted."),
    ENUM("half_close", half_close, half_close_words, "abort",
         "A client that closes its sending side while it waits for its answer: `abort` "
         "takes it for gone, `serve` answers."),
    LIST("trusted_proxies", trusted, BLOCK,
         "Peers whose `Forwarded` and `X-Forwarded-*` fields are believed.",
         .example = "[ 10.0.0.0/8, \"fd00::/8\" ]"),
    BOOL("proxy_protocol", proxy_protocol, "false",
         "Whether each connection begins with a PROXY protocol header, version 1 or 2, "
         "before TLS.  The client is then who the header says; a connection without one is "
         "closed."),
    LIST("proxy_from", proxy_from, BLOCK,
         "Peers that may connect where `proxy_protocol` is on, by default all; others are "
         "closed at once.  Connections through a unix socket are always let in.",
         .example = "[ 10.0.0.0/8, \"fd00::/8\" ]"),
    SECTION("tls", tls, listener_tls, "Encrypts; without it plain HTTP is spoken."),
    SECTION("timeouts", timeouts, listener_timeouts, "Patience with clients."),
    LIST_OF("access_log", access_log, access_log, "In place of the one at the top."),
    SECTION("h2", h2, listener_h2, "HTTP/2."),
    GROUP("limits", listener_limits, "What a client may ask for."),
};
static const struct cfg_section listener = {
    KEYS(listener_keys), .title = "listeners[]", .shorthand = "bind",
    .inherits = "listener", .doc = "Each entry is one address at which clients connect."};
#undef S

/* ---- pools -------------------------------------------------------------------------- */

#define S cfg_backend
static const char *const backend_tls_words[] = {"auto", "on", "off", NULL};
static const struct cfg_key backend_keys[] = {
    ADDR("address", addr, "Where to connect; a name is looked up again when its TTL ends.",
         .required = true, .example = "127.0.0.1:9001"),
    COUNT("weight", weight, "1", "1", "256", "Its share of the pool's requests."),
    ENUM("tls", tls, backend_tls_words, "auto",
         "`auto`: where its pool has `tls`; `on` and `off` for this backend alone."),
    STRING("server_name", HOST, server_name, "", "In place of the pool's.",
           .example = "app.internal"),
};
static const struct cfg_section backend = {
    KEYS(backend_keys), .title = "services.NAME.pools.TIER.backends[]",
    .shorthand = "address", .doc = "An entry is an address, or a map of the following."};
#undef S

#define S cfg_pool
static const char *const protocol_words[] = {"auto", "h1", "h2", NULL};
static const char *const proxy_protocol_words[] = {"off", "v1", "v2", NULL};

static const struct cfg_key pool_keys[] = {
    LIST_OF("backends", backends, backend, "Backends that always exist.",
            .example = "[ 127.0.0.1:9001, { address: app.internal:80, weight: 2 } ]"),
    STRING("provider", TEXT, provider, "",
           "Who starts and stops instances: a key under `providers`.", .example = "local"),
    COUNT("min", min, "0", "0", "10000", "Instances the provider keeps at least."),
    COUNT("max", max, "0", "0", "10000",
          "Instances the provider may run; needed where there is a provider."),
    COUNT("reserve", reserve, "0", "0", "10000",
          "Instances kept ready without traffic; only in `burst`."),
    COUNT("max_requests", max_requests, "256", "1", "65535",
          "Requests at once per backend, over all workers."),
    COUNT("max_connections", max_connections, "auto", "0", "65535",
          "Connections per backend, over all workers; `auto` is `max_requests`.",
          .zero = "auto", .example = "512"),
    COUNT("max_idle", max_idle, "64", "0", "65535",
          "Unused connections kept per backend, over all workers."),
    DURATION("slow_start", slow_start_ms, "5s", "0s", "1h",
             "A backend that came up takes its full share only after this."),
    ENUM("protocol", protocol, protocol_words, "auto",
         "What backends speak: `h1` or `h2`, which without TLS is spoken at once (prior "
         "knowledge).  `auto`: what is agreed on with TLS, and `h1` without."),
    ENUM("proxy_protocol", proxy_protocol, proxy_protocol_words, "off",
         "Whether connections to backends begin with a PROXY protocol header of that "
         "version, before TLS.  Each then serves one client connection alone and ends with "
         "it."),
    COUNT("streams", h2_streams, "100", "1", "10000",
          "Requests at once on one HTTP/2 connection; a backend may allow fewer."),
    DURATION("ping", ping_ms, "0s", "0s", "1h",
             "An HTTP/2 connection in use that is silent for this long is asked for a sign "
             "of life, and closed after as long again without one; `0s` never asks."),
    SECTION("tls", tls, pool_tls, "Speaks TLS to the backends."),
};
static const struct cfg_section pool = {
    KEYS(pool_keys), .title = "services.NAME.pools.TIER", .optional = true,
    .inherits = "pool",
    .doc =
        "TIER is `baseline` (always on), `predictive` (started ahead of demand) or `burst` "
        "(for what was not foreseen)."};
#undef S

/* ---- providers ---------------------------------------------------------------------- */

#define S cfg_provider_local
static const struct cfg_key local_keys[] = {
    STRING("command", TEXT, command, NULL,
           "Command line of an instance, without a shell.  `{port}` is replaced and must "
           "be there; `{service}`, `{tier}` and `{id}` may be.",
           .required = true, .example = "\"./app --port {port}\""),
    STRING(
        "ready", PATH, ready, "",
        "Path that answers 2xx once the instance can serve; required unless `health` asks "
        "in another way (`grpc`, `tcp`), which then is how instances are asked, too.",
        .example = "/healthz"),
    RANGE("ports", port_from, "20000-20999", "1", "65535",
          "Ports for instances, one each; no other service may use them."),
    DURATION("start_timeout", start_timeout_ms, "30s", "100ms", "1h",
             "An instance that is not ready by then is ended."),
    DURATION("stop_timeout", stop_timeout_ms, "10s", "0s", "1h",
             "From the request to stop to the kill."),
    STRING("log", TEXT, log, "",
           "File for the instances' output; by default tidegate's own.",
           .example = "/var/log/app.log"),
};
static const struct cfg_section local = {
    KEYS(local_keys), .title = "services.NAME.providers.local", .optional = true,
    .doc = "Child processes on this machine."};
#undef S

/* ---- services ----------------------------------------------------------------------- */

#define S cfg_health
static const struct cfg_key health_keys[] = {
    BOOL("enabled", enabled, "true", "Probing needs a `path`, `grpc` or `tcp` as well."),
    STRING("path", PATH, path, "",
           "Asked for with GET, in the version of HTTP that the pool speaks.",
           .example = "/healthz"),
    STRING("grpc", TEXT, grpc, CFG_HEALTH_NO_GRPC,
           "Service that gRPC's health service (`grpc.health.v1.Health`) is asked for, in "
           "place of a `path`; `\"\"` is the whole server.  Backends must speak HTTP/2.",
           .empty = true, .example = "shop.v1.Cart"),
    BOOL("tcp", tcp, "false",
         "Whether a connection, with TLS its handshake, is enough, in place of a `path`."),
    STRING("host", HOST, host, "",
           "Sent as Host or `:authority`; by default the backend's address.",
           .example = "app.internal"),
    DURATION("interval", interval_ms, "2s", "100ms", "1h",
             "Between two probes of a backend."),
    DURATION("timeout", timeout_ms, "1s", "10ms", "1h", "Of a whole probe."),
    COUNT("rise", rise, "2", "1", "100", "Good probes in a row that make a backend up."),
    COUNT("fall", fall, "3", "1", "100", "Bad probes in a row that make it down."),
    RANGE("status", status_from, "200-399", "100", "599",
          "What counts as good, of a `path`."),
};
static const struct cfg_section health = {KEYS(health_keys),
                                          .title = "services.NAME.health",
                                          .shorthand = "path", .doc = "Active probes."};
#undef S

#define S cfg_ejection
static const struct cfg_key ejection_keys[] = {
    BOOL("enabled", enabled, "true", "Whether failures of requests eject a backend."),
    COUNT("failures", failures, "5", "1", "1000", "In a row, until it is ejected."),
    DURATION("base", base_ms, "1s", "10ms", "1h",
             "The first ejection's length; each further one doubles it."),
    DURATION("max", max_ms, "60s", "10ms", "1d", "The longest ejection."),
    SHARE("max_share", max_share, "50%", "0%", "100%",
          "Of a pool's backends that may be ejected at once."),
};
static const struct cfg_section ejection = {
    KEYS(ejection_keys), .title = "services.NAME.ejection", .shorthand = "enabled",
    .doc = "Passive: learned from the requests themselves."};
#undef S

#define S cfg_scaling
static const char *const mode_words[] = {"live", "shadow", "off", "reactive", NULL};
static const char *const policy_words[] = {"predictive", "threshold", NULL};
static const char *const baseline_words[] = {"carries", "reserve", NULL};

static const struct cfg_key scaling_keys[] = {
    ENUM("mode", mode, mode_words, "live",
         "`live` does what is planned, `shadow` only plans, `off` does neither, `reactive` "
         "plans without a forecast."),
    ENUM("policy", policy, policy_words, "predictive", "The rule that makes a plan."),
    ENUM("baseline_is", baseline_is, baseline_words, "carries",
         "For `threshold`: the baseline `carries` its part of the forecast, or is a "
         "`reserve` "
         "on top of all of it."),
    RATE("instance_rps", instance_rps, "auto", "0", "10000000",
         "Requests that one instance is planned to take; `auto` learns it.", .zero = "auto",
         .example = "200/s"),
    DURATION("target_latency", target_latency_ms, "200ms", "1ms", "10m",
             "What `instance_rps` is learned for."),
    SHARE("target_utilisation", target_utilisation, "70%", "1%", "100%",
          "Of `max_requests`, while that is being learned."),
    NUMBER("quantile", quantile, "0.95", "0.5", "0.9995",
           "Of the forecast that capacity is planned for."),
    DURATION("lead", lead_ms, "60s", "0s", "1d",
             "From order to serving, until it has been learned."),
    DURATION("hold_down", hold_down_ms, "120s", "0s", "1d",
             "A wish for less must last this long."),
    COUNT("max_step_up", max_step_up, "unlimited", "0", "10000",
          "Instances started at once.", .zero = "unlimited", .example = "4"),
    COUNT("max_step_down", max_step_down, "unlimited", "0", "10000",
          "Instances stopped at once.", .zero = "unlimited", .example = "2"),
};
static const struct cfg_section scaling = {
    KEYS(scaling_keys), .title = "services.NAME.scaling", .shorthand = "mode",
    .doc = "How many instances, and when."};
#undef S

#define S cfg_service
static const struct cfg_key pools_keys[] = {
    SECTION("baseline", pools[TIER_BASELINE], pool, "Always on."),
    SECTION("predictive", pools[TIER_PREDICTIVE], pool, "Started ahead of demand."),
    SECTION("burst", pools[TIER_BURST], pool, "For what was not foreseen."),
};
static const struct cfg_section pools = {KEYS(pools_keys), .title = "services.NAME.pools"};

static const struct cfg_key providers_keys[] = {
    SECTION("local", local, local, "Child processes on this machine."),
};
static const struct cfg_section providers = {KEYS(providers_keys),
                                             .title = "services.NAME.providers"};

static const struct cfg_key service_timeouts_keys[] = {
    DURATION("connect", connect_timeout_ms, "2s", "1ms", "5m", "To a backend."),
    DURATION("response", response_timeout_ms, "60s", "1ms", "1d",
             "From the request to the head of its answer, and between bytes of its body."),
    DURATION("idle", upstream_idle_ms, "60s", "10ms", "1d",
             "Unused connections to backends are closed after this."),
};
static const struct cfg_section service_timeouts = {KEYS(service_timeouts_keys),
                                                    .title = "services.NAME.timeouts"};

static const struct cfg_key queue_keys[] = {
    COUNT("size", queue_size, "1024", "0", "1000000",
          "Requests that may wait for a backend, per worker."),
    DURATION("timeout", queue_timeout_ms, "5s", "1ms", "10m", "Longest wait; then 503."),
};
static const struct cfg_section queue = {KEYS(queue_keys), .title = "services.NAME.queue",
                                         .shorthand = "size"};

static const struct cfg_key retries_keys[] = {
    COUNT("attempts", retry_attempts, "1", "0", "3", "Beyond the first."),
    SHARE("budget", retry_budget, "20%", "0%", "100%", "Of the requests, at most."),
    SIZE("buffer", retry_buffer, "16k", "0", "1m",
         "Of a request's body kept for sending it again."),
};
static const struct cfg_section retries = {
    KEYS(retries_keys), .title = "services.NAME.retries", .shorthand = "attempts",
    .doc =
        "Only requests that are idempotent or were not sent, and of whose answer no byte "
        "has come.  Where a kept connection turns out to be closed, such a request is sent "
        "again on a new one, once and uncounted."};

static const struct cfg_key buffers_keys[] = {
    SIZE("request", request_buffer, "16k", "0", "64m",
         "Of a body whose length is known, received before a backend is taken."),
    SIZE("response", response_buffer, "256k", "0", "64m",
         "Of an answer, read while its client has yet to take it."),
};
static const struct cfg_section buffers = {
    KEYS(buffers_keys), .title = "services.NAME.buffers",
    .doc = "So that a slow client does not hold a place at a backend.  A body with "
           "`Expect`, or longer, goes up as it comes."};

static const struct cfg_key service_keys[] = {
    GROUP("pools", pools, "Where requests go."),
    GROUP("providers", providers, "Where instances come from."),
    GROUP("timeouts", service_timeouts, "Patience with backends."),
    GROUP("queue", queue, "Requests that no backend can take yet."),
    GROUP("retries", retries, "Failed attempts that are made again elsewhere."),
    GROUP("buffers", buffers, "How far bodies are read ahead."),
    SECTION("health", health, health, "Active probes."),
    SECTION("ejection", ejection, ejection,
            "Backends that fail are left alone for a while."),
    SECTION("scaling", scaling, scaling, "How many instances, and when."),
    SHARE("spill_at", spill_at, "70%", "0%", "100%",
          "Use of the baseline from which `predictive` takes its share."),
    DURATION("client_retry", client_retry_ms, "10s", "0s", "10m",
             "A failed request that its client repeats within this is not new demand."),
    STRING("time_zone", TEXT, time_zone, "UTC",
           "Of its users' days and weeks: an IANA name.", .example = "Europe/Zurich"),
    CFG_TABLE_EDGE_ROWS,
    LIST_OF("access_log", access_log, access_log, "In place of the listener's."),
};
static const struct cfg_section service = {
    KEYS(service_keys), .title = "services.NAME", .name_offset = offsetof(struct S, name),
    .inherits = "service",
    .doc = "NAME is of the letters `a-z`, digits, `.`, `_` and `-`."};
#undef S

#define S cfg_route
static const struct cfg_key route_keys[] = {
    STRING("host", HOST, host, "", "Host asked for; without it any.",
           .example = "www.example.org"),
    STRING("path", PATH, path, "/",
           "Prefix of the path, in whole segments: `/api` takes `/api` and `/api/x`, not "
           "`/apis`."),
    SERVICE("service", service, "Who answers.", .required = true, .example = "shop"),
    CFG_TABLE_EDGE_ROWS,
    SECTION("auth", auth, cfg_table_edge_auth, "Who may ask."),
    SECTION("mirror", mirror, cfg_table_edge_mirror, "Copies for another service."),
};
static const struct cfg_section route = {
    KEYS(route_keys), .title = "routes[]",
    .doc =
        "The most specific route takes a request, whatever their order here: with a host "
        "before without, then the longest path."};
#undef S

/* ---- the process -------------------------------------------------------------------- */

#define S cfg_admin
static const struct cfg_key admin_keys[] = {
    ADDR("bind", bind, "Where the admin endpoint listens; without it there is none.",
         .example = "127.0.0.1:9900"),
    STRING("token", TEXT, token, "",
           "Bearer token for changes; without it they are taken from loopback only.",
           .secret = true, .example = "\"${ADMIN_TOKEN}\""),
};
static const struct cfg_section admin = {KEYS(admin_keys), .title = "admin",
                                         .shorthand = "bind"};
#undef S

#define S cfg_profiler
static const struct cfg_key profiler_keys[] = {
    BOOL("enabled", enabled, "true", "Whether users are profiled at all."),
    LIST("identity", identity, IDENTITY,
         "Who a user is, tried in order; `address` is client address and user agent "
         "together.",
         .def = "address", .example = "[ header:x-user-id, cookie:sid, address ]"),
    BOOL("respect_gpc", respect_gpc, "true",
         "Requests with `Sec-GPC: 1` are not profiled."),
    STRING("key", TEXT, key, "",
           "Secret for hashing identifiers, at least 16 bytes; by default made once and "
           "stored.",
           .secret = true, .example = "\"${PROFILER_KEY}\""),
    DURATION("session_gap", session_gap_ms, "30m", "1s", "1d",
             "A pause of this length ends a session."),
    DURATION64("keep", keep_ms, "400d", "0s", "36500d",
               "Who has not come for so long is forgotten; `0s`: nobody is. Time passes as "
               "under `clock`."),
    COUNT("max_users", max_users, "1000000", "100", "100000000",
          "Profiles held in memory."),
    COUNT("max_templates", max_templates, "2000", "16", "60000",
          "Resource templates learned per service, about 1 KiB each; what is beyond counts "
          "as one. All services together have 65535."),
    COUNT("template_users", template_users, "10", "1", "1000",
          "Different users a template must have had before it is shown."),
};
static const struct cfg_section profiler = {KEYS(profiler_keys), .title = "profiler",
                                            .shorthand = "enabled"};
#undef S

#define S cfg_store
static const char *const store_words[] = {"lmdb", "memory", NULL};
static const struct cfg_key store_keys[] = {
    ENUM("kind", kind, store_words, "lmdb", "`memory` forgets when the process ends."),
    STRING("path", TEXT, path, "/var/lib/tidegate", "Directory of the store."),
    SIZE64("max_size", max_bytes, "1g", "1m", "1024g", "The store grows to at most this."),
};
static const struct cfg_section store = {
    KEYS(store_keys), .title = "store", .shorthand = "kind",
    .doc = "Profiles, demand history, what was learned."};
#undef S

#define S cfg_clock
static const struct cfg_key clock_keys[] = {
    NUMBER(
        "speed", speed, "1", "1", "100000",
        "How much faster than the wall clock time passes for profiles, demand history and "
        "the scaler."),
    TIME("start", start, "now", "Where that time begins.", .zero = "now",
         .example = "2026-03-02T06:00:00Z"),
};
static const struct cfg_section clock_section = {
    KEYS(clock_keys), .title = "clock",
    .doc = "For playing recorded or simulated traffic; production leaves it alone."};
#undef S

#define S cfg_resolver
static const struct cfg_key resolver_keys[] = {
    LIST("servers", servers, TEXT,
         "DNS servers, address or address and port; by default the "
         "system's.",
         .example = "[ 192.0.2.53, \"[2001:db8::53]:53\" ]"),
    DURATION("min_ttl", min_ttl_ms, "1s", "0s", "1d",
             "Shorter TTLs are lengthened to this."),
    DURATION("max_ttl", max_ttl_ms, "5m", "1s", "7d", "Longer TTLs are shortened to this."),
};
static const struct cfg_section resolver = {KEYS(resolver_keys), .title = "resolver"};
#undef S

#define S cfg
static const char *const level_words[] = {"error", "warn", "info", "debug", NULL};
static const struct cfg_key log_keys[] = {
    ENUM("level", log_level, level_words, "info",
         "The least important lines that are written."),
};
static const struct cfg_section log_section = {KEYS(log_keys), .title = "log",
                                               .shorthand = "level"};

static const struct cfg_key defaults_keys[] = {
    {.name = "listener",
     .type = CFG_T_DEFAULTS,
     .section = &listener,
     .doc = "As an entry of `listeners`."},
    {.name = "service",
     .type = CFG_T_DEFAULTS,
     .section = &service,
     .doc = "As an entry of `services`."},
    {.name = "pool",
     .type = CFG_T_DEFAULTS,
     .section = &pool,
     .doc = "As one of a service's `pools`."},
};
static const struct cfg_section defaults = {
    KEYS(defaults_keys), .title = "defaults",
    .doc =
        "Values for all listeners, services and pools that do not set their own.  What a "
        "service sets under `defaults.service.pools` goes before `defaults.pool`.  A list "
        "replaces the inherited one."};

static const struct cfg_key root_keys[] = {
    {.name = "include",
     .type = CFG_T_INCLUDE,
     .doc =
         "Files to read as well, relative to this one.  Their maps are merged with these, "
         "their lists appended; one value given in two files is an error.",
     .example = "conf.d/*.yaml"},
    GROUP("defaults", defaults, "Values for all listeners, services and pools."),
    COUNT("workers", workers, "auto", "0", "1024",
          "Threads that carry traffic; `auto` is one per processor.", .zero = "auto",
          .example = "4"),
    GROUP("log", log_section, "Lines for the person who runs tidegate, on stderr."),
    LIST_OF("access_log", access_log, access_log, "A line for each request."),
    DURATION("drain_delay", drain_delay_ms, "0s", "0s", "1h",
             "From a signal to end, at which `/readyz` begins to fail, to the closing of "
             "the listeners."),
    DURATION("drain_timeout", drain_timeout_ms, "30s", "0s", "1d",
             "Longest wait for requests in flight before the process ends."),
    SIZE64("buffer_memory", buffer_memory, "256m", "0", "1024g",
           "While this much waits in buffers, all services' together, nothing more is read "
           "ahead of slow clients."),
    STRING("via", TOKEN, via, "tidegate", "Our name in the `Via` field."),
    STRING("client_subject_header", TOKEN, client_subject_header, "",
           "Field that tells backends the subject of a client's verified certificate; what "
           "clients send under this name is dropped, at every listener.",
           .example = "X-Client-Subject"),
    LIST_OF("listeners", listeners, listener, "Where clients connect.", .required = true),
    MAP("services", services, service, "Who answers.", .required = true,
        .plain_names = true),
    LIST_OF("routes", routes, route, "Which service takes which request.",
            .required = true),
    LIST_OF("errors", errors, cfg_table_edge_errors, CFG_TABLE_EDGE_ERRORS),
    SIZE64("compression_memory", compression_bytes, "64m", "1m", "1024g",
           "Of one worker for `compression`; an answer that finds no more goes "
           "uncompressed."),
    SECTION("admin", admin, admin, "The admin endpoint."),
    SECTION("profiler", profiler, profiler, "Who does what, and when."),
    SECTION("store", store, store, "What must outlive the process."),
    SECTION("clock", clock, clock_section, "Time that runs faster."),
    SECTION("resolver", resolver, resolver, "Looking up backends' names."),
};
const struct cfg_section cfg_table_root = {KEYS(root_keys), .title = "Top level"};
#undef S

/* ------------------------------------------------------------------------------------- */

const struct cfg_key *cfg_table_key(const struct cfg_section *s, const char *name)
{
    for (size_t i = 0; i < s->n_keys; i++)
        if (strcmp(s->keys[i].name, name) == 0)
            return &s->keys[i];
    return NULL;
}

const char *cfg_table_type_name(enum cfg_type t)
{
    static const char *const names[] = {
#define X(sym, name, looks) [CFG_T_##sym] = name,
        CFG_TYPES(X)
#undef X
    };

    return names[t];
}
