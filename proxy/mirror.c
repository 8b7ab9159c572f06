#include "proxy/mirror.h"

#include <stdlib.h>

#include "base/mem.h"
#include "proxy/subreq.h"

struct mirror {
    struct worker *w;
    struct edge_set *set;          /* a reference: the count is in it */
    struct service_stats *stats;   /* of the request's service, this worker's */
    struct service_shared *shared; /* a reference: `stats` is in it */
    _Atomic uint32_t *under_way;
    struct bufq body;
};

static void count(struct mirror *m, enum stats_mirror what)
{
    STATS_INC(m->stats->edge.mirrored[what]);
}

static void mirror_free(struct mirror *m)
{
    atomic_fetch_sub_explicit(m->under_way, 1, memory_order_relaxed);
    bufq_clear(&m->w->bufs, &m->body);
    service_shared_unref(m->shared);
    edge_set_unref(m->set);
    free(m);
}

/* One of max_requests, over all workers. */
static bool reserve(_Atomic uint32_t *under_way, uint32_t max)
{
    if (atomic_fetch_add_explicit(under_way, 1, memory_order_relaxed) < max)
        return true;
    atomic_fetch_sub_explicit(under_way, 1, memory_order_relaxed);
    return false;
}

static struct mirror *mirror_new(struct exchange *x, _Atomic uint32_t *under_way)
{
    struct mirror *m = MEM_NEW(struct mirror);

    m->w = x->w;
    m->set = edge_set_ref(x->pin->topology->edge);
    m->shared = service_shared_ref(x->service->shared);
    m->stats = x->stats;
    m->under_way = under_way;
    return m;
}

/* The body that came before: while x waited for its authentication. */
static void take_early_body(struct exchange *x)
{
    struct iovec iov[8];
    size_t offset = 0;

    while (x->edge->mirror != NULL && offset < x->body.len) {
        int n = bufq_iov(&x->body, offset, iov, 8);

        for (int i = 0; i < n; i++) {
            mirror_data(x, iov[i].iov_base, iov[i].iov_len);
            offset += iov[i].iov_len;
        }
    }
}

void mirror_begin(struct exchange *x)
{
    struct edge_route *rules = &x->pin->topology->edge->routes[x->route->index];
    const struct cfg_mirror *cfg = rules->mirror;

    if ((x->head.flags & MSG_UPGRADE) != 0 || rng_unit(&x->w->rng) >= cfg->share)
        return;
    if (x->head.body == BODY_LENGTH && x->head.content_length > cfg->max_bytes) {
        STATS_INC(x->stats->edge.mirrored[MIRROR_TOO_LARGE]);
        return;
    }
    if (!reserve(&rules->mirrored, cfg->max_requests)) {
        STATS_INC(x->stats->edge.mirrored[MIRROR_BUSY]);
        return;
    }
    x->edge->mirror = mirror_new(x, &rules->mirrored);
    take_early_body(x);
    if (x->request == REQUEST_DONE && x->edge->mirror != NULL)
        mirror_send(x);
}

void mirror_data(struct exchange *x, const uint8_t *p, size_t n)
{
    struct mirror *m = x->edge->mirror;

    if (m->body.len + n <= x->edge->rules->mirror->max_bytes) {
        bufq_append(&x->w->bufs, &m->body, p, n);
        return;
    }
    count(m, MIRROR_TOO_LARGE);
    x->edge->mirror = NULL;
    mirror_free(m);
}

static void on_done(struct subreq *s)
{
    struct mirror *m = s->ctx;

    count(m, s->how == SUBREQ_ANSWERED ? MIRROR_ANSWERED : MIRROR_FAILED);
    subreq_free(s);
    mirror_free(m);
}

/* As the request went to its service, its body now of a length that is known. */
static struct msg copy_head(struct exchange *x, size_t body_len)
{
    struct msg m = edge_head_copy(x->w, &x->head);

    for (size_t i = 0; i < m.n_fields; i++)
        if (m.fields[i].id == FIELD_EXPECT || m.fields[i].id == FIELD_TRAILER)
            m.fields[i].drop = true;
    m.flags &= (uint8_t)~MSG_EXPECT;
    if (m.body != BODY_NONE) {
        m.body = BODY_LENGTH;
        m.flags |= MSG_HAS_LENGTH;
        m.content_length = body_len;
    }
    return m;
}

void mirror_send(struct exchange *x)
{
    struct mirror *m = x->edge->mirror;
    struct msg head = copy_head(x, m->body.len);
    const struct subreq_spec spec = {.parent = x,
                                     .service = x->edge->rules->mirror->service,
                                     .head = &head,
                                     .body = &m->body,
                                     .never_wait = true,
                                     .outlives = true,
                                     .done = on_done,
                                     .ctx = m};

    count(m, MIRROR_SENT);
    x->edge->mirror = NULL;
    subreq_new(&spec);
}

void mirror_drop(struct exchange *x)
{
    struct mirror *m = x->edge->mirror;

    if (m == NULL)
        return;
    x->edge->mirror = NULL;
    mirror_free(m);
}
