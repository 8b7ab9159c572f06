#include "profiler/profiler.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "profiler/identity.h"
#include "profiler/pipeline.h"
#include "profiler/report.h"

#define AREA          "profiler"
#define POLL_MS       50
#define BATCH         256 /* observations under one hold of the lock */
#define PATHS         64
#define KEEP_MODELS_S 300
#define FLUSH_S       1
#define EXPIRE_S      1

struct rings {
    struct ring *observations, *paths;
};

struct profiler {
    /* fixed after start */
    struct identity *identity;
    struct profiler_out out;
    struct rings *rings;
    size_t n_rings;
    bool has_thread;
    pthread_t thread;
    /* the profiler's thread */
    uint32_t flushed_s, kept_s, expired_s; /* monotonic */
    struct observation *batch;
    struct path_text *paths;
    atomic_bool stop;
    /*
     * Who wants the lock queues at the gate, so that a thread that takes it again
     * and again lets the others in between.
     */
    struct {
        pthread_mutex_t gate, lock;
        struct pipeline *pipeline;
    } shared;
};

static struct pipeline *enter(struct profiler *p)
{
    pthread_mutex_lock(&p->shared.gate);
    pthread_mutex_lock(&p->shared.lock);
    pthread_mutex_unlock(&p->shared.gate);
    return p->shared.pipeline;
}

static void leave(struct profiler *p)
{
    pthread_mutex_unlock(&p->shared.lock);
}

static uint32_t mono_s(void)
{
    return (uint32_t)(clock_mono() / US_PER_S) + 1; /* never 0 */
}

/* ---- life ---- */

int profiler_new(struct cfg *cfg, struct kv *kv, const struct profiler_out *out,
                 struct profiler **made, struct why *w)
{
    struct profiler *p = MEM_NEW(struct profiler);

    *made = NULL;
    if (pipeline_new(cfg, kv, &p->shared.pipeline, w) != RC_OK) {
        free(p);
        return RC_INVALID;
    }
    p->identity = identity_new(&cfg->profiler, &p->shared.pipeline->secret);
    if (out != NULL)
        p->out = *out;
    p->batch = MEM_NEW_N(struct observation, BATCH);
    p->paths = MEM_NEW_N(struct path_text, PATHS);
    p->kept_s = mono_s();
    CHECK(pthread_mutex_init(&p->shared.gate, NULL) == 0);
    CHECK(pthread_mutex_init(&p->shared.lock, NULL) == 0);
    *made = p;
    return RC_OK;
}

void profiler_reconfigure_mt(struct profiler *p, struct cfg *cfg)
{
    pipeline_reconfigure(enter(p), cfg);
    leave(p);
}

const struct classify *profiler_classify(const struct profiler *p)
{
    return identity_classify(p->identity);
}

uint64_t profiler_trace(const struct profiler *p, const struct identity_trace *t)
{
    return identity_of_trace(p->identity, t);
}

/* ---- storing ---- */

static void keep_models(struct profiler *p)
{
    pipeline_keep_models(enter(p));
    leave(p);
    p->kept_s = mono_s();
}

/* One round of writing; false: there was nothing to write, or it failed. */
static bool flush(struct profiler *p, bool all)
{
    uint32_t now_s = mono_s();
    struct pipeline *l = enter(p);
    bool work = keeper_prepare(l->keeper, now_s, all);
    int rc;

    leave(p);
    p->flushed_s = now_s;
    if (!work)
        return false;
    rc = keeper_write(l->keeper);
    keeper_done(enter(p)->keeper, rc, now_s);
    leave(p);
    return rc == RC_OK;
}

/* All that is left, as far as the store takes it. */
static void flush_all(struct profiler *p)
{
    pipeline_drain(enter(p));
    leave(p);
    keep_models(p);
    while (flush(p, true))
        ;
}

/* ---- steps ---- */

static void advance(struct profiler *p, wall_ms now)
{
    struct outlook outlook;
    struct pipeline *l = enter(p);
    bool made = pipeline_advance(l, now, mono_s(), &outlook);

    leave(p);
    if (made && p->out.outlook != NULL)
        p->out.outlook(p->out.ctx, &outlook);
    if (mono_s() - p->kept_s >= KEEP_MODELS_S)
        keep_models(p);
    if (mono_s() - p->flushed_s >= FLUSH_S)
        flush(p, false);
}

/*
 * Only where time passes by itself: a line of a log with a date far ahead must not let
 * everybody go.
 */
static void expire(struct profiler *p, wall_ms now)
{
    if (mono_s() - p->expired_s < EXPIRE_S)
        return;
    p->expired_s = mono_s();
    pipeline_expire(enter(p), now);
    leave(p);
}

void profiler_feed_path(struct profiler *p, const struct path_text *t)
{
    pipeline_path(enter(p), t);
    leave(p);
}

