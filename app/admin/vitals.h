/*
 * vitals.h - the process as a whole: is it ready, is all well, what passes through it.
 *
 * Functions that return json_t return new references.  Main thread.
 */
#ifndef APP_ADMIN_VITALS_H
#define APP_ADMIN_VITALS_H

#include "app/admin/parts.h"

struct json_t;

/* NULL: requests are taken; else why not. */
const char *vitals_not_ready(const struct wire *w);
bool vitals_store_ok(const struct wire *w);

/* Connections, requests and bytes. */
struct json_t *vitals_process(struct wire *w);
/* Which tidegate, since when, on which clock, and whether all is well. */
struct json_t *vitals_state(const struct parts *p);
/* The profiler's figures; null while it is switched off. */
struct json_t *vitals_users(struct wire *w);

#endif
