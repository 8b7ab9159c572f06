#include "proxy/h1/body.h"

void body_init(struct body *b, const struct msg *head)
{
    b->kind = head->body;
    b->framed = false;
    b->left = head->body == BODY_LENGTH ? head->content_length : 0;
    b->chunk = (struct chunk){.padded = head->status != 0};
}

uint64_t body_received(const struct body *b)
{
    return b->chunk.received;
}

static enum body_verdict chunked(struct body *b, const uint8_t *in, size_t len,
                                 size_t *used, const uint8_t **p, size_t *n)
{
    b->chunk.framed = b->framed;
    switch (chunk_next(&b->chunk, in, len, used, p, n)) {
    case CHUNK_DATA:
        return BODY_V_DATA;
    case CHUNK_MORE:
        return BODY_V_MORE;
    case CHUNK_END:
        return BODY_V_TRAILERS;
    case CHUNK_BAD:
        break;
    }
    return BODY_V_BAD;
}

enum body_verdict body_next(struct body *b, const uint8_t *in, size_t len, size_t *used,
                            const uint8_t **p, size_t *n)
{
    if (b->kind == BODY_CHUNKED)
        return chunked(b, in, len, used, p, n);
    if (b->kind == BODY_NONE || (b->kind == BODY_LENGTH && b->left == 0)) {
        *used = 0;
        return BODY_V_END;
    }
    if (b->kind == BODY_LENGTH && len > b->left)
        len = (size_t)b->left;
    if (b->kind == BODY_LENGTH)
        b->left -= len;
    *used = *n = len;
    *p = in;
    return len > 0 ? BODY_V_DATA : BODY_V_MORE;
}
