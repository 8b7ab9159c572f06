/*
 * change.h - what POST does: reload, reopen logs, drain, mode.
 *
 * Who may do it was decided before (gate.h).  Each change is logged.  Main thread.
 */
#ifndef APP_ADMIN_CHANGE_H
#define APP_ADMIN_CHANGE_H

struct ask;
struct parts;

void change_reload(const struct parts *p, struct ask *a);
void change_reopen_logs(const struct parts *p, struct ask *a);
void change_drain(const struct parts *p, struct ask *a);
void change_mode(const struct parts *p, struct ask *a);

#endif
