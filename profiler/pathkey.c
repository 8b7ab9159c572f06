#include "profiler/pathkey.h"

#include <string.h>

/* Odd, with about half of their bits set: digits of pi. */
#define K0 0x243f6a8885a308d3u
#define K1 0x13198a2e03707345u
#define K2 0xa4093822299f31d1u

static uint64_t load8(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

uint64_t pathkey_of(const char *path, size_t len)
{
    uint64_t h = K0 ^ len, a = 0, b = 0;

    for (; len > 16; path += 16, len -= 16)
        h = pathkey_mix(load8(path) ^ K1, load8(path + 8) ^ h);
    if (len >= 8) {
        a = load8(path);
        b = load8(path + len - 8);
    } else {
        memcpy(&a, path, len);
    }
    h = pathkey_mix(pathkey_mix(a ^ K1, b ^ h), K2 ^ len);
    return h != 0 ? h : 1;
}
