/*
 * budget.h - how many retries a service may make: a share of its requests.
 *
 * A token bucket in shared memory: each request puts in `share` of a retry, each retry
 * takes one out.  Ten retries are there from the start, so that a service with little
 * traffic can retry too; no more than a thousand are saved up, so that a quiet day does
 * not pay for a storm.  Any worker.
 */
#ifndef PROXY_BUDGET_H
#define PROXY_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

void budget_init(_Atomic int64_t *tokens);
void budget_request(_Atomic int64_t *tokens, double share); /* a load when it is full */
bool budget_retry(_Atomic int64_t *tokens);                 /* false: spent, do not retry */

#endif
