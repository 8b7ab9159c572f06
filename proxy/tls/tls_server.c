#include "proxy/tls/tls_server.h"

#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/tls/tls_cert.h"
#include "proxy/tls/tls_limit.h"
#include "proxy/tls/tls_tickets.h"

#define KINDS_MAX 4 /* certificates for one name: RSA, ECDSA, Ed25519, ... */

/* Certificates that are for the same names, one of each kind, in one context. */
struct group {
    SSL_CTX *ctx;
    uint32_t certs[KINDS_MAX];
    uint32_t n;
};

struct tls_server {
    _Atomic unsigned refs;
    struct tls_cert *certs;
    uint32_t n_certs;
    struct tls_names names; /* -> group */
    struct group *groups;   /* the first is the default */
    uint32_t n_groups;
    const uint8_t *alpn; /* as it goes over the wire */
    unsigned alpn_len;
    bool strict, asks_clients;
    struct tls_tickets *tickets;
    uint8_t context[SHA256_DIGEST_LENGTH]; /* sessions are good where this is the same */
};

/* What it is made with. */
struct making {
    const struct tls_report *r;
    const struct cfg_listener *listener;
    const struct cfg_listener_tls *cfg;
    struct tls_server *s;
    X509_STORE *issuers;        /* of clients; NULL: none are asked */
    STACK_OF(X509_NAME) * told; /* their names, for the clients */
};

/* ---- what a client asks for ---- */

static struct group *group_for(struct tls_server *s, const char *host)
{
    char normal[TLS_NAME_MAX];
    const struct tls_name *found = NULL;

    if (host != NULL && tls_name_normal(host, strlen(host), false, normal))
        found = tls_name_find(&s->names, normal);
    return found != NULL ? &s->groups[found->value] : NULL;
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    struct tls_server *s = arg;
    struct group *g = group_for(s, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));

    if (g == NULL && s->strict) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (g == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_get_SSL_CTX(ssl) != g->ctx && SSL_set_SSL_CTX(ssl, g->ctx) == NULL)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301: a client that offers protocols, none of them ours, is told so. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned in_len, void *arg)
{
    struct tls_server *s = arg;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, s->alpn, s->alpn_len, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* The response belongs to one certificate; which one was chosen is known by now. */
static int on_status(SSL *ssl, void *arg)
{
    struct tls_server *s = arg;
    const X509 *chosen = SSL_get_certificate(ssl);

    for (uint32_t i = 0; i < s->n_certs; i++) {
        struct tls_cert *c = &s->certs[i];
        uint8_t *copy;

        if (c->leaf != chosen || c->ocsp == NULL)
            continue;
        copy = OPENSSL_memdup(c->ocsp, c->ocsp_len); /* the library frees it */
        if (copy == NULL)
            return SSL_TLSEXT_ERR_NOACK;
        SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)c->ocsp_len);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

/* ---- certificates of clients ---- */

static bool read_crl(const struct making *m)
{
    const struct cfg_tls_clients *c = &m->cfg->clients;
    X509_LOOKUP *file = X509_STORE_add_lookup(m->issuers, X509_LOOKUP_file());

    if (c->crl[0] == 0)
        return true;
    if (X509_load_crl_file(file, c->crl, X509_FILETYPE_PEM) < 1) {
        tls_report_fault(m->r, &c->crl, c, "no list of revoked certificates in %s: %s",
                         c->crl, tls_report_reason());
        return false;
    }
    X509_STORE_set_flags(m->issuers, X509_V_FLAG_CRL_CHECK);
    return true;
}

static bool read_issuers(struct making *m)
{
    const struct cfg_tls_clients *c = &m->cfg->clients;

    if (c->verify == CFG_TLS_VERIFY_NONE)
        return true;
    m->issuers = X509_STORE_new();
    CHECK(m->issuers != NULL);
    if (X509_STORE_load_file(m->issuers, c->ca) != 1 ||
        (m->told = SSL_load_client_CA_file(c->ca)) == NULL) {
        tls_report_fault(m->r, &c->ca, c, "no certificates in %s: %s", c->ca,
                         tls_report_reason());
        return false;
    }
    return read_crl(m);
}

static void ask_clients(const struct making *m, SSL_CTX *ctx)
{
    int mode = SSL_VERIFY_PEER;

    if (m->issuers == NULL)
        return;
    if (m->cfg->clients.verify == CFG_TLS_VERIFY_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ctx, mode, NULL);
    SSL_CTX_set1_cert_store(ctx, m->issuers);
    SSL_CTX_set_client_CA_list(ctx, SSL_dup_CA_list(m->told));
}

/* ---- contexts ---- */

static void set_tickets(const struct making *m, SSL_CTX *ctx)
{
    const struct cfg_tls_tickets *t = &m->cfg->tickets;

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(ctx, m->s->context, sizeof(m->s->context));
    SSL_CTX_set_timeout(ctx, t->rotate_ms / MS_PER_S);
    if (!t->enabled) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(ctx, 0);
        return;
    }
    SSL_CTX_set_num_tickets(ctx, 1); /* one more comes with each resumption */
    tls_tickets_use(m->s->tickets, ctx);
}

