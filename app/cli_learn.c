/*
 * `tidegate learn`: users' profiles and demand history from access logs.
 *
 * Reads the files in order, each in its own time, through the same code that live
 * traffic goes through; the service of a line is that of the first route that matches.
 * Damaged lines are counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli_args.h"
#include "base/kv.h"
#include "base/logfile.h"
#include "base/logread.h"
#include "base/mem.h"
#include "conf/cfg_load.h"
#include "profiler/identity.h"
#include "profiler/profiler.h"
#include "proxy/route.h"
#include "proxy/uri.h"
#include "scaler/scaler.h"

#define FILES_MAX 1024
/* The profiler's clock moves on in such steps. */
#define TICK_MS 1000

struct learn {
    struct cfg *cfg;
    struct route_index *by_host, *by_path;
    struct cfg_route *paths; /* what by_path borrows */
    struct kv *kv;
    struct profiler *profiler;
    struct scaler *scaler;
    wall_ms ticked;
    uint64_t lines, learned, damaged, unrouted;
};

/* A line that names no host may be for any: it finds its route by path alone. */
static void index_routes(struct learn *n)
{
    n->paths = MEM_NEW_N(struct cfg_route, n->cfg->n_routes);
    for (size_t i = 0; i < n->cfg->n_routes; i++) {
        n->paths[i] = n->cfg->routes[i];
        n->paths[i].host = (char *)"";
    }
    n->by_host = route_index_new(n->cfg->routes, n->cfg->n_routes);
    n->by_path = route_index_new(n->paths, n->cfg->n_routes);
}

static void free_routes(struct learn *n)
{
    route_index_free(n->by_host);
    route_index_free(n->by_path);
    free(n->paths);
}

/* NULL: no route. */
static const struct cfg_route *find_route(const struct learn *n,
                                          const struct logread_line *l)
{
    char path[8192], host[256];
    size_t len = uri_normal_path(l->path.p, l->path.len, path, sizeof(path)), host_len;

    if (len == 0)
        return NULL;
    if (l->host.len == 0)
        return route_index_find(n->by_path, "", 0, path, len);
    host_len = uri_host(l->host.p, l->host.len, host, sizeof(host));
    return route_index_find(n->by_host, host, host_len, path, len);
}

static void feed(struct learn *n, const struct logread_line *l, const struct cfg_route *r)
{
    const struct classify *c = profiler_classify(n->profiler);
    struct identity_trace who = {.user = l->user.p,
                                 .user_len = l->user.len,
                                 .addr = l->addr.p,
                                 .addr_len = l->addr.len,
                                 .agent = l->agent.p,
                                 .agent_len = l->agent.len};
    struct observation o = {.user = profiler_trace(n->profiler, &who),
                            .path = c->path(l->path.p, l->path.len),
                            .start = l->at,
                            .latency_us = l->latency_us,
                            .bytes_down =
                                l->bytes < UINT32_MAX ? (uint32_t)l->bytes : UINT32_MAX,
                            .service = r->service,
                            .route = r->index,
                            .status = l->status,
                            .method = (uint8_t)l->method};
    struct path_text t = {.path = o.path, .service = o.service};

    scaler_learn(n->scaler, r->service, l->at, 1);
    if (o.user == 0)
        return;
    t.len = (uint16_t)(l->path.len < PATH_TEXT_MAX ? l->path.len : PATH_TEXT_MAX);
    memcpy(t.text, l->path.p, t.len);
    profiler_feed_path(n->profiler, &t);
    profiler_feed(n->profiler, &o);
    if (l->at - n->ticked >= TICK_MS) {
        profiler_tick(n->profiler, l->at);
        n->ticked = l->at;
    }
}

static void take_line(struct learn *n, struct logread *lr, const char *line, size_t len)
{
    struct logread_line l;
    const struct cfg_route *r;

    switch (logread_parse(lr, line, len, &l)) {
    case LOGREAD_NOTHING:
        return;
    case LOGREAD_DAMAGED:
        n->damaged++;
        return;
    case LOGREAD_LINE:
        break;
    }
    n->lines++;
    r = find_route(n, &l);
    if (r == NULL) {
        n->unrouted++;
        return;
    }
    n->learned++;
    feed(n, &l, r);
}

static enum cli_status take_file(struct learn *n, const char *name)
{
    struct logread lr;
    struct logfile *f;
    const char *line;
    struct why why;
    size_t len;
    bool ok;

