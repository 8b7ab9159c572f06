#include "proxy/tls/tls_limit.h"

#include "base/check.h"

static int number_of(enum cfg_tls_version v)
{
    return v == CFG_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

static void set_modes(SSL_CTX *ctx)
{
    /* An idle connection holds no buffers; what is to be sent never waits in the
     * library (tls_io.h). */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_read_ahead(ctx, 0);
}

/* Each setting by itself, so that all that is wrong is told. */
static bool set_lists(const struct tls_report *r, const struct tls_limit *l, SSL_CTX *ctx)
{
    bool ok = true;

    if (SSL_CTX_set_cipher_list(ctx, *l->ciphers) != 1) {
        tls_report_fault(r, l->ciphers, l->object, "ciphers: %s", tls_report_reason());
        ok = false;
    }
    if (SSL_CTX_set_ciphersuites(ctx, *l->ciphersuites) != 1) {
        tls_report_fault(r, l->ciphersuites, l->object, "ciphersuites: %s",
                         tls_report_reason());
        ok = false;
    }
    if (SSL_CTX_set1_groups_list(ctx, *l->groups) != 1) {
        tls_report_reason();
        tls_report_fault(r, l->groups, l->object, "groups: '%s' has one that is not known",
                         *l->groups);
        ok = false;
    }
    return ok;
}

SSL_CTX *tls_limit_context(const struct tls_report *r, const struct tls_limit *l,
                           bool server)
{
    SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

    CHECK(ctx != NULL);
    set_modes(ctx);
    CHECK(SSL_CTX_set_min_proto_version(ctx, number_of(*l->min)) == 1);
    if (l->max != NULL)
        CHECK(SSL_CTX_set_max_proto_version(ctx, number_of(*l->max)) == 1);
    if (set_lists(r, l, ctx))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}
