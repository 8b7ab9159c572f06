#include "proxy/edge/jwk.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/edge/b64.h"

#define NUMBER_BYTES_MAX 1024 /* of a key: RSA of 8192 bits */
#define NAME_BYTES_MAX   255
#define RSA_BITS_MIN     2048
#define RSA_BITS_MAX     8192
#define ANY_ALG          (-1)

enum kind { KIND_RSA, KIND_P256, KIND_P384, KIND_EDWARDS, KIND_SECRET };

/* The algorithms in the order of enum cfg_jwt_alg. */
static const struct alg {
    const char *name;
    enum kind kind;
    const char *digest; /* NULL: part of the algorithm */
    size_t bytes;       /* of the digest, of each half of an ECDSA signature */
    bool pss;
} algs[CFG_JWT_ALGS] = {
    [CFG_JWT_RS256] = {"RS256", KIND_RSA, "SHA256", 32, false},
    [CFG_JWT_RS384] = {"RS384", KIND_RSA, "SHA384", 48, false},
    [CFG_JWT_RS512] = {"RS512", KIND_RSA, "SHA512", 64, false},
    [CFG_JWT_PS256] = {"PS256", KIND_RSA, "SHA256", 32, true},
    [CFG_JWT_PS384] = {"PS384", KIND_RSA, "SHA384", 48, true},
    [CFG_JWT_PS512] = {"PS512", KIND_RSA, "SHA512", 64, true},
    [CFG_JWT_ES256] = {"ES256", KIND_P256, "SHA256", 32, false},
    [CFG_JWT_ES384] = {"ES384", KIND_P384, "SHA384", 48, false},
    [CFG_JWT_EDDSA] = {"EdDSA", KIND_EDWARDS, NULL, 0, false},
    [CFG_JWT_HS256] = {"HS256", KIND_SECRET, "SHA256", 32, false},
    [CFG_JWT_HS384] = {"HS384", KIND_SECRET, "SHA384", 48, false},
    [CFG_JWT_HS512] = {"HS512", KIND_SECRET, "SHA512", 64, false},
};

struct key {
    enum kind kind;
    int alg;        /* enum cfg_jwt_alg, or ANY_ALG */
    char *kid;      /* NULL: none */
    EVP_PKEY *pkey; /* not of KIND_SECRET */
    uint8_t *secret;
    size_t secret_len;
};

struct jwk_set {
    struct key keys[JWK_KEYS_MAX];
    size_t n;
};

/* ---- numbers of a JWK ---------------------------------------------------------------- */

struct number {
    uint8_t bytes[B64_BYTES(NUMBER_BYTES_MAX / 3 * 4 + 4)];
    size_t n;
};

static bool take_number(const json_t *jwk, const char *name, struct number *out)
{
    const json_t *v = json_object_get(jwk, name);
    size_t len = json_string_length(v);

    return len > 0 && len <= NUMBER_BYTES_MAX / 3 * 4 + 4 &&
           b64_url_decode(json_string_value(v), len, out->bytes, &out->n) && out->n > 0;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    CHECK(ctx != NULL && params != NULL);
    if (EVP_PKEY_fromdata_init(ctx) == 1)
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_from(const json_t *jwk)
{
    struct number n, e;
    OSSL_PARAM_BLD *build;
    BIGNUM *bn, *be;
    EVP_PKEY *key;

    if (!take_number(jwk, "n", &n) || !take_number(jwk, "e", &e))
        return NULL;
    build = OSSL_PARAM_BLD_new();
    bn = BN_bin2bn(n.bytes, (int)n.n, NULL);
    be = BN_bin2bn(e.bytes, (int)e.n, NULL);
    CHECK(build != NULL && bn != NULL && be != NULL);
    CHECK(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) == 1);
    CHECK(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be) == 1);
    key = from_params("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(bn);
    BN_free(be);
    return key;
}

