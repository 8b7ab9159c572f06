#include "scaler/scaler.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/kv.h"
#include "base/log.h"
#include "base/mem.h"
#include "scaler/decisions.h"
#include "scaler/provider/local.h"
#include "scaler/steer.h"

/* virtual */
#define READ_EVERY_MS  1000
#define CHECK_EVERY_MS 2000
#define SAVE_EVERY_MS  (300 * MS_PER_S)
/* real */
#define TURN_MIN_MS    20
#define TURN_BUSY_MS   25  /* while an instance is on its way */
#define TURN_IDLE_MS   250 /* notices within this that one was lost */
#define SAVE_LEAST_US  (10 * (mono_us)US_PER_S)
#define PLANS_EVERY_US (2 * (mono_us)US_PER_S)
#define STOP_SLACK_US  (2 * (mono_us)US_PER_S) /* beyond the longest stop_timeout */

#define PLAN_KEY "scaler/plan/"

struct steers {
    struct steer **at;
    size_t n;
};

struct scaler {
    /* fixed after new */
    struct scaler_in in;
    struct kv *kv; /* read at the start; written by the ledger alone */
    struct ledger *ledger;
    double speed;
    pthread_t thread;
    bool started;
    /* instances whose service is in no configuration any more */
    struct cfg nobody_cfg;
    struct cfg_service nobody;
    struct { /* under `lock` */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        bool stopping, leave_running, paused;
        struct cfg *cfg;
        struct provider *local;
        struct decisions *decisions;
        struct steers services; /* by index */
        struct steers leaving;  /* their services are gone, their instances stop */
        struct fleet *orphans;
        wall_ms now, read_at, check_at, save_at;
        mono_us saved, plans_saved;
    } shared;
};

#define LOCK(s)            pthread_mutex_lock(&(s)->shared.lock)
#define UNLOCK(s)          pthread_mutex_unlock(&(s)->shared.lock)
#define EACH_SERVICE(s, i) for (size_t i = 0; i < (s)->shared.services.n; i++)
#define SERVICE(s, i)      ((s)->shared.services.at[i])

/* ---- configuration ---- */

static struct fleet_env fleet_env(struct scaler *s)
{
    return (struct fleet_env){&s->in, s->shared.local, s->ledger};
}

static struct steer *take_named(struct steers *from, const char *name)
{
    for (size_t i = 0; i < from->n; i++) {
        struct steer *st = from->at[i];

        if (st == NULL || strcmp(steer_name(st), name) != 0)
            continue;
        from->at[i] = NULL;
        return st;
    }
    return NULL;
}

static void let_go(struct scaler *s, struct steer *st)
{
    struct steers *l = &s->shared.leaving;

    log_info("scaler", "service is gone, its instances stop service=%s", steer_name(st));
    steer_save(st);
    steer_end(st);
    l->at = mem_grow(l->at, l->n + 1, sizeof(struct steer *));
    l->at[l->n++] = st;
}

/* Services keep what they learned under the same name; the others begin or end. */
static void configure(struct scaler *s, struct cfg *cfg)
{
    struct steer_env env = {fleet_env(s), s->shared.decisions, s->speed};
    struct steers now = {MEM_NEW_N(struct steer *, cfg->n_services), cfg->n_services};
    struct cfg *old = s->shared.cfg;

    for (size_t i = 0; i < now.n; i++) {
        now.at[i] = take_named(&s->shared.services, cfg->services[i].name);
        if (now.at[i] != NULL)
            steer_configure(now.at[i], cfg, (uint16_t)i);
        else
            now.at[i] = steer_new(&env, cfg, (uint16_t)i, s->kv);
    }
    EACH_SERVICE (s, i)
        if (SERVICE(s, i) != NULL)
            let_go(s, SERVICE(s, i));
    free(s->shared.services.at);
    s->shared.services = now;
    s->shared.cfg = cfg_ref(cfg);
    cfg_unref(old);
}

/* ---- what an earlier process left ---- */

