/*
 * pairs.h - a msg becomes the name-value pairs of an HTTP/2 field block (RFC 9113, 8.3).
 *
 * Pure.  The pairs point into the msg and into `p`; names are as they came, for the
 * library that packs them copies and lowers them.  Dropped fields, framing and what
 * belongs to one connection are left out.
 */
#ifndef PROXY_H2_PAIRS_H
#define PROXY_H2_PAIRS_H

#include <nghttp2/nghttp2.h>

#include "proxy/msg.h"

/* Room for the largest head of an exchange.  Beside the fields: five pseudo-fields,
 * content-length, te or date, an upgrade's answer. */
#define PAIRS_EXTRA 8
#define PAIRS_MAX   (400 + PAIRS_EXTRA)

struct pairs {
    size_t n;
    char status[3], length[20];
    nghttp2_nv nv[PAIRS_MAX];
};

/*
 * Each: false when there are more fields than room.  An upgrade to websocket becomes an
 * extended CONNECT (RFC 8441); the fields of the handshake are left out then.  :authority
 * is the message's or, for a 1.0 client that named none, `own`: the backend's.
 */
bool pairs_request(struct pairs *p, const struct msg *m, const char *scheme,
                   const char *own);
/* A 101 becomes a 200.  A final answer without a date gets `date`, 29 characters. */
bool pairs_response(struct pairs *p, const struct msg *m, const char *date);
/* Bytes of names and values. */
size_t pairs_bytes(const struct pairs *p);

bool pairs_trailers(struct pairs *p, const struct msg *m);

#endif
