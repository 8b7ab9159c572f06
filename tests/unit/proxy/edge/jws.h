/*
 * jws.h - makes keys and tokens for the units of jwk.c and jwt.c.
 */
#ifndef TESTS_UNIT_PROXY_EDGE_JWS_H
#define TESTS_UNIT_PROXY_EDGE_JWS_H

#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

/* The example of RFC 7515, A.1 to A.3: a payload, signed with each of three keys. */
#define JWS_PAYLOAD                                                                        \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290" \
    "Ijp0cnVlfQ"
#define JWS_A1_KEY                                                                         \
    "{\"kty\":\"oct\",\"k\":"                                                              \
    "\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9" \
    "CAow\"}"
#define JWS_A1                                                                             \
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JWS_PAYLOAD                                \
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define JWS_A2_KEY                                                                         \
    "{\"kty\":\"RSA\",\"n\":"                                                              \
    "\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPM" \
    "EzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"   \
    "bSf"                                                                                  \
    "63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"                                               \
    "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw"                                      \
    "Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"                                         \
    "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWy"                                            \
    "uXpoQ\",\"e\":\"AQAB\"}"
#define JWS_A2                                                                             \
    "eyJhbGciOiJSUzI1NiJ9." JWS_PAYLOAD                                                    \
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YK" \
    "t_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"                          \
    "nZLgrnbyTyWzO75vRK5h6xBArL"                                                           \
    "IARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"                      \
    "eOkHWEsqtFZESc6BfI7noO"                                                               \
    "PqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"           \
    "IoypGlUPQGe"                                                                          \
    "77Rw"
#define JWS_A3_KEY                                                                         \
    "{\"kty\":\"EC\",\"crv\":\"P-256\","                                                   \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                               \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define JWS_A3                                                                             \
    "eyJhbGciOiJFUzI1NiJ9." JWS_PAYLOAD                                                    \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6N" \
    "U1Q"
/* The example of RFC 8037, A.2 and A.4. */
#define JWS_ED_KEY                                                                         \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","                                                \
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define JWS_ED_SIGNED "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
#define JWS_ED_SIGNATURE                                                                   \
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0K" \
    "Ag"
/* A day in the life of that payload: it ends at 1300819380. */
#define JWS_NOW ((wall_ms)1300819000 * MS_PER_S)

static inline size_t jws_put64(const void *in, size_t len, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const uint8_t *p = in;
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | p[i];
        for (have += 8; have >= 6; have -= 6)
            out[n++] = alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0)
        out[n++] = alphabet[bits << (6 - have) & 63];
    out[n] = 0;
    return n;
}

/* As PEM and as base64url of what a JWK says; static. */
static inline const char *jws_pem(EVP_PKEY *key)
{
    static char text[4096];
    BIO *bio = BIO_new(BIO_s_mem());
    int n;

    CHECK(PEM_write_bio_PUBKEY(bio, key) == 1);
    n = BIO_read(bio, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    BIO_free(bio);
    return text;
}

/* DER to R and S, each of `half` bytes. */
static inline size_t jws_raw_ecdsa(const uint8_t *der, size_t len, size_t half,
                                   uint8_t *out)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);

    CHECK(sig != NULL);
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)half) == (int)half);
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, (int)half) == (int)half);
    ECDSA_SIG_free(sig);
    return 2 * half;
}

struct jws_how {
    EVP_PKEY *key;      /* or NULL, and then */
    const char *secret; /* of HS */
    const char *digest; /* NULL: EdDSA */
    size_t half;        /* of ECDSA */
    bool pss;
};

static inline size_t jws_signature(const struct jws_how *how, const char *text,
                                   uint8_t *out)
{
    EVP_MD_CTX *md;
    EVP_PKEY_CTX *ctx;
    uint8_t raw[1024];
    size_t n = sizeof(raw);
    unsigned mac;

    if (how->key == NULL) {
        CHECK(HMAC(EVP_get_digestbyname(how->digest), how->secret, (int)strlen(how->secret),
                   (const uint8_t *)text, strlen(text), out, &mac) != NULL);
        return mac;
    }
    md = EVP_MD_CTX_new();
    CHECK(EVP_DigestSignInit_ex(md, &ctx, how->digest, NULL, NULL, how->key, NULL) == 1);
    if (how->pss) {
        CHECK(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1);
        CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    CHECK(EVP_DigestSign(md, raw, &n, (const uint8_t *)text, strlen(text)) == 1);
    EVP_MD_CTX_free(md);
    if (how->half != 0)
        return jws_raw_ecdsa(raw, n, how->half, out);
    memcpy(out, raw, n);
    return n;
}

/* A token of header and payload, signed as told; static. */
static inline const char *jws_token(const struct jws_how *how, const char *header,
                                    const char *payload)
{
    static char token[9000];
    uint8_t signature[1024];
    size_t n = jws_put64(header, strlen(header), token);

    token[n++] = '.';
    n += jws_put64(payload, strlen(payload), token + n);
    token[n] = 0;
    if (how->digest != NULL || how->key != NULL) {
        size_t len = jws_signature(how, token, signature);

        token[n++] = '.';
        jws_put64(signature, len, token + n);
    } else {
        memcpy(token + n, ".", 2);
    }
    return token;
}

#endif
