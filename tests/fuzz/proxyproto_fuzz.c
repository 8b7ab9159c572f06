/*
 * proxyproto_fuzz.c - a PROXY protocol header cut anywhere reads the same and ends where
 * it ends, not a byte earlier or later; what it tells reads the same again when it is
 * written in either version; and a checksum that passes is right by the simplest reckoning.
 *
 * Input: two cuts of two bytes each; then the header and what is behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/proxyproto.h"

#define MUST(cond)                                                                         \
    do {                                                                                   \
        if (!(cond))                                                                       \
            abort();                                                                       \
    } while (0)

#define SIZE_MAX_IN 8192
#define FIXED       16
#define CRC32C      3

struct result {
    enum proxyproto_verdict verdict;
    struct proxyproto p;
    size_t used;
};

static void feed(struct result *r, const uint8_t *data, size_t len)
{
    uint8_t *in = malloc(len > 0 ? len : 1);
    size_t used;

    MUST(in != NULL);
    memcpy(in, data, len);
    r->verdict = proxyproto_next(&r->p, in, len, &used);
    MUST(used <= len && (r->verdict != PROXYPROTO_MORE || used == len));
    r->used += used;
    free(in);
}

/* Three parts; a and b are where they end. */
static void read_cut(struct result *r, const uint8_t *data, size_t len, size_t a, size_t b)
{
    memset(r, 0, sizeof(*r));
    feed(r, data, a);
    if (r->verdict == PROXYPROTO_MORE)
        feed(r, data + a, b - a);
    if (r->verdict == PROXYPROTO_MORE)
        feed(r, data + b, len - b);
}

static bool same_ends(const struct proxyproto *a, const struct proxyproto *b)
{
    return a->told == b->told && memcmp(&a->ends, &b->ends, sizeof(a->ends)) == 0;
}

static void check_again(const struct proxyproto *p)
{
    uint8_t out[PROXYPROTO_OUT_MAX];
    struct result again;

    for (unsigned version = 1; version <= 2; version++) {
        size_t n = proxyproto_write(version, p->told ? &p->ends : NULL, out);

        MUST(n <= sizeof(out));
        read_cut(&again, out, n, n, n);
        MUST(again.verdict == PROXYPROTO_DONE && again.used == n);
        MUST(same_ends(&again.p, p) || p->ends.from.any.sa_family == AF_UNIX);
    }
}

static uint32_t crc32c(const uint8_t *p, size_t n)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < 8 * n; i++) {
        uint32_t bit = (crc ^ (uint32_t)(p[i / 8] >> i % 8)) & 1;

        crc = crc >> 1 ^ (bit != 0 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

/* The values behind the addresses of a good header. */
static void check_values(const uint8_t *data, size_t len, size_t addresses)
{
    static uint8_t copy[PROXYPROTO_MAX];
    size_t at = FIXED + addresses;

    while (at < len) {
        size_t n = (size_t)(data[at + 1] << 8 | data[at + 2]);
        const uint8_t *v = data + at + 3;

        MUST(len - at >= 3 + n);
        at += 3 + n;
        if (v[-3] != CRC32C)
            continue;
        MUST(n == 4);
        memcpy(copy, data, len);
        memset(copy + (v - data), 0, 4);
        MUST(crc32c(copy, len) ==
             ((uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3]));
    }
}

static void check_done(const struct result *r, const uint8_t *data)
{
    static const size_t addresses[] = {0, 12, 36, 216};
    static struct result shorter;

    MUST(r->used <= PROXYPROTO_MAX && proxyproto_began(&r->p));
    read_cut(&shorter, data, r->used - 1, r->used - 1, r->used - 1);
    MUST(shorter.verdict == PROXYPROTO_MORE);
    check_again(&r->p);
    if (data[0] == 'P') {
        MUST(r->used <= 107 && memcmp(data, "PROXY ", 6) == 0);
        MUST(memcmp(data + r->used - 2, "\r\n", 2) == 0);
        MUST(memchr(data, '\n', r->used) == data + r->used - 1);
        return;
    }
    MUST(memcmp(data, "\r\n\r\n\0\r\nQUIT\n", 12) == 0 && data[12] >> 4 == 2);
    MUST(r->used == (size_t)(FIXED + (data[14] << 8 | data[15])));
    MUST(r->p.told == (data[12] == 0x21 && data[13] != 0));
    if (r->p.told)
        check_values(data, r->used, addresses[data[13] >> 4]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct result whole, cut;
    size_t a, b;

    if (size < 4 || size > SIZE_MAX_IN)
        return 0;
    a = (size_t)(data[0] << 8 | data[1]) % (size - 3);
    b = a + (size_t)(data[2] << 8 | data[3]) % (size - 3 - a);
    data += 4;
    size -= 4;
    read_cut(&whole, data, size, size, size);
    read_cut(&cut, data, size, a, b);
    MUST(whole.verdict == cut.verdict && whole.used == cut.used);
    if (whole.verdict == PROXYPROTO_BAD)
        MUST(whole.p.reason != NULL && strcmp(whole.p.reason, cut.p.reason) == 0);
    if (whole.verdict != PROXYPROTO_DONE)
        return 0;
    MUST(same_ends(&whole.p, &cut.p));
    check_done(&whole, data);
    return 0;
}
