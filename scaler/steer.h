/*
 * steer.h - one service: from its counters to what its pools shall be.
 *
 * Joins demand, forecast, capacity and policy into plans, and hands the plans to the
 * service's fleet.  No thread and no clock of its own: the scaler calls it with virtual
 * time (and with real time where instances are concerned).
 */
#ifndef SCALER_STEER_H
#define SCALER_STEER_H

#include "scaler/decisions.h"
#include "scaler/fleet.h"
#include "scaler/insight.h"
#include "scaler/scaler.h"

struct steer;

/* All borrowed but cfg, which is referenced. */
struct steer_env {
    struct fleet_env fleet;
    struct decisions *decisions;
    double speed; /* virtual seconds in a real one */
};

/* Loads what is stored of the service when kv is not NULL. */
struct steer *steer_new(const struct steer_env *env, struct cfg *cfg, uint16_t service,
                        struct kv *kv);
void steer_free(struct steer *st); /* NULL is fine */

/* The same service in a new configuration. */
void steer_configure(struct steer *st, struct cfg *cfg, uint16_t service);
const char *steer_name(const struct steer *st);
void steer_set_mode(struct steer *st, enum cfg_mode mode);

/* Reads the counters; every virtual second.  Feeds the forecast when steps are over. */
void steer_read(struct steer *st, wall_ms now);
/* Decides; every two virtual seconds. */
void steer_check(struct steer *st, wall_ms now);

/* Moves the fleet on; every turn.  Real time, and virtual for the leads. */
void steer_tick(struct steer *st, mono_us now, wall_ms virtual_now);
bool steer_busy(const struct steer *st); /* an instance is on its way: tick often */

/* The service is no longer wanted: every instance stops.  Only steer_tick() from now on. */
void steer_end(struct steer *st);
bool steer_ended(const struct steer *st);

/* As fleet_restore(); what is taken over is kept at first. */
bool steer_restore(struct steer *st, const char *text, size_t len, mono_us now);
void steer_save(struct steer *st); /* what changed since the last time, to the ledger */

struct insight *steer_insight(struct steer *st); /* what it knows; borrowed */

void steer_stats(const struct steer *st, wall_ms now, struct scaler_service_stats *out);
struct json_t *steer_forecast_json(const struct steer *st, wall_ms now); /* new reference */
struct json_t *steer_fleet_json(const struct steer *st, mono_us now);    /* new reference */

#endif