/* Both coordinates have the curve's full length (RFC 7518, 6.2.1.2). */
static EVP_PKEY *ec_from(const json_t *jwk, const char *group, size_t bytes)
{
    uint8_t point[1 + 2 * 48];
    struct number x, y;
    OSSL_PARAM_BLD *build;
    EVP_PKEY *key;

    if (!take_number(jwk, "x", &x) || !take_number(jwk, "y", &y) || x.n != bytes ||
        y.n != bytes)
        return NULL;
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(point + 1, x.bytes, bytes);
    memcpy(point + 1 + bytes, y.bytes, bytes);
    build = OSSL_PARAM_BLD_new();
    CHECK(build != NULL);
    CHECK(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) ==
          1);
    CHECK(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
                                           1 + 2 * bytes) == 1);
    key = from_params("EC", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *edwards_from(const json_t *jwk)
{
    struct number x;

    return take_number(jwk, "x", &x)
               ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.bytes, x.n)
               : NULL;
}

/* ---- one key ------------------------------------------------------------------------- */

static void key_fini(struct key *k)
{
    free(k->kid);
    EVP_PKEY_free(k->pkey);
    if (k->secret != NULL)
        OPENSSL_cleanse(k->secret, k->secret_len);
    free(k->secret);
}

static const char *text_of(const json_t *jwk, const char *name)
{
    const char *s = json_string_value(json_object_get(jwk, name));

    return s != NULL ? s : "";
}

/* The kind a public key is of; false: none that is used here. */
static bool kind_of(const EVP_PKEY *pkey, enum kind *out)
{
    char group[32] = "";

    if (EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS")) {
        *out = KIND_RSA;
        return EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN &&
               EVP_PKEY_get_bits(pkey) <= RSA_BITS_MAX;
    }
    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        *out = KIND_EDWARDS;
        return true;
    }
    if (EVP_PKEY_is_a(pkey, "EC"))
        EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL);
    *out = strcmp(group, "secp384r1") == 0 ? KIND_P384 : KIND_P256;
    return *out == KIND_P384 || strcmp(group, "prime256v1") == 0;
}

static bool take_secret(const json_t *jwk, struct key *k)
{
    struct number secret;

    if (!take_number(jwk, "k", &secret) || secret.n < algs[CFG_JWT_HS256].bytes)
        return false;
    k->kind = KIND_SECRET;
    k->secret = mem_new(1, secret.n);
    k->secret_len = secret.n;
    memcpy(k->secret, secret.bytes, secret.n);
    return true;
}

/* False: it says it is a key that we could use, and is not. */
static bool take_key(const json_t *jwk, struct key *k, bool *usable)
{
    const char *kty = text_of(jwk, "kty"), *crv = text_of(jwk, "crv");

    *usable = true;
    if (strcmp(kty, "oct") == 0)
        return take_secret(jwk, k);
    if (strcmp(kty, "RSA") == 0)
        k->pkey = rsa_from(jwk);
    else if (strcmp(kty, "EC") == 0 && strcmp(crv, "P-256") == 0)
        k->pkey = ec_from(jwk, "prime256v1", 32);
    else if (strcmp(kty, "EC") == 0 && strcmp(crv, "P-384") == 0)
        k->pkey = ec_from(jwk, "secp384r1", 48);
    else if (strcmp(kty, "OKP") == 0 && strcmp(crv, "Ed25519") == 0)
        k->pkey = edwards_from(jwk);
    else
        *usable = false;
    return !*usable || (k->pkey != NULL && kind_of(k->pkey, &k->kind));
}

/* Is it for checking signatures, as far as it says? */
static bool is_for_signatures(const json_t *jwk)
{
    const json_t *ops = json_object_get(jwk, "key_ops");
    const char *use = text_of(jwk, "use");

    if (use[0] != 0 && strcmp(use, "sig") != 0)
        return false;
    if (ops == NULL)
        return true;
    for (size_t i = 0; i < json_array_size(ops); i++) {
        const char *op = json_string_value(json_array_get(ops, i));

        if (op != NULL && strcmp(op, "verify") == 0)
            return true;
    }
    return false;
}

static int alg_named(const char *name)
{
    for (int i = 0; i < CFG_JWT_ALGS; i++)
        if (strcmp(algs[i].name, name) == 0)
            return i;
    return -1;
}

