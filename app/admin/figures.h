/*
 * figures.h - services, pools and connections as JSON.
 *
 * All functions return new references.  Main thread.
 */
#ifndef APP_ADMIN_FIGURES_H
#define APP_ADMIN_FIGURES_H

#include "app/wire.h"

struct json_t;

/* What was asked of the service since the process started, and what is in flight now. */
struct json_t *figures_service(struct wire *w, const struct cfg_service *s);
/* One pool with every backend. */
struct json_t *figures_pool(struct wire *w, const struct cfg_service *s, enum tier tier);
/* Connections, requests and bytes of the whole process. */
struct json_t *figures_process(struct wire *w);

#endif
