#include "proxy/tls/tls_peer.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct tls_peer {
    _Atomic unsigned refs;
    struct tls_client *client;
    char *name;
    bool is_ip;
    pthread_mutex_t lock;
    SSL_SESSION *session; /* the newest; under the lock */
};

static bool is_ip(const char *name)
{
    uint8_t bytes[16];

    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

struct tls_peer *tls_peer_new(struct tls_client *c, const char *name)
{
    struct tls_peer *p = MEM_NEW(struct tls_peer);

    atomic_init(&p->refs, 1);
    p->client = tls_client_ref(c);
    p->name = mem_str(name);
    p->is_ip = is_ip(name);
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

struct tls_peer *tls_peer_ref(struct tls_peer *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void tls_peer_unref(struct tls_peer *p)
{
    if (p == NULL || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_SESSION_free(p->session);
    pthread_mutex_destroy(&p->lock);
    tls_client_unref(p->client);
    free(p->name);
    free(p);
}

bool tls_peer_is(const struct tls_peer *p, const struct tls_client *c, const char *name)
{
    return p->client == c && strcmp(p->name, name) == 0;
}

int tls_peer_keep(struct tls_peer *p, SSL_SESSION *session)
{
    SSL_SESSION *old;

    pthread_mutex_lock(&p->lock);
    old = p->session;
    p->session = session;
    pthread_mutex_unlock(&p->lock);
    SSL_SESSION_free(old);
    return 1;
}

static void offer_session(struct tls_peer *p, SSL *ssl)
{
    SSL_SESSION *session;

    pthread_mutex_lock(&p->lock);
    session = p->session;
    if (session != NULL)
        SSL_SESSION_up_ref(session);
    pthread_mutex_unlock(&p->lock);
    if (session != NULL && SSL_SESSION_is_resumable(session))
        SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
}

/* Whom we want to reach: told to the backend, and looked for in its certificate. */
static void set_name(const struct tls_peer *p, SSL *ssl)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (p->name[0] == 0)
        return;
    if (p->is_ip) {
        CHECK(X509_VERIFY_PARAM_set1_ip_asc(param, p->name) == 1);
        return;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set_tlsext_host_name(ssl, p->name);
    CHECK(X509_VERIFY_PARAM_set1_host(param, p->name, 0) == 1);
}

static void set_offer(SSL *ssl, enum tls_offer offer)
{
    static const struct {
        const char *wire;
        unsigned len;
    } offers[] = {
        [TLS_OFFER_H1] = {"\x08http/1.1", 9},
        [TLS_OFFER_H2] = {"\x02h2", 3},
        [TLS_OFFER_H2_H1] = {"\x02h2\x08http/1.1", 12},
    };

    CHECK(SSL_set_alpn_protos(ssl, (const uint8_t *)offers[offer].wire,
                              offers[offer].len) == 0);
}

SSL *tls_peer_open(struct tls_peer *p, enum tls_offer offer)
{
    SSL *ssl = tls_client_open(p->client);

    CHECK(SSL_set_app_data(ssl, p) == 1);
    set_offer(ssl, offer);
    set_name(p, ssl);
    offer_session(p, ssl);
    return ssl;
}
