/*
 * block.h - a field block of HTTP/2 becomes a msg (RFC 9113, 8.2 and 8.3).
 *
 * Pure and strict: what is malformed there is refused here, whatever the library that
 * unpacked the block lets pass.  Fields are shown one by one; block_request(),
 * block_response() or block_trailers() draws the conclusions.  The text is laid out as
 * HTTP/1.1 would have it, so that emit.h copies neighbours in one piece.
 */
#ifndef PROXY_H2_BLOCK_H
#define PROXY_H2_BLOCK_H

#include "proxy/msg.h"

/* Text beside what the limits count: line ends, cookies joined, an upgrade's fields. */
#define BLOCK_SPARE_TEXT   8192
#define BLOCK_SPARE_FIELDS 4

struct block_limits {
    uint32_t max_head_bytes; /* names, values and 32 for each field (RFC 9113, 6.5.2) */
    uint32_t max_target_bytes;
    uint32_t max_fields;
};

struct block_fault {
    uint16_t status;    /* to be answered with it; 0: malformed, a stream error */
    const char *reason; /* static; NULL: no fault */
};

struct block {
    struct msg m;
    struct block_limits limits;
    struct block_fault fault; /* the first one */
    uint64_t size, length;
    uint32_t seen;    /* bit per pseudo-field */
    uint16_t cookies; /* crumbs */
    bool fields_began, has_length, has_host, expect_other;
    struct span scheme, protocol, host;
};

/*
 * The storage must hold max_head_bytes + BLOCK_SPARE_TEXT of text and max_fields +
 * BLOCK_SPARE_FIELDS fields, and lives as long as b->m is used.
 */
void block_begin(struct block *b, const struct block_limits *limits, struct msg storage);
void block_add(struct block *b, const char *name, size_t name_len, const char *value,
               size_t value_len);

/*
 * The three ends.  False: b->fault says why.  `end`: END_STREAM is set.
 *
 * An extended CONNECT for websocket (RFC 8441) becomes a GET with Upgrade, which needs a
 * Sec-WebSocket-Key: `key`, 24 characters of the caller's.  b->protocol.len tells it.
 */
bool block_request(struct block *b, bool end, const char *key);
/* The answer to `method_id`. */
bool block_response(struct block *b, uint8_t method_id, bool end);
/* A 2xx to an extended CONNECT becomes a 101; `accept`: 28 characters (wskey.h). */
bool block_switched(struct block *b, const char *accept);
bool block_trailers(struct block *b);

#endif
