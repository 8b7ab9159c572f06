#include "app/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/cfg_load.h"

/* ---- what the parts ask of one another ---- */

static void on_load(void *ctx, uint16_t service, struct load *out)
{
    struct wire *w = ctx;

    proxy_load_mt(w->proxy, service, out);
}

static size_t on_backends(void *ctx, uint16_t service, enum tier tier,
                          struct backend_view *out, size_t max)
{
    struct wire *w = ctx;

    return proxy_backends_mt(w->proxy, service, tier, out, max);
}

static int on_change(void *ctx, const struct pool_change *c)
{
    struct wire *w = ctx;

    return proxy_change_mt(w->proxy, c);
}

static void on_outlook(void *ctx, const struct outlook *o)
{
    struct wire *w = ctx;

    scaler_take_outlook_mt(w->scaler, o);
}

/* ---- life ---- */

/* A store that cannot be opened costs memory over restarts, never traffic. */
static void open_store(struct wire *w, const struct cfg_store *cfg)
{
    struct why why;

    w->kv_ok = true;
    if (cfg->kind == CFG_STORE_LMDB) {
        if (kv_open_lmdb(cfg->path, cfg->max_bytes, KV_SHARED, &w->kv, &why) == RC_OK)
            return;
        log_error("store", "%s; going on without: nothing will outlive this process",
                  why.text);
        w->kv_ok = false;
    }
    w->kv = kv_open_memory();
}

static int make_profiler(struct wire *w, struct cfg *cfg, struct why *why)
{
    struct profiler_out out = {.ctx = w, .outlook = on_outlook};

    if (!cfg->profiler.enabled)
        return RC_OK;
    return profiler_new(cfg, w->kv, &out, &w->profiler, why);
}

static void attach_profiler(struct wire *w)
{
    if (w->profiler == NULL)
        return;
    for (unsigned i = 0; i < proxy_workers(w->proxy); i++)
        profiler_attach(w->profiler, proxy_observations(w->proxy, i),
                        proxy_paths(w->proxy, i));
}

int wire_new(struct cfg *cfg, struct loop *main_loop, struct wire **out, struct why *why)
{
    struct wire *w = MEM_NEW(struct wire);
    struct scaler_in in = {
        .ctx = w, .load = on_load, .backends = on_backends, .change = on_change};
    const struct classify *classify = NULL;
    int rc;

    *out = NULL;
    w->loop = main_loop;
    w->started = clock_mono();
    w->reload_ok = true;
    open_store(w, &cfg->store);
    rc = make_profiler(w, cfg, why);
    if (rc == RC_OK && w->profiler != NULL)
        classify = profiler_classify(w->profiler);
    if (rc == RC_OK)
        rc = proxy_new(cfg, main_loop, classify, &w->proxy, why);
    if (rc == RC_OK)
        rc = scaler_new(cfg, w->kv, &in, &w->scaler, why);
    if (rc != RC_OK) {
        wire_free(w);
        return rc;
    }
    attach_profiler(w);
    *out = w;
    return RC_OK;
}

int wire_start(struct wire *w, struct why *why)
{
    int rc = proxy_start(w->proxy, why);

    if (rc == RC_OK)
        rc = scaler_start(w->scaler, why);
    if (rc == RC_OK && w->profiler != NULL)
        rc = profiler_start(w->profiler, why);
    return rc;
}

/* All that is wrong, as `check` would print it. */
static void log_errors(const struct cfg_errors *errs)
{
    for (size_t i = 0; i < errs->n; i++)
        log_error("config", "%s:%u:%u: %s", errs->list[i].file, errs->list[i].line,
                  errs->list[i].col, errs->list[i].text);
}

static int reload_failed(struct wire *w, int rc, const char *text)
{
    w->reload_ok = false;
    snprintf(w->reload_error, sizeof(w->reload_error), "%s", text);
    log_error("config", "reload failed, the old configuration stays: %s", text);
    return rc;
}

int wire_reload(struct wire *w)
{
    struct cfg *old = proxy_cfg_mt(w->proxy), *cfg;
    struct cfg_errors errs;
    struct why why;
    int rc;

    w->reloads++;
    w->reload_at = clock_wall();
    cfg_errors_init(&errs);
    rc = cfg_load(old->file, &cfg, &errs);
    cfg_unref(old);
    if (rc != RC_OK) {
        log_errors(&errs);
        rc = reload_failed(w, rc, errs.n > 0 ? errs.list[0].text : rc_text(rc));
        cfg_errors_fini(&errs);
        return rc;
    }
    cfg_errors_fini(&errs);
    scaler_pause_mt(w->scaler, true); /* an index may mean another service meanwhile */
    rc = proxy_reload(w->proxy, cfg, &why);
    if (rc != RC_OK) {
        scaler_pause_mt(w->scaler, false);
        cfg_unref(cfg);
        return reload_failed(w, rc, why.text);
    }
    scaler_reconfigure_mt(w->scaler, cfg);
    if (w->profiler != NULL)
        profiler_reconfigure_mt(w->profiler, cfg);
    cfg_unref(cfg);
    w->reload_ok = true;
    w->reload_error[0] = 0;
    log_info("config", "reloaded reloads=%llu", (unsigned long long)w->reloads);
    return RC_OK;
}

void wire_free(struct wire *w)
{
    if (w == NULL)
        return;
    if (w->profiler != NULL)
        profiler_stop(w->profiler); /* it writes to the scaler, reads the rings */
    if (w->scaler != NULL) {
        scaler_stop(w->scaler, false);
        scaler_free(w->scaler);
    }
    proxy_free(w->proxy);
    if (w->profiler != NULL)
        profiler_free(w->profiler);
    kv_close(w->kv);
    free(w);
}
