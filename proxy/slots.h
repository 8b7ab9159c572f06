/*
 * slots.h - small numbers for backends, so that workers can index arrays by them.
 *
 * The lowest free number first; a number is free again when the backend that had it
 * is gone for good.  Any thread (a mutex; never on the path of a request).
 */
#ifndef PROXY_SLOTS_H
#define PROXY_SLOTS_H

#include <stdint.h>

struct slots;

struct slots *slots_new(void);
/* The owner leaves; the table goes when the last number was given back too. */
void slots_close(struct slots *s);

uint32_t slots_take(struct slots *s);
void slots_give(struct slots *s, uint32_t slot);
uint32_t slots_high(struct slots *s); /* every number ever taken is below */

#endif