/* The algorithm it is bound to.  False: one that is not known, or of another kind. */
static bool take_alg(const json_t *jwk, struct key *k)
{
    const char *name = text_of(jwk, "alg");

    k->alg = name[0] != 0 ? alg_named(name) : ANY_ALG;
    if (name[0] == 0)
        return true;
    return k->alg >= 0 && algs[k->alg].kind == k->kind &&
           (k->kind != KIND_SECRET || k->secret_len >= algs[k->alg].bytes);
}

/* ---- sets ---------------------------------------------------------------------------- */

static int add_jwk(struct jwk_set *s, const json_t *jwk, size_t i, struct why *w)
{
    struct key k = {.alg = ANY_ALG};
    const char *kid = text_of(jwk, "kid");
    bool usable;

    if (!json_is_object(jwk))
        return why_set(w, RC_INVALID, "key %zu is no object", i + 1);
    if (!is_for_signatures(jwk))
        return RC_OK;
    if (!take_key(jwk, &k, &usable)) {
        key_fini(&k);
        return why_set(w, RC_INVALID, "key %zu ('%.40s') is broken or too short", i + 1,
                       kid);
    }
    if (!usable || !take_alg(jwk, &k) || strlen(kid) > NAME_BYTES_MAX) {
        key_fini(&k);
        return RC_OK;
    }
    if (s->n == JWK_KEYS_MAX) {
        key_fini(&k);
        return why_set(w, RC_TOO_BIG, "has more than %d keys", JWK_KEYS_MAX);
    }
    k.kid = kid[0] != 0 ? mem_str(kid) : NULL;
    s->keys[s->n++] = k;
    return RC_OK;
}

/* A set, or one key by itself. */
static int read_json(struct jwk_set *s, const char *text, size_t len, struct why *w)
{
    json_error_t e;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e), *jwk;
    const json_t *keys = json_object_get(root, "keys");
    int rc = RC_OK;
    size_t i;

    if (root == NULL)
        return why_set(w, RC_INVALID, "line %d: %s", e.line, e.text);
    if (!json_is_array(keys))
        rc = add_jwk(s, root, 0, w);
    for (i = 0; rc == RC_OK && i < json_array_size(keys); i++) {
        jwk = json_array_get(keys, i);
        rc = add_jwk(s, jwk, i, w);
    }
    json_decref(root);
    return rc;
}

/* What one block of PEM holds; NULL: something else. */
static EVP_PKEY *key_of_block(const char *name, const uint8_t *data, long len)
{
    EVP_PKEY *key = NULL;
    X509 *cert;

    if (strcmp(name, PEM_STRING_PUBLIC) == 0)
        return d2i_PUBKEY(NULL, &data, len);
    if (strcmp(name, PEM_STRING_RSA_PUBLIC) == 0)
        return d2i_PublicKey(EVP_PKEY_RSA, NULL, &data, len);
    if (strcmp(name, PEM_STRING_X509) != 0)
        return NULL;
    cert = d2i_X509(NULL, &data, len);
    if (cert != NULL)
        key = X509_get_pubkey(cert);
    X509_free(cert);
    return key;
}

static int add_block(struct jwk_set *s, const char *name, const uint8_t *data, long len,
                     struct why *w)
{
    struct key k = {.alg = ANY_ALG, .pkey = key_of_block(name, data, len)};

    if (strstr(name, "PRIVATE KEY") != NULL)
        return why_set(w, RC_INVALID, "has a private key, which does not belong here");
    if (k.pkey == NULL || !kind_of(k.pkey, &k.kind) || s->n == JWK_KEYS_MAX) {
        key_fini(&k);
        return why_set(w, RC_INVALID, "block %zu ('%s') is no key that can be used",
                       s->n + 1, name);
    }
    s->keys[s->n++] = k;
    return RC_OK;
}

static int read_pem(struct jwk_set *s, const char *text, size_t len, struct why *w)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    char *name, *header;
    uint8_t *data;
    int rc = RC_OK;
    long n;

    CHECK(bio != NULL);
    while (rc == RC_OK && PEM_read_bio(bio, &name, &header, &data, &n) == 1) {
        rc = add_block(s, name, data, n, w);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
    }
    BIO_free(bio);
    return rc;
}

