/*
 * exchange.h - one request and its response: three machines that run at once.
 *
 * This file is the state machines and what belongs to a request; forward.c drives
 * them.  It ends when request and response are both done or reset and no attempt is
 * left.
 *
 *   request   HEAD -> BODY -> DONE (-> BODY: a tunnel)   HEAD, BODY -> RESET
 *   response  NONE -> INFORMATIONAL (repeats) -> HEAD -> BODY -> DONE   -> RESET
 *   attempt   NONE -> QUEUED -> CONNECTING -> ACTIVE -> CLOSED -> QUEUED ... (a retry)
 *
 * Version-neutral: both sides are streams (stream.h).  Belongs to one worker.
 */
#ifndef PROXY_EXCHANGE_H
#define PROXY_EXCHANGE_H

#include "proxy/ending.h"
#include "proxy/proxyproto.h"
#include "proxy/stats.h"
#include "proxy/stream.h"
#include "proxy/topology.h"
#include "proxy/worker.h"

#define REQUEST_STATES(X)                                                                  \
    X(HEAD)  /* being routed */                                                            \
    X(BODY)  /* the client is sending it */                                                \
    X(DONE)  /* complete */                                                                \
    X(RESET) /* will never be complete */

#define RESPONSE_STATES(X)                                                                 \
    X(NONE)          /* nothing came yet: a retry is possible */                           \
    X(INFORMATIONAL) /* at least one 1xx was passed on */                                  \
    X(HEAD)          /* the final head is being sent */                                    \
    X(BODY)          /* ... and its body */                                                \
    X(DONE)                                                                                \
    X(RESET) /* broken off */

#define ATTEMPT_STATES(X)                                                                  \
    X(NONE)       /* not tried yet */                                                      \
    X(QUEUED)     /* waiting for a backend's slot */                                       \
    X(CONNECTING) /* a slot is held, the connection is being made */                       \
    X(ACTIVE)     /* the request is with the backend */                                    \
    X(CLOSED)     /* over, well or badly */

enum request_state {
#define X(s) REQUEST_##s,
    REQUEST_STATES(X)
#undef X
        N_REQUEST_STATES
};
enum response_state {
#define X(s) RESPONSE_##s,
    RESPONSE_STATES(X)
#undef X
        N_RESPONSE_STATES
};
enum attempt_state {
#define X(s) ATTEMPT_##s,
    ATTEMPT_STATES(X)
#undef X
        N_ATTEMPT_STATES
};

/* A head of up to this many bytes of text, with its fields, needs no memory of its own. */
#define EXCHANGE_INLINE_TEXT   3072
#define EXCHANGE_INLINE_FIELDS 64
/* Room for what hop.c adds. */
#define EXCHANGE_SPARE_TEXT   1024
#define EXCHANGE_SPARE_FIELDS 12
/* What a codec can send of a head: that of the largest request, and what is added. */
#define EXCHANGE_TEXT_MAX   70000
#define EXCHANGE_FIELDS_MAX 400

struct exchange {
    uint32_t magic;
    uint8_t request, response, attempt; /* written by exchange_*_go() alone */
    uint8_t attempts;                   /* made so far */
    struct worker *w;
    struct stream *down, *up; /* NULL: not any more, or not yet */
    struct list node;         /* of all this worker's exchanges, oldest first */

    /* where it goes */
    struct topology_pin *pin;
    const struct cfg_listener *listener;
    struct client *client; /* who asks; there as long as this is */
    const struct cfg_route *route;
    const struct service *service; /* NULL: not routed */
    struct service_stats *stats;   /* of this worker */
    struct edge *edge;             /* NULL: the edge has nothing to do for it (edge.h) */
    const char *user_name;         /* who asks, if the route authenticates; NULL: unknown */
    struct backend *backend;       /* whose slot is held; NULL: none */
    const struct backend *avoid;   /* failed it before */
    const struct backend *last;    /* of the newest attempt; NULL: none was made */
    const struct access_list *log; /* who wants to know how it ended; NULL: nobody */
    bool replaced; /* an attempt on a kept connection that was gone has been made again */

