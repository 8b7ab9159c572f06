#include "proxy/observe.h"

#include <string.h>

#define TAG_SERVICE_SHIFT 48

static uint32_t saturate(uint64_t v)
{
    return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

static uint8_t method_of(const struct exchange *x)
{
    switch ((enum http_method)x->head.method_id) {
    case METHOD_GET:
        return OBS_GET;
    case METHOD_HEAD:
        return OBS_HEAD;
    case METHOD_POST:
        return OBS_POST;
    case METHOD_PUT:
        return OBS_PUT;
    case METHOD_DELETE:
        return OBS_DELETE;
    case METHOD_OTHER:
    case METHOD_OPTIONS:
    case METHOD_TRACE:
    case METHOD_CONNECT:
    case METHOD_PATCH:
        break;
    }
    return OBS_OTHER;
}

/* Virtual time at which the exchange began. */
static wall_ms began(const struct exchange *x, mono_us now)
{
    return clock_virtual() -
           (wall_ms)((double)(now - x->start) / US_PER_MS * clock_speed());
}

static void put_observation(struct exchange *x, mono_us now)
{
    struct observation o = {
        .user = x->user,
        .path = x->path_hash,
        .start = began(x, now),
        .latency_us = saturate((uint64_t)(now - x->start)),
        .ttfb_us =
            x->first_byte_at != 0 ? saturate((uint64_t)(x->first_byte_at - x->start)) : 0,
        .bytes_up = saturate(x->bytes_up),
        .bytes_down = saturate(x->bytes_down),
        .service = x->route->service,
        .route = x->route->index,
        .status = x->status,
        .flags = (uint16_t)(x->flags | (x->tries_before > 0 ? OBS_REPEAT : 0)),
        .method = method_of(x),
        .device = x->device,
        .tier = x->tier,
    };

    ring_put(x->w->observations, &o);
}

/* An answer after which clients ask again. */
static bool invites_retry(const struct exchange *x)
{
    return x->status >= 500 || x->status == 429 ||
           (x->response == RESPONSE_RESET && !(x->flags & OBS_ABORTED));
}

void observe_exchange(struct exchange *x)
{
    mono_us now;

    if (x->service == NULL)
        return;
    now = loop_now(x->w->loop);
    STATS_INC(x->stats->status[x->status / 100 < 6 ? x->status / 100 : 0]);
    if (x->counted_long)
        STATS_ADD(x->stats->long_streams, -1);
    if (x->routed_at == 0 || x->internal)
        return; /* refused at the edge, or our own: no user's demand */
    if (invites_retry(x))
        repeat_failed(x->w->shared->repeat, x->repeat_key, x->tries_before, now,
                      x->service->cfg->client_retry_ms);
    if (x->user != 0)
        put_observation(x, now);
}

void observe_path(struct worker *w, uint16_t service, uint64_t hash, const char *path,
                  size_t len)
{
    struct path_text t = {.path = hash, .service = service};
    uint64_t tag = hash ^ (uint64_t)service << TAG_SERVICE_SHIFT;
    uint64_t *seen = &w->seen_paths[hash % WORKER_SEEN_PATHS];

    if (*seen == tag || w->shared->classify == NULL)
        return;
    t.len = (uint16_t)(len < PATH_TEXT_MAX ? len : PATH_TEXT_MAX);
    memcpy(t.text, path, t.len);
    if (ring_put(w->paths, &t))
        *seen = tag;
}

static uint64_t fnv(uint64_t h, const void *in, size_t n)
{
    const uint8_t *p = in;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

uint64_t observe_client_hash(const struct msg *head, const struct sockaddr *client)
{
    const struct field *agent = msg_find(head, FIELD_USER_AGENT);
    uint64_t h = 0xcbf29ce484222325u;

    if (client->sa_family == AF_INET)
        h = fnv(h, &((const struct sockaddr_in *)(const void *)client)->sin_addr, 4);
    else if (client->sa_family == AF_INET6)
        h = fnv(h, &((const struct sockaddr_in6 *)(const void *)client)->sin6_addr, 16);
    return agent != NULL ? fnv(h, msg_value(head, agent), agent->value_len) : h;
}
