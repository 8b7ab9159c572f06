/*
 * repeat.h - tells a client's second try of a failed request from new demand.
 *
 * A fixed table of failures, shared by all workers without locks.  Each failed answer
 * leaves a token under (user, method, path) that says how many tries it ends; the same
 * request within the window takes one away and is then a repeat.  Tokens are counted,
 * not a set: a hundred clients that fail alike, under one address, leave a hundred.
 * After REPEAT_MAX tries no token is left: whoever still asks then is new demand, and
 * clients that cannot be told apart are counted right as long as they give up there.
 * A full bucket forgets its oldest entry; demand is then counted too high, never lost.
 */
#ifndef PROXY_REPEAT_H
#define PROXY_REPEAT_H

#include <stdint.h>

#include "base/clock.h"

/* Tries beyond the first that a client is believed to make. */
#define REPEAT_MAX 5

struct repeat;

struct repeat *repeat_new(void);
void repeat_free(struct repeat *r);

/* How many tries came before this one: 0 for new demand.  Takes a token otherwise. */
unsigned repeat_take(struct repeat *r, uint64_t key, mono_us now);

/* The request, which had `before` tries before it, failed too. */
void repeat_failed(struct repeat *r, uint64_t key, unsigned before, mono_us now,
                   uint32_t window_ms);

uint64_t repeat_key(uint64_t user, uint64_t path, unsigned method);

#endif
