/*
 * cfg_access.h - what a line of an access log may be: fixed formats, and the variables of
 * a template.
 *
 * Both lists are the only ones: the configuration's checks, the writers in proxy/access and
 * docs/logging.md (a unit test compares) have them from here.
 */
#ifndef CONF_CFG_ACCESS_H
#define CONF_CFG_ACCESS_H

#include "conf/cfg_template.h"

/* X(symbol, name) */
#define CFG_ACCESS_FORMATS(X)                                                              \
    X(COMMON, "common")                                                                    \
    X(COMBINED, "combined")                                                                \
    X(HTTPLOG, "httplog")                                                                  \
    X(JSON, "json")

enum cfg_access_format {
#define X(sym, name) CFG_ACCESS_##sym,
    CFG_ACCESS_FORMATS(X)
#undef X
        CFG_ACCESS_CUSTOM, /* a template */
    CFG_ACCESS_UNKNOWN,    /* a word that names no format */
};

/* X(symbol, name, argument, what it is) */
#define CFG_ACCESS_VARIABLES(X)                                                            \
    X(TIME, "time", NONE, "When the request began: RFC 3339, UTC, with microseconds")      \
    X(TIME_LOCAL, "time_local", NONE, "The same as `common` has it")                       \
    X(TIME_UNIX, "time_unix", NONE, "The same in seconds since 1970, with milliseconds")   \
    X(CLIENT, "client", NONE, "The client's address")                                      \
    X(CLIENT_PORT, "client_port", NONE,                                                    \
      "Its port; 0 when it came through a trusted proxy")                                  \
    X(LISTENER, "listener", NONE, "Name of the listener")                                  \
    X(REQUEST, "request", NONE, "The request line")                                        \
    X(METHOD, "method", NONE, "Its method")                                                \
    X(TARGET, "target", NONE, "Path and query")                                            \
    X(PATH, "path", NONE, "Path alone")                                                    \
    X(QUERY, "query", NONE, "Query alone, without `?`")                                    \
    X(PROTOCOL, "protocol", NONE, "`HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`")                  \
    X(HOST, "host", NONE, "Host asked for, with a port if one was given")                  \
    X(STATUS, "status", NONE,                                                              \
      "Status sent to the client; 499: it left before one was, 000: none was")             \
    X(BYTES_IN, "bytes_in", NONE, "Bytes of the request's body")                           \
    X(BYTES_OUT, "bytes_out", NONE, "Bytes of the answer's body that were sent")           \
    X(BYTES_SENT, "bytes_sent", NONE, "The same with heads")                               \
    X(HEAD_MS, "head_ms", NONE, "From the first byte of the request's head to its end")    \
    X(QUEUE_MS, "queue_ms", NONE, "Waiting for a backend's slot")                          \
    X(HOLD_MS, "hold_ms", NONE, "Of that, because none had started yet")                   \
    X(CONNECT_MS, "connect_ms", NONE,                                                      \
      "Until a connection stood, failed attempts included")                                \
    X(FIRST_BYTE_MS, "first_byte_ms", NONE, "From the beginning to the answer's head")     \
    X(TOTAL_MS, "total_ms", NONE, "From the beginning to the end")                         \
    X(SERVICE, "service", NONE, "Name of the service")                                     \
    X(TIER, "tier", NONE, "`baseline`, `predictive` or `burst`")                           \
    X(BACKEND, "backend", NONE, "Address of the backend, of the last one tried")           \
    X(BACKEND_PROTOCOL, "backend_protocol", NONE,                                          \
      "Spoken with it: `HTTP/1.1` or `HTTP/2.0`")                                          \
    X(ATTEMPTS, "attempts", NONE, "How many backends were tried")                          \
    X(ENDING, "ending", NONE, "How it ended, in a word")                                   \
    X(STATE, "state", NONE, "The same as `httplog` has it, in four characters")            \
    X(FAULT, "fault", NONE, "What was wrong with a request that could not be read")        \
    X(TLS_VERSION, "tls_version", NONE, "Of TLS with the client: `TLSv1.2` or `TLSv1.3`")  \
    X(TLS_CIPHER, "tls_cipher", NONE, "Its cipher, as OpenSSL calls it")                   \
    X(TLS_NAME, "tls_name", NONE, "Host name the client asked for in TLS (SNI)")           \
    X(TLS_SUBJECT, "tls_subject", NONE,                                                    \
      "Subject of the client's certificate, where one was verified (RFC 2253)")            \
    X(REQUEST_ID, "request_id", NONE, "`X-Request-Id`, as the backend got it")             \
    X(TRACE_ID, "trace_id", NONE, "Trace id out of `traceparent`")                         \
    X(USER, "user", NONE, "Key of the user's profile; nobody's name")                      \
    X(REMOTE_USER, "remote_user", NONE, "Name given with basic authentication")            \
    X(USER_AGENT, "user_agent", NONE, "The field of that name")                            \
    X(REFERER, "referer", NONE, "The field of that name")                                  \
    X(REQUEST_HEADER, "request_header", FIELD, "Any field of the request")                 \
    X(RESPONSE_HEADER, "response_header", FIELD, "Any field of the answer")

enum cfg_access_variable {
#define X(sym, name, argument, doc) CFG_ACCESS_V_##sym,
    CFG_ACCESS_VARIABLES(X)
#undef X
        N_CFG_ACCESS_VARIABLES
};

extern const struct cfg_template_set cfg_access_variables;

/* A text without variables names a format. */
enum cfg_access_format cfg_access_format_of(const struct cfg_template *t);
const char *cfg_access_format_name(enum cfg_access_format f); /* of a fixed one */

#endif
