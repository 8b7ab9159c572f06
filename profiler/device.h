/*
 * device.h - what kind of thing sent a request, as far as its User-Agent says.
 *
 * Pure; called for every request, from all workers at once.  A program that says
 * it is a robot is one; a robot that says it is a browser is taken for a browser.
 */
#ifndef PROFILER_DEVICE_H
#define PROFILER_DEVICE_H

#include <stddef.h>

#include "base/handover.h"

/* The known words as one automaton; unchanging after device_new(). */
struct device;

struct device *device_new(void);
void device_free(struct device *d); /* NULL is fine */

/* One table look-up a byte, of the first 256.  len 0: OBS_UNKNOWN. */
enum obs_device device_of(const struct device *d, const char *agent, size_t len);

const char *device_name(enum obs_device kind);

#endif