static SSL_CTX *make_context(const struct making *m)
{
    const struct cfg_listener_tls *c = m->cfg;
    const struct tls_limit limit = {.object = c,
                                    .min = &c->min_version,
                                    .max = &c->max_version,
                                    .ciphers = &c->ciphers,
                                    .ciphersuites = &c->ciphersuites,
                                    .groups = &c->groups};
    SSL_CTX *ctx = tls_limit_context(m->r, &limit, true);

    if (ctx == NULL)
        return NULL;
    set_tickets(m, ctx);
    ask_clients(m, ctx);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(ctx, m->s);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, m->s);
    SSL_CTX_set_tlsext_status_cb(ctx, on_status);
    SSL_CTX_set_tlsext_status_arg(ctx, m->s);
    return ctx;
}

/* False: a fault was reported. */
static bool fill_context(const struct making *m, struct group *g)
{
    const struct cfg_listener_tls *c = m->cfg;

    g->ctx = make_context(m);
    for (uint32_t i = 0; g->ctx != NULL && i < g->n; i++) {
        uint32_t k = g->certs[i];

        if (tls_cert_use(&m->s->certs[k], g->ctx))
            continue;
        tls_report_fault(m->r, &c->certificates[k].cert, &c->certificates[k],
                         "certificate %s cannot be used: %s", c->certificates[k].cert,
                         tls_report_reason());
        return false;
    }
    return g->ctx != NULL;
}

/* ---- which certificates belong together ---- */

/* All that are for the text at names[at], which is moved behind them; one of each kind. */
static struct group collect(const struct tls_server *s, const struct tls_names *names,
                            size_t *at)
{
    const char *text = names->list[*at].text;
    struct group g = {0};

    for (; *at < names->n && strcmp(names->list[*at].text, text) == 0; ++*at) {
        uint32_t cert = names->list[*at].value;
        bool had = g.n == KINDS_MAX;

        for (uint32_t i = 0; i < g.n; i++)
            had = had || s->certs[g.certs[i]].kind == s->certs[cert].kind;
        if (!had)
            g.certs[g.n++] = cert;
    }
    return g;
}

static uint32_t group_index(struct tls_server *s, const struct group *g)
{
    for (uint32_t i = 0; i < s->n_groups; i++)
        if (s->groups[i].n == g->n &&
            memcmp(s->groups[i].certs, g->certs, sizeof(g->certs)) == 0)
            return i;
    s->groups = mem_grow(s->groups, s->n_groups + 1, sizeof(s->groups[0]));
    s->groups[s->n_groups] = *g;
    return s->n_groups++;
}

/* The first certificate, with those of other kinds that share a name with it. */
static struct group default_group(const struct tls_server *s, const struct tls_names *names)
{
    struct group alone = {.n = 1};

    for (size_t at = 0; at < names->n;) {
        struct group g = collect(s, names, &at);

        if (g.certs[0] == 0)
            return g;
    }
    return alone;
}

static void make_groups(struct tls_server *s)
{
    struct tls_names names = {0};
    struct group first;

    for (uint32_t i = 0; i < s->n_certs; i++)
        tls_cert_names(&s->certs[i], &names, i);
    tls_name_sort(&names);
    first = default_group(s, &names);
    group_index(s, &first);
    for (size_t at = 0; at < names.n;) {
        const char *text = names.list[at].text;
        struct group g = collect(s, &names, &at);

        tls_name_add(&s->names, text, group_index(s, &g));
    }
    tls_name_sort(&s->names);
    tls_name_clear(&names);
}

