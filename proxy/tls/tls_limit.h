/*
 * tls_limit.h - what both sides of the proxy agree to: versions, ciphers, groups, and what
 * is never allowed, as renegotiation and compression.
 */
#ifndef PROXY_TLS_TLS_LIMIT_H
#define PROXY_TLS_TLS_LIMIT_H

#include <openssl/ssl.h>

#include "proxy/tls/tls_report.h"

struct tls_limit {
    const void *object; /* the struct of the configuration that the rest is in */
    const enum cfg_tls_version *min, *max; /* max may be NULL */
    char *const *ciphers, *const *ciphersuites, *const *groups;
};

/* A new context that obeys.  NULL: faults were reported. */
SSL_CTX *tls_limit_context(const struct tls_report *r, const struct tls_limit *l,
                           bool server);

#endif
