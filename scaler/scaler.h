/*
 * scaler.h - how much, where, when, and doing it.
 *
 * One thread owns demand history, forecasts, plans, fleets and provider calls.
 * It reads load every virtual second, checks reactively every 2 s and forecasts
 * and plans every 30 s of virtual time.  Functions ending in _mt may be called
 * from any thread.
 */
#ifndef SCALER_SCALER_H
#define SCALER_SCALER_H

#include "base/handover.h"
#include "base/rc.h"
#include "conf/cfg.h"

struct json_t;
struct kv;
struct scaler;

/* What the scaler asks of the outside; called on its thread. */
struct scaler_in {
    void *ctx;
    /* Exact counters of a service since the process started. */
    void (*load)(void *ctx, uint16_t service, struct load *out);
    /* All backends of a pool; returns how many there are, fills at most max. */
    size_t (*backends)(void *ctx, uint16_t service, enum tier tier,
                       struct backend_view *out, size_t max);
    /* RC_OK: will be done soon.  RC_EXISTS / RC_NOT_FOUND: nothing to do. */
    int (*change)(void *ctx, const struct pool_change *c);
};

/*
 * Loads history, plans and the records of instances from `kv`, which is borrowed and may
 * be NULL: then nothing outlives the process.  `cfg` is referenced.  RC_SYS.
 *
 * The functions of `in` may not wait for a thread that calls a function of this file.
 */
int scaler_new(struct cfg *cfg, struct kv *kv, const struct scaler_in *in,
               struct scaler **s, struct why *w);
int scaler_start(struct scaler *s, struct why *w);

/*
 * Stops the thread and writes what is unsaved.  leave_running = false ends every instance
 * it started and waits for their end (bounded by their stop timeouts).  With true they are
 * left as they are and their records stay, for the next process to take over; children of
 * the provider `local` cannot be left: the kernel ends them with the thread.
 */
void scaler_stop(struct scaler *s, bool leave_running);
void scaler_free(struct scaler *s); /* after scaler_stop() */

/*
 * While a reload is under way a service's index means one thing here and another in the
 * proxy: until scaler_reconfigure_mt() or another pause(false) no counter is read and no
 * pool changed.
 */
void scaler_pause_mt(struct scaler *s, bool pause);
/* A new configuration; services are matched by name.  Referenced.  Ends a pause. */
void scaler_reconfigure_mt(struct scaler *s, struct cfg *cfg);
void scaler_take_outlook_mt(struct scaler *s, const struct outlook *o); /* copied */

/* Without a thread: one step at virtual time `now`. */
void scaler_tick(struct scaler *s, wall_ms now);

/* Learns demand from a log: `n` requests of the service at virtual time `at`. */
void scaler_learn(struct scaler *s, uint16_t service, wall_ms at, double n);
void scaler_save(struct scaler *s); /* writes history to the store */

struct scaler_service_stats {
    enum cfg_mode mode;     /* now; an operator may have set another than configured */
    double rps;             /* original demand, last 30 s of virtual time */
    double forecast_rps[3]; /* median for 5 min, 30 min, 24 h */
    double quantile_rps[3]; /* the configured quantile */
    double capacity_rps;    /* of one instance */
    unsigned wanted[N_TIERS], actual[N_TIERS], ready[N_TIERS];
    double resource_utilization; /* current / total, as the seed defines it */
    uint64_t plans;
    uint64_t instance_failures;
    unsigned degraded; /* 0: as configured; 1: seasonal only; 2: reactive only */
    bool store_ok;     /* what must outlive the process is being written */
    bool provider_ok;  /* false: orders pause after failures */
};
/* False: no such service. */
bool scaler_stats_mt(struct scaler *s, uint16_t service, struct scaler_service_stats *out);

/* New references. */
struct json_t *scaler_forecast_json_mt(struct scaler *s);
struct json_t *scaler_decisions_json_mt(struct scaler *s, const char *service,
                                        size_t limit);
struct json_t *scaler_fleet_json_mt(struct scaler *s);

/* mode as in the configuration; service "" is all.  RC_NOT_FOUND. */
int scaler_set_mode_mt(struct scaler *s, const char *service, enum cfg_mode mode);

#endif
