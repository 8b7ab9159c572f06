/*
 * membership.h - which backends there are: configured, resolved, added by the scaler.
 *
 * Owns backends, probes and name resolution; builds a new topology when any of them
 * changes and hands it to `publish`.  Main thread, but for the _mt functions.
 */
#ifndef PROXY_MEMBERSHIP_H
#define PROXY_MEMBERSHIP_H

#include "base/loop.h"
#include "proxy/topology.h"

struct membership;
struct tls_set;

struct membership_out {
    void *ctx;
    /* Takes over the reference. */
    void (*publish)(void *ctx, struct topology *t);
};

/* Before there are threads.  RC_SYS. */
int membership_new(struct loop *main_loop, const struct membership_out *out,
                   struct membership **m, struct why *w);
void membership_free(struct membership *m); /* before the loop; NULL is fine */

/* What the next configuration needs of TLS; references it. */
void membership_use_tls(struct membership *m, struct tls_set *tls);
/* A first or a new configuration; instances added by the scaler stay where their service
 * and pool still exist, shared counts stay by service name and by address. */
void membership_configure(struct membership *m, struct cfg *cfg);
/* Nothing changed here; the same is published again. */
void membership_republish(struct membership *m);

/*
 * Add, drain or remove one instance; applied on the main thread soon after.
 * RC_NOT_FOUND: no such service or pool.  Any thread.
 */
int membership_change_mt(struct membership *m, const struct pool_change *c);

/* Administrative drain or return of a backend by address; RC_NOT_FOUND. */
int membership_drain(struct membership *m, const char *service, const char *addr,
                     bool drain);

/* All backends of a pool as they are now; returns how many there are.  Any thread. */
size_t membership_backends_mt(struct membership *m, uint16_t service, enum tier tier,
                              struct backend_view *out, size_t max);

/* True when every configured name was looked up once, well or not, and every configured
 * backend that is probed has answered or failed to. */
bool membership_settled(const struct membership *m);

#endif
