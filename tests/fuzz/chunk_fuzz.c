/*
 * chunk_fuzz.c - a body cut anywhere decodes the same, with and without its framing;
 * a decoder of the simplest kind agrees; and the framing that was handed out decodes
 * to the same payload.
 *
 * Input: two cuts of two bytes each, the top bit of the second for an answer's body, whose
 * sizes may be padded; then the body.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/h1/chunk.h"

#define MUST(cond)                                                                         \
    do {                                                                                   \
        if (!(cond))                                                                       \
            abort();                                                                       \
    } while (0)

#define SIZE_MAX_IN 4096

static bool padded;

struct result {
    enum chunk_verdict verdict;
    struct chunk c;
    size_t used, len;
    uint8_t out[4 * SIZE_MAX_IN];
};

static void feed(struct result *r, const uint8_t *data, size_t len)
{
    uint8_t *in = malloc(len > 0 ? len : 1), *at = in;
    const uint8_t *p;
    size_t used, n;

    MUST(in != NULL);
    memcpy(in, data, len);
    do {
        r->verdict = chunk_next(&r->c, at, len, &used, &p, &n);
        MUST(used <= len);
        at += used;
        len -= used;
        r->used += used;
        if (r->verdict == CHUNK_DATA) {
            MUST(n > 0 && n <= sizeof(r->out) - r->len);
            memcpy(r->out + r->len, p, n);
            r->len += n;
        }
    } while (r->verdict == CHUNK_DATA);
    MUST(r->verdict != CHUNK_MORE || len == 0);
    free(in);
}

/* Three parts; a and b are where they end. */
static void decode(struct result *r, bool framed, const uint8_t *data, size_t len, size_t a,
                   size_t b)
{
    memset(r, 0, sizeof(*r));
    r->c.framed = framed;
    r->c.padded = padded;
    feed(r, data, a);
    if (r->verdict == CHUNK_MORE)
        feed(r, data + a, b - a);
    if (r->verdict == CHUNK_MORE)
        feed(r, data + b, len - b);
}

/* ---- the simplest decoder ------------------------------------------------------------ */

struct plain {
    const uint8_t *at, *end;
    uint8_t out[SIZE_MAX_IN];
    size_t len;
};

static int hex(uint8_t ch)
{
    const char *digits = "0123456789abcdefABCDEF", *d = ch != 0 ? strchr(digits, ch) : NULL;

    return d == NULL ? -1 : d - digits < 16 ? (int)(d - digits) : (int)(d - digits) - 6;
}

/* After a size line: MORE; END after the last one's; BAD; or DATA for "input ended". */
static enum chunk_verdict plain_size(struct plain *d, uint64_t *size)
{
    const uint8_t *start = d->at;
    size_t digits = 0;

    for (*size = 0; d->at < d->end && hex(*d->at) >= 0; d->at++, digits++) {
        if (digits == 16)
            return CHUNK_BAD;
        *size = *size << 4 | (uint64_t)hex(*d->at);
        if (*size > INT64_MAX)
            return CHUNK_BAD;
    }
    if (d->at == d->end)
        return CHUNK_DATA;
    if (digits == 0)
        return CHUNK_BAD;
    while (d->at < d->end && (*d->at == ' ' || *d->at == '\t'))
        d->at++;
    if (d->at - start > CHUNK_LINE_MAX)
        return CHUNK_BAD;
    if (d->at == d->end)
        return CHUNK_DATA;
    if (*d->at != ';' && (*d->at != '\r' || (!padded && d->at[-1] <= ' ')))
        return CHUNK_BAD;
    for (; d->at < d->end && *d->at != '\r'; d->at++)
        if ((*d->at < ' ' && *d->at != '\t') || *d->at == 0x7f ||
            d->at - start >= CHUNK_LINE_MAX)
            return CHUNK_BAD;
    if (d->end - d->at < 2)
        return CHUNK_DATA;
    if (d->at[1] != '\n')
        return CHUNK_BAD;
    d->at += 2;
    return *size > 0 ? CHUNK_MORE : CHUNK_END;
}

static enum chunk_verdict plain_decode(struct plain *d)
{
    enum chunk_verdict v;
    uint64_t size;
    size_t n;

    while ((v = plain_size(d, &size)) == CHUNK_MORE) {
        n = (size_t)(d->end - d->at) < size ? (size_t)(d->end - d->at) : (size_t)size;
        memcpy(d->out + d->len, d->at, n);
        d->len += n;
        d->at += n;
        for (const char *line_end = "\r\n"; *line_end != '\0'; line_end++, d->at++) {
            if (d->at == d->end)
                return CHUNK_MORE;
            if (*d->at != (uint8_t)*line_end)
                return CHUNK_BAD;
        }
    }
    return v == CHUNK_DATA ? CHUNK_MORE : v;
}

/* ---- properties ---------------------------------------------------------------------- */

static void check_framed(const struct result *framed, const struct result *apart)
{
    static struct result again;

    MUST(framed->verdict == apart->verdict && framed->used == apart->used);
    MUST(framed->c.received == apart->c.received);
    memset(&again, 0, sizeof(again));
    feed(&again, framed->out, framed->len);
    MUST(again.verdict == CHUNK_MORE);
    MUST(again.len == apart->len && memcmp(again.out, apart->out, again.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct result whole, cut, framed, framed_cut;
    static struct plain plain;
    size_t a, b;

    if (size < 4 || size > SIZE_MAX_IN)
        return 0;
    a = (size_t)(data[0] << 8 | data[1]) % (size - 3);
    padded = (data[2] & 0x80) != 0;
    b = a + (size_t)(data[2] << 8 | data[3]) % (size - 3 - a);
    data += 4;
    size -= 4;
    decode(&whole, false, data, size, size, size);
    decode(&cut, false, data, size, a, b);
    MUST(whole.verdict == cut.verdict && whole.len == cut.len && whole.used == cut.used);
    MUST(memcmp(whole.out, cut.out, cut.len) == 0 && whole.c.received == whole.len);
    decode(&framed, true, data, size, size, size);
    decode(&framed_cut, true, data, size, a, b);
    MUST(framed.verdict == framed_cut.verdict && framed.len == framed_cut.len);
    MUST(memcmp(framed.out, framed_cut.out, framed.len) == 0);
    check_framed(&framed, &whole);
    plain.at = data;
    plain.end = data + size;
    plain.len = 0;
    MUST(plain_decode(&plain) == whole.verdict);
    MUST(plain.len == whole.len && memcmp(plain.out, whole.out, whole.len) == 0);
    return 0;
}
