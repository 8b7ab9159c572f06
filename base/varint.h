/*
 * varint.h - small numbers in few bytes: seven bits a byte, least significant first.
 *
 * A writer that runs out of room, and a reader that runs out of bytes, remember
 * it in `bad` and do nothing more, so that it is asked once at the end.
 */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VARINT_MAX 10

struct varint_out {
    uint8_t *at, *end;
    bool bad;
};

struct varint_in {
    const uint8_t *at, *end;
    bool bad;
};

static inline void varint_put(struct varint_out *o, uint64_t v)
{
    uint8_t buf[VARINT_MAX];
    size_t n = 0;

    do {
        buf[n++] = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));
        v >>= 7;
    } while (v != 0);
    o->bad |= (size_t)(o->end - o->at) < n;
    if (o->bad)
        return;
    memcpy(o->at, buf, n);
    o->at += n;
}

static inline void varint_put_bytes(struct varint_out *o, const void *p, size_t n)
{
    o->bad |= (size_t)(o->end - o->at) < n;
    if (o->bad || n == 0)
        return;
    memcpy(o->at, p, n);
    o->at += n;
}

/* 0 when bad. */
static inline uint64_t varint_get(struct varint_in *in)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (in->bad || in->at == in->end)
            break;
        v |= (uint64_t)(*in->at & 127) << shift;
        if ((*in->at++ & 128) == 0)
            return v;
    }
    in->bad = true;
    return 0;
}

/* A view of the next n bytes, or NULL when bad. */
static inline const uint8_t *varint_get_bytes(struct varint_in *in, size_t n)
{
    const uint8_t *p = in->at;

    in->bad |= (size_t)(in->end - in->at) < n;
    if (in->bad)
        return NULL;
    in->at += n;
    return p;
}

#endif