/* ---- life ---- */

/* All faults of all certificates are told. */
static bool load_certificates(const struct making *m)
{
    struct tls_server *s = m->s;
    bool ok = true;

    s->certs = MEM_NEW_N(struct tls_cert, m->cfg->n_certificates);
    s->n_certs = (uint32_t)m->cfg->n_certificates;
    for (uint32_t i = 0; i < s->n_certs; i++) {
        const struct cfg_tls_cert *c = &m->cfg->certificates[i];
        const struct tls_cert_files f = {c, &c->cert, &c->key, &c->ocsp};

        ok &= tls_cert_load(m->r, &f, &s->certs[i]);
    }
    return ok;
}

/* RFC 7301, 3.2: what this side prefers comes first. */
static void set_alpn(struct tls_server *s, const struct cfg_listener *l)
{
    static const uint8_t both[] = "\x02h2\x08http/1.1";

    s->alpn = l->h2.enabled ? both : both + 3;
    s->alpn_len = l->h2.only ? 3 : l->h2.enabled ? 12 : 9;
}

/* A session is good at the listener that made it, as long as that asks its clients for
 * the same certificates. */
static bool set_session_context(const struct making *m)
{
    const struct cfg_tls_clients *c = &m->cfg->clients;
    char *const *const files[] = {&c->ca, &c->crl};
    char *text = mem_printf("%s %u", m->listener->bind.text, (unsigned)c->verify);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = true;

    CHECK(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
    EVP_DigestUpdate(md, text, strlen(text));
    for (size_t i = 0; i < N_ELEMS(files) && c->verify != CFG_TLS_VERIFY_NONE; i++) {
        uint8_t *data;
        size_t len;

        if (**files[i] == 0)
            continue;
        if (!tls_report_file(m->r, files[i], c, *files[i], &data, &len)) {
            ok = false;
            continue;
        }
        EVP_DigestUpdate(md, data, len);
        free(data);
    }
    EVP_DigestFinal_ex(md, m->s->context, NULL);
    EVP_MD_CTX_free(md);
    free(text);
    return ok;
}

static bool make(struct making *m, const struct tls_server *old)
{
    struct tls_server *s = m->s;
    bool ok = load_certificates(m);

    s->strict = m->cfg->strict_sni;
    s->asks_clients = m->cfg->clients.verify != CFG_TLS_VERIFY_NONE;
    set_alpn(s, m->listener);
    s->tickets = tls_tickets_new(m->r, &m->cfg->tickets, old != NULL ? old->tickets : NULL);
    ok &= s->tickets != NULL;
    ok &= set_session_context(m) && read_issuers(m);
    if (!ok)
        return false;
    make_groups(s);
    for (uint32_t i = 0; i < s->n_groups && ok; i++)
        ok = fill_context(m, &s->groups[i]);
    return ok;
}

struct tls_server *tls_server_new(const struct tls_report *r,
                                  const struct cfg_listener *listener,
                                  const struct tls_server *old)
{
    struct making m = {.r = r,
                       .listener = listener,
                       .cfg = &listener->tls,
                       .s = MEM_NEW(struct tls_server)};
    bool ok;

    atomic_init(&m.s->refs, 1);
    ok = make(&m, old);
    X509_STORE_free(m.issuers);
    sk_X509_NAME_pop_free(m.told, X509_NAME_free);
    if (ok)
        return m.s;
    tls_server_unref(m.s);
    return NULL;
}

struct tls_server *tls_server_ref(struct tls_server *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void tls_server_unref(struct tls_server *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < s->n_groups; i++)
        SSL_CTX_free(s->groups[i].ctx);
    for (uint32_t i = 0; i < s->n_certs; i++)
        tls_cert_clear(&s->certs[i]);
    tls_name_clear(&s->names);
    tls_tickets_unref(s->tickets);
    free(s->groups);
    free(s->certs);
    free(s);
}

SSL *tls_server_open(struct tls_server *s)
{
    SSL *ssl = SSL_new(s->groups[0].ctx);

    CHECK(ssl != NULL);
    SSL_set_accept_state(ssl);
    return ssl;
}

bool tls_server_asks_clients(const struct tls_server *s)
{
    return s->asks_clients;
}
