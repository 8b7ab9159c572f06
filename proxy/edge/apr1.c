#include "proxy/edge/apr1.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define MAGIC      "$apr1$"
#define SALT_MAX   8
#define ROUNDS     1000
#define HASH_BYTES 16

struct salt {
    char text[SALT_MAX + 1];
    size_t len;
};

static void begin(EVP_MD_CTX *md)
{
    CHECK(EVP_DigestInit_ex(md, EVP_md5(), NULL) == 1);
}

static void add(EVP_MD_CTX *md, const void *p, size_t n)
{
    CHECK(EVP_DigestUpdate(md, p, n) == 1);
}

static void end(EVP_MD_CTX *md, uint8_t out[HASH_BYTES])
{
    CHECK(EVP_DigestFinal_ex(md, out, NULL) == 1);
}

/* What the thousand rounds begin with. */
static void first(EVP_MD_CTX *md, const char *pw, const struct salt *s,
                  uint8_t out[HASH_BYTES])
{
    size_t n = strlen(pw);

    begin(md);
    add(md, pw, n);
    add(md, s->text, s->len);
    add(md, pw, n);
    end(md, out);

    begin(md);
    add(md, pw, n);
    add(md, MAGIC, strlen(MAGIC));
    add(md, s->text, s->len);
    for (size_t left = n; left > 0; left -= left < HASH_BYTES ? left : HASH_BYTES)
        add(md, out, left < HASH_BYTES ? left : HASH_BYTES);
    for (size_t bits = n; bits > 0; bits >>= 1)
        add(md, (bits & 1) != 0 ? "" : pw, 1); /* "" is a byte of 0 */
    end(md, out);
}

static void round_of(EVP_MD_CTX *md, unsigned i, const char *pw, const struct salt *s,
                     uint8_t hash[HASH_BYTES])
{
    size_t n = strlen(pw);
    bool odd = i % 2 != 0;

    begin(md);
    add(md, odd ? (const void *)pw : hash, odd ? n : HASH_BYTES);
    if (i % 3 != 0)
        add(md, s->text, s->len);
    if (i % 7 != 0)
        add(md, pw, n);
    add(md, odd ? (const void *)hash : pw, odd ? HASH_BYTES : n);
    end(md, hash);
}

/* Six bits a character, lowest first, in the alphabet of crypt(3). */
static char *put(char *out, uint32_t bits, int n)
{
    static const char alphabet[] =
        "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (; n > 0; n--, bits >>= 6)
        *out++ = alphabet[bits & 63];
    return out;
}

static void put_hash(char *out, const uint8_t h[HASH_BYTES])
{
    for (int i = 0; i < 5; i++) {
        int low = i < 4 ? 12 + i : 5;

        out = put(out, (uint32_t)h[i] << 16 | (uint32_t)h[6 + i] << 8 | h[low], 4);
    }
    out = put(out, h[11], 2);
    *out = 0;
}

static bool take_salt(const char *setting, struct salt *s)
{
    if (strncmp(setting, MAGIC, strlen(MAGIC)) != 0)
        return false;
    setting += strlen(MAGIC);
    s->len = strcspn(setting, "$");
    if (s->len > SALT_MAX)
        s->len = SALT_MAX;
    memcpy(s->text, setting, s->len);
    s->text[s->len] = 0;
    return true;
}

bool apr1_hash(const char *password, const char *setting, char out[APR1_TEXT_MAX])
{
    uint8_t hash[HASH_BYTES];
    EVP_MD_CTX *md;
    struct salt s;
    int n;

    if (!take_salt(setting, &s))
        return false;
    md = EVP_MD_CTX_new();
    CHECK(md != NULL);
    first(md, password, &s, hash);
    for (unsigned i = 0; i < ROUNDS; i++)
        round_of(md, i, password, &s, hash);
    EVP_MD_CTX_free(md);
    n = snprintf(out, APR1_TEXT_MAX, MAGIC "%s$", s.text);
    put_hash(out + n, hash);
    return true;
}
