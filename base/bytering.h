/*
 * bytering.h - bounded queue of records of any length between two threads, without locks.
 *
 * One producer, one consumer.  A record is written and read where it lies, in one piece:
 * nothing is copied twice.  A full ring drops the newest and counts it: the producer never
 * waits.
 */
#ifndef BASE_BYTERING_H
#define BASE_BYTERING_H

#include <stddef.h>
#include <stdint.h>

struct bytering;

/* Room for `bytes` (a power of two, at least 64) of records with their lengths. */
struct bytering *bytering_new(size_t bytes);
void bytering_free(struct bytering *r); /* NULL is fine */

/*
 * Producer.  Room for a record of n bytes, aligned for any type; NULL: full, dropped and
 * counted.  The consumer sees it after bytering_commit(), which may be left out.
 */
void *bytering_reserve(struct bytering *r, size_t n);
void bytering_commit(struct bytering *r);

/* Consumer.  The oldest record, or NULL; it lasts until bytering_release(). */
const void *bytering_peek(struct bytering *r, size_t *n);
void bytering_release(struct bytering *r);

/* Any thread.  Bytes in use, and records that found no room. */
size_t bytering_used(const struct bytering *r);
uint64_t bytering_dropped(const struct bytering *r);

#endif