int jwk_set_read(const char *text, size_t len, struct jwk_set **out, struct why *w)
{
    struct jwk_set *s = MEM_NEW(struct jwk_set);
    size_t blank = strspn(text, " \t\r\n");
    int rc;

    *out = NULL;
    if (text[blank] == '{')
        rc = read_json(s, text, len, w);
    else
        rc = read_pem(s, text, len, w);
    ERR_clear_error();
    if (rc == RC_OK && s->n == 0)
        rc = why_set(w, RC_INVALID, "has no key that can be used, as JWKS or PEM");
    if (rc != RC_OK) {
        jwk_set_free(s);
        return rc;
    }
    *out = s;
    return RC_OK;
}

void jwk_set_free(struct jwk_set *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++)
        key_fini(&s->keys[i]);
    free(s);
}

size_t jwk_set_count(const struct jwk_set *s)
{
    return s->n;
}

/* ---- signatures ---------------------------------------------------------------------- */

static bool verify_secret(const struct key *k, const struct alg *a,
                          const struct jwk_signed *what)
{
    uint8_t is[EVP_MAX_MD_SIZE];
    unsigned n;

    if (k->secret_len < a->bytes || what->signature_len != a->bytes)
        return false;
    CHECK(HMAC(EVP_get_digestbyname(a->digest), k->secret, (int)k->secret_len, what->text,
               what->text_len, is, &n) != NULL);
    return n == a->bytes && CRYPTO_memcmp(is, what->signature, n) == 0;
}

/* R and S, one after the other (RFC 7518, 3.4), as DER; to OPENSSL_free().  0: too long or
 * too short. */
static int der_of(const struct alg *a, const struct jwk_signed *what, uint8_t **out)
{
    ECDSA_SIG *sig;
    BIGNUM *r, *s;
    int n;

    *out = NULL;
    if (what->signature_len != 2 * a->bytes)
        return 0;
    sig = ECDSA_SIG_new();
    r = BN_bin2bn(what->signature, (int)a->bytes, NULL);
    s = BN_bin2bn(what->signature + a->bytes, (int)a->bytes, NULL);
    CHECK(sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1);
    n = i2d_ECDSA_SIG(sig, out);
    ECDSA_SIG_free(sig);
    return n > 0 ? n : 0;
}

/* Salt as long as the digest, which also makes the mask (RFC 7518, 3.5). */
static bool set_pss(EVP_PKEY_CTX *ctx)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool verify_public(const struct key *k, const struct alg *a,
                          const struct jwk_signed *what)
{
    bool ec = a->kind == KIND_P256 || a->kind == KIND_P384, good = false;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    const uint8_t *signature = what->signature;
    size_t len = what->signature_len;
    EVP_PKEY_CTX *ctx;
    uint8_t *der = NULL;

    CHECK(md != NULL);
    if (ec) {
        len = (size_t)der_of(a, what, &der);
        signature = der;
    }
    if (len > 0 &&
        EVP_DigestVerifyInit_ex(md, &ctx, a->digest, NULL, NULL, k->pkey, NULL) == 1 &&
        (!a->pss || set_pss(ctx)))
        good = EVP_DigestVerify(md, signature, len, what->text, what->text_len) == 1;
    OPENSSL_free(der);
    EVP_MD_CTX_free(md);
    ERR_clear_error();
    return good;
}

static bool may_be(const struct key *k, enum cfg_jwt_alg alg, const char *kid)
{
    if (k->kind != algs[alg].kind || (k->alg != ANY_ALG && k->alg != (int)alg))
        return false;
    return kid == NULL || k->kid == NULL || strcmp(k->kid, kid) == 0;
}

enum jwk_verdict jwk_verify(const struct jwk_set *s, enum cfg_jwt_alg alg,
                            const struct jwk_signed *what)
{
    enum jwk_verdict verdict = JWK_NO_KEY;

    for (size_t i = 0; i < s->n; i++) {
        const struct key *k = &s->keys[i];

        if (!may_be(k, alg, what->kid))
            continue;
        if (k->kind == KIND_SECRET ? verify_secret(k, &algs[alg], what)
                                   : verify_public(k, &algs[alg], what))
            return JWK_GOOD;
        verdict = JWK_BAD;
    }
    return verdict;
}
