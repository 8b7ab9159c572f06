/*
 * emit.h - writes heads and framing of HTTP/1.1.
 *
 * Pure: into the caller's room, returns the bytes written, 0 when they do not fit.
 * A message's dropped fields are left out; framing fields (Content-Length,
 * Transfer-Encoding, Connection, Upgrade) are written from the facts in the msg,
 * never copied.
 */
#ifndef PROXY_H1_EMIT_H
#define PROXY_H1_EMIT_H

#include "proxy/msg.h"

/*
 * "METHOD target HTTP/1.1", Host, fields, framing.  Host is the authority or, for a 1.0
 * client that named none, `own`: the backend's.
 */
size_t emit_request(const struct msg *m, const char *own, char *out, size_t room);

/* What a response is told about the connection it goes down on. */
struct emit_to {
    enum http_version version; /* the client's */
    bool close;                /* say "Connection: close" */
    const char *date;          /* 29 characters for who has no Date; NULL: leave it out */
};

/*
 * A 1.0 client with keep-alive is told so, and never gets chunked framing (the caller sets
 * m->body to BODY_CLOSE then).  1xx: no framing, no date.
 */
size_t emit_response(const struct msg *m, struct emit_to to, char *out, size_t room);

/* "SIZE\r\n" before a chunk's data, at most 18 bytes; after it comes CRLF. */
size_t emit_chunk_size(uint64_t n, char *out, size_t room);
/* "0\r\n", the trailer fields that are not dropped (m may be NULL), "\r\n". */
size_t emit_chunk_end(const struct msg *trailers, char *out, size_t room);

#endif
