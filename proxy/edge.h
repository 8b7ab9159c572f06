/*
 * edge.h - what the edge does to requests and answers beyond forwarding them.
 *
 * forward.c asks here at five places, and only for routes that are marked
 * (cfg_route.edged):
 *
 *   admission   addresses, rates, authentication, rates by user; then demand is counted
 *   request     its body passes by a copy for a mirror
 *   response    an error page stands before it, or a compressor
 *   room        a compressor hears of it
 *   the end     all of it is given back
 *
 * What stands before an answer is a stream of its own in x->down, with the codec's behind
 * it: whatever is sent down goes through.
 */
#ifndef PROXY_EDGE_H
#define PROXY_EDGE_H

#include "proxy/edge_set.h"
#include "proxy/errpage.h"
#include "proxy/exchange.h"
#include "proxy/zip.h"

struct auth_basic;
struct mirror;
struct subreq;

#define EDGE_USER_MAX 255

enum edge_challenge { EDGE_NO_CHALLENGE, EDGE_BASIC, EDGE_BEARER, EDGE_BEARER_WRONG };

/* Of an exchange that needs some of it. */
struct edge {
    struct exchange *x;
    const struct edge_route *rules;
    struct list node; /* unused: in edge_worker.spare */
    /* admission: at most one of the two is set, while x waits for it */
    struct auth_basic *check;
    struct subreq *ask;
    enum edge_challenge challenge;
    const char *wrong;     /* what is wrong with a bearer's token */
    bool overfull;         /* a field that should have been added had no room */
    struct mirror *mirror; /* being filled */
    /* before the answer */
    struct errpage_cover cover;
    struct zip zip;
    char user[EDGE_USER_MAX + 1];
};

/* Heads that are being made: the largest one, with another target and more fields. */
#define EDGE_HEAD_FIELDS (WORKER_FIELDS + 64)
#define EDGE_HEAD_TEXT   (3 << 16)

/* Of a worker; made when the first request needs it. */
struct edge_worker {
    struct list spare; /* struct edge */
    uint32_t n_spare;
    struct list subreqs;
    struct coder_pool *coders;
    struct msg head; /* of an answer that was edited */
    struct field fields[EDGE_HEAD_FIELDS];
    char text[EDGE_HEAD_TEXT];
};

struct edge_worker *edge_worker(struct worker *w);
/* Ends what goes on by itself; before the worker's connections to backends go. */
void edge_worker_close(struct worker *w);
void edge_worker_free(struct worker *w);

/* The rules of x's route. */
static inline const struct edge_route *edge_rules(const struct exchange *x)
{
    return &x->pin->topology->edge->routes[x->route->index];
}

/*
 * False: x was answered, or it waits and goes on by itself later.  `client` is after the
 * trust rule.
 */
bool edge_admit(struct exchange *x, const struct sockaddr *client);
/* Authenticated, later: goes on, or answers if there are too many from that user. */
void edge_authenticated(struct exchange *x);
/* Counts the reason and answers. */
void edge_deny(struct exchange *x, enum stats_denial why, unsigned status, const char *text,
               double retry_after_s);
/* A name that is too long is nobody's. */
void edge_set_user(struct exchange *x, const char *name, size_t len);

void edge_request_data(struct exchange *x, const uint8_t *p, size_t n);
void edge_request_end(struct exchange *x);
/* What a client may not send in front of a body, it may not send behind it. */
void edge_trailers(const struct exchange *x, struct msg *trailers);

/* The final head, edited perhaps; x->down may be another one then.  Borrowed until the next
 * call. */
struct msg *edge_response(struct exchange *x, struct msg *head, bool end);
void edge_down_room(struct exchange *x);

/* x->down is the codec's again. */
void edge_unwrap(struct exchange *x);
void edge_free(struct exchange *x);

/* A head in the worker's scratch memory, empty, or a copy of m with room for more. */
struct msg edge_head_room(struct worker *w);
struct msg edge_head_copy(struct worker *w, const struct msg *m);

#endif
