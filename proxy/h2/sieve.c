#include "proxy/h2/sieve.h"

#include <string.h>

#define HEADER_LEN 9

enum frame_type {
    TYPE_DATA = 0,
    TYPE_HEADERS = 1,
    TYPE_PRIORITY = 2,
    TYPE_RST_STREAM = 3,
    TYPE_SETTINGS = 4,
    TYPE_PUSH_PROMISE = 5,
    TYPE_PING = 6,
    TYPE_GOAWAY = 7,
    TYPE_WINDOW_UPDATE = 8,
    TYPE_CONTINUATION = 9,
};

enum frame_flag {
    FLAG_ACK = 0x1,
    FLAG_END_STREAM = 0x1,
    FLAG_END_HEADERS = 0x4,
    FLAG_PADDED = 0x8,
    FLAG_PRIORITY = 0x20,
};

enum error_code {
    PROTOCOL_ERROR = 0x1,
    FRAME_SIZE_ERROR = 0x6,
    ENHANCE_YOUR_CALM = 0xb,
};

struct header {
    uint32_t length, id;
    uint8_t type, flags;
};

static struct header header_at(const uint8_t *p)
{
    return (struct header){
        .length = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2],
        .type = p[3],
        .flags = p[4],
        .id = ((uint32_t)p[5] << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8]) &
              0x7fffffffu,
    };
}

static enum sieve_verdict fail(struct sieve_frame *f, enum error_code error)
{
    f->error = error;
    return SIEVE_ERROR;
}

/* A stream that depends on itself (RFC 9113, 5.3.2 by way of RFC 7540, 5.3.1). */
static bool depends_on_itself(const struct header *h, const uint8_t *payload)
{
    size_t at = 0;

    if (h->type == TYPE_HEADERS && (h->flags & FLAG_PRIORITY) == 0)
        return false;
    if (h->type == TYPE_HEADERS && (h->flags & FLAG_PADDED) != 0)
        at = 1;
    if (h->length < at + 5)
        return false; /* too short: the library says so */
    payload += at;
    return (((uint32_t)payload[0] << 24 | (uint32_t)payload[1] << 16 |
             (uint32_t)payload[2] << 8 | payload[3]) &
            0x7fffffffu) == h->id;
}

/* A field block up to and with END_HEADERS: *n bytes. */
static enum sieve_verdict whole_block(const struct sieve *g, const uint8_t *p, size_t len,
                                      size_t *n, struct sieve_frame *f)
{
    struct header h = header_at(p);
    size_t at = HEADER_LEN + (size_t)h.length;

    for (int frames = 0; (h.flags & FLAG_END_HEADERS) == 0; frames++) {
        if (at > g->max_block || frames == SIEVE_CONTINUATION_MAX)
            return fail(f, ENHANCE_YOUR_CALM);
        if (len < at + HEADER_LEN)
            return SIEVE_MORE;
        h = header_at(p + at);
        if (h.type != TYPE_CONTINUATION || h.id != f->id)
            return fail(f, PROTOCOL_ERROR);
        if (h.length > SIEVE_FRAME_MAX)
            return fail(f, FRAME_SIZE_ERROR);
        at += HEADER_LEN + (size_t)h.length;
    }
    if (at > g->max_block)
        return fail(f, ENHANCE_YOUR_CALM);
    *n = at;
    return len < at ? SIEVE_MORE : SIEVE_PASS;
}

/* Neither a byte of a body, padding apart, nor its end. */
static bool is_idle(const struct header *h, const uint8_t *payload)
{
    uint32_t none = 0;

    if ((h->flags & FLAG_END_STREAM) != 0)
        return false;
    if ((h->flags & FLAG_PADDED) != 0 && h->length > 0)
        none = 1 + (uint32_t)payload[0];
    return h->length == none;
}

static enum sieve_verdict data(struct sieve *g, const struct header *h, const uint8_t *p,
                               size_t len, size_t *n, struct sieve_frame *f)
{
    size_t whole = HEADER_LEN + (size_t)h->length;

    if ((h->flags & FLAG_PADDED) != 0 && h->length > 0 && len == HEADER_LEN)
        return SIEVE_MORE; /* the length of its padding */
    f->kind = SIEVE_DATA;
    f->idle_data = is_idle(h, p + HEADER_LEN);
    *n = len < whole ? len : whole;
    g->left = (uint32_t)(whole - *n);
    return SIEVE_PASS;
}

static enum sieve_kind kind_of(const struct header *h)
{
    switch (h->type) {
    case TYPE_RST_STREAM:
        return SIEVE_RESET;
    case TYPE_SETTINGS:
    case TYPE_PING:
        return (h->flags & FLAG_ACK) != 0 ? SIEVE_OTHER : SIEVE_CONTROL;
    case TYPE_GOAWAY:
    case TYPE_WINDOW_UPDATE:
    case TYPE_CONTINUATION:
        return SIEVE_OTHER;
    default:
        return SIEVE_CONTROL;
    }
}

enum sieve_verdict sieve_next(struct sieve *g, const uint8_t *p, size_t len, size_t *n,
                              struct sieve_frame *f)
{
    struct header h;

    *f = (struct sieve_frame){.kind = SIEVE_REST};
    if (len == 0)
        return SIEVE_MORE;
    if (g->left > 0) {
        *n = len < g->left ? len : g->left;
        g->left -= (uint32_t)*n;
        return SIEVE_PASS;
    }
    if (len < HEADER_LEN)
        return SIEVE_MORE;
    h = header_at(p);
    f->id = h.id;
    if (h.length > SIEVE_FRAME_MAX)
        return fail(f, FRAME_SIZE_ERROR);
    if (h.type == TYPE_DATA)
        return data(g, &h, p, len, n, f);
    *n = HEADER_LEN + (size_t)h.length;
    if (len < *n)
        return SIEVE_MORE;
    if ((h.type == TYPE_HEADERS || h.type == TYPE_PRIORITY) &&
        depends_on_itself(&h, p + HEADER_LEN))
        return fail(f, PROTOCOL_ERROR);
    f->kind = (uint8_t)kind_of(&h);
    if (h.type != TYPE_HEADERS && h.type != TYPE_PUSH_PROMISE)
        return SIEVE_PASS;
    f->kind = SIEVE_HEADERS;
    return whole_block(g, p, len, n, f);
}

bool sieve_spend(struct sieve_bucket *b, uint32_t rate, uint64_t now_us)
{
    const uint64_t second = 1000000, burst_us = 10 * second;

    if (rate == 0)
        return true;
    if (b->full_at < now_us)
        b->full_at = now_us;
    b->full_at += second / rate > 0 ? second / rate : 1;
    return b->full_at - now_us <= burst_us;
}
