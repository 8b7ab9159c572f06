/*
 * tls_fixture.h - a server and a client of TLS in memory, with certificates made on the
 * spot; the test carries the bytes between them.
 */
#ifndef TESTS_UNIT_PROXY_TLS_TLS_FIXTURE_H
#define TESTS_UNIT_PROXY_TLS_TLS_FIXTURE_H

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/cfg_load.h"
#include "proxy/tls/tls_client.h"
#include "proxy/tls/tls_io.h"
#include "proxy/tls/tls_peer.h"
#include "proxy/tls/tls_server.h"
#include "proxy/tls/tls_set.h"

#define FIXTURE_DAY_S (24L * 3600)

struct tls_fixture {
    char dir[32]; /* has a.pem and b.pem, each with a key in it */
    struct cfg *cfg;
    struct tls_set *set;
    struct tls_peer *peer;
    struct tls_block block; /* of both sides: a thread has one */
    struct tls_io *server, *client;
};

/* Writes a self-signed certificate with its key for a DNS name. */
static inline void fixture_certificate(const char *path, const char *name, bool rsa)
{
    EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    char san[300];
    X509_EXTENSION *e;
    FILE *f = fopen(path, "w");

    snprintf(san, sizeof(san), "DNS:%s", name);
    e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
    cr_assert(f != NULL && key != NULL && e != NULL);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -FIXTURE_DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(x), 60 * FIXTURE_DAY_S);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1,
                               0);
    X509_set_issuer_name(x, subject);
    X509_set_pubkey(x, key);
    X509_add_ext(x, e, -1);
    cr_assert(X509_sign(x, key, EVP_sha256()) > 0);
    PEM_write_X509(f, x);
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_EXTENSION_free(e);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* `listener` and `pool` are what stands in the two `tls` maps beside the files. */
static inline void fixture_load(struct tls_fixture *f, const char *listener,
                                const char *pool)
{
    struct cfg_errors errs;
    char text[2048];

    snprintf(
        text, sizeof(text),
        "listeners: { bind: 127.0.0.1:80, tls: { certificates: [ %s/a.pem, %s/b.pem ] %s "
        "} }\n"
        "services: { s: { pools: { baseline: { backends: 127.0.0.1:1, tls: { ca: "
        "%s/a.pem %s } } } } }\n"
        "routes: { service: s }\n",
        f->dir, f->dir, listener, f->dir, pool);
    cfg_errors_init(&errs);
    cr_assert_eq(cfg_load_text("t", text, strlen(text), &f->cfg, &errs), RC_OK, "%s",
                 errs.n > 0 ? errs.list[0].text : "");
    f->set = tls_set_new(f->cfg, NULL, &errs);
    cr_assert_not_null(f->set, "%s", errs.n > 0 ? errs.list[0].text : "");
    cfg_errors_fini(&errs);
}

static inline void fixture_init(struct tls_fixture *f, const char *listener,
                                const char *pool)
{
    char path[64];

    *f = (struct tls_fixture){.dir = "/tmp/tls_fixture.XXXXXX"};
    cr_assert_not_null(mkdtemp(f->dir));
    snprintf(path, sizeof(path), "%s/a.pem", f->dir);
    fixture_certificate(path, "a.example", false);
    snprintf(path, sizeof(path), "%s/b.pem", f->dir);
    fixture_certificate(path, "b.example", false);
    fixture_load(f, listener, pool);
    tls_block_init(&f->block);
}

static inline void fixture_hang_up(struct tls_fixture *f)
{
    tls_io_free(f->server);
    tls_io_free(f->client);
    f->server = f->client = NULL;
}

static inline void fixture_fini(struct tls_fixture *f)
{
    static const char *const files[] = {"a.pem", "b.pem"};

    fixture_hang_up(f);
    tls_peer_unref(f->peer);
    tls_block_fini(&f->block);
    tls_set_unref(f->set);
    cfg_unref(f->cfg);
    for (size_t i = 0; i < 2; i++) {
        char path[64];

        snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
        unlink(path);
    }
    rmdir(f->dir);
}

/* A connection of which no byte has gone yet. */
static inline void fixture_call(struct tls_fixture *f, const char *name)
{
    struct tls_client *c = tls_set_client(f->set, 0, TIER_BASELINE);

    fixture_hang_up(f);
    if (f->peer == NULL || !tls_peer_is(f->peer, c, name)) {
        tls_peer_unref(f->peer);
        f->peer = tls_peer_new(c, name);
    }
    f->server = tls_io_accept(tls_set_server(f->set, 0), &f->block);
    f->client = tls_io_connect(f->peer, TLS_OFFER_H1, &f->block);
}

/* What one side has made goes to the other; bytes moved. */
static inline size_t fixture_carry(struct tls_fixture *f, struct tls_io *to)
{
    size_t n = f->block.out_len;

    cr_assert(n <= TLS_BLOCK_IN);
    f->block.out_len = 0;
    memcpy(f->block.in, f->block.out, n);
    if (n > 0)
        tls_io_received(to, &f->block, n);
    return n;
}

/* To the end of the handshake, or a failure of either. */
static inline bool fixture_handshake(struct tls_fixture *f)
{
    char none[16];

    for (int i = 0; i < 4; i++) {
        ssize_t up = tls_io_handshake(f->client, &f->block), down;

        fixture_carry(f, f->server);
        down = tls_io_read(f->server, &f->block, none, sizeof(none));
        fixture_carry(f, f->client);
        if ((up < 0 && up != TLS_IO_AGAIN) || down != TLS_IO_AGAIN) {
            tls_io_read(f->client, &f->block, none, sizeof(none)); /* an alert */
            return false;
        }
        if (tls_io_established(f->server) && tls_io_established(f->client))
            return true;
    }
    return false;
}

#endif
