/*
 * stream.h - one request and its response on one connection, whatever the version.
 *
 * A codec (conn.c towards clients, upstream.c towards backends; one stream at a time in
 * HTTP/1, many in HTTP/2) owns the stream; the exchange on the other side of it speaks
 * through `ops` and is told what arrives through forward.h.  Neither knows the other's
 * version.
 *
 * Flow control: data() takes everything it is given and answers whether more is welcome.
 * After "no" the giver stops reading its own side until forward_*_room() comes; what is
 * buffered then is at most SOCK_OUT_LOW plus one read.
 *
 * Commands never call back into the exchange: one that finds the connection broken
 * reports the fault in a later turn.  After reset() and release() the stream belongs to
 * its codec again and s->x is NULL.
 */
#ifndef PROXY_STREAM_H
#define PROXY_STREAM_H

#include <sys/types.h>

#include "conf/cfg.h"
#include "proxy/msg.h"

struct client;
struct exchange;
struct sock;
struct tls_io;

/* Why a stream ended before its message did. */
enum stream_fault {
    FAULT_CLOSED,  /* the peer closed in order, too early */
    FAULT_RESET,   /* the peer or the network broke it off */
    FAULT_TIMEOUT, /* the peer was silent for too long */
    FAULT_BAD,     /* the peer broke the protocol */
    FAULT_CONNECT, /* there never was a connection (up only) */
    FAULT_TLS,     /* the connection stood, but TLS on it did not (up only) */
    FAULT_CANCEL,  /* we gave it up */
    FAULT_REFUSED, /* the peer has not looked at it, and says so (up only) */
    /* A kept connection was gone when it was used (up only): no byte of an answer came...
     */
    FAULT_STALE,
    FAULT_UNSENT, /* ... and no byte of the request was taken either */
};

struct stream;

struct stream_ops {
    /*
     * Sends a head: the request (up), an informational or the final response (down).
     * `end`: no body follows, and end() will not be called.  m is only read.
     */
    void (*head)(struct stream *s, const struct msg *m, bool end);
    /* Body bytes; borrowed until the codec flushes, which the reader sees to. */
    bool (*data)(struct stream *s, const uint8_t *p, size_t n);
    /* Body bytes, at most `max`, from a socket as they come (sock_splice()); NULL, or
     * SOCK_COPY: it has to see them. */
    ssize_t (*splice)(struct stream *s, struct sock *from, size_t max);
    /* The body is complete; trailers may be NULL. */
    void (*end)(struct stream *s, const struct msg *trailers);
    /* Gives the stream up: its message will not be completed. */
    void (*reset)(struct stream *s, enum stream_fault why);
    /* The exchange has ended in order and does not need the stream any more. */
    void (*release)(struct stream *s);
    /* The other side has room again: go on reading. */
    void (*resume)(struct stream *s);
    /* Looks whether the connection still stands: a reset that arrived together with bytes
     * is not reported by itself. */
    void (*check)(struct stream *s);
};

struct stream {
    const struct stream_ops *ops;
    struct exchange *x; /* whose it is; NULL: nobody listens */
    bool h1_chunks;     /* reads and writes HTTP/1.1 chunk framing */
    bool framed_in;     /* up: deliver the body with its chunk framing */
    bool framed_out;    /* down: what data() is given is in chunk framing already */
};

/* What the downstream codec knows about a request beside its head. */
struct stream_info {
    const struct cfg_listener *listener;
    struct client *client; /* outlives the request */
    const struct sockaddr *peer;
    const char *scheme;
    const char *subject;      /* of the client's verified certificate; "": none */
    const struct tls_io *tls; /* outlives the request; NULL: plain */
    mono_us began;            /* first byte of its head; 0: it came at once */
};

#endif
