/*
 * ending.h - how a request ended, and whose doing it was.
 *
 * What an access log tells: a word, and the first two of the four characters of HAProxy's
 * termination state (its configuration manual, 8.5).  The first is the cause's; the second
 * says what was being waited for, and is the cause's too where that is always the same.
 */
#ifndef PROXY_ENDING_H
#define PROXY_ENDING_H

/* X(symbol, word, cause, phase or 0) */
#define ENDINGS(X)                                                                         \
    X(COMPLETE, "complete", '-', '-')         /* the whole answer was given */             \
    X(LOCAL, "local", 'L', 'R')               /* answered by us, as it should be */        \
    X(REFUSED, "refused", 'P', 'R')           /* by a rule: no route, a limit, ... */      \
    X(BAD_REQUEST, "bad_request", 'P', 'R')   /* a head that makes no sense */             \
    X(HEAD_TIMEOUT, "head_timeout", 'c', 'R') /* the head did not come in time */          \
    X(HEAD_ABORT, "head_abort", 'C', 'R')     /* the client left inside it */              \
    X(NO_TLS, "no_tls", 'P', 'R')             /* the handshake came to nothing */          \
    X(BODY_TOO_LARGE, "body_too_large", 'P', 0)                                            \
    X(BAD_BODY, "bad_body", 'P', 0)             /* the request's framing broke */          \
    X(CLIENT_TIMEOUT, "client_timeout", 'c', 0) /* it neither sent nor took anything */    \
    X(CLIENT_ABORT, "client_abort", 'C', 0)     /* it left */                              \
    X(KILLED, "killed", 'K', 0)                 /* cut by us at the end of a drain */      \
    X(QUEUE_FULL, "queue_full", 'S', 'Q')       /* or the wait would be too long */        \
    X(QUEUE_TIMEOUT, "queue_timeout", 's', 'Q')                                            \
    X(NO_BACKEND, "no_backend", 'S', 'C') /* none is up */                                 \
    X(CONNECT_FAILED, "connect_failed", 'S', 'C')                                          \
    X(CONNECT_TIMEOUT, "connect_timeout", 's', 'C')                                        \
    X(BACKEND_ABORT, "backend_abort", 'S', 0) /* closed or reset before the end */         \
    X(BACKEND_TIMEOUT, "backend_timeout", 's', 0)                                          \
    X(BAD_RESPONSE, "bad_response", 'P', 0) /* the answer broke the rules of HTTP */

enum ending {
#define X(sym, word, cause, phase) ENDING_##sym,
    ENDINGS(X)
#undef X
        N_ENDINGS
};

/* What was being waited for. */
enum ending_phase {
    ENDING_IN_REQUEST = 'R',
    ENDING_IN_QUEUE = 'Q',
    ENDING_IN_CONNECT = 'C',
    ENDING_IN_HEAD = 'H', /* of the answer */
    ENDING_IN_DATA = 'D',
};

struct ending_facts {
    const char *word;
    char cause, phase; /* phase 0: as it was */
};
extern const struct ending_facts ending_facts[N_ENDINGS];

#endif
