/*
 * head.h - reads the head of an HTTP/1 message (RFC 9112).
 *
 * Pure and strict: what two readers could frame differently is refused.  No
 * allocation, no I/O; the caller owns input and output, and the msg's text is the
 * input itself (m->text = in), so it lives as long as the input does.
 */
#ifndef PROXY_H1_HEAD_H
#define PROXY_H1_HEAD_H

#include "proxy/msg.h"

enum head_verdict {
    HEAD_MORE, /* not complete; *seen is updated, call again with more */
    HEAD_DONE, /* m->text_len bytes are the head, the blank line included */
    HEAD_BAD,  /* fault->status and ->reason say why; close the connection */
};

struct head_limits {
    uint32_t max_head_bytes;
    uint32_t max_target_bytes;
    uint32_t max_fields; /* at most the room in the msg's field table */
};

/* What a fault is about, as far as counters tell 400 apart. */
enum head_about { HEAD_SYNTAX, HEAD_FRAMING, HEAD_HOST };

struct head_fault {
    uint16_t status;    /* request: 400 414 417 431 501 505; response: always 502 */
    const char *reason; /* static; a name for counters and logs: "bad_length" */
    uint8_t about;      /* enum head_about */
};

/*
 * `in` is everything of this message from its first byte; *seen (0 at first) is how
 * much of it was looked at before, so that a slow sender costs no second scan.
 * Empty lines before a request are skipped and are part of its head (RFC 9112, 2.2).
 * m needs field storage (fields, fields_room); its text is set to `in`.
 */
enum head_verdict head_request(char *in, size_t len, size_t *seen,
                               const struct head_limits *lim, struct msg *m,
                               struct head_fault *fault);

/*
 * m->method_id is the method of the request that is answered; it decides about the
 * body (HEAD, CONNECT) and stays as it is.  1xx heads are HEAD_DONE too.
 */
enum head_verdict head_response(char *in, size_t len, size_t *seen,
                                const struct head_limits *lim, struct msg *m,
                                struct head_fault *fault);

/* The trailer section after the last chunk, up to and with its blank line. */
enum head_verdict head_trailers(char *in, size_t len, size_t *seen,
                                const struct head_limits *lim, struct msg *m,
                                struct head_fault *fault);

#endif
