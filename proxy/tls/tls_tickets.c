#include "proxy/tls/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/tls/tls_ring.h"

struct tls_tickets {
    _Atomic unsigned refs;
    mono_us rotate; /* 0: the keys are from files */
    pthread_mutex_t lock;
    struct tls_ring ring; /* under the lock */
};

static struct tls_tickets *tickets_ref(struct tls_tickets *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void tls_tickets_unref(struct tls_tickets *t)
{
    if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&t->lock);
    OPENSSL_cleanse(&t->ring, sizeof(t->ring));
    free(t);
}

/* ---- keys ---- */

static bool read_key(const struct tls_report *r, const struct cfg_tls_tickets *cfg,
                     size_t i, struct tls_ring *ring)
{
    const char *path = cfg->files[i];
    struct tls_ring_key key;
    uint8_t *data;
    size_t len;
    bool ok;

    if (!tls_report_file(r, &cfg->files[i], cfg, path, &data, &len))
        return false;
    ok = tls_ring_read(data, len, &key);
    if (!ok)
        tls_report_fault(r, &cfg->files[i], cfg, "%s must have 48 or 80 bytes, not %zu",
                         path, len);
    else if (!tls_ring_add(ring, &key))
        tls_report_fault(r, &cfg->files[i], cfg, "%s: an earlier file has this key", path);
    OPENSSL_cleanse(data, len);
    OPENSSL_cleanse(&key, sizeof(key));
    free(data);
    return ok;
}

struct tls_tickets *tls_tickets_new(const struct tls_report *r,
                                    const struct cfg_tls_tickets *cfg,
                                    struct tls_tickets *old)
{
    mono_us rotate = cfg->n_files > 0 ? 0 : (mono_us)cfg->rotate_ms * US_PER_MS;
    struct tls_tickets *t;

    if (old != NULL && rotate != 0 && old->rotate == rotate)
        return tickets_ref(old);
    t = MEM_NEW(struct tls_tickets);
    atomic_init(&t->refs, 1);
    t->rotate = rotate;
    pthread_mutex_init(&t->lock, NULL);
    for (size_t i = 0; i < cfg->n_files; i++) {
        if (read_key(r, cfg, i, &t->ring))
            continue;
        tls_tickets_unref(t);
        return NULL;
    }
    return t;
}

/* False: the system gives no random bytes. */
static bool turn_if_due(struct tls_tickets *t)
{
    mono_us now = clock_mono();
    struct tls_ring_key fresh = {.aes_len = sizeof(fresh.aes)};

    if (t->rotate == 0 || !tls_ring_due(&t->ring, now, t->rotate))
        return true;
    if (RAND_bytes(fresh.name, sizeof(fresh.name)) != 1 ||
        RAND_bytes(fresh.hmac, sizeof(fresh.hmac)) != 1 ||
        RAND_bytes(fresh.aes, sizeof(fresh.aes)) != 1)
        return false;
    tls_ring_turn(&t->ring, now, t->rotate, &fresh);
    OPENSSL_cleanse(&fresh, sizeof(fresh));
    return true;
}

/* ---- what the library asks ---- */

/* Sets both contexts up.  True when all went well. */
static bool set_keys(const struct tls_ring_key *k, const uint8_t *iv, bool encrypt,
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    const EVP_CIPHER *aes = k->aes_len == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc();
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)k->hmac,
                                          sizeof(k->hmac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1 &&
           EVP_CipherInit_ex(cipher, aes, NULL, k->aes, iv, encrypt) == 1;
}

/* 1: here it is, 2: and make a new ticket, 0: a ticket of somebody else, -1: failed. */
static int on_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                  EVP_MAC_CTX *mac, int encrypt)
{
    struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const struct tls_ring_key *k;
    int rc = -1;

    pthread_mutex_lock(&t->lock);
    if (turn_if_due(t)) {
        k = encrypt ? &t->ring.keys[0] : tls_ring_find(&t->ring, name);
        if (k == NULL)
            rc = 0;
        else if (!encrypt || RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1)
            rc = set_keys(k, iv, encrypt != 0, cipher, mac) ? 1 : -1;
        if (rc == 1 && encrypt)
            memcpy(name, k->name, TLS_RING_NAME);
        else if (rc == 1 && (k != &t->ring.keys[0] || SSL_version(ssl) == TLS1_3_VERSION))
            rc = 2; /* a ticket of TLS 1.3 is good for one use (RFC 8446, C.4) */
    }
    pthread_mutex_unlock(&t->lock);
    return rc;
}

void tls_tickets_use(struct tls_tickets *t, SSL_CTX *ctx)
{
    SSL_CTX_set_app_data(ctx, t);
    CHECK(SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_key) == 1);
}
