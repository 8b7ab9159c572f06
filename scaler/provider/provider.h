/*
 * provider.h - who starts and ends instances: the interface.
 *
 * A provider knows instances by the id the fleet gave them.  No call blocks: create and
 * destroy begin something, poll() moves everything on, status() says how far it is.  It
 * remembers nothing over a restart; the fleet stores the handle and gives it back through
 * adopt().
 *
 * Real time.  One thread: the scaler's.
 */
#ifndef SCALER_PROVIDER_PROVIDER_H
#define SCALER_PROVIDER_PROVIDER_H

#include "base/clock.h"
#include "base/handover.h"
#include "base/rc.h"
#include "conf/cfg.h"

#define PROVIDER_HANDLE_MAX 96

enum provider_phase {
    PROVIDER_STARTING, /* exists, takes no connections yet */
    PROVIDER_SERVING, /* takes connections; whether it answers well is a probe's business */
    PROVIDER_ENDED,   /* nothing is left of it, or there never was such an id */
};

struct provider_status {
    enum provider_phase phase;
    struct addr addr;                 /* where it serves or will; not when ENDED */
    char handle[PROVIDER_HANDLE_MAX]; /* finds it again after a restart */
    char detail[96];                  /* ENDED: how, for a person; may be "" */
};

struct provider;

struct provider_ops {
    const char *name; /* as in `provider:` of a pool */
    /* Begins to start an instance.  RC_BUSY: not now (no port, quota), try again; else it
     * failed and *w says why.  Nothing of `svc` is kept beyond the call but copies. */
    int (*create)(struct provider *p, const struct cfg_service *svc, enum tier t,
                  const char *id, struct why *w);
    /* An instance of an earlier process.  Its status says what is left of it.  `handle` ""
     * when the order may or may not have been carried out.  svc NULL: no longer
     * configured, only good for destroy(). */
    void (*adopt)(struct provider *p, const struct cfg_service *svc, const char *id,
                  const struct addr *addr, const char *handle);
    void (*status)(struct provider *p, const char *id, struct provider_status *out);
    /* Begins to end it, gently first; again is harmless. */
    void (*destroy)(struct provider *p, const char *id);
    /* It has ended and the fleet is done with it. */
    void (*forget)(struct provider *p, const char *id);
    void (*poll)(struct provider *p, mono_us now);
    /* Ends what is left at once. */
    void (*free)(struct provider *p);
};

struct provider {
    const struct provider_ops *ops;
};

#endif
