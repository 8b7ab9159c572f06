/*
 * access_record.h - what a worker says about a request that ended, for the access logs.
 *
 * Fixed facts, then the bytes of bounded texts one behind the other, as it lies in the ring
 * (base/bytering.h).  Nothing in it is formatted, and nothing in it is anybody's memory: it
 * may be read when the request, and the configuration it ran under, are gone.
 */
#ifndef PROXY_ACCESS_RECORD_H
#define PROXY_ACCESS_RECORD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/handover.h"
#include "conf/cfg.h"
#include "proxy/ending.h"

/* X(symbol, most bytes kept); len 0: there is none. */
#define ACCESS_TEXTS(X)                                                                    \
    X(LISTENER, ADDR_TEXT_MAX)                                                             \
    X(METHOD, 32)                                                                          \
    X(TARGET, 8192) /* path and query; of what could not be read its first line */         \
    X(HOST, 256)                                                                           \
    X(SERVICE, NAME_MAX_LEN)                                                               \
    X(BACKEND, ADDR_TEXT_MAX)                                                              \
    X(FAULT, 64)                                                                           \
    X(TLS_VERSION, 16)                                                                     \
    X(TLS_CIPHER, 64)                                                                      \
    X(TLS_NAME, 256)                                                                       \
    X(TLS_SUBJECT, 512) /* of the client's verified certificate */                         \
    X(REQUEST_ID, 128)                                                                     \
    X(TRACE_ID, 32)                                                                        \
    X(REMOTE_USER, 64)                                                                     \
    X(USER_AGENT, 1024)                                                                    \
    X(REFERER, 2048)                                                                       \
    X(REQUEST_FIELDS, ACCESS_FIELDS_BYTES) /* access_fields_at() */                        \
    X(RESPONSE_FIELDS, ACCESS_FIELDS_BYTES)

/* Values of configured fields: each a length of two bytes and that many bytes. */
#define ACCESS_FIELD_MAX    256
#define ACCESS_FIELDS_BYTES (CFG_LOG_HEADERS_MAX * (2 + ACCESS_FIELD_MAX))

enum access_text_id {
#define X(sym, max) ACCESS_##sym,
    ACCESS_TEXTS(X)
#undef X
        N_ACCESS_TEXTS
};

struct access_list;

struct access_record {
    const struct access_list *list; /* where it goes; the thread that reads it keeps it */
    mono_us began;                  /* first byte of the head */
    /* -1: it did not come to that */
    mono_us head_us;              /* to the end of the head */
    mono_us queue_us;             /* waiting for a slot */
    mono_us hold_us;              /* of that, because no backend had started yet */
    mono_us connect_us;           /* routed to connected, without the queue */
    mono_us answer_us;            /* connected to the answer's head */
    mono_us first_byte_us;        /* began to the answer's head */
    mono_us total_us;             /* never -1 */
    uint64_t bytes_in, bytes_out; /* of bodies */
    uint64_t bytes_sent;          /* bytes_out, heads and framing */
    uint64_t user;                /* profile key; 0: none */
    union {
        sa_family_t family; /* of both; AF_UNIX, AF_UNSPEC: no address */
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
    } client;                     /* port 0: told by a trusted proxy */
    uint32_t backend_inflight;    /* on that backend, when it had ended */
    uint32_t queue_position;      /* when it joined, from 1; 0: did not wait */
    uint16_t status;              /* 0: none was sent */
    uint8_t want;                 /* bits: which logs of the list */
    uint8_t version;              /* enum http_version */
    uint8_t ending, phase;        /* enum ending, enum ending_phase or '-' */
    uint8_t tier;                 /* N_TIERS: none */
    uint8_t attempts;             /* backends tried */
    bool elsewhere;               /* the last was not the first */
    bool reached;                 /* a connection to a backend came about */
    bool h2_up;                   /* ... and HTTP/2 was spoken on it, not HTTP/1.1 */
    bool tls;                     /* with the client */
    bool absolute;                /* the target came with scheme and host */
    bool https_target;            /* ... and the scheme was https */
    bool unread;                  /* a head that could not be read */
    uint16_t len[N_ACCESS_TEXTS]; /* of the texts behind this struct, in their order */
};

#endif
