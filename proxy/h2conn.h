/*
 * h2conn.h - a client's HTTP/2 connection: many requests at once, each a stream.
 *
 * Lives inside a conn (conn.h), which has the sock, the timer and the listener, and which
 * makes one as soon as it knows that the client speaks HTTP/2.
 *
 * Draining is two GOAWAYs: one that names no stream, and after a round trip the last one
 * (RFC 9113, 6.8), so that no request is lost.
 */
#ifndef PROXY_H2CONN_H
#define PROXY_H2CONN_H

#include "proxy/listener.h"

struct client;
struct h2conn;

struct h2conn_env { /* all borrowed from the conn */
    struct sock *sock;
    struct loop_timer *timer;
    struct listener *const *lis;
    struct client *client;
    const char *scheme;
    const char *subject; /* of the client's certificate, or "" */
};

enum h2conn_verdict {
    H2CONN_GOES_ON,
    H2CONN_OVER,   /* nothing more to say: end in order */
    H2CONN_BROKEN, /* close */
};

struct h2conn *h2conn_new(const struct h2conn_env *env);
/* Ends all streams; not from inside another call of these. */
void h2conn_free(struct h2conn *h);

/* What the conn had read before it knew. */
void h2conn_input(struct h2conn *h, uint8_t *p, size_t n);
enum h2conn_verdict h2conn_run(struct h2conn *h);
enum h2conn_verdict h2conn_timeout(struct h2conn *h);
void h2conn_drain(struct h2conn *h);
/* It is closed because time is over: what is open has ended for that reason. */
void h2conn_kill(struct h2conn *h);

#endif
