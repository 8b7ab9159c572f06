/*
 * cfg_edge.h - what was configured of the edge: compression, access, error pages, mirrors.
 *
 * Parts of cfg.h's structs, in the same way: plain, checked, immutable, documented in
 * cfg_table_edge.c.  Names of header fields are in lower case.
 */
#ifndef CONF_CFG_EDGE_H
#define CONF_CFG_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* Content codings, in this order everywhere. */
enum cfg_coding { CFG_CODING_ZSTD, CFG_CODING_BR, CFG_CODING_GZIP, CFG_CODINGS };

struct cfg_compression {
    bool present;
    bool enabled;
    unsigned *algorithms; /* enum cfg_coding; the first is preferred */
    size_t n_algorithms;
    uint32_t min_bytes;
    uint32_t level[CFG_CODINGS];
    char **types; /* media types without parameters, lower case; or all of a kind */
    size_t n_types;
};

struct cfg_status { /* inclusive */
    uint16_t from, to;
};

struct cfg_error_page {
    struct cfg_status *statuses;
    size_t n_statuses;
    char *file;
    char *content_type;  /* never "": filled in from the file's name */
    uint32_t status_out; /* 0: as it was */
    bool intercept;      /* answers of the service too */
};

enum cfg_limit_key_kind {
    CFG_LIMIT_CLIENT,
    CFG_LIMIT_USER,
    CFG_LIMIT_HEADER,
    CFG_LIMIT_COOKIE
};

struct cfg_limit_key {
    enum cfg_limit_key_kind kind;
    char *name; /* of the header or cookie */
};

struct cfg_rate_limit {
    double rate;    /* requests a second */
    uint32_t burst; /* never 0 here: auto is filled in */
    struct cfg_limit_key key;
    uint32_t status;
    uint32_t entries; /* of the table of keys */
};

/* What a service and a route may both have. */
struct cfg_edge {
    struct cfg_compression compression; /* a route's goes in place of its service's */
    struct cfg_error_page *errors;      /* a route's are looked at first */
    size_t n_errors;
    struct addr_block *allow, *deny; /* a request must pass both its service's ... */
    size_t n_allow, n_deny;
    struct cfg_rate_limit *limits; /* ... and its route's */
    size_t n_limits;
};

/* ---- authentication ------------------------------------------------------------------ */

struct cfg_basic {
    bool present;
    char **users; /* name:hash, or the path of a file of such lines; secret */
    size_t n_users;
    char *realm;
};

/* In the order of jwt.h's names. */
enum cfg_jwt_alg {
    CFG_JWT_RS256,
    CFG_JWT_RS384,
    CFG_JWT_RS512,
    CFG_JWT_PS256,
    CFG_JWT_PS384,
    CFG_JWT_PS512,
    CFG_JWT_ES256,
    CFG_JWT_ES384,
    CFG_JWT_EDDSA,
    CFG_JWT_HS256,
    CFG_JWT_HS384,
    CFG_JWT_HS512,
    CFG_JWT_ALGS
};

struct cfg_claim {
    char *name;
    char **values; /* one of them must be the claim, or in it if it is a list */
    size_t n_values;
};

struct cfg_claim_header {
    char *name;   /* of the claim */
    char *header; /* that tells it to the service */
};

struct cfg_identity;

struct cfg_jwt {
    bool present;
    char *keys;    /* file: a JWKS or PEM */
    char **issuer; /* one of them; none: any */
    size_t n_issuer;
    char **audience;
    size_t n_audience;
    unsigned *algorithms; /* enum cfg_jwt_alg */
    size_t n_algorithms;
    struct cfg_identity *from; /* headers and cookies, tried in order */
    size_t n_from;
    uint32_t leeway_ms;
    bool require_exp;
    struct cfg_claim *claims;
    size_t n_claims;
    struct cfg_claim_header *forward;
    size_t n_forward;
    char *user_claim;
    char *realm;
};

struct cfg_forward_auth {
    bool present;
    uint16_t service;
    char *path;
    uint32_t timeout_ms;
    char **request_headers; /* that are copied; none: all */
    size_t n_request_headers;
    char **response_headers; /* copied on to the request */
    size_t n_response_headers;
    char *user_from;    /* field of its answer with the user's name; "": none */
    uint32_t max_bytes; /* of its answer's body */
};

struct cfg_auth { /* exactly one of the three is present */
    bool present;
    struct cfg_basic basic;
    struct cfg_jwt jwt;
    struct cfg_forward_auth forward;
    char *user_header; /* tells the service the user's name; "": none */
    bool remove_authorization;
};

struct cfg_mirror {
    bool present;
    uint16_t service;
    double share;       /* of the requests, 0..1 */
    uint32_t max_bytes; /* of a request's body; with more it is not mirrored */
    uint32_t max_requests;
};

struct cfg;
struct cfg_route;

/* Fills in what follows from the rest, once everything was checked. */
void cfg_edge_finish(struct cfg *c);

/* What is in force for the route; NULL: no compression. */
const struct cfg_compression *cfg_edge_compression(const struct cfg *c,
                                                   const struct cfg_route *r);

#endif
