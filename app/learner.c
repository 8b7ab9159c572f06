#include "app/learner.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "profiler/device.h"
#include "profiler/identity.h"
#include "proxy/route.h"
#include "proxy/uri.h"

/* The profiler's clock moves on in such steps. */
#define TICK_MS    1000
#define PATH_BYTES 8192
#define HOST_BYTES 256

struct learner {
    struct route_index *by_host, *by_path;
    struct cfg_route *paths;         /* what by_path borrows */
    const struct cfg_route *for_all; /* where all lines go; NULL: by the routes */
    struct cfg_route forced;         /* what for_all points at */
    struct device *device;
    struct profiler *profiler;
    struct scaler *scaler;
    wall_ms ticked;
    uint64_t lines, learned, damaged, unrouted;
};

/* ---- whose a line is ---- */

/* A line that names no host may be for any: it finds its route by path alone. */
static void index_routes(struct learner *n, const struct cfg *cfg)
{
    n->paths = MEM_NEW_N(struct cfg_route, cfg->n_routes);
    for (size_t i = 0; i < cfg->n_routes; i++) {
        n->paths[i] = cfg->routes[i];
        n->paths[i].host = (char *)"";
    }
    n->by_host = route_index_new(cfg->routes, cfg->n_routes);
    n->by_path = route_index_new(n->paths, cfg->n_routes);
}

/* The first route of that service stands for all lines, or one that nothing else has. */
static void force_service(struct learner *n, const struct cfg *cfg, uint16_t service)
{
    n->forced = (struct cfg_route){.service = service, .index = UINT16_MAX};
    for (size_t i = cfg->n_routes; i-- > 0;)
        if (cfg->routes[i].service == service)
            n->forced = cfg->routes[i];
    n->for_all = &n->forced;
}

/* NULL: no route. */
static const struct cfg_route *find_route(const struct learner *n,
                                          const struct logread_line *l)
{
    char path[PATH_BYTES], host[HOST_BYTES];
    size_t len, host_len;

    if (n->for_all != NULL)
        return n->for_all;
    len = uri_normal_path(l->path.p, l->path.len, path, sizeof(path));
    if (len == 0)
        return NULL;
    if (l->host.len == 0)
        return route_index_find(n->by_path, "", 0, path, len);
    host_len = uri_host(l->host.p, l->host.len, host, sizeof(host));
    return route_index_find(n->by_host, host, host_len, path, len);
}

/* ---- a line ---- */

static uint64_t user_of(const struct learner *n, const struct logread_line *l)
{
    struct identity_trace who = {.user = l->user.p,
                                 .user_len = l->user.len,
                                 .addr = l->addr.p,
                                 .addr_len = l->addr.len,
                                 .agent = l->agent.p,
                                 .agent_len = l->agent.len};

    if (l->key != 0)
        return l->key;
    return profiler_trace(n->profiler, &who);
}

static void feed_path(struct learner *n, const struct logread_line *l, uint16_t service,
                      uint64_t path)
{
    struct path_text t = {.path = path, .service = service};

    t.len = (uint16_t)(l->path.len < PATH_TEXT_MAX ? l->path.len : PATH_TEXT_MAX);
    memcpy(t.text, l->path.p, t.len);
    profiler_feed_path(n->profiler, &t);
}

static void feed(struct learner *n, const struct logread_line *l, const struct cfg_route *r)
{
    struct observation o = {
        .user = user_of(n, l),
        .path = profiler_classify(n->profiler)->path(l->path.p, l->path.len),
        .start = l->at,
        .latency_us = l->latency_us,
        .bytes_down = l->bytes < UINT32_MAX ? (uint32_t)l->bytes : UINT32_MAX,
        .service = r->service,
        .route = r->index,
        .status = l->status,
        .method = (uint8_t)l->method,
        .device = (uint8_t)device_of(n->device, l->agent.p, l->agent.len)};

    scaler_learn(n->scaler, r->service, l->at, 1);
    if (o.user == 0)
        return;
    feed_path(n, l, r->service, o.path);
    profiler_feed(n->profiler, &o);
    if (l->at - n->ticked >= TICK_MS) {
        profiler_tick(n->profiler, l->at);
        n->ticked = l->at;
    }
}

void learner_line(struct learner *n, struct logread *lr, const char *line, size_t len)
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

void learner_skipped(struct learner *n, uint64_t lines)
{
    n->damaged += lines;
}

void learner_get_stats(const struct learner *n, struct learner_stats *out)
{
    struct profiler_stats st;

    profiler_stats_mt(n->profiler, &st);
    *out = (struct learner_stats){.lines = n->lines,
                                  .learned = n->learned,
                                  .damaged = n->damaged,
                                  .unrouted = n->unrouted,
                                  .users = st.users,
                                  .sessions = st.sessions,
                                  .templates = st.templates};
}

/* ---- life ---- */

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

int learner_new(struct cfg *cfg, struct kv *kv, int service, struct learner **out,
                struct why *w)
{
    const struct scaler_in in = {
        .load = no_load, .backends = no_backends, .change = no_change};
    struct learner *n = MEM_NEW(struct learner);
    int rc;

    *out = NULL;
    n->device = device_new();
    index_routes(n, cfg);
    if (service != LEARNER_BY_ROUTES)
        force_service(n, cfg, (uint16_t)service);
    rc = profiler_new(cfg, kv, NULL, &n->profiler, w);
    if (rc == RC_OK)
        rc = scaler_new(cfg, kv, &in, &n->scaler, w);
    if (rc != RC_OK) {
        learner_free(n);
        return rc;
    }
    *out = n;
    return RC_OK;
}

void learner_free(struct learner *n)
{
    if (n == NULL)
        return;
    if (n->scaler != NULL)
        scaler_save(n->scaler);
    scaler_free(n->scaler);
    profiler_free(n->profiler);
    route_index_free(n->by_host);
    route_index_free(n->by_path);
    device_free(n->device);
    free(n->paths);
    free(n);
}
