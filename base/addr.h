/*
 * addr.h - where something listens or is connected to, as text and as a sockaddr.
 *
 *   127.0.0.1:80   [::1]:80   unix:/run/app.sock   name.example:80
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/rc.h"

enum addr_kind { ADDR_IP4, ADDR_IP6, ADDR_UNIX, ADDR_NAME };

#define ADDR_TEXT_MAX 272 /* a DNS name, a port, or unix: and a path; terminated */

struct addr {
    enum addr_kind kind;
    uint16_t port;            /* 0 for unix */
    socklen_t len;            /* of `sa`; 0 for ADDR_NAME, which must be resolved first */
    char text[ADDR_TEXT_MAX]; /* canonical form of what was given */
    union {
        struct sockaddr any;
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
        struct sockaddr_un un;
    } sa;
};

/* RC_INVALID with the reason in *w.  A host without a port is invalid. */
int addr_parse(const char *text, struct addr *out, struct why *w);

/* A peer's or a resolved address; `text` is made from it. */
void addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct addr *out);

/* The host alone, without brackets; "" for a unix socket. */
void addr_host(const struct addr *a, char out[ADDR_TEXT_MAX]);

bool addr_equal(const struct addr *a, const struct addr *b); /* by text */

/* An address block such as 10.0.0.0/8 or fd00::/8; IPv4-mapped IPv6 matches IPv4. */
struct addr_block {
    uint8_t net[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint8_t bits;    /* 0..128 over `net` */
};

int addr_block_parse(const char *text, struct addr_block *out, struct why *w);
bool addr_block_has(const struct addr_block *b, const struct sockaddr *sa);

#define ADDR_BLOCK_TEXT_MAX 52
void addr_block_text(const struct addr_block *b, char out[ADDR_BLOCK_TEXT_MAX]);

#endif