static bool take_record(void *ctx, const void *key, size_t key_len, const void *value,
                        size_t len)
{
    struct scaler *s = ctx;
    mono_us now = clock_mono();
    bool taken = false;

    (void)key;
    (void)key_len;
    for (size_t i = 0; i < s->shared.services.n && !taken; i++)
        taken = steer_restore(SERVICE(s, i), value, len, now);
    if (!taken && !fleet_restore(s->shared.orphans, value, len, now))
        log_warn("scaler", "a damaged record of an instance is left out");
    return true;
}

static bool take_plan(void *ctx, const void *key, size_t key_len, const void *value,
                      size_t len)
{
    struct scaler *s = ctx;

    (void)key;
    (void)key_len;
    decisions_restore(s->shared.decisions, value, len);
    return true;
}

static void restore(struct scaler *s)
{
    if (s->kv == NULL)
        return;
    if (kv_each(s->kv, FLEET_KEY, strlen(FLEET_KEY), take_record, s) != RC_OK)
        log_error("scaler",
                  "the store cannot be read: instances of an earlier run, if there "
                  "are any, are not known");
    kv_each(s->kv, PLAN_KEY, strlen(PLAN_KEY), take_plan, s);
}

static void init_shared(struct scaler *s)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&s->shared.lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->shared.wake, &attr);
    pthread_condattr_destroy(&attr);
    s->shared.decisions = decisions_new();
    s->shared.local = local_new();
}

static char nothing[] = "";

int scaler_new(struct cfg *cfg, struct kv *kv, const struct scaler_in *in,
               struct scaler **out, struct why *w)
{
    struct scaler *s = MEM_NEW(struct scaler);
    struct fleet_env env;

    *out = NULL;
    s->in = *in;
    s->kv = kv;
    s->speed = cfg->clock.speed >= 1 ? cfg->clock.speed : 1;
    if (kv != NULL && ledger_new(kv, &s->ledger, w) != RC_OK) {
        free(s);
        return RC_SYS;
    }
    init_shared(s);
    s->nobody = (struct cfg_service){.name = nothing, .index = SERVICES_MAX};
    s->nobody.local.ready = nothing;
    env = fleet_env(s);
    s->shared.orphans = fleet_new(&env, &s->nobody_cfg, &s->nobody);
    configure(s, cfg);
    restore(s);
    *out = s;
    return RC_OK;
}

static void free_steers(struct steers *l)
{
    for (size_t i = 0; i < l->n; i++)
        steer_free(l->at[i]);
    free(l->at);
}

void scaler_free(struct scaler *s)
{
    if (s == NULL)
        return;
    CHECK(!s->started);
    free_steers(&s->shared.services);
    free_steers(&s->shared.leaving);
    fleet_free(s->shared.orphans);
    s->shared.local->ops->free(s->shared.local);
    ledger_free(s->ledger);
    decisions_free(s->shared.decisions);
    cfg_unref(s->shared.cfg);
    pthread_cond_destroy(&s->shared.wake);
    pthread_mutex_destroy(&s->shared.lock);
    free(s);
}

/* ---- saving ---- */

static void save_plans(struct scaler *s)
{
    char key[64];

    for (size_t i = 0; s->ledger != NULL && i < DECISIONS_MAX; i++) {
        char *text = decisions_take_changed(s->shared.decisions, i);

        if (text == NULL)
            continue;
        snprintf(key, sizeof(key), PLAN_KEY "%03zu", i);
        ledger_put(s->ledger, key, text, strlen(text));
        free(text);
    }
}

/* A store that is in trouble is not fed more; what it misses is saved later. */
static void save_now_and_then(struct scaler *s, wall_ms now, mono_us real)
{
    if (!ledger_ok_mt(s->ledger))
        return;
    if (real - s->shared.plans_saved >= PLANS_EVERY_US) {
        s->shared.plans_saved = real;
        save_plans(s);
    }
    if (now - s->shared.save_at < SAVE_EVERY_MS || real - s->shared.saved < SAVE_LEAST_US)
        return;
    s->shared.save_at = now;
    s->shared.saved = real;
    EACH_SERVICE (s, i)
        steer_save(SERVICE(s, i));
}

