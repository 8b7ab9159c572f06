/*
 * tls_ring.h - keys of session tickets: one encrypts, the older ones still decrypt.
 *
 * Pure: time and fresh keys are arguments.
 */
#ifndef PROXY_TLS_TLS_RING_H
#define PROXY_TLS_TLS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define TLS_RING_MAX  8
#define TLS_RING_NAME 16

struct tls_ring_key {
    uint8_t name[TLS_RING_NAME]; /* stands in the ticket */
    uint8_t hmac[32];            /* HMAC-SHA256 */
    uint8_t aes[32];             /* AES-CBC, 16 or 32 bytes of it */
    uint8_t aes_len;
};

/* Newest first. */
struct tls_ring {
    struct tls_ring_key keys[TLS_RING_MAX];
    unsigned n;
    mono_us since; /* when the newest came */
};

/* 80 bytes: name, HMAC key, AES-256 key; 48 bytes: name, HMAC key and AES-128 key of 16
 * bytes each, as nginx reads them.  False: another length. */
bool tls_ring_read(const uint8_t *bytes, size_t len, struct tls_ring_key *out);

/* Behind those that are there already; false: it is full, or there is one of that name. */
bool tls_ring_add(struct tls_ring *r, const struct tls_ring_key *k);

/* Is it time for a new key? */
bool tls_ring_due(const struct tls_ring *r, mono_us now, mono_us rotate);
/* `fresh` encrypts from now on.  The key before it goes on decrypting, unless it is older
 * than two periods; those before that are forgotten. */
void tls_ring_turn(struct tls_ring *r, mono_us now, mono_us rotate,
                   const struct tls_ring_key *fresh);

const struct tls_ring_key *tls_ring_find(const struct tls_ring *r,
                                         const uint8_t name[TLS_RING_NAME]); /* or NULL */

#endif
