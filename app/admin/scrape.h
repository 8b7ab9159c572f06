/*
 * scrape.h - /metrics: reads all counters once, then writes family after family.
 *
 * Labels are bounded: services, tiers, backends and fixed lists; never a user or a path.
 * Main thread; the cost is proportional to services and backends.
 */
#ifndef APP_ADMIN_SCRAPE_H
#define APP_ADMIN_SCRAPE_H

#include "base/metrics.h"

struct ask;
struct parts;

/* Appends to *out. */
void scrape_write(const struct parts *p, struct metrics *out);

/* GET /metrics. */
void scrape_show(const struct parts *p, struct ask *a);

#endif
