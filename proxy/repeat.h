/*
 * repeat.h - tells a client's second try of a failed request from new demand.
 *
 * A fixed table of failures, shared by all workers without locks: each failed answer
 * leaves one token under (user, method, path), the same request within the window takes
 * one away and is then a repeat.  Tokens, not a set: ten clients that fail alike leave
 * ten.  A full bucket forgets its oldest token; demand is then counted too high, never
 * lost.
 */
#ifndef PROXY_REPEAT_H
#define PROXY_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct repeat;

struct repeat *repeat_new(void);
void repeat_free(struct repeat *r);

void repeat_failed(struct repeat *r, uint64_t key, mono_us now, uint32_t window_ms);
/* True, and the token is gone: this request was tried before. */
bool repeat_take(struct repeat *r, uint64_t key, mono_us now);

uint64_t repeat_key(uint64_t user, uint64_t path, unsigned method);

#endif
