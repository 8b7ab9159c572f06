/*
 * proxyproto.h - the PROXY protocol, versions 1 and 2, read and written (HAProxy's
 * specification, 2020/03/05).
 *
 * Pure.  A header stands before all else on a connection and tells where it comes from
 * and where its sender was connected to.  It is read a byte at a time, so that nothing
 * behind it is touched; which version it is its first bytes say.
 *
 * What is not exactly a header is BAD as soon as that is known.  LOCAL, UNKNOWN and the
 * family "unspecified" tell nothing: the connection's own addresses stand.  Of the values
 * behind the addresses (TLVs) only the checksum is looked at, the others are passed over.
 */
#ifndef PROXY_PROXYPROTO_H
#define PROXY_PROXYPROTO_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest header that is read: 107 bytes of version 1, this much of version 2. */
#define PROXYPROTO_MAX 4096
/* The longest that is written. */
#define PROXYPROTO_OUT_MAX 108

/* An IP address with its port, or a family alone (unix, or unspecified). */
union proxyproto_addr {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
};

struct proxyproto_ends {
    union proxyproto_addr from, to; /* of one family */
};

enum proxyproto_verdict {
    PROXYPROTO_MORE, /* all was used */
    PROXYPROTO_DONE,
    PROXYPROTO_BAD, /* see `reason` */
};

struct proxyproto { /* begins zeroed */
    bool done;
    /* when DONE */
    bool told; /* `ends` is; else the connection's own addresses stand */
    struct proxyproto_ends ends;
    /* when BAD */
    const char *reason; /* static */
    /* private */
    uint8_t state;
    uint8_t head[16 + 216]; /* what must be seen as a whole: a line, or up to addresses */
    uint16_t seen;          /* bytes in `head` */
    uint16_t need;          /* ... and how many there will be (version 2) */
    uint16_t left;          /* bytes behind it */
    uint16_t value_left;    /* of the TLV under way */
    uint8_t tlv[3], n_tlv;  /* its type and length */
    bool summed;            /* there is a checksum */
    uint32_t sum, crc;      /* what it says, what it is so far */
};

/* Bytes up to the end of the header; after MORE go on with those that follow, after the
 * others p is used up. */
enum proxyproto_verdict proxyproto_next(struct proxyproto *p, const uint8_t *in, size_t len,
                                        size_t *used);
/* Did any byte come? */
bool proxyproto_began(const struct proxyproto *p);

/*
 * Writes a header of version 1 or 2; returns its length.  Ends that are no pair of IP
 * addresses of one family, or NULL, are UNKNOWN (1) or LOCAL (2).
 */
size_t proxyproto_write(unsigned version, const struct proxyproto_ends *e,
                        uint8_t out[PROXYPROTO_OUT_MAX]);

#endif
