/*
 * probe_wire.h - one connection to a backend for one question of a probe: a PROXY protocol
 * header, TLS, and then bytes both ways.
 *
 * Unlike sock.h it is made for a thread with a few slow connections: each has its memory
 * to itself, and what it holds is bounded by what its owner writes.
 */
#ifndef PROXY_PROBE_WIRE_H
#define PROXY_PROBE_WIRE_H

#include "base/addr.h"
#include "base/loop.h"
#include "proxy/tls/tls_io.h"

struct probe_wire;

struct probe_wire_ops {
    /* The connection stands, with TLS that does.  False: it was closed inside. */
    bool (*open)(void *ctx);
    /* What came; the same. */
    bool (*input)(void *ctx, const uint8_t *p, size_t n);
    /* It is broken, or has ended; closes it inside. */
    void (*broken)(void *ctx, const char *reason);
};

struct probe_wire_spec { /* borrowed for as long as the wire lives */
    struct loop *loop;
    const struct addr *addr;
    struct tls_peer *tls; /* NULL: plain */
    enum tls_offer offer;
    unsigned
        proxy_protocol; /* version of a header that says "on our own behalf"; 0: none */
    const struct probe_wire_ops *ops;
    void *ctx;
};

/* NULL: errno says why. */
struct probe_wire *probe_wire_open(const struct probe_wire_spec *spec);
void probe_wire_close(struct probe_wire *w);

/* False: broken() was called. */
bool probe_wire_send(struct probe_wire *w, const uint8_t *p, size_t n);
/* As far as it goes at once; failures do not matter any more. */
void probe_wire_farewell(struct probe_wire *w, const uint8_t *p, size_t n);
/* Was HTTP/2 agreed on in the handshake? */
bool probe_wire_agreed_on_h2(const struct probe_wire *w);

#endif
