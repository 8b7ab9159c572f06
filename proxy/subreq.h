/*
 * subreq.h - a request that tidegate makes by itself, to a configured service.
 *
 * An exchange like any other, through the same pools, with a stream of this file in place
 * of a client's: copies of requests (mirror.h) and questions to an authentication service
 * (auth_forward.h) use it.  It is load on that service and counts there as arrivals; the
 * profiler hears nothing of it, no edge is in its way, and a drain does not wait for it.
 *
 * One worker.
 */
#ifndef PROXY_SUBREQ_H
#define PROXY_SUBREQ_H

#include "proxy/client.h"
#include "proxy/exchange.h"

enum subreq_end {
    SUBREQ_ANSWERED,  /* whole */
    SUBREQ_FAILED,    /* no answer, or it broke off; also when tidegate answered itself */
    SUBREQ_TOO_LARGE, /* the answer's body is over the limit */
    SUBREQ_TIMEOUT,
};

struct subreq {
    struct stream stream;
    struct worker *w;
    struct list node;    /* in edge_worker.subreqs */
    enum subreq_end how; /* for done() */
    struct msg answer;   /* its head, without what was for one connection; status 0: none */
    struct bufq body;    /* of the answer, if it was to be kept */
    void *ctx;
    /* private */
    void (*done)(struct subreq *s);
    struct topology_pin *pin;
    const struct cfg_listener *listener;
    struct client *client, own; /* the parent's, or `own` if it outlives that */
    const struct cfg_route *route;
    struct msg head; /* of the request, until it is sent */
    void *head_mem, *answer_mem;
    struct bufq request;
    size_t max_bytes;
    uint32_t timeout_ms;
    uint16_t service;
    bool keep, never_wait, whole, too_large, begun;
    struct loop_ready ready;
    struct loop_timer timer;
};

struct subreq_spec {
    const struct exchange *parent; /* whose worker, topology and route it shares */
    uint16_t service;
    const struct msg *head; /* copied */
    struct bufq *body;      /* taken over, or NULL: none */
    bool keep;              /* the answer's body, up to: */
    size_t max_bytes;
    bool never_wait;     /* without a free slot it fails at once */
    bool outlives;       /* it may go on when the parent is over */
    uint32_t timeout_ms; /* for all of it; 0: the service's own limits */
    /* Once, later, unless it is cancelled; owns s from then on. */
    void (*done)(struct subreq *s);
    void *ctx;
};

struct subreq *subreq_new(const struct subreq_spec *spec);
/* Ends it if it goes on; done() is not called any more. */
void subreq_free(struct subreq *s);
/* Ends it and calls done() now. */
void subreq_abort(struct subreq *s);

#endif
