/*
 * probe_talk.h - what a probe asks, and what is said on its connection, whichever version
 * is spoken there.
 *
 * Bytes in, bytes out: what carries them is probe_wire.h's business.  Of an answer only
 * what decides is kept.
 */
#ifndef PROXY_PROBE_TALK_H
#define PROXY_PROBE_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum probe_kind {
    PROBE_HTTP,    /* GET; the status decides */
    PROBE_GRPC,    /* grpc.health.v1.Health/Check; SERVING is good */
    PROBE_CONNECT, /* a connection, with TLS its handshake, is enough */
};

struct probe_plan {
    enum probe_kind kind;
    const char *path; /* asked for; of gRPC the service's name, "": the whole server */
    const char *host; /* value of Host, or :authority */
    uint32_t interval_ms, timeout_ms;
    uint32_t rise, fall; /* answers in a row that change the health */
    uint16_t status_from, status_to;
    bool patient;
};

struct probe_talk;

struct probe_talk_ops {
    /* What came, while it is not over. */
    void (*input)(struct probe_talk *t, const uint8_t *p, size_t n);
    /* The next piece to be sent, which lives until the next call; 0: there is none now. */
    size_t (*output)(struct probe_talk *t, const uint8_t **p);
    void (*free)(struct probe_talk *t);
};

struct probe_talk {
    const struct probe_talk_ops *ops;
    bool over;       /* what came was enough, or is no answer */
    bool passed;     /* then: how it went */
    char reason[80]; /* for a log line: "status 200" */
};

/* It is over; the first word counts. */
void probe_talk_end(struct probe_talk *t, bool passed, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The answer's status is known. */
void probe_talk_judge(struct probe_talk *t, const struct probe_plan *plan, unsigned status);

#endif
