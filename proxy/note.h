/*
 * note.h - what a worker lays into its ring for the access logs.
 *
 * Copies facts, and of texts what some line of the list shows, each up to its bound
 * (access_record.h).  Nothing is formatted here, and nothing waits: a full ring drops the
 * record and counts it.
 */
#ifndef PROXY_NOTE_H
#define PROXY_NOTE_H

#include "proxy/exchange.h"

/* A request of a topology that logs has begun: who will want to know, and whose it is. */
void note_begin(struct exchange *x, const struct stream_info *info);
/* Its route is known, and the client behind trusted proxies. */
void note_routed(struct exchange *x, const struct sockaddr *client);
/* The final head of the answer, as it goes down: fields that are to be told are kept. */
void note_answer(struct exchange *x, const struct msg *head);
/* It has ended; x->log is not NULL. */
void note_exchange(struct exchange *x);

/* A request that could not be read, or a connection that ended without one. */
struct note_unread {
    const struct cfg_listener *listener;
    const struct sockaddr *peer;
    const struct tls_io *tls; /* NULL: plain */
    mono_us began;            /* its first byte, or the connection */
    uint16_t status;          /* 0: nothing was answered */
    enum ending ending;
    const char *fault;      /* a word */
    const struct msg *head; /* HTTP/2: as far as it could be read; NULL: nothing is known */
    const uint8_t *bytes;   /* else what came; its first line is told */
    size_t len;
    bool empty;        /* nothing came */
    size_t sent, body; /* bytes of the answer, and of its body alone */
};
void note_unread(struct worker *w, const struct note_unread *u);
/* A connection ends for that reason where a request should have come; completes *u, which
 * says whose it was and what came. */
void note_no_request(struct worker *w, struct note_unread *u, enum stream_fault why);

#endif
