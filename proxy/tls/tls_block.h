/*
 * tls_block.h - the memory in which the TLS library finds and leaves its records.
 *
 * One for all connections of a thread.  The library reads and writes it through a BIO of
 * our own, which is shared as well.
 */
#ifndef PROXY_TLS_TLS_BLOCK_H
#define PROXY_TLS_TLS_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#define TLS_BLOCK_IN     65536
#define TLS_BLOCK_RECORD 16384 /* plain text in a record, at most (RFC 8446, 5.1) */

struct tls_block {
    uint8_t *in; /* TLS_BLOCK_IN bytes, for the caller to receive into */
    /* What is to be sent; whoever sends it sets out_len to 0. */
    uint8_t *out;
    size_t out_len;
    /* for tls_io.c */
    const uint8_t *from, *end; /* received and not yet taken */
    uint8_t *record;           /* TLS_BLOCK_RECORD bytes: plain text being gathered */
    void *bio;                 /* a BIO */
    size_t out_room;           /* private */
};

void tls_block_init(struct tls_block *b);
void tls_block_fini(struct tls_block *b);

#endif
