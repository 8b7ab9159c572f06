#include "proxy/h2/wskey.h"

#include <string.h>

#include "base/check.h"

#define GUID     "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_MAX  64
#define HASH_LEN 20

static void base64(const uint8_t *in, size_t len, char *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < len; i += 3) {
        uint32_t b1 = i + 1 < len ? in[i + 1] : 0, b2 = i + 2 < len ? in[i + 2] : 0;
        uint32_t v = (uint32_t)in[i] << 16 | b1 << 8 | b2;

        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
        *out++ = i + 2 < len ? digits[v & 63] : '=';
    }
}

void wskey_make(const uint8_t random[16], char out[WSKEY_LEN])
{
    base64(random, 16, out);
}

/* ---- SHA-1 (FIPS 180-4, 6.1) of at most 119 bytes --------------------------------------
 */

static uint32_t rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static uint32_t mix(int t, uint32_t b, uint32_t c, uint32_t d)
{
    if (t < 20)
        return ((b & c) | (~b & d)) + 0x5a827999u;
    if (t < 40)
        return (b ^ c ^ d) + 0x6ed9eba1u;
    if (t < 60)
        return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
    return (b ^ c ^ d) + 0xca62c1d6u;
}

static void sha1_block(uint32_t h[5], const uint8_t *p)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

    for (int t = 0; t < 16; t++, p += 4)
        w[t] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int t = 16; t < 80; t++)
        w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    for (int t = 0; t < 80; t++) {
        uint32_t next = rotate(a, 5) + mix(t, b, c, d) + e + w[t];

        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static void sha1(const uint8_t *in, size_t len, uint8_t out[HASH_LEN])
{
    uint32_t h[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    uint8_t padded[128] = {0};
    size_t end = len < 56 ? 64 : 128;

    CHECK(len < 120);
    memcpy(padded, in, len);
    padded[len] = 0x80;
    padded[end - 2] = (uint8_t)(len * 8 >> 8);
    padded[end - 1] = (uint8_t)(len * 8);
    for (size_t i = 0; i < end; i += 64)
        sha1_block(h, padded + i);
    for (int i = 0; i < HASH_LEN; i++)
        out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

void wskey_accept(const char *key, size_t len, char out[WSKEY_ACCEPT])
{
    uint8_t text[KEY_MAX + sizeof(GUID)], hash[HASH_LEN];

    if (len > KEY_MAX)
        len = KEY_MAX;
    memcpy(text, key, len);
    memcpy(text + len, GUID, sizeof(GUID) - 1);
    sha1(text, len + sizeof(GUID) - 1, hash);
    base64(hash, HASH_LEN, out);
}