    if (logfile_open(name, &f, &why) != RC_OK) {
        fprintf(stderr, "tidegate: %s\n", why.text);
        return CLI_FAILED;
    }
    logread_init(&lr, LOGREAD_AUTO);
    while (logfile_next(f, &line, &len))
        take_line(n, &lr, line, len);
    n->damaged += logfile_skipped(f);
    ok = logfile_ok(f, &why);
    if (!ok)
        fprintf(stderr, "tidegate: %s\n", why.text);
    logfile_close(f);
    return ok ? CLI_OK : CLI_FAILED;
}

static enum cli_status learn_all(struct learn *n, char **files, int n_files)
{
    mono_us began = clock_mono();
    struct profiler_stats st;
    enum cli_status status = CLI_OK;
    double took;

    for (int i = 0; i < n_files && status == CLI_OK; i++)
        status = take_file(n, files[i]);
    scaler_save(n->scaler);
    profiler_stats_mt(n->profiler, &st);
    took = (double)(clock_mono() - began) / US_PER_S;
    fprintf(stderr,
            "learned %llu of %llu lines (%llu damaged, %llu without a route), %llu users, "
            "%llu sessions, %llu templates, %.0f lines/s\n",
            (unsigned long long)n->learned, (unsigned long long)n->lines,
            (unsigned long long)n->damaged, (unsigned long long)n->unrouted,
            (unsigned long long)st.users, (unsigned long long)st.sessions,
            (unsigned long long)st.templates, (double)n->lines / (took > 0 ? took : 1));
    return status;
}

/* Nobody is asked while learning: there is no proxy. */
static void no_load(void *ctx, uint16_t service, struct load *out)
{
    (void)ctx;
    (void)service;
    memset(out, 0, sizeof(*out));
}

static size_t no_backends(void *ctx, uint16_t service, enum tier tier,
                          struct backend_view *out, size_t max)
{
    (void)ctx;
    (void)service;
    (void)tier;
    (void)out;
    (void)max;
    return 0;
}

static int no_change(void *ctx, const struct pool_change *c)
{
    (void)ctx;
    (void)c;
    return RC_NOT_FOUND;
}

static enum cli_status with_store(struct learn *n, char **files, int n_files)
{
    const struct scaler_in in = {
        .load = no_load, .backends = no_backends, .change = no_change};
    struct profiler_out out = {0};
    struct why why = {0};
    enum cli_status status = CLI_FAILED;
    int rc;

    rc = kv_open_lmdb(n->cfg->store.path, n->cfg->store.max_bytes, KV_ALONE, &n->kv, &why);
    if (rc == RC_OK)
        rc = profiler_new(n->cfg, n->kv, &out, &n->profiler, &why);
    if (rc == RC_OK)
        rc = scaler_new(n->cfg, n->kv, &in, &n->scaler, &why);
    if (rc == RC_OK)
        status = learn_all(n, files, n_files);
    else
        fprintf(stderr, "tidegate: %s\n", why.text);
    if (n->scaler != NULL)
        scaler_free(n->scaler);
    if (n->profiler != NULL)
        profiler_free(n->profiler);
    kv_close(n->kv);
    return status;
}

int cli_learn(int argc, char **argv)
{
    struct cli_args a = {.usage = "learn [-c FILE] LOG...", .max_operands = FILES_MAX};
    struct cfg_errors errs;
    enum cli_status status;
    struct learn n = {0};

    if (!cli_args_read(argc, argv, &a, &status))
        return status;
    if (a.n_operands == 0) {
        fprintf(stderr, "tidegate: learn: which log?\n");
        return CLI_USAGE;
    }
    cfg_errors_init(&errs);
    if (cfg_load(a.config, &n.cfg, &errs) != RC_OK)
        cfg_errors_print(&errs, stderr);
    cfg_errors_fini(&errs);
    if (n.cfg == NULL)
        return CLI_FAILED;
    status = CLI_FAILED;
    if (n.cfg->store.kind == CFG_STORE_MEMORY) {
        fprintf(stderr,
                "tidegate: learn: the configured store is memory, nothing would stay\n");
    } else {
        clock_set_virtual(n.cfg->clock.start, n.cfg->clock.speed);
        index_routes(&n);
        status = with_store(&n, a.operands, a.n_operands);
        free_routes(&n);
    }
    cfg_unref(n.cfg);
    return status;
}
