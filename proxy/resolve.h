/*
 * resolve.h - the addresses behind the names of backends, kept up to date.
 *
 * Each name is looked up (c-ares: hosts file, then DNS, both families), and again when
 * the shortest TTL of the answer has passed, within configured bounds.  A look-up that
 * fails changes nothing: the last addresses stay, and it is tried again with growing
 * pauses.  "localhost" and what ends in ".localhost" is this machine's loopback in both
 * families, and nobody is asked (RFC 6761, 6.3).
 *
 * Thread: the loop's.
 */
#ifndef PROXY_RESOLVE_H
#define PROXY_RESOLVE_H

#include "base/loop.h"
#include "base/rc.h"
#include "conf/cfg.h"

struct resolve;
struct resolve_name;

#define RESOLVE_MAX 64 /* addresses of one name; more are left out */

/* `addrs` is borrowed and has at least one element; the port is that of the name. */
typedef void resolve_fn(void *ctx, const struct addr *addrs, size_t n);

/* Starts the library; before there are threads.  RC_SYS. */
int resolve_start(struct why *w);
void resolve_stop(void); /* after the last resolver */

/* RC_INVALID: a server in cfg is not an address.  RC_SYS: the library refuses. */
int resolve_new(struct loop *l, const struct cfg_resolver *cfg, struct resolve **r,
                struct why *w);
void resolve_free(struct resolve *r); /* all names are removed; NULL is fine */

/* `name` is of kind ADDR_NAME.  fn is called later, never from inside, and after each
 * look-up that brought addresses, whether they are new or not. */
struct resolve_name *resolve_add(struct resolve *r, const struct addr *name, resolve_fn *fn,
                                 void *ctx);
void resolve_remove(struct resolve_name *n);         /* fn is not called any more */
bool resolve_answered(const struct resolve_name *n); /* looked up once, well or not */

/* How long an answer holds; ttl_s as DNS gave it. */
uint32_t resolve_hold_ms(const struct cfg_resolver *cfg, int ttl_s);
/* How long to wait after the n-th failure in a row (n >= 1). */
uint32_t resolve_retry_ms(uint32_t n);

#endif
