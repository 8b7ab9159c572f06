/*
 * chunk.h - decoder for "Transfer-Encoding: chunked" framing (RFC 9112, 7.1).
 *
 * Pure: bytes in, views out; the decoder is a value that may be copied.  It can
 * hand out the data alone, or the data in canonical framing as it was received, so
 * that a chunked body passes from one HTTP/1.1 connection to another without being
 * taken apart.  Extensions are cut out, the last chunk and the trailers are not
 * handed out.
 *
 * White space between a size and the end of its line is no chunk (7.1).  Servers pad their
 * sizes with it all the same, so from them it is taken, and not passed on.
 */
#ifndef PROXY_H1_CHUNK_H
#define PROXY_H1_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest chunk-size line, CRLF not counted: 16 hex digits and short extensions. */
#define CHUNK_LINE_MAX 128

enum chunk_verdict {
    CHUNK_DATA, /* *p, *n is to be passed on; call again with the rest */
    CHUNK_MORE, /* all input used, the body goes on */
    CHUNK_END,  /* the last-chunk line is read; the trailer section follows */
    CHUNK_BAD,  /* not chunked framing; the connection cannot be reused */
};

struct chunk {
    uint64_t left;     /* bytes of the current chunk still to come */
    uint64_t received; /* payload so far */
    bool framed;       /* hand out the framing too; stays the same for a whole body */
    bool padded;       /* white space may follow a size: an answer's, see above */
    uint8_t step, digits, line, held; /* private */
    uint8_t size_line[20];            /* private: canonical size line being read */
};

#define CHUNK_INIT ((struct chunk){0})

/*
 * Reads from in[0..len).  *used says how much was consumed, for every verdict.
 * For CHUNK_DATA [*p, *p + *n) is one stretch of payload or, when framed, of
 * framing and payload (as long a stretch as `in` allows, over many chunks); it lies
 * in `in` or in *c and is valid until the next call.
 */
enum chunk_verdict chunk_next(struct chunk *c, const uint8_t *in, size_t len, size_t *used,
                              const uint8_t **p, size_t *n);

#endif