void profiler_feed(struct profiler *p, const struct observation *o)
{
    pipeline_put(enter(p), o);
    leave(p);
}

void profiler_tick(struct profiler *p, wall_ms now)
{
    advance(p, now);
}

/* ---- the thread ---- */

/* One batch of a worker's rings; texts first, so that the hashes are known. */
static size_t take(struct profiler *p, const struct rings *r)
{
    size_t n_paths = ring_take(r->paths, p->paths, PATHS);
    size_t n = ring_take(r->observations, p->batch, BATCH);
    struct pipeline *l;

    if (n_paths + n == 0)
        return 0;
    l = enter(p);
    for (size_t i = 0; i < n_paths; i++)
        pipeline_path(l, &p->paths[i]);
    for (size_t i = 0; i < n; i++)
        pipeline_put(l, &p->batch[i]);
    leave(p);
    return n_paths + n;
}

static size_t take_all(struct profiler *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_rings; i++)
        n += take(p, &p->rings[i]);
    return n;
}

static void *on_thread(void *arg)
{
    struct profiler *p = arg;

    while (!atomic_load_explicit(&p->stop, memory_order_acquire)) {
        mono_us next = clock_mono() + POLL_MS * US_PER_MS;
        mono_us left;

        while (take_all(p) > 0 && clock_mono() < next)
            ;
        advance(p, clock_virtual());
        expire(p, clock_virtual());
        left = next - clock_mono();
        if (left > 0)
            nanosleep(&(struct timespec){0, left * 1000}, NULL);
    }
    return NULL;
}

void profiler_attach(struct profiler *p, struct ring *observations, struct ring *paths)
{
    CHECK(!p->has_thread);
    p->rings = mem_grow(p->rings, p->n_rings + 1, sizeof(p->rings[0]));
    p->rings[p->n_rings++] = (struct rings){observations, paths};
}

int profiler_start(struct profiler *p, struct why *w)
{
    int err;

    pipeline_go_live(enter(p), clock_speed());
    leave(p);
    err = pthread_create(&p->thread, NULL, on_thread, p);
    if (err != 0)
        return why_set(w, RC_SYS, "cannot start the profiler's thread: %s", strerror(err));
    pthread_setname_np(p->thread, "profiler");
    p->has_thread = true;
    return RC_OK;
}

void profiler_stop(struct profiler *p)
{
    if (!p->has_thread)
        return;
    atomic_store_explicit(&p->stop, true, memory_order_release);
    pthread_join(p->thread, NULL);
    p->has_thread = false;
    while (take_all(p) > 0)
        ;
    pipeline_drain(enter(p));
    leave(p);
}

void profiler_free(struct profiler *p)
{
    if (p == NULL)
        return;
    profiler_stop(p);
    flush_all(p);
    pthread_mutex_destroy(&p->shared.gate);
    pthread_mutex_destroy(&p->shared.lock);
    pipeline_free(p->shared.pipeline);
    identity_free(p->identity);
    free(p->rings);
    free(p->batch);
    free(p->paths);
    free(p);
}

/* ---- questions ---- */

void profiler_stats_mt(struct profiler *p, struct profiler_stats *out)
{
    struct pipeline *l = enter(p);
    struct keeper_stats keeper;

    keeper_get_stats(l->keeper, &keeper);
    *out = (struct profiler_stats){.observations = l->observations,
                                   .users = users_count(l->users),
                                   .active_users = users_active(l->users),
                                   .sessions = l->sessions,
                                   .expired = l->expiry.expired,
                                   .store_errors = keeper.errors,
                                   .store_ok = keeper.ok,
                                   .top1 = l->judged > 0 ? l->right / l->judged : 0,
                                   .tokens = l->judged};
    for (size_t i = 0; i < l->n_services; i++)
        out->templates += template_count(l->templates, (uint16_t)i);
    leave(p);
    for (size_t i = 0; i < p->n_rings; i++)
        out->dropped += ring_dropped(p->rings[i].observations);
}

json_t *profiler_user_json_mt(struct profiler *p, const char *id)
{
    uint64_t key = identity_of_text(p->identity, id);
    struct profile stored;
    struct pipeline *l;
    struct user *user;
    json_t *answer = NULL;

    if (key == 0)
        return NULL;
    l = enter(p);
    user = users_find(l->users, key);
    if (user != NULL)
        answer = report_user(l, key, &user->profile, user);
    else if (keeper_read_user(l->keeper, key, &stored) == KEEPER_FOUND)
        answer = report_user(l, key, &stored, NULL);
    leave(p);
    return answer;
}

json_t *profiler_users_json_mt(struct profiler *p, size_t top)
{
    json_t *answer = report_users(enter(p), top);

    leave(p);
    return answer;
}

json_t *profiler_templates_json_mt(struct profiler *p, uint16_t service)
{
    json_t *answer = report_templates(enter(p), service);

    leave(p);
    return answer;
}
