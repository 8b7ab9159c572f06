#include "proxy/tls/tls_cert.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define SOON_DAYS 14 /* a certificate that ends within is warned of */

static BIO *memory_of(const uint8_t *data, size_t len)
{
    BIO *bio = BIO_new_mem_buf(data, (int)len);

    CHECK(bio != NULL);
    return bio;
}

/* Nobody is there to type a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static bool read_chain(const struct tls_report *r, const struct tls_cert_files *f,
                       const uint8_t *data, size_t len, struct tls_cert *out)
{
    BIO *bio = memory_of(data, len);
    X509 *x;

    out->leaf = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL);
    out->chain = sk_X509_new_null();
    CHECK(out->chain != NULL);
    if (out->leaf == NULL)
        tls_report_fault(r, f->cert, f->object, "no certificate in %s: %s", *f->cert,
                         tls_report_reason());
    while (out->leaf != NULL &&
           (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL)
        CHECK(sk_X509_push(out->chain, x) > 0);
    tls_report_reason(); /* the end of the file is an error to the library */
    BIO_free(bio);
    return out->leaf != NULL;
}

static bool read_key(const struct tls_report *r, const struct tls_cert_files *f,
                     const uint8_t *data, size_t len, struct tls_cert *out)
{
    const char *path = **f->key != 0 ? *f->key : *f->cert;
    BIO *bio = memory_of(data, len);

    out->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (out->key == NULL) {
        tls_report_fault(r, f->key, f->object, "no private key in %s%s", path,
                         strstr((const char *)data, "ENCRYPTED") != NULL
                             ? ": it is protected by a passphrase"
                             : "");
        tls_report_reason();
        return false;
    }
    out->kind = EVP_PKEY_get_base_id(out->key);
    if (X509_check_private_key(out->leaf, out->key) == 1)
        return true;
    tls_report_reason();
    tls_report_fault(r, f->key, f->object,
                     "the key in %s does not match the certificate %s", path, *f->cert);
    return false;
}

static void check_dates(const struct tls_report *r, const struct tls_cert_files *f,
                        const X509 *x)
{
    const ASN1_TIME *begin = X509_get0_notBefore(x), *end = X509_get0_notAfter(x);
    int days = 0, seconds = 0;

    if (X509_cmp_current_time(end) < 0)
        tls_report_warn(r, f->cert, f->object, "certificate %s has expired", *f->cert);
    else if (X509_cmp_current_time(begin) > 0)
        tls_report_warn(r, f->cert, f->object, "certificate %s is not valid yet", *f->cert);
    else if (ASN1_TIME_diff(&days, &seconds, NULL, end) == 1 && days < SOON_DAYS)
        tls_report_warn(r, f->cert, f->object, "certificate %s expires in %d days",
                        *f->cert, days);
}

static void check_answer(const struct tls_report *r, const struct tls_cert_files *f,
                         OCSP_RESPONSE *response)
{
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    ASN1_GENERALIZEDTIME *from, *until;
    int reason;

    if (basic != NULL && OCSP_resp_count(basic) > 0) {
        OCSP_single_get0_status(OCSP_resp_get0(basic, 0), &reason, NULL, &from, &until);
        if (until != NULL && X509_cmp_current_time(until) < 0)
            tls_report_warn(r, f->ocsp, f->object, "the OCSP response in %s has expired",
                            *f->ocsp);
    }
    OCSP_BASICRESP_free(basic);
}

static bool read_answer(const struct tls_report *r, const struct tls_cert_files *f,
                        struct tls_cert *out)
{
    OCSP_RESPONSE *response;
    const uint8_t *p;

    if (!tls_report_file(r, f->ocsp, f->object, *f->ocsp, &out->ocsp, &out->ocsp_len))
        return false;
    p = out->ocsp;
    response = d2i_OCSP_RESPONSE(NULL, &p, (long)out->ocsp_len);
    if (response == NULL) {
        tls_report_reason();
        tls_report_fault(r, f->ocsp, f->object, "%s is no OCSP response in DER", *f->ocsp);
        return false;
    }
    check_answer(r, f, response);
    OCSP_RESPONSE_free(response);
    return true;
}

static bool load(const struct tls_report *r, const struct tls_cert_files *f,
                 struct tls_cert *out)
{
    uint8_t *cert, *key;
    size_t cert_len, key_len;
    bool ok;

    if (!tls_report_file(r, f->cert, f->object, *f->cert, &cert, &cert_len))
        return false;
    ok = read_chain(r, f, cert, cert_len, out);
    if (ok && **f->key == 0) {
        ok = read_key(r, f, cert, cert_len, out);
    } else if (ok) {
        ok = tls_report_file(r, f->key, f->object, *f->key, &key, &key_len);
        if (ok) {
            ok = read_key(r, f, key, key_len, out);
            OPENSSL_cleanse(key, key_len);
            free(key);
        }
    }
    OPENSSL_cleanse(cert, cert_len);
    free(cert);
    if (ok)
        check_dates(r, f, out->leaf);
    return ok && (f->ocsp == NULL || **f->ocsp == 0 || read_answer(r, f, out));
}

bool tls_cert_load(const struct tls_report *r, const struct tls_cert_files *f,
                   struct tls_cert *out)
{
    *out = (struct tls_cert){0};
    if (load(r, f, out))
        return true;
    tls_cert_clear(out);
    return false;
}

void tls_cert_clear(struct tls_cert *c)
{
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    free(c->ocsp);
    *c = (struct tls_cert){0};
}

static void add_name(const ASN1_STRING *s, struct tls_names *names, uint32_t value)
{
    char normal[TLS_NAME_MAX];

    if (s != NULL && tls_name_normal((const char *)ASN1_STRING_get0_data(s),
                                     (size_t)ASN1_STRING_length(s), true, normal))
        tls_name_add(names, normal, value);
}

/* The common name counts only where there is no list of names. */
void tls_cert_names(const struct tls_cert *c, struct tls_names *names, uint32_t value)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
    const X509_NAME *subject = X509_get_subject_name(c->leaf);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);

        if (name->type == GEN_DNS)
            add_name(name->d.dNSName, names, value);
    }
    if (all == NULL && at >= 0)
        add_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), names, value);
    GENERAL_NAMES_free(all);
}

bool tls_cert_use(const struct tls_cert *c, SSL_CTX *ctx)
{
    return SSL_CTX_use_cert_and_key(ctx, c->leaf, c->key, c->chain, 1) == 1;
}

bool tls_cert_subject(const X509 *x, char *out, size_t room)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long n;

    CHECK(bio != NULL);
    X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, XN_FLAG_RFC2253);
    n = BIO_get_mem_data(bio, &text);
    if (n >= 0 && (size_t)n < room) {
        memcpy(out, text, (size_t)n);
        out[n] = 0;
    }
    BIO_free(bio);
    return n >= 0 && (size_t)n < room;
}
