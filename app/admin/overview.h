/*
 * overview.h - what the live page asks for every second, in one answer.
 *
 * All services in short; one service in detail: its pools, its trail.  Main thread.
 */
#ifndef APP_ADMIN_OVERVIEW_H
#define APP_ADMIN_OVERVIEW_H

struct ask;
struct parts;

/* ?service=NAME (default: the first) and ?since=MS, virtual time of the newest sample the
 * asker has. */
void overview_show(const struct parts *p, struct ask *a);

#endif
