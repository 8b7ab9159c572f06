/*
 * observe.h - what the profiler is told about an exchange that ended.
 *
 * One observation of 64 bytes into the worker's ring, the raw path into a second one when
 * it was not seen lately; full rings drop and count.  Also counts the answer's status and
 * remembers failures, so that a second try is not taken for new demand.
 */
#ifndef PROXY_OBSERVE_H
#define PROXY_OBSERVE_H

#include "proxy/exchange.h"

void observe_exchange(struct exchange *x);
void observe_path(struct worker *w, uint16_t service, uint64_t hash, const char *path,
                  size_t len);
/* Tells clients apart where nobody is profiled: address and user agent. */
uint64_t observe_client_hash(const struct msg *head, const struct sockaddr *client);

#endif
