#include "proxy/tls/tls_client.h"

#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/tls/tls_cert.h"
#include "proxy/tls/tls_limit.h"
#include "proxy/tls/tls_peer.h"

struct tls_client {
    _Atomic unsigned refs;
    SSL_CTX *ctx;
    uint8_t digest[SHA256_DIGEST_LENGTH]; /* of settings and files */
};

/* ---- has anything changed? ---- */

static void add_text(EVP_MD_CTX *md, const char *text)
{
    EVP_DigestUpdate(md, text, strlen(text) + 1);
}

static bool add_file(const struct tls_report *r, const struct cfg_pool_tls *c,
                     char *const *path, EVP_MD_CTX *md)
{
    uint8_t *data;
    size_t len;

    add_text(md, *path);
    if (**path == 0)
        return true;
    if (!tls_report_file(r, path, c, *path, &data, &len))
        return false;
    EVP_DigestUpdate(md, data, len);
    OPENSSL_cleanse(data, len);
    free(data);
    return true;
}

static bool digest_of(const struct tls_report *r, const struct cfg_pool_tls *c,
                      uint8_t *out)
{
    const uint8_t plain[] = {c->verify, (uint8_t)c->min_version};
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok;

    CHECK(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
    EVP_DigestUpdate(md, plain, sizeof(plain));
    add_text(md, c->ciphers);
    add_text(md, c->ciphersuites);
    add_text(md, c->groups);
    ok = add_file(r, c, &c->ca, md);
    ok &= add_file(r, c, &c->cert, md);
    ok &= add_file(r, c, &c->key, md);
    EVP_DigestFinal_ex(md, out, NULL);
    EVP_MD_CTX_free(md);
    return ok;
}

/* ---- life ---- */

static bool set_issuers(const struct tls_report *r, const struct cfg_pool_tls *c,
                        SSL_CTX *ctx)
{
    SSL_CTX_set_verify(ctx, c->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (!c->verify)
        return true;
    if (c->ca[0] == 0) {
        CHECK(SSL_CTX_set_default_verify_paths(ctx) == 1);
        return true;
    }
    if (SSL_CTX_load_verify_file(ctx, c->ca) == 1)
        return true;
    tls_report_fault(r, &c->ca, c, "no certificates in %s: %s", c->ca, tls_report_reason());
    return false;
}

static bool set_own(const struct tls_report *r, const struct cfg_pool_tls *c, SSL_CTX *ctx)
{
    const struct tls_cert_files f = {c, &c->cert, &c->key, NULL};
    struct tls_cert cert;
    bool ok;

    if (c->cert[0] == 0)
        return true;
    if (!tls_cert_load(r, &f, &cert))
        return false;
    ok = tls_cert_use(&cert, ctx);
    if (!ok)
        tls_report_fault(r, &c->cert, c, "certificate %s cannot be used: %s", c->cert,
                         tls_report_reason());
    tls_cert_clear(&cert);
    return ok;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    return tls_peer_keep(SSL_get_app_data(ssl), session);
}

static bool make(const struct tls_report *r, const struct cfg_pool_tls *cfg,
                 struct tls_client *c)
{
    const struct tls_limit limit = {.object = cfg,
                                    .min = &cfg->min_version,
                                    .ciphers = &cfg->ciphers,
                                    .ciphersuites = &cfg->ciphersuites,
                                    .groups = &cfg->groups};

    c->ctx = tls_limit_context(r, &limit, false);
    if (c->ctx == NULL)
        return false;
    SSL_CTX_set_session_cache_mode(c->ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c->ctx, on_session);
    return set_issuers(r, cfg, c->ctx) & set_own(r, cfg, c->ctx);
}

struct tls_client *tls_client_new(const struct tls_report *r,
                                  const struct cfg_pool_tls *cfg, struct tls_client *old)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    struct tls_client *c;

    if (!digest_of(r, cfg, digest))
        return NULL;
    if (old != NULL && memcmp(old->digest, digest, sizeof(digest)) == 0)
        return tls_client_ref(old);
    c = MEM_NEW(struct tls_client);
    atomic_init(&c->refs, 1);
    memcpy(c->digest, digest, sizeof(digest));
    if (make(r, cfg, c))
        return c;
    tls_client_unref(c);
    return NULL;
}

struct tls_client *tls_client_ref(struct tls_client *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void tls_client_unref(struct tls_client *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(c->ctx);
    free(c);
}

SSL *tls_client_open(struct tls_client *c)
{
    SSL *ssl = SSL_new(c->ctx);

    CHECK(ssl != NULL);
    SSL_set_connect_state(ssl);
    return ssl;
}