/* The whole history of a service may be more than the ledger's queue holds of all. */
static void save_all(struct scaler *s)
{
    save_plans(s);
    EACH_SERVICE (s, i) {
        steer_save(SERVICE(s, i));
        ledger_flush(s->ledger);
    }
}

void scaler_save(struct scaler *s)
{
    LOCK(s);
    save_all(s);
    UNLOCK(s);
}

/* ---- the turn ---- */

static void tick_leaving(struct scaler *s, mono_us real, wall_ms now)
{
    struct steers *l = &s->shared.leaving;
    size_t kept = 0;

    for (size_t i = 0; i < l->n; i++) {
        steer_tick(l->at[i], real, now);
        if (steer_ended(l->at[i]))
            steer_free(l->at[i]);
        else
            l->at[kept++] = l->at[i];
    }
    l->n = kept;
    fleet_tick(s->shared.orphans, real, now);
}

static void tick_instances(struct scaler *s, wall_ms now)
{
    mono_us real = clock_mono();

    s->shared.local->ops->poll(s->shared.local, real);
    EACH_SERVICE (s, i)
        steer_tick(SERVICE(s, i), real, now);
    tick_leaving(s, real, now);
}

static void tick(struct scaler *s, wall_ms now)
{
    bool read = now - s->shared.read_at >= READ_EVERY_MS || now < s->shared.read_at;
    bool check = now - s->shared.check_at >= CHECK_EVERY_MS || now < s->shared.check_at;

    s->shared.now = now;
    EACH_SERVICE (s, i) {
        if (read)
            steer_read(SERVICE(s, i), now);
        if (check)
            steer_check(SERVICE(s, i), now);
    }
    if (read)
        s->shared.read_at = now;
    if (check)
        s->shared.check_at = now;
    tick_instances(s, now);
    save_now_and_then(s, now, clock_mono());
}

void scaler_tick(struct scaler *s, wall_ms now)
{
    LOCK(s);
    if (!s->shared.paused)
        tick(s, now);
    UNLOCK(s);
}

static void sleep_locked(struct scaler *s, long ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&s->shared.wake, &s->shared.lock, &until);
}

static long turn_ms(struct scaler *s)
{
    double read_ms = READ_EVERY_MS / s->speed;
    long most = TURN_IDLE_MS;

    EACH_SERVICE (s, i)
        if (steer_busy(SERVICE(s, i)))
            most = TURN_BUSY_MS;
    if (s->shared.leaving.n > 0 || !fleet_empty(s->shared.orphans))
        most = TURN_BUSY_MS;
    if (read_ms < (double)most)
        most = (long)read_ms;
    return most < TURN_MIN_MS ? TURN_MIN_MS : most;
}

/* ---- the end ---- */

static mono_us longest_stop_us(const struct scaler *s)
{
    mono_us longest = 0;

    for (size_t i = 0; i < s->shared.cfg->n_services; i++) {
        mono_us us = (mono_us)s->shared.cfg->services[i].local.stop_timeout_ms * US_PER_MS;

        longest = us > longest ? us : longest;
    }
    return longest;
}

static bool all_ended(struct scaler *s)
{
    EACH_SERVICE (s, i)
        if (!steer_ended(SERVICE(s, i)))
            return false;
    return s->shared.leaving.n == 0 && fleet_empty(s->shared.orphans);
}

static void end_instances(struct scaler *s)
{
    mono_us until = clock_mono() + longest_stop_us(s) + STOP_SLACK_US;

    EACH_SERVICE (s, i)
        steer_end(SERVICE(s, i));
    for (;;) {
        tick_instances(s, s->shared.now);
        if (all_ended(s))
            return;
        if (clock_mono() >= until)
            break;
        sleep_locked(s, TURN_MIN_MS);
    }
    log_error("scaler", "instances did not end in time; they are killed");
}

static void finish(struct scaler *s)
{
    if (!s->shared.leave_running)
        end_instances(s);
    save_all(s);
}

