/*
 * wskey.h - the handshake of WebSocket over HTTP/1.1 (RFC 6455, 4.2.2), for tunnels that
 * have another version on one side.
 *
 * Pure.  Not for secrets: the handshake only proves that the other end knows WebSocket.
 */
#ifndef PROXY_H2_WSKEY_H
#define PROXY_H2_WSKEY_H

#include <stddef.h>
#include <stdint.h>

#define WSKEY_LEN    24
#define WSKEY_ACCEPT 28

/* A key from 16 random bytes; not terminated. */
void wskey_make(const uint8_t random[16], char out[WSKEY_LEN]);
/* Sec-WebSocket-Accept for a key of up to 64 characters; not terminated. */
void wskey_accept(const char *key, size_t len, char out[WSKEY_ACCEPT]);

#endif
