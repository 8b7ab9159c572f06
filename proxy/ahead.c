#include "proxy/ahead.h"

static bool memory_left(const struct exchange *x)
{
    const struct worker *w = x->w;
    uint64_t used = (uint64_t)w->bufs.n_used * BUF_BLOCK_BYTES;

    return used * w->shared->n_workers < x->pin->topology->cfg->buffer_memory;
}

/* Only with a length: whoever sends chunks may be waiting for an answer to the first. */
bool ahead_gathers(const struct exchange *x)
{
    return x->request == REQUEST_BODY && x->head.body == BODY_LENGTH &&
           x->head.content_length <= x->service->cfg->request_buffer &&
           (x->head.flags & MSG_EXPECT) == 0 && memory_left(x);
}

void ahead_begins(struct exchange *x, const struct msg *head)
{
    x->left = head->body == BODY_LENGTH ? head->content_length : UINT64_MAX;
}

/* A rest that does not fit is not begun: the slot would not be free any earlier. */
bool ahead_takes(const struct exchange *x)
{
    uint64_t most = x->service->cfg->response_buffer;
    bool fits = x->left == UINT64_MAX ? x->ahead < most : x->ahead + x->left <= most;

    return fits && !x->tunnel && memory_left(x);
}

void ahead_waits(struct exchange *x)
{
    struct tier_stats *t = &x->stats->tier[x->tier];

    if (x->blocked_at != 0 || x->backend == NULL)
        return;
    x->blocked_at = loop_now(x->w->loop);
    STATS_INC(t->blocked);
    STATS_ADD(t->busy_base, x->blocked_at);
}

bool ahead_passed(struct exchange *x, size_t n, bool welcome)
{
    if (x->left != UINT64_MAX)
        x->left -= n;
    if (welcome)
        return true;
    x->ahead += n;
    if (x->left == 0 || ahead_takes(x))
        return true;
    ahead_waits(x);
    return false;
}

void ahead_room(struct exchange *x)
{
    struct tier_stats *t;
    mono_us now = loop_now(x->w->loop);

    x->ahead = 0;
    if (x->blocked_at == 0)
        return;
    t = &x->stats->tier[x->tier];
    STATS_ADD(t->blocked, -1);
    STATS_ADD(t->busy_base, -now);
    x->blocked_us += now - x->blocked_at;
    x->blocked_at = 0;
}
