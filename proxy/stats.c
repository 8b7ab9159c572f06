#include "proxy/stats.h"

#include <string.h>

#include "base/mem.h"

const char *const stats_refusal_name[N_REFUSALS] = {
#define X(sym, name) name,
    STATS_REFUSALS(X)
#undef X
};

const char *const stats_denial_name[N_DENIALS] = {
#define X(sym, name) name,
    STATS_DENIALS(X)
#undef X
};

const char *const stats_bypass_name[N_BYPASSES] = {
#define X(sym, name) name,
    STATS_BYPASSES(X)
#undef X
};

const char *const stats_mirror_name[N_MIRRORS] = {
#define X(sym, name) name,
    STATS_MIRRORS(X)
#undef X
};

const char *const stats_coding_name[N_CODINGS] = {"zstd", "br", "gzip"};

enum stats_refusal stats_refusal_of(unsigned status)
{
    switch (status) {
    case 404:
        return REFUSAL_NO_ROUTE;
    case 405:
        return REFUSAL_METHOD;
    case 408:
        return REFUSAL_TIMEOUT;
    case 413:
        return REFUSAL_BODY_TOO_LARGE;
    case 414:
        return REFUSAL_URI_TOO_LONG;
    case 417:
        return REFUSAL_EXPECTATION;
    case 421:
        return REFUSAL_MISDIRECTED;
    case 431:
        return REFUSAL_HEAD_TOO_LARGE;
    case 501:
        return REFUSAL_NOT_IMPLEMENTED;
    case 505:
        return REFUSAL_VERSION;
    default:
        return REFUSAL_BAD_REQUEST;
    }
}

struct service_stats *stats_new(unsigned n_workers)
{
    return mem_new_line(n_workers * sizeof(struct service_stats));
}

#define GET(c) atomic_load_explicit(&(c), memory_order_relaxed)

static void add_tier(const struct tier_stats *t, mono_us now, struct load_tier *out)
{
    int64_t inflight = GET(t->inflight), busy = inflight - GET(t->blocked);
    struct hist_view latency;

    out->admitted += GET(t->admitted);
    out->completed += GET(t->completed);
    out->attempts += GET(t->attempts);
    out->bytes_up += GET(t->bytes_up);
    out->bytes_down += GET(t->bytes_down);
    out->inflight += inflight;
    out->busy_us += (uint64_t)(GET(t->busy_base) + busy * now);
    hist_read(&t->latency, &latency);
    hist_sum(&out->latency, &latency);
}

static void add_block(const struct service_stats *s, mono_us now, struct load *out)
{
    out->arrivals += GET(s->arrivals);
    out->client_retries += GET(s->client_retries);
    out->proxy_retries += GET(s->proxy_retries);
    out->held += GET(s->held);
    out->shed += GET(s->shed);
    out->timed_out += GET(s->timed_out);
    out->refused += GET(s->refused);
    out->left += GET(s->left);
    out->queued += GET(s->queued);
    out->long_streams += GET(s->long_streams);
    for (int i = 0; i < N_LOAD_ERRORS; i++)
        out->errors[i] += GET(s->errors[i]);
    for (int i = 0; i < 6; i++)
        out->status[i] += GET(s->status[i]);
    for (int i = 0; i < N_TIERS; i++)
        add_tier(&s->tier[i], now, &out->tier[i]);
}

void stats_load(const struct service_stats *blocks, unsigned n_workers, mono_us now,
                struct load *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < n_workers; i++)
        add_block(&blocks[i], now, out);
}

uint32_t stats_requests(const struct service_stats *blocks, unsigned n_workers)
{
    int64_t n = 0;

    for (unsigned i = 0; i < n_workers; i++) {
        n += GET(blocks[i].queued);
        for (int t = 0; t < N_TIERS; t++)
            n += GET(blocks[i].tier[t].inflight);
    }
    return n > 0 ? (uint32_t)n : 0; /* the blocks are not read at one moment */
}

void stats_edge(const struct service_stats *blocks, unsigned n_workers,
                struct stats_edge *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned w = 0; w < n_workers; w++) {
        const struct edge_stats *e = &blocks[w].edge;

#define X(field, n)                                                                        \
    for (int i = 0; i < (n); i++)                                                          \
        out->field[i] += GET(e->field[i]);
        STATS_EDGE(X)
#undef X
    }
}
