/*
 * tls_cert.h - a certificate with its chain, its private key and what is stapled to it.
 *
 * Read from PEM files, checked: the key belongs to it, it is valid today.
 */
#ifndef PROXY_TLS_TLS_CERT_H
#define PROXY_TLS_TLS_CERT_H

#include <openssl/ssl.h>

#include "proxy/tls/tls_name.h"
#include "proxy/tls/tls_report.h"

struct tls_cert {
    X509 *leaf;
    STACK_OF(X509) * chain; /* without the leaf; never NULL */
    EVP_PKEY *key;
    int kind;      /* of the key: EVP_PKEY_RSA, EVP_PKEY_EC, ... */
    uint8_t *ocsp; /* DER; NULL: none */
    size_t ocsp_len;
};

/* Files as configured: key "" is in cert, ocsp "" is none.  The fields are those of
 * `object`, for messages. */
struct tls_cert_files {
    const void *object;
    char *const *cert, *const *key, *const *ocsp; /* ocsp may be NULL */
};

/* False: a fault was reported, and *out is cleared. */
bool tls_cert_load(const struct tls_report *r, const struct tls_cert_files *f,
                   struct tls_cert *out);
void tls_cert_clear(struct tls_cert *c);

/* Adds the DNS names it is for. */
void tls_cert_names(const struct tls_cert *c, struct tls_names *names, uint32_t value);

/* Puts certificate, chain and key into a context. */
bool tls_cert_use(const struct tls_cert *c, SSL_CTX *ctx);

/* "CN=a,O=b" as RFC 4514 writes it, in printable ASCII; false: longer than room. */
bool tls_cert_subject(const X509 *x, char *out, size_t room);

#endif
