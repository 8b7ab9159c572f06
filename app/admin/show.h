/*
 * show.h - what GET answers as JSON: the state of each part, as it is now.
 *
 * Lists that grow with traffic are bounded by `limit`.  Main thread.
 */
#ifndef APP_ADMIN_SHOW_H
#define APP_ADMIN_SHOW_H

struct ask;
struct json_t;
struct parts;

void show_healthz(const struct parts *p, struct ask *a);
void show_readyz(const struct parts *p, struct ask *a);

void show_services(const struct parts *p, struct ask *a);
void show_pools(const struct parts *p, struct ask *a);
void show_routes(const struct parts *p, struct ask *a);
void show_listeners(const struct parts *p, struct ask *a);
void show_config(const struct parts *p, struct ask *a);
void show_version(const struct parts *p, struct ask *a);

void show_forecast(const struct parts *p, struct ask *a);
void show_decisions(const struct parts *p, struct ask *a);
void show_fleet(const struct parts *p, struct ask *a);

void show_users(const struct parts *p, struct ask *a);
void show_user(const struct parts *p, struct ask *a);
void show_templates(const struct parts *p, struct ask *a);

#endif
