/*
 * waitq.h - requests that wait for a backend's slot.
 *
 * One first-in-first-out queue per worker and service.  Who gives a slot back and sees
 * somebody waiting wakes the worker whose oldest request waits longest; a new request
 * joins behind those that wait.  A sweep every 50 ms while anybody waits makes up for a
 * wake that found nobody.
 */
#ifndef PROXY_WAITQ_H
#define PROXY_WAITQ_H

#include "proxy/exchange.h"

/* Seconds a request that joined now would wait, as far as can be told. */
double waitq_forecast_s(struct worker *w, const struct service *s);

/* False: the queue is full. */
bool waitq_join(struct exchange *x);
void waitq_leave(struct exchange *x); /* harmless when it is in none */

/* A slot may be free: serves whoever waits longest, here or on another worker. */
void waitq_kick(struct worker *w, struct service_shared *shared);

/* Every connection to `be` is open and none is unused here: whoever has one unused shall
 * close it. */
void waitq_ask_for_connection(struct worker *w, const struct service *s,
                              struct backend *be);

/* Learns from a completed request for the forecast. */
void waitq_note_latency(struct worker *w, const struct service *s, mono_us us);

void waitq_free_all(struct worker *w);

static inline bool waitq_anybody(const struct service_shared *s)
{
    return atomic_load_explicit(&s->waiting, memory_order_relaxed) > 0;
}

#endif