    /* the request, kept until the first response byte */
    struct msg head;
    void *head_mem;       /* storage of a head that is too large for the inline one */
    struct span asked;    /* the target that the client sent, in head.text */
    struct bufq body;     /* received, not yet sent or kept for a retry */
    bool body_is_whole;   /* `body` holds all that was received so far */
    struct msg *trailers; /* kept with a body that is whole; NULL: none */
    bool reached;         /* bytes of it were given to a connection in this attempt */
    bool admitted, held, tunnel, counted_long;
    bool cold;            /* waited because no backend had started yet */
    bool elsewhere;       /* tried with more than one backend */
    bool h2_up;           /* HTTP/2 was spoken in the newest attempt that was connected */
    bool internal;        /* a request of our own (subreq.h) */
    bool never_wait;      /* it finds a free slot or is refused */
    uint8_t tries_before; /* by the client: 0 for new demand (repeat.h) */
    bool up_has_room;     /* the upstream stream takes more body */
    bool gathers;         /* its body is awaited before a backend is taken */
    bool slow;            /* the client takes the answer slowly */
    uint16_t flags;       /* enum obs_flag */
    uint16_t status;      /* sent down; 0: none yet */
    uint32_t interim;     /* bytes of 1xx heads */
    uint64_t left;        /* of an answer's body of known length; UINT64_MAX: unknown */
    uint64_t ahead;       /* bytes of it since the client took all there was */
    uint8_t tier, device;
    uint8_t ending, phase; /* written by exchange_ends() alone */

    /* measured */
    mono_us blocked_at, blocked_us; /* the backend waits for the client since; did so */
    mono_us start, routed_at;       /* routed_at: when it became demand; 0: not yet */
    mono_us attempt_at, first_byte_at, waiting_since;
    mono_us connected_at, answered_at; /* of the newest attempt; 0: not yet */
    mono_us queued_since, queued_us;   /* waits that are over */
    uint32_t queue_position;           /* when it first joined, from 1 */
    uint64_t user, path_hash, repeat_key;
    uint64_t bytes_up, bytes_down;
    uint64_t heads_sent, framing_sent; /* around bytes_down, as the codec counted them */
    uint64_t unsent;                   /* of all these, when the client was lost */

    /* for the access log; set where `log` is */
    mono_us began;                   /* first byte of the head */
    union proxyproto_addr from;      /* the client, behind trusted proxies */
    const struct tls_io *tls;        /* with it; NULL: plain */
    struct buf_block *answer_fields; /* values of the answer's fields that are told */

    struct loop_timer timer; /* end of waiting in the queue, or for a slow client */
    struct list wait;        /* node in a waitq */

    struct field fields[EXCHANGE_INLINE_FIELDS];
    char text[EXCHANGE_INLINE_TEXT];
};

#define EXCHANGE_MAGIC 0x45584348u

/* A new exchange with a copy of the request's head. */
struct exchange *exchange_new(struct worker *w, struct stream *down,
                              const struct msg *head);
/* Keeps a copy of the trailers of a request. */
void exchange_keep_trailers(struct exchange *x, const struct msg *trailers);
/* Both sides are over: gives back all it holds.  The memory is reused after this turn. */
void exchange_free(struct exchange *x);

/*
 * Room for so many more fields and bytes in the head.  False: it would be larger than any
 * head may be (EXCHANGE_TEXT_MAX).
 */
bool exchange_make_room(struct exchange *x, size_t fields, size_t text);

void exchange_request_go(struct exchange *x, enum request_state to);
void exchange_response_go(struct exchange *x, enum response_state to);
void exchange_attempt_go(struct exchange *x, enum attempt_state to);
bool exchange_request_may(enum request_state from, enum request_state to);
bool exchange_response_may(enum response_state from, enum response_state to);
bool exchange_attempt_may(enum attempt_state from, enum attempt_state to);

/* It did not end in order: the first reason holds.  To be called before the machines move
 * on, for they say what was being waited for. */
void exchange_ends(struct exchange *x, enum ending why);

static inline bool exchange_request_over(const struct exchange *x)
{
    return x->request == REQUEST_DONE || x->request == REQUEST_RESET;
}

static inline bool exchange_response_over(const struct exchange *x)
{
    return x->response == RESPONSE_DONE || x->response == RESPONSE_RESET;
}

/* A connection that was gone and was replaced is no attempt of its own. */
static inline unsigned exchange_attempts(const struct exchange *x)
{
    return x->attempts - (x->replaced ? 1u : 0u);
}

/* True until a byte of the response was seen. */
static inline bool exchange_unanswered(const struct exchange *x)
{
    return x->response == RESPONSE_NONE;
}

#endif
