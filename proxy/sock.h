/*
 * sock.h - a stream socket as both sides of the proxy use it.
 *
 * Registered once, edge-triggered.  `can_read` and `can_write` are cleared only by
 * EAGAIN or, while the peer has not closed, by a short transfer; after the peer closed
 * it reads on to 0, so bytes and FIN that arrive together are both seen.
 *
 * Writing is gathered: sock_write() borrows, sock_uncork() sends head and body in one
 * call; what the kernel does not take is copied to `out`.  Borrowed bytes must live until
 * sock_uncork(), which whoever reads into the scratch block calls before reading again.
 *
 * Bytes that nobody here needs to see are moved by sock_splice(), without being copied.
 *
 * With TLS the bytes read and written are plain text; `out` is what goes over the wire.  A
 * stream that its peer broke off without close_notify is BROKEN, never ended.
 *
 * A PROXY protocol header comes before either, in both directions.
 */
#ifndef PROXY_SOCK_H
#define PROXY_SOCK_H

#include "base/bufq.h"
#include "base/loop.h"
#include "proxy/tls/tls_io.h"

struct proxyproto;
struct tls_io;
struct tls_peer;
struct tls_server;
struct worker;

/* Above this much unsent, data() answers "no more"; below it, room is told. */
#define SOCK_OUT_LOW       16384
#define SOCK_SCRATCH_BYTES 65536
/* A turn's share of one connection. */
#define SOCK_TURN_READS 8
#define SOCK_TURN_BYTES 131072

struct sock {
    struct loop_io io; /* first: sock and io have one address */
    struct worker *w;
    struct bufq out;
    struct loop_ready ready; /* work that goes on next in this or the next turn */
    int fd;
    bool can_read, can_write;
    bool peer_closed;          /* the kernel said so; there may be bytes before it */
    bool failed;               /* a write found the connection broken */
    bool shut;                 /* close our direction once `out` is empty */
    bool was_full;             /* data() answered "no more" */
    bool reset;                /* closing breaks the connection off */
    bool sent;                 /* the kernel took a byte; the owner may clear it */
    struct tls_io *tls;        /* NULL: plain */
    struct pipe *pipe;         /* what it holds goes out before `out`; NULL: nothing */
    struct proxyproto *header; /* is read first, see sock_expect(); NULL: none */
};

enum {
    SOCK_EOF = 0,
    SOCK_AGAIN = -1,
    SOCK_BROKEN = -2,
    SOCK_PLAIN = -3, /* a client speaks HTTP without TLS; from now on the socket is plain */
    SOCK_FULL = -4,  /* the other socket takes nothing now: room will be told */
    SOCK_COPY = -5,  /* bytes cannot be moved unseen: read and write them */
};

void sock_open(struct sock *s, struct worker *w, int fd,
               void (*on_io)(struct loop_io *io, unsigned what),
               void (*on_ready)(struct loop_ready *r));
/* Closes the descriptor and drops what was not sent; the memory stays the owner's. */
void sock_close(struct sock *s);
/* The next sock_close() resets the connection instead of ending it in order. */
void sock_set_reset(struct sock *s);

/* A header comes before all else.  Reading fills in s->header, which the owner drops when
 * it is done and was looked at; what is none is BROKEN. */
void sock_expect(struct sock *s);
void sock_drop_header(struct sock *s);
/* Goes out before all else; right after sock_open().  Copied. */
void sock_begin(struct sock *s, const void *p, size_t n);

/* Speaks TLS from now on, as the server or as the client; both reference what they get. */
void sock_serve_tls(struct sock *s, struct tls_server *server);
void sock_connect_tls(struct sock *s, struct tls_peer *peer, enum tls_offer offer);
/* An open sock goes on in `to`, with another owner; `from` is closed without a word. */
void sock_move(struct sock *to, struct sock *from,
               void (*on_io)(struct loop_io *io, unsigned what),
               void (*on_ready)(struct loop_ready *r));
/* As the client, when something happened before it was over: above 0 when it is, or always
 * without TLS; SOCK_AGAIN, SOCK_BROKEN. */
int sock_handshake(struct sock *s);
/* In the handshake (ALPN). */
bool sock_agreed_on_h2(const struct sock *s);
/* The subject of the client's verified certificate; "": it gave none. */
const char *sock_subject(const struct sock *s);
/* Why TLS failed, for a person. */
const char *sock_tls_reason(const struct sock *s);

/* Notes what the loop reported. */
void sock_note(struct sock *s, unsigned what);

/* Bytes read, or one of the above. */
ssize_t sock_read(struct sock *s, void *buf, size_t room);

void sock_write(struct sock *s, const void *p, size_t n);
/* Room for `n` bytes that sock_write() may be given and that live until sock_uncork(). */
char *sock_text(struct worker *w, size_t n);
/*
 * Moves at most `max` bytes from one socket to another without reading them (splice(2)),
 * and returns how many, or one of the above as to `from`.  What `to` does not take stays
 * in a pipe of its own.
 */
ssize_t sock_splice(struct sock *to, struct sock *from, size_t max);
/* Bytes given to it that the kernel has not taken. */
size_t sock_unsent(const struct sock *s);
/* True while another data() is welcome; notes it when not. */
bool sock_has_room(struct sock *s);

/* Sends what was gathered for whichever sock it was. */
void sock_uncork(struct worker *w);

/* After LOOP_WRITE: sends from `out`.  True when the owner should tell its giver that
 * there is room again. */
bool sock_drain(struct sock *s);
/* Ends our direction, once all is sent. */
void sock_shutdown(struct sock *s);

/* What is gathered, one per worker. */
#define CORK_IOV  24
#define CORK_TEXT 73728 /* the largest head in and out, and chunk framing */
struct cork {
    struct sock *s; /* NULL: nothing is gathered */
    int n;
    size_t bytes;
    struct iovec iov[CORK_IOV];
    size_t text_used;
    char *text;
};

#endif
