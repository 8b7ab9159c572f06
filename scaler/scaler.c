#include "scaler/scaler.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "scaler/decisions.h"
#include "scaler/steer.h"

#define READ_EVERY_MS  1000 /* virtual */
#define CHECK_EVERY_MS 2000 /* virtual */
#define TURN_MIN_MS    20   /* real */
#define TURN_MAX_MS    1000 /* real */

struct scaler {
    /* fixed after new */
    struct scaler_in in;
    struct kv *kv;
    double speed;
    pthread_t thread;
    bool started;
    struct { /* under `lock` */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        bool stopping;
        struct cfg *cfg;
        struct decisions *decisions;
        struct steer **steers; /* by service index */
        size_t n;
        wall_ms now, read_at, check_at;
    } shared;
};

#define LOCK(s)   pthread_mutex_lock(&(s)->shared.lock)
#define UNLOCK(s) pthread_mutex_unlock(&(s)->shared.lock)

static struct steer *find(struct scaler *s, const char *name)
{
    for (size_t i = 0; i < s->shared.n; i++)
        if (s->shared.steers[i] != NULL &&
            strcmp(steer_name(s->shared.steers[i]), name) == 0)
            return s->shared.steers[i];
    return NULL;
}

static void forget(struct scaler *s, const struct steer *st)
{
    for (size_t i = 0; i < s->shared.n; i++)
        if (s->shared.steers[i] == st)
            s->shared.steers[i] = NULL;
}

/* Services keep what they learned under the same name; the others begin or end. */
static void configure(struct scaler *s, struct cfg *cfg)
{
    struct steer_env env = {&s->in, s->shared.decisions, s->speed};
    struct steer **now = MEM_NEW_N(struct steer *, cfg->n_services);
    struct cfg *old = s->shared.cfg;

    for (size_t i = 0; i < cfg->n_services; i++) {
        now[i] = find(s, cfg->services[i].name);
        if (now[i] != NULL) {
            forget(s, now[i]);
            steer_configure(now[i], cfg, (uint16_t)i);
        } else {
            now[i] = steer_new(&env, cfg, (uint16_t)i);
        }
    }
    for (size_t i = 0; i < s->shared.n; i++)
        steer_free(s->shared.steers[i]);
    free(s->shared.steers);
    s->shared.steers = now;
    s->shared.n = cfg->n_services;
    s->shared.cfg = cfg_ref(cfg);
    cfg_unref(old);
}

int scaler_new(struct cfg *cfg, struct kv *kv, const struct scaler_in *in,
               struct scaler **out, struct why *w)
{
    struct scaler *s = MEM_NEW(struct scaler);
    pthread_condattr_t attr;

    (void)w;
    s->in = *in;
    s->kv = kv;
    s->speed = cfg->clock.speed >= 1 ? cfg->clock.speed : 1;
    pthread_mutex_init(&s->shared.lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->shared.wake, &attr);
    pthread_condattr_destroy(&attr);
    s->shared.decisions = decisions_new();
    configure(s, cfg);
    *out = s;
    return RC_OK;
}

void scaler_free(struct scaler *s)
{
    if (s == NULL)
        return;
    CHECK(!s->started);
    for (size_t i = 0; i < s->shared.n; i++)
        steer_free(s->shared.steers[i]);
    free(s->shared.steers);
    decisions_free(s->shared.decisions);
    cfg_unref(s->shared.cfg);
    pthread_cond_destroy(&s->shared.wake);
    pthread_mutex_destroy(&s->shared.lock);
    free(s);
}

/* ---- the turn ---- */

static void tick(struct scaler *s, wall_ms now)
{
    bool read = now - s->shared.read_at >= READ_EVERY_MS || now < s->shared.read_at;
    bool check = now - s->shared.check_at >= CHECK_EVERY_MS || now < s->shared.check_at;

    s->shared.now = now;
    for (size_t i = 0; i < s->shared.n; i++) {
        if (read)
            steer_read(s->shared.steers[i], now);
        if (check)
            steer_check(s->shared.steers[i], now);
    }
    if (read)
        s->shared.read_at = now;
    if (check)
        s->shared.check_at = now;
}

