/*
 * rc.h - the one list of return codes, and a carrier for "what and where".
 *
 * A function that can fail returns RC_OK or a negative RC_*.  Functions used
 * while configuring also fill a `struct why`, whose text is for a person.
 */
#ifndef BASE_RC_H
#define BASE_RC_H

#define RC_LIST(X)                                                                         \
    X(RC_INVALID, 1, "invalid value")                                                      \
    X(RC_TOO_BIG, 2, "over a configured limit")                                            \
    X(RC_SYS, 3, "operating system error")                                                 \
    X(RC_NOT_FOUND, 4, "no such thing")                                                    \
    X(RC_EXISTS, 5, "already there")                                                       \
    X(RC_BUSY, 6, "not now, try again")                                                    \
    X(RC_CORRUPT, 7, "stored data is damaged")                                             \
    X(RC_UNAVAILABLE, 8, "the service behind it does not answer")                          \
    X(RC_TLS, 9, "TLS library error")

enum rc {
    RC_OK = 0,
#define X(name, num, text) name = -(num),
    RC_LIST(X)
#undef X
};

struct why {
    enum rc code;
    char text[240]; /* always terminated; cut, never overrun */
};

const char *rc_text(enum rc code);

/* Fills *w (w may be NULL) and returns code, so that `return why_set(...)` reads well. */
int why_set(struct why *w, enum rc code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
