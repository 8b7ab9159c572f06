/*
 * fleet.h - the instances of one service: wanted against actual.
 *
 *   ORDERED -> STARTING -> PROBING -> READY -> DRAINING -> DRAINED -> STOPPING -> GONE
 *      |          |           |         |         |                      ^
 *      |          |           +---------|---------|--> DRAINED           |
 *      +----------+-----------+---------+---------+--> FAILED -----------+
 *      +----------+------------------------------------------------------+
 *
 * Too few: orders, not more at once than are missing, and after a failure only when a
 * growing pause is over.  Too many: first what does not serve yet, then the emptiest;
 * it drains until its last request is done or the drain timeout is over, leaves the pool,
 * and is stopped.  What the provider loses, or does not get ready in time, has failed.
 *
 * Before anything is done to the outside the new state is stored, so that a process that
 * ends at any point leaves nothing that the next one does not find (fleet_restore()).
 *
 * Real time decides here; orders are also stamped with virtual time for the lead.  One
 * thread.
 */
#ifndef SCALER_FLEET_H
#define SCALER_FLEET_H

#include "scaler/ledger.h"
#include "scaler/provider/provider.h"
#include "scaler/scaler.h"

struct json_t;

#define FLEET_STATES(X)                                                                    \
    X(ORDERED, "ordered", "stored, not yet asked of the provider")                         \
    X(STARTING, "starting", "the provider is at it")                                       \
    X(PROBING, "probing", "in the pool, has not answered its probe yet")                   \
    X(READY, "ready", "takes traffic")                                                     \
    X(DRAINING, "draining", "takes no new requests")                                       \
    X(DRAINED, "drained", "idle, or out of time")                                          \
    X(STOPPING, "stopping", "out of the pool, the provider ends it")                       \
    X(GONE, "gone", "nothing is left of it")                                               \
    X(FAILED, "failed", "did not start, or was lost")

enum fleet_state {
#define X(sym, name, text) FLEET_##sym,
    FLEET_STATES(X)
#undef X
        N_FLEET_STATES
};
extern const char *const fleet_state_name[N_FLEET_STATES];

bool fleet_may(enum fleet_state from, enum fleet_state to);

struct fleet;

/* All borrowed.  ledger may be NULL: nothing outlives the process. */
struct fleet_env {
    const struct scaler_in *in;
    struct provider *local;
    struct ledger *ledger;
};

/* cfg and svc are borrowed until fleet_configure() or fleet_free(). */
struct fleet *fleet_new(const struct fleet_env *env, const struct cfg *cfg,
                        const struct cfg_service *svc);
void fleet_free(struct fleet *f); /* NULL is fine; forgets, ends nothing */
void fleet_configure(struct fleet *f, const struct cfg *cfg, const struct cfg_service *svc);

bool fleet_busy(const struct fleet *f); /* something is on its way: tick often */
/* How many instances the tier shall have. */
void fleet_want(struct fleet *f, enum tier t, unsigned n);
/* Every instance stops now, without draining; nothing is ordered any more. */
void fleet_end(struct fleet *f);
bool fleet_empty(const struct fleet *f);

/* One round: what the pool and the provider say, then what has to be done. */
void fleet_tick(struct fleet *f, mono_us now, wall_ms virtual_now);

struct fleet_count {
    unsigned actual;   /* all but GONE */
    unsigned starting; /* ORDERED to PROBING */
    unsigned ready;
    unsigned ending; /* DRAINING and later */
};
void fleet_count(const struct fleet *f, enum tier t, struct fleet_count *out);
uint64_t fleet_failures(const struct fleet *f); /* ever */
bool fleet_backing_off(const struct fleet *f);  /* a tier pauses after failures */
/* The lead of an order that has become ready since the last call, virtual; false: none. */
bool fleet_take_lead(struct fleet *f, uint32_t *ms);

/*
 * What an earlier process stored of an instance; called before the first tick.  false: not
 * a record of this service.  One that was serving is taken over, anything else is ended.
 * A fleet whose service has the name "" takes every record, to end what it names.
 */
bool fleet_restore(struct fleet *f, const char *text, size_t len, mono_us now);
#define FLEET_KEY "scaler/instance/" /* what the keys of the records begin with */

struct json_t *fleet_json(const struct fleet *f, mono_us now); /* array; new reference */

#endif
