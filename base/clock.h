/*
 * clock.h - three kinds of time that must not be mixed.
 *
 * mono_us counts from an arbitrary start and never goes back: timeouts, latencies.
 * wall_ms is Unix time: logs, stored records.
 * Virtual time is Unix time that may run faster than the wall: demand history,
 * profiles and the scaler live in it, so that a day can be played in minutes.
 * Sockets, latency, patience and probes never do.
 *
 * Pure code takes `now` as an argument; only loops, threads and main() read a clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

typedef int64_t mono_us;
typedef int64_t wall_ms;

#define US_PER_MS  1000
#define US_PER_S   1000000
#define MS_PER_S   1000
#define MS_PER_DAY 86400000

mono_us clock_mono(void);
wall_ms clock_wall(void);

/*
 * From now on virtual time starts at `start` (0: the wall clock's now) and runs
 * `speed` times as fast (at least 1).  Call once, before any thread starts.
 */
void clock_set_virtual(wall_ms start, double speed);
wall_ms clock_virtual(void);
double clock_speed(void);

#endif
