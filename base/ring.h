/*
 * ring.h - bounded queue from one thread to another, without locks.
 *
 * One producer, one consumer.  A full ring drops the newest and counts it: the
 * producer never waits.  Elements are copied.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

/* Room for n elements (a power of two) of `size` bytes. */
struct ring *ring_new(size_t n, size_t size);
void ring_free(struct ring *r); /* NULL is fine */

bool ring_put(struct ring *r, const void *elem); /* producer; false: full, dropped */
size_t ring_take(struct ring *r, void *out, size_t max); /* consumer; elements taken */
uint64_t ring_dropped(const struct ring *r);             /* any thread */

#endif