void scaler_tick(struct scaler *s, wall_ms now)
{
    LOCK(s);
    tick(s, now);
    UNLOCK(s);
}

static void sleep_locked(struct scaler *s, long ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / MS_PER_S;
    until.tv_nsec += ms % MS_PER_S * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&s->shared.wake, &s->shared.lock, &until);
}

static long turn_ms(const struct scaler *s)
{
    long ms = (long)(READ_EVERY_MS / s->speed);

    return ms < TURN_MIN_MS ? TURN_MIN_MS : ms > TURN_MAX_MS ? TURN_MAX_MS : ms;
}

static void *run(void *arg)
{
    struct scaler *s = arg;

    LOCK(s);
    while (!s->shared.stopping) {
        tick(s, clock_virtual());
        sleep_locked(s, turn_ms(s));
    }
    UNLOCK(s);
    return NULL;
}

int scaler_start(struct scaler *s, struct why *w)
{
    CHECK(!s->started);
    s->shared.stopping = false;
    if (pthread_create(&s->thread, NULL, run, s) != 0)
        return why_set(w, RC_SYS, "the scaler's thread could not be started");
    pthread_setname_np(s->thread, "scaler");
    s->started = true;
    return RC_OK;
}

void scaler_stop(struct scaler *s, bool leave_running)
{
    (void)leave_running;
    if (!s->started)
        return;
    LOCK(s);
    s->shared.stopping = true;
    pthread_cond_signal(&s->shared.wake);
    UNLOCK(s);
    pthread_join(s->thread, NULL);
    s->started = false;
}

/* ---- from other threads ---- */

void scaler_reconfigure_mt(struct scaler *s, struct cfg *cfg)
{
    LOCK(s);
    configure(s, cfg);
    UNLOCK(s);
}

void scaler_take_outlook_mt(struct scaler *s, const struct outlook *o)
{
    LOCK(s);
    for (size_t i = 0; i < s->shared.n && i < o->n_services; i++)
        insight_outlook(steer_insight(s->shared.steers[i]), o->made, &o->service[i],
                        o->horizon_ms);
    UNLOCK(s);
}

void scaler_learn(struct scaler *s, uint16_t service, wall_ms at, double n)
{
    LOCK(s);
    if (service < s->shared.n)
        insight_learn(steer_insight(s->shared.steers[service]), at, n);
    UNLOCK(s);
}

void scaler_save(struct scaler *s)
{
    (void)s;
}

bool scaler_stats_mt(struct scaler *s, uint16_t service, struct scaler_service_stats *out)
{
    bool there;

    LOCK(s);
    there = service < s->shared.n;
    if (there)
        steer_stats(s->shared.steers[service], s->shared.now, out);
    UNLOCK(s);
    return there;
}

struct json_t *scaler_forecast_json_mt(struct scaler *s)
{
    json_t *o = json_object(), *list = json_array();

    LOCK(s);
    for (size_t i = 0; i < s->shared.n; i++)
        json_array_append_new(list,
                              steer_forecast_json(s->shared.steers[i], s->shared.now));
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
    (void)s;
    return json_pack("{s:[]}", "instances");
}

int scaler_set_mode_mt(struct scaler *s, const char *service, enum cfg_mode mode)
{
    int rc = RC_NOT_FOUND;

    LOCK(s);
    for (size_t i = 0; i < s->shared.n; i++)
        if (service[0] == 0 || strcmp(steer_name(s->shared.steers[i]), service) == 0) {
            steer_set_mode(s->shared.steers[i], mode);
            rc = RC_OK;
        }
    UNLOCK(s);
    return rc;
}
