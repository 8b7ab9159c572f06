/* Mirrors proxy/edge/jwk.c. */
#include "proxy/edge/jwk.h"

#include <stdlib.h>

#include "proxy/edge/b64.h"
#include "tests/unit/proxy/edge/jws.h"

static struct jwk_set *read_set(const char *text)
{
    struct jwk_set *s;
    struct why w = {0};

    cr_assert_eq(jwk_set_read(text, strlen(text), &s, &w), RC_OK, "%s\n%s", text, w.text);
    return s;
}

/* Verifies a whole token in the compact form. */
static enum jwk_verdict verify(const struct jwk_set *s, enum cfg_jwt_alg alg,
                               const char *kid, const char *token)
{
    const char *dot = strrchr(token, '.');
    uint8_t signature[2048];
    struct jwk_signed what = {.kid = kid,
                              .text = (const uint8_t *)token,
                              .text_len = (size_t)(dot - token),
                              .signature = signature};

    cr_assert(b64_url_decode(dot + 1, strlen(dot + 1), signature, &what.signature_len));
    return jwk_verify(s, alg, &what);
}

Test(jwk, the_examples_of_the_standards_are_good)
{
    static const struct {
        const char *key, *token;
        enum cfg_jwt_alg alg;
    } cases[] = {
        {JWS_A1_KEY, JWS_A1, CFG_JWT_HS256},
        {JWS_A2_KEY, JWS_A2, CFG_JWT_RS256},
        {JWS_A3_KEY, JWS_A3, CFG_JWT_ES256},
        {JWS_ED_KEY, JWS_ED_SIGNED "." JWS_ED_SIGNATURE, CFG_JWT_EDDSA},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct jwk_set *s = read_set(cases[i].key);
        char *token = strdup(cases[i].token);

        cr_expect_eq(verify(s, cases[i].alg, NULL, token), JWK_GOOD, "%zu", i);
        token[strlen("eyJhbGciOiJ") + 20] ^= 1;
        cr_expect_eq(verify(s, cases[i].alg, NULL, token), JWK_BAD, "%zu", i);
        free(token);
        jwk_set_free(s);
    }
}

Test(jwk, every_algorithm_verifies_what_it_signed_and_nothing_else)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *p256 = EVP_EC_gen("P-256"),
             *p384 = EVP_EC_gen("P-384"), *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    const struct {
        enum cfg_jwt_alg alg;
        struct jws_how how;
    } cases[] = {
        {CFG_JWT_RS256, {.key = rsa, .digest = "SHA256"}},
        {CFG_JWT_RS384, {.key = rsa, .digest = "SHA384"}},
        {CFG_JWT_RS512, {.key = rsa, .digest = "SHA512"}},
        {CFG_JWT_PS256, {.key = rsa, .digest = "SHA256", .pss = true}},
        {CFG_JWT_PS384, {.key = rsa, .digest = "SHA384", .pss = true}},
        {CFG_JWT_PS512, {.key = rsa, .digest = "SHA512", .pss = true}},
        {CFG_JWT_ES256, {.key = p256, .digest = "SHA256", .half = 32}},
        {CFG_JWT_ES384, {.key = p384, .digest = "SHA384", .half = 48}},
        {CFG_JWT_EDDSA, {.key = ed}},
    };
    char all[8192] = "";
    struct jwk_set *s;

    /* All in one file; each algorithm finds its key. */
    strncat(all, jws_pem(rsa), sizeof(all) - 1);
    strncat(all, jws_pem(p256), 1000);
    strncat(all, jws_pem(p384), 1000);
    strncat(all, jws_pem(ed), 1000);
    s = read_set(all);
    cr_expect_eq(jwk_set_count(s), 4);
    for (size_t i = 0; i < N_ELEMS(cases); i++)
        for (int alg = 0; alg < CFG_JWT_ALGS; alg++) {
            const char *token = jws_token(&cases[i].how, "{}", "{\"a\":1}");
            enum jwk_verdict v = verify(s, (enum cfg_jwt_alg)alg, NULL, token);

            cr_expect_eq(v == JWK_GOOD, alg == (int)cases[i].alg, "%zu as %d", i, alg);
        }
    jwk_set_free(s);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(ed);
}

/* Without the RSA key being secret, its text as an HMAC secret would sign anything. */
Test(jwk, a_public_key_is_never_a_secret)
{
    struct jwk_set *s = read_set(JWS_A2_KEY);
    struct jws_how how = {.secret = JWS_A2_KEY, .digest = "SHA256"};

    cr_expect_eq(verify(s, CFG_JWT_HS256, NULL, jws_token(&how, "{}", "{}")), JWK_NO_KEY);
    cr_expect_eq(verify(s, CFG_JWT_ES256, NULL, JWS_A2), JWK_NO_KEY);
    jwk_set_free(s);
}

