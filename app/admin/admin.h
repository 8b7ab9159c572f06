/*
 * admin.h - the HTTP endpoint for operators, monitoring and the live page.
 *
 * Reads by GET and HEAD, changes by POST only (gate.h says whose).  Runs on the main
 * loop, on a listener of its own; it shares nothing with the data plane but the counters
 * it reads.  Every answer is bounded and made without waiting for anything.
 */
#ifndef APP_ADMIN_ADMIN_H
#define APP_ADMIN_ADMIN_H

#include "base/rc.h"

struct admin;
struct cfg_admin;
struct wire;

/*
 * Binds; answers as soon as the wire's loop runs.  A change of `bind` needs a restart,
 * the token is the newest configuration's.  `w` is borrowed.  RC_SYS.
 */
int admin_new(struct wire *w, const struct cfg_admin *cfg, struct admin **out,
              struct why *why);
void admin_free(struct admin *a); /* before the wire and its loop; NULL is fine */

#endif
