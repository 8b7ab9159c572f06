/*
 * budget.h - how many retries a service may make: a share of its requests.
 *
 * A token bucket in shared memory: each request puts in `share` of a retry, each retry
 * takes one out; a floor of ten retries is there from the start, so that a service with
 * little traffic can retry too.  Any worker.
 */
#ifndef PROXY_BUDGET_H
#define PROXY_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

void budget_init(_Atomic int64_t *tokens);
void budget_request(_Atomic int64_t *tokens, double share);
bool budget_retry(_Atomic int64_t *tokens); /* false: spent, do not retry */

#endif
