/*
 * forward.h - drives exchanges: routes, tries backends, moves bodies both ways.
 *
 * The codecs call these functions with what arrives; forward.c answers through the
 * streams' operations.  Retry is decided in one place: once, elsewhere, while no byte of
 * the answer was seen, for an idempotent request or one that never reached a backend,
 * within the service's retry budget.
 *
 * After any of these calls the caller looks at its stream's x again: NULL means that the
 * exchange is done with it.
 */
#ifndef PROXY_FORWARD_H
#define PROXY_FORWARD_H

#include "proxy/exchange.h"

/* ---- from the client's side ---- */

/* A complete request head; `end`: no body follows.  Sets down->x. */
void forward_request(struct worker *w, struct stream *down, const struct msg *head,
                     const struct stream_info *info, bool end);

/* ---- from the edge ---- */

/* Nothing stands in the way any more: x is demand, and goes to a backend. */
void forward_admitted(struct exchange *x);
/* Answers by ourselves; x is over then. */
void forward_answer(struct exchange *x, unsigned status, const char *why,
                    double retry_after_s);
/* The same with what `send` sends to x->down, whole. */
void forward_answer_with(struct exchange *x, unsigned status,
                         void (*send)(struct exchange *x, void *ctx), void *ctx);

/* What a request of our own is made of, beside its head. */
struct forward_sub {
    struct topology_pin *pin; /* pinned once more */
    const struct cfg_listener *listener;
    struct client *client;         /* for whom it is; there as long as the request is */
    const struct cfg_route *route; /* of the request it is for */
    uint16_t service;
    struct bufq *body; /* taken over: all of it */
    bool never_wait;   /* without a free slot: refused at once */
};

/* Sets down->x.  What tidegate answers by itself is not sent: down is released without a
 * head. */
void forward_subrequest(struct worker *w, struct stream *down, const struct msg *head,
                        const struct forward_sub *sub);

/* ---- from the client's side, its body ---- */

/* Takes all; false: stop reading until resume(). */
bool forward_request_data(struct exchange *x, const uint8_t *p, size_t n);
void forward_request_end(struct exchange *x, const struct msg *trailers);
/* A request body over the limit: answered with 413. */
void forward_too_large(struct exchange *x);
/* The client's side broke.  A silent client in the middle of a body is told so (408). */
void forward_down_fault(struct exchange *x, enum stream_fault why);
void forward_down_room(struct exchange *x);

/* ---- from the backend's side ---- */

void forward_connected(struct exchange *x);
/* An informational or the final head; `end`: no body follows. */
void forward_response(struct exchange *x, struct msg *head, bool end);
bool forward_response_data(struct exchange *x, const uint8_t *p, size_t n);
/* The same straight from the backend's socket; returns as sock_splice(). */
ssize_t forward_response_splice(struct exchange *x, struct sock *from, size_t max);
void forward_response_end(struct exchange *x, const struct msg *trailers);
void forward_up_fault(struct exchange *x, enum stream_fault why);
void forward_up_room(struct exchange *x);

/* ---- from the queue ---- */

/*
 * A slot of `be` was reserved for x, which is out of the queue.  False: `be` has a slot but
 * no connection; x is in the queue again or was shed.
 */
bool forward_dispatch(struct exchange *x, struct backend *be);
/* No backend is left that could ever take it. */
void forward_refuse(struct exchange *x);

#endif