static void *run(void *arg)
{
    struct scaler *s = arg;

    LOCK(s);
    while (!s->shared.stopping) {
        if (!s->shared.paused)
            tick(s, clock_virtual());
        sleep_locked(s, turn_ms(s));
    }
    finish(s);
    UNLOCK(s);
    return NULL;
}

int scaler_start(struct scaler *s, struct why *w)
{
    CHECK(!s->started);
    if (pthread_create(&s->thread, NULL, run, s) != 0)
        return why_set(w, RC_SYS, "the scaler's thread could not be started");
    pthread_setname_np(s->thread, "scaler");
    s->started = true;
    return RC_OK;
}

void scaler_stop(struct scaler *s, bool leave_running)
{
    bool first;

    LOCK(s);
    first = !s->shared.stopping;
    s->shared.stopping = true;
    s->shared.leave_running = leave_running;
    if (first && !s->started)
        finish(s);
    pthread_cond_signal(&s->shared.wake);
    UNLOCK(s);
    if (s->started)
        pthread_join(s->thread, NULL);
    s->started = false;
}

/* ---- from other threads ---- */

void scaler_pause_mt(struct scaler *s, bool pause)
{
    LOCK(s);
    s->shared.paused = pause;
    UNLOCK(s);
}

void scaler_reconfigure_mt(struct scaler *s, struct cfg *cfg)
{
    LOCK(s);
    configure(s, cfg);
    s->shared.paused = false;
    pthread_cond_signal(&s->shared.wake);
    UNLOCK(s);
}

void scaler_take_outlook_mt(struct scaler *s, const struct outlook *o)
{
    LOCK(s);
    for (size_t i = 0; i < s->shared.services.n && i < o->n_services; i++)
        insight_outlook(steer_insight(SERVICE(s, i)), o->made, &o->service[i],
                        o->horizon_ms);
    UNLOCK(s);
}

void scaler_learn(struct scaler *s, uint16_t service, wall_ms at, double n)
{
    LOCK(s);
    if (service < s->shared.services.n)
        insight_learn(steer_insight(SERVICE(s, service)), at, n);
    UNLOCK(s);
}

bool scaler_stats_mt(struct scaler *s, uint16_t service, struct scaler_service_stats *out)
{
    bool there;

    LOCK(s);
    there = service < s->shared.services.n;
    if (there)
        steer_stats(SERVICE(s, service), s->shared.now, out);
    UNLOCK(s);
    return there;
}

struct json_t *scaler_forecast_json_mt(struct scaler *s)
{
    json_t *o = json_object(), *list = json_array();

    LOCK(s);
    EACH_SERVICE (s, i)
        json_array_append_new(list, steer_forecast_json(SERVICE(s, i), s->shared.now));
    json_object_set_new(o, "now_ms", json_integer(s->shared.now));
    UNLOCK(s);
    json_object_set_new(o, "services", list);
    return o;
}

struct json_t *scaler_decisions_json_mt(struct scaler *s, const char *service, size_t limit)
{
    json_t *o = json_object();

    LOCK(s);
    json_object_set_new(o, "decisions",
                        decisions_json(s->shared.decisions, service, limit));
    UNLOCK(s);
    return o;
}

struct json_t *scaler_fleet_json_mt(struct scaler *s)
{
    json_t *o = json_object(), *list = json_array();
    mono_us now = clock_mono();

    LOCK(s);
    EACH_SERVICE (s, i)
        json_array_append_new(list, steer_fleet_json(SERVICE(s, i), now));
    json_object_set_new(o, "services", list);
    json_object_set_new(o, "orphans", fleet_json(s->shared.orphans, now));
    UNLOCK(s);
    return o;
}

int scaler_set_mode_mt(struct scaler *s, const char *service, enum cfg_mode mode)
{
    int rc = RC_NOT_FOUND;

    LOCK(s);
    EACH_SERVICE (s, i)
        if (service[0] == 0 || strcmp(steer_name(SERVICE(s, i)), service) == 0) {
            steer_set_mode(SERVICE(s, i), mode);
            rc = RC_OK;
        }
    UNLOCK(s);
    return rc;
}
