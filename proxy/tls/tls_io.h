/*
 * tls_io.h - one TLS connection as a transformer of bytes; sockets are its caller's.
 *
 * What was received lies in the worker's block, comes out as plain text; what is to be
 * sent, answers of the protocol itself too, is put behind one another in the block's `out`
 * and is the caller's to send in that order.  Writing therefore never waits, and nothing
 * of a connection stays in the block between two calls of its owner but what the caller
 * has not sent yet.
 *
 * One block and all connections that use it belong to one thread.
 */
#ifndef PROXY_TLS_TLS_IO_H
#define PROXY_TLS_TLS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "proxy/tls/tls_block.h"

struct tls_server;
struct tls_peer;
struct tls_io;

/* What may be spoken after the handshake (ALPN, RFC 7301); the first is preferred. */
enum tls_offer { TLS_OFFER_H1, TLS_OFFER_H2, TLS_OFFER_H2_H1 };

#define TLS_IO_SUBJECT_MAX 512 /* of a client's certificate, terminated */

/* Why a connection came to nothing. */
#define TLS_IO_FAULTS(X)                                                                   \
    X(TIMEOUT, "timeout")         /* closed by us before the handshake was over */         \
    X(CLOSED, "closed")           /* closed by the peer before */                          \
    X(PLAIN_HTTP, "plain_http")   /* the peer does not speak TLS at all */                 \
    X(VERSION, "version")         /* none in common */                                     \
    X(CIPHER, "cipher")           /* none in common, or no group */                        \
    X(NAME, "name")               /* asked for one that there is no certificate for */     \
    X(PROTOCOL, "protocol")       /* ALPN: none in common */                               \
    X(CERTIFICATE, "certificate") /* none, or not good */                                  \
    X(ALERT, "alert")             /* the peer gave up */                                   \
    X(BAD_RECORD, "bad_record")   /* what came is no TLS, or was changed on the way */     \
    X(OTHER, "other")

enum tls_io_fault {
#define X(sym, name) TLS_IO_F_##sym,
    TLS_IO_FAULTS(X)
#undef X
        TLS_IO_N_FAULTS
};
extern const char *const tls_io_fault_name[TLS_IO_N_FAULTS];

/* Both reference what they are given. */
struct tls_io *tls_io_accept(struct tls_server *s, struct tls_block *b);
struct tls_io *tls_io_connect(struct tls_peer *p, enum tls_offer offer,
                              struct tls_block *b);
void tls_io_free(struct tls_io *t); /* NULL is fine */

enum {
    TLS_IO_EOF = 0,     /* the peer ended its side in order */
    TLS_IO_AGAIN = -1,  /* all was taken; more is needed */
    TLS_IO_BROKEN = -2, /* see tls_io_fault() */
    TLS_IO_PLAIN = -3,  /* the peer speaks HTTP without TLS; nothing was answered */
};

/* `n` bytes were received into b->in. */
void tls_io_received(struct tls_io *t, struct tls_block *b, size_t n);
/* The peer's connection has ended; 0 or less is what reading says from now on: an end
 * without the protocol's own is BROKEN (truncated), whatever was received before. */
ssize_t tls_io_ended(struct tls_io *t);
/* Plain text, at most `room` bytes, or one of the above. */
ssize_t tls_io_read(struct tls_io *t, struct tls_block *b, void *buf, size_t room);
/* Reading goes on without more being received. */
bool tls_io_holds(const struct tls_io *t);

/* The first or next step of a handshake that we began: above 0 when it is over. */
ssize_t tls_io_handshake(struct tls_io *t, struct tls_block *b);
bool tls_io_established(const struct tls_io *t);
bool tls_io_broken(const struct tls_io *t);
bool tls_io_is_server(const struct tls_io *t);

/* Encrypts n pieces as if they were one; false: the connection is broken. */
bool tls_io_write(struct tls_io *t, struct tls_block *b, const struct iovec *iov, int n);
/* Tells the peer that nothing follows.  Once; does nothing before the handshake is over. */
void tls_io_end(struct tls_io *t);

/* ---- what is known of the peer, once established ---- */

enum tls_io_fault tls_io_fault(const struct tls_io *t); /* when broken */
/* The library's word for it, for a person; "" when there is none. */
const char *tls_io_reason(const struct tls_io *t);
bool tls_io_resumed(const struct tls_io *t);
/* The protocol agreed on (ALPN), not terminated; *len 0: none. */
const char *tls_io_protocol(const struct tls_io *t, size_t *len);
/* The subject of the client's verified certificate; "": it gave none. */
const char *tls_io_subject(const struct tls_io *t);
/* As the library calls them: "TLSv1.3", "TLS_AES_256_GCM_SHA384". */
const char *tls_io_version(const struct tls_io *t);
const char *tls_io_cipher(const struct tls_io *t);
/* The name that the client asked for (SNI), as it was sent; "": none. */
const char *tls_io_name(const struct tls_io *t);

/* Did anything come, established or not? */
bool tls_io_heard(const struct tls_io *t);

#endif
