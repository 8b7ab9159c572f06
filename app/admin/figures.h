/*
 * figures.h - services and pools as JSON.
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
/* The service in short: counters, the scaler's figures, ready backends of each tier. */
struct json_t *figures_brief(struct wire *w, const struct cfg_service *s);

#endif
