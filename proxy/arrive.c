#include "proxy/arrive.h"

#include <string.h>

#include "proxy/client.h"
#include "proxy/hop.h"
#include "proxy/note.h"
#include "proxy/observe.h"
#include "proxy/repeat.h"
#include "proxy/uri.h"

static uint64_t path_hash(const struct classify *c, const char *path, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;

    if (c != NULL)
        return c->path(path, len);
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)path[i]) * 0x100000001b3u;
    return h | 1;
}

static const char *view_field(const void *fields, const char *name, size_t *len)
{
    const struct msg *m = fields;
    const struct field *f = msg_find_name(m, name, strlen(name));

    if (f == NULL)
        return NULL;
    *len = f->value_len;
    return msg_value(m, f);
}

/* Who asks for what: for the profiler, and to tell a second try from new demand. */
static void identify(struct exchange *x, const struct sockaddr *client)
{
    const struct classify *c = x->w->shared->classify;
    const char *target = msg_at(&x->head, x->head.target);
    struct request_view v = {.client = client,
                             .path = target,
                             .path_len = uri_path_len(target, x->head.target.len),
                             .fields = &x->head,
                             .field = view_field};
    uint64_t who;

    x->path_hash = path_hash(c, v.path, v.path_len);
    if (c != NULL) {
        x->user = c->user(c->ctx, &v);
        x->device = (uint8_t)c->device(c->ctx, &v);
    }
    who = x->user != 0 ? x->user : observe_client_hash(&x->head, client);
    x->repeat_key = repeat_key(who, x->path_hash, x->head.method_id);
    observe_path(x->w, x->route->service, x->path_hash, v.path, v.path_len);
}

/* False: a path that must be refused. */
static bool find_route(struct exchange *x)
{
    char path[16384], host[256];
    size_t path_len, host_len = 0;
    const struct msg *m = &x->head;

    if (m->target.len == 1 && *msg_at(m, m->target) == '*') {
        path[0] = '/'; /* OPTIONS *: as for the root */
        path_len = 1;
    } else {
        path_len = uri_normal_path(msg_at(m, m->target), m->target.len, path, sizeof(path));
    }
    if (path_len == 0)
        return false;
    if (m->authority.len > 0)
        host_len = uri_host(msg_at(m, m->authority), m->authority.len, host, sizeof(host));
    x->route = topology_route(x->pin->topology, host, host_len, path, path_len);
    return true;
}

/* What is asked for over TLS alone came without, and no trusted peer says that it had it
 * (RFC 9110, 7.4). */
static bool misdirected(const struct msg *m, const struct stream_info *info)
{
    const struct cfg_listener *lis = info->listener;

    return (m->flags & MSG_HTTPS_TARGET) != 0 && strcmp(info->scheme, "https") != 0 &&
           !hop_is_trusted(lis->trusted, lis->n_trusted, info->peer);
}

/* Requests that are answered here whatever the route.  0: it goes on. */
static unsigned refusal(const struct msg *m, const struct stream_info *info)
{
    if (misdirected(m, info))
        return 421;
    if (m->method_id == METHOD_CONNECT || m->method_id == METHOD_TRACE)
        return 405;
    if (info->listener->max_body_bytes != 0 && m->body == BODY_LENGTH &&
        m->content_length > info->listener->max_body_bytes)
        return 413;
    return 0;
}

static void put_hex(char out[16], uint64_t v)
{
    for (int i = 15; i >= 0; i--, v >>= 4)
        out[i] = "0123456789abcdef"[v & 15];
}

static void make_request_id(struct worker *w, char out[33])
{
    put_hex(out, rng_next(&w->rng));
    put_hex(out + 16, rng_next(&w->rng) ^ ++w->request_ids);
    out[32] = 0;
}

/* Edits the head for the next hop and finds out who asks: *client is the address.  False:
 * no room. */
static bool prepare_head(struct exchange *x, const struct stream_info *info,
                         struct sockaddr_storage *client)
{
    char id[33];
    struct hop_request hop = {
        .peer = info->peer,
        .trusted = info->listener->trusted,
        .n_trusted = info->listener->n_trusted,
        .scheme = info->scheme,
        .port = info->client->port,
        .via = x->pin->topology->cfg->via,
        .request_id = id,
        .subject_field = x->pin->topology->cfg->client_subject_header,
        .subject = info->subject,
    };

    make_request_id(x->w, id);
    hop_client(&x->head, &hop, client);
    if (x->pin->topology->access != NULL)
        note_routed(x, (struct sockaddr *)client);
    identify(x, (struct sockaddr *)client);
    return hop_request(&x->head, &hop);
}

static bool refuse(struct arrival *a, enum stats_refusal reason, unsigned status,
                   const char *why)
{
    *a = (struct arrival){.status = status, .why = why, .refused = true, .reason = reason};
    return false;
}

bool arrive(struct exchange *x, const struct stream_info *info,
            struct sockaddr_storage *client, struct arrival *a)
{
    unsigned status = refusal(&x->head, info);

    if (status != 0)
        return refuse(a, stats_refusal_of(status), status, "refused");
    if (!find_route(x))
        return refuse(a, REFUSAL_BAD_REQUEST, 400, "bad path");
    if (x->route == NULL)
        return refuse(a, REFUSAL_NO_ROUTE, 404, "no route");
    if (hop_is_last(&x->head)) {
        *a = (struct arrival){.status = 204, .why = ""};
        return false;
    }
    if (!prepare_head(x, info, client))
        return refuse(a, REFUSAL_HEAD_TOO_LARGE, 431, "head too large");
    x->service = &x->pin->topology->services[x->route->service];
    x->stats = &x->service->shared->stats[x->w->id];
    return true;
}
