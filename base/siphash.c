#include "base/siphash.h"

#include <string.h>

#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))
#define ROUND                                                                              \
    do {                                                                                   \
        v0 += v1, v1 = ROTL(v1, 13) ^ v0, v0 = ROTL(v0, 32);                               \
        v2 += v3, v3 = ROTL(v3, 16) ^ v2;                                                  \
        v0 += v3, v3 = ROTL(v3, 21) ^ v0;                                                  \
        v2 += v1, v1 = ROTL(v1, 17) ^ v2, v2 = ROTL(v2, 32);                               \
    } while (0)

static uint64_t load_le64(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

uint64_t siphash(const struct sip_key *key, const void *in, size_t len)
{
    uint64_t v0 = key->k0 ^ 0x736f6d6570736575u, v1 = key->k1 ^ 0x646f72616e646f6du;
    uint64_t v2 = key->k0 ^ 0x6c7967656e657261u, v3 = key->k1 ^ 0x7465646279746573u;
    const uint8_t *p = in;
    uint8_t last[8] = {0};
    size_t left = len;
    uint64_t m;

    for (; left >= 8; left -= 8, p += 8) {
        m = load_le64(p);
        v3 ^= m;
        ROUND;
        ROUND;
        v0 ^= m;
    }
    if (left > 0)
        memcpy(last, p, left);
    last[7] = (uint8_t)len;
    m = load_le64(last);
    v3 ^= m;
    ROUND;
    ROUND;
    v0 ^= m;
    v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}