#define SECRET "\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i\""
#define OTHER  "\"k\":\"BBBBSysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i\""

static const struct jws_how hs384 = {
    .secret = "0123456789012345678901234567890123456789012345678901234567890123",
    .digest = "SHA384"};
#define HS384_KEY                                                                          \
    "\"k\":\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzND"   \
    "U2Nzg5MDEyMw\""

Test(jwk, a_key_is_found_by_its_name)
{
    struct jwk_set *s = read_set("{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\"," OTHER "},"
                                 "{\"kty\":\"oct\",\"kid\":\"b\"," HS384_KEY "}]}");
    const char *token = jws_token(&hs384, "{}", "{}");

    cr_expect_eq(verify(s, CFG_JWT_HS384, "b", token), JWK_GOOD);
    cr_expect_eq(verify(s, CFG_JWT_HS384, NULL, token), JWK_GOOD);
    cr_expect_eq(verify(s, CFG_JWT_HS384, "a", token), JWK_BAD);
    cr_expect_eq(verify(s, CFG_JWT_HS384, "c", token), JWK_NO_KEY);
    cr_expect_eq(verify(s, CFG_JWT_HS384, "", token), JWK_NO_KEY);
    jwk_set_free(s);
}

Test(jwk, a_key_is_bound_to_what_it_says)
{
    static const struct {
        const char *member;
        enum jwk_verdict want;
    } cases[] = {
        {"\"alg\":\"HS384\"", JWK_GOOD},
        {"\"alg\":\"HS256\"", JWK_NO_KEY},
        {"\"use\":\"sig\"", JWK_GOOD},
        {"\"key_ops\":[\"sign\",\"verify\"]", JWK_GOOD},
    };
    const char *token = jws_token(&hs384, "{}", "{}");

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        char text[512];
        struct jwk_set *s;

        snprintf(text, sizeof(text), "{\"kty\":\"oct\"," HS384_KEY ",%s}", cases[i].member);
        s = read_set(text);
        cr_expect_eq(verify(s, CFG_JWT_HS384, NULL, token), cases[i].want, "%s", text);
        jwk_set_free(s);
    }
}

Test(jwk, keys_for_something_else_are_left_out)
{
    struct jwk_set *s =
        read_set("{\"keys\":["
                 "{\"kty\":\"oct\"," SECRET ",\"use\":\"enc\"},"
                 "{\"kty\":\"oct\"," SECRET ",\"key_ops\":[\"sign\"]},"
                 "{\"kty\":\"oct\"," SECRET ",\"alg\":\"A128KW\"},"
                 "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"},"
                 "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"},"
                 "{\"kty\":\"new\"}," JWS_ED_KEY "]}");

    cr_expect_eq(jwk_set_count(s), 1);
    jwk_set_free(s);
}

Test(jwk, what_is_no_good_key_is_refused_with_the_reason)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "has no key that can be used"},
        {"{}", "has no key that can be used"},
        {"{\"keys\":[]}", "has no key that can be used"},
        {"{\"keys\":[5]}", "key 1 is no object"},
        {"{\"keys\":", "line 1: "},
        {"{\"kty\":\"oct\",\"kty\":\"oct\"," SECRET "}", "line 1: duplicate object key"},
        {"{\"keys\":[" JWS_ED_KEY ",{\"kty\":\"oct\",\"kid\":\"k\",\"k\":\"c2hvcnQ\"}]}",
         "key 2 ('k') is broken or too short"},
        {"{\"kty\":\"oct\",\"k\":\"not base64!\"}", "key 1 ('') is broken"},
        {"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "key 1 ('') is broken"},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "key 1 ('') is broken"},
        /* a point that is not on the curve, a coordinate that is too short */
        {"{\"kty\":\"EC\",\"crv\":\"P-256\","
         "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
         "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
         "key 1 ('') is broken"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\"}",
         "key 1 ('') is broken"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAB\"}", "key 1 ('') is broken"},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
         "block 1 ('PUBLIC KEY') is no key"},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
         "has a private key, which does not belong here"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct jwk_set *s;
        struct why w = {0};

        cr_expect_neq(jwk_set_read(cases[i].text, strlen(cases[i].text), &s, &w), RC_OK,
                      "%s", cases[i].text);
        cr_expect_eq(strncmp(w.text, cases[i].why, strlen(cases[i].why)), 0, "%s: %s",
                     cases[i].text, w.text);
        cr_expect_null(s);
    }
}

Test(jwk, an_rsa_key_has_at_least_2048_bits)
{
    EVP_PKEY *rsa = EVP_RSA_gen(1024);
    const char *pem = jws_pem(rsa);
    struct jwk_set *s;

    cr_expect_eq(jwk_set_read(pem, strlen(pem), &s, NULL), RC_INVALID);
    EVP_PKEY_free(rsa);
}
