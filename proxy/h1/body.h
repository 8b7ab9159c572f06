/*
 * body.h - finds the body of an HTTP/1 message in the bytes that follow its head.
 *
 * Pure.  Knows the four framings of msg.h; the caller reads the trailer section
 * (head_trailers()) when told to.
 */
#ifndef PROXY_H1_BODY_H
#define PROXY_H1_BODY_H

#include "proxy/h1/chunk.h"
#include "proxy/msg.h"

enum body_verdict {
    BODY_V_DATA,     /* [*p, *p + *n) is to be passed on */
    BODY_V_MORE,     /* all input used */
    BODY_V_END,      /* complete; input from *used on belongs to what comes next */
    BODY_V_TRAILERS, /* the trailer section follows */
    BODY_V_BAD,
};

struct body {
    uint8_t kind; /* enum body_kind */
    bool framed;  /* hand out chunk framing too; set before the first byte */
    uint64_t left;
    struct chunk chunk;
};

void body_init(struct body *b, const struct msg *head);
/* Payload bytes of a chunked body so far; framing is not counted. */
uint64_t body_received(const struct body *b);
enum body_verdict body_next(struct body *b, const uint8_t *in, size_t len, size_t *used,
                            const uint8_t **p, size_t *n);

#endif
