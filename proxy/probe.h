/*
 * probe.h - asks a backend again and again whether it is well.
 *
 * One connection a question, which is as the traffic's are: with a PROXY protocol header,
 * over TLS, in the same version of HTTP, or the one agreed on.  Keeps no traffic away by
 * itself: it reports changes of health.
 *
 * A probe follows its first plan until the backend is up for the first time, then the
 * second.  The first is quick and patient for an instance that is still starting: its
 * failures say nothing, the health stays unknown.
 *
 * Thread: the loop's.
 */
#ifndef PROXY_PROBE_H
#define PROXY_PROBE_H

#include "base/addr.h"
#include "base/handover.h"
#include "base/loop.h"
#include "base/rng.h"
#include "conf/cfg.h"
#include "proxy/probe_talk.h"

struct probe;
struct tls_peer;

/* Counts answers; pure. */
struct probe_count {
    enum backend_health health;
    uint32_t in_row; /* answers that speak against `health` */
};

/* Takes one more answer in, returns the health after it.  The first answer of all decides
 * alone. */
enum backend_health probe_judge(struct probe_count *c, const struct probe_plan *plan,
                                bool passed);

/* `reason` is for a log line: "status 200", "timeout".  p may be freed inside. */
typedef void probe_fn(void *ctx, enum backend_health health, const char *reason);

struct probe_spec {
    const struct addr *addr; /* copied, as the plans are */
    struct tls_peer *tls;    /* referenced; NULL: plain */
    enum cfg_protocol protocol;
    enum cfg_proxy_protocol proxy_protocol;
    struct probe_plan plans[2];
    enum backend_health health; /* known already: then the second plan holds at once */
    probe_fn *fn;
    void *ctx;
};

struct probe *probe_new(struct loop *l, struct rng *rng, const struct probe_spec *spec);
void probe_free(struct probe *p); /* NULL is fine */

/* Was p made with these plans, and for connections of that kind? */
bool probe_follows(const struct probe *p, const struct probe_spec *spec);

#endif
