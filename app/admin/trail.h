/*
 * trail.h - the last hours of each service, sampled for the page's chart.
 *
 * Every 30 s of virtual time, but at most once a second, it notes demand, what was
 * forecast and what the tiers could carry.  Memory is fixed for a service; nothing is
 * stored.  Main thread.
 */
#ifndef APP_ADMIN_TRAIL_H
#define APP_ADMIN_TRAIL_H

#include "base/clock.h"

#define TRAIL_SAMPLES 480 /* kept for a service */

struct json_t;
struct trail;
struct wire;

struct trail *trail_new(struct wire *w); /* samples on the wire's loop */
void trail_free(struct trail *t);        /* NULL is fine */

/*
 * What was noted of the service after `since`, oldest first, as an object of lists of one
 * length; a forecast there was none of is null.  A new reference.
 */
struct json_t *trail_json(const struct trail *t, const char *service, wall_ms since);

#endif
