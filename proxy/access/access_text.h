/*
 * access_text.h - puts a line of an access log together, piece by piece.
 *
 * Bounded: what finds no room is cut, never overrun.  What comes from outside is escaped
 * as the program does whose format it is, so that one request is one line.  Pure.
 */
#ifndef PROXY_ACCESS_TEXT_H
#define PROXY_ACCESS_TEXT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"

struct access_text {
    char *at, *end;
};

static inline void access_text_put(struct access_text *t, const char *s, size_t n)
{
    size_t room = (size_t)(t->end - t->at);

    if (n > room)
        n = room;
    memcpy(t->at, s, n);
    t->at += n;
}

static inline void access_text_char(struct access_text *t, char c)
{
    if (t->at < t->end)
        *t->at++ = c;
}

#define ACCESS_TEXT_LITERAL(t, s) access_text_put((t), (s), sizeof(s) - 1)

void access_text_number(struct access_text *t, uint64_t v);
void access_text_hex16(struct access_text *t, uint64_t v); /* 16 digits */
/* Microseconds as milliseconds: "1.234"; whole: "1". */
void access_text_ms(struct access_text *t, mono_us us);
void access_text_whole_ms(struct access_text *t, mono_us us);

enum access_escape {
    ACCESS_ESCAPE_NGINX,   /* " \ and what is not printable ASCII as \xHH */
    ACCESS_ESCAPE_WORD,    /* the same, and what would end an unquoted column */
    ACCESS_ESCAPE_HAPROXY, /* " # and what is not printable ASCII as #HH */
    ACCESS_ESCAPE_CAPTURE, /* the same, and { | } */
};
void access_text_escaped(struct access_text *t, enum access_escape how, const char *s,
                         size_t n);
/* The inside of a JSON string; what is not UTF-8 becomes U+FFFD, and what some reader may
 * take for the end of a line is escaped. */
void access_text_json(struct access_text *t, const char *s, size_t n);

/* An address without its port; "unix:" where there is none.  `mask`: the last octet of
 * IPv4, the last 64 bits of IPv6 as 0. */
void access_text_address(struct access_text *t, const struct sockaddr *sa, bool mask);

/* Wall clock, in microseconds since 1970; zone_s is what local time is ahead of UTC. */
void access_text_time_rfc3339(struct access_text *t, int64_t wall_us);
void access_text_time_clf(struct access_text *t, int64_t wall_us, int zone_s);
void access_text_time_haproxy(struct access_text *t, int64_t wall_us, int zone_s);
void access_text_time_unix(struct access_text *t, int64_t wall_us);
/* As syslog has it (RFC 3164, 4.1.2). */
void access_text_time_syslog(struct access_text *t, int64_t wall_us, int zone_s);

#endif
