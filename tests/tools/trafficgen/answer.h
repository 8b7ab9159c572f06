/*
 * answer.h - reads one HTTP/1.1 answer from pieces of bytes: status and length.
 *
 * For a client that trusts its proxy to be checked elsewhere: bodies are counted,
 * not kept.  Pure.
 */
#ifndef TESTS_TOOLS_TRAFFICGEN_ANSWER_H
#define TESTS_TOOLS_TRAFFICGEN_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum answer_step {
    ANSWER_HEAD,
    ANSWER_LENGTH,     /* a body of known length */
    ANSWER_CHUNK_LINE, /* a size, the end of a chunk's data, a trailer, the end */
    ANSWER_CHUNK_DATA,
    ANSWER_UNTIL_CLOSE,
    ANSWER_DONE,
    ANSWER_BAD,
};

enum { ANSWER_LINE_MAX = 8192 };

struct answer {
    enum answer_step step;
    unsigned status;
    bool to_head; /* the request was HEAD: no body follows */
    bool close;   /* the connection cannot be used again */
    bool last_chunk;
    bool has_length, chunked;
    uint64_t left, body_bytes;
    size_t line_len;
    char line[ANSWER_LINE_MAX]; /* private */
};

void answer_begin(struct answer *a, bool to_head);
/* Returns how many of the bytes belong to this answer. */
size_t answer_take(struct answer *a, const char *bytes, size_t n);
/* The other side closed; ANSWER_DONE when that was the end of the body. */
void answer_eof(struct answer *a);

#endif
