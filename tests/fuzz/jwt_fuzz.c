/*
 * jwt_fuzz.c - a token is refused, or it was signed; and base64 has one text for each
 * sequence of bytes.
 *
 * Input: a token, of which the first byte says whether its signature is to be put right
 * (bit 0), so that the payload is read as well.
 */
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/edge/b64.h"
#include "proxy/edge/jwt.h"

#define MUST(cond)                                                                         \
    do {                                                                                   \
        if (!(cond))                                                                       \
            abort();                                                                       \
    } while (0)

#define SECRET "0123456789012345678901234567890123456789012345678901234567890123"
#define JWKS                                                                               \
    "{\"keys\":[{\"kty\":\"oct\",\"k\":"                                                   \
    "\"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5"   \
    "MDEyMw\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\","                                      \
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"

static unsigned algs[CFG_JWT_ALGS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static size_t encode(const uint8_t *in, size_t len, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | in[i];
        for (have += 8; have >= 6; have -= 6)
            out[n++] = alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0)
        out[n++] = alphabet[bits << (6 - have) & 63];
    return n;
}

static void check_b64(const char *text, size_t len)
{
    static uint8_t bytes[B64_BYTES(JWT_TOKEN_MAX)];
    static char again[B64_BYTES(JWT_TOKEN_MAX) * 2];
    size_t n, m;

    if (b64_url_decode(text, len, bytes, &n))
        MUST(encode(bytes, n, again) == len && memcmp(again, text, len) == 0);
    if (b64_decode(text, len, bytes, &n))
        MUST(n <= len / 4 * 3 && (len == 0) == (n == 0));
    m = n;
    MUST(m <= sizeof(bytes));
}

/* Puts the signature behind what stands before the last dot. */
static size_t sign(char *token, size_t len)
{
    uint8_t mac[64];
    unsigned n;

    while (len > 0 && token[len - 1] != '.')
        len--;
    if (len < 2)
        return 0;
    MUST(HMAC(EVP_sha256(), SECRET, sizeof(SECRET) - 1, (const uint8_t *)token, len - 1,
              mac, &n) != NULL);
    return len + encode(mac, n, token + len);
}

static void check_claims(const json_t *claims)
{
    static const char *const names[] = {"sub", "a.b", "roles"};
    char out[256];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t n = jwt_text(claims, names[i], out, sizeof(out));

        MUST(n <= sizeof(out));
        for (size_t k = 0; k < n; k++)
            MUST((uint8_t)out[k] >= ' ' || out[k] == '\t');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char token[JWT_TOKEN_MAX + 128];
    struct cfg_jwt cfg = {.algorithms = algs, .n_algorithms = CFG_JWT_ALGS};
    struct jwt_rules rules = {.cfg = &cfg};
    struct jwk_set *keys;
    enum jwt_verdict v;
    json_t *claims;
    size_t len;
    bool make_right;

    if (size < 1 || size > JWT_TOKEN_MAX)
        return 0;
    make_right = (data[0] & 1) != 0;
    len = size - 1;
    memcpy(token, data + 1, len);
    check_b64(token, len);
    if (make_right)
        len = sign(token, len);
    MUST(jwk_set_read(JWKS, sizeof(JWKS) - 1, &keys, NULL) == RC_OK);
    rules.keys = keys;
    v = jwt_check(&rules, token, len, (wall_ms)1300819000 * MS_PER_S, &claims);
    MUST((claims != NULL) == (v == JWT_GOOD || v == JWT_CLAIM));
    if (!make_right)
        MUST(v != JWT_GOOD);
    if (claims != NULL)
        check_claims(claims);
    json_decref(claims);
    jwk_set_free(keys);
    return 0;
}
