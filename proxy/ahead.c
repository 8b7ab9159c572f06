#include "proxy/ahead.h"

/* Whoever takes nothing for so long is slow: moved uncopied, bytes wait now and then. */
#define SLOW_MS 20

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
static bool takes_more(const struct exchange *x)
{
    uint64_t most = x->service->cfg->response_buffer;
    bool fits = x->left == UINT64_MAX ? x->ahead < most : x->ahead + x->left <= most;

    return fits && !x->tunnel && memory_left(x);
}

/* The backend waits for the client. */
static void wait_for_client(struct exchange *x)
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
    if (x->left == 0 || takes_more(x))
        return true;
    wait_for_client(x);
    return false;
}

bool ahead_copies(struct exchange *x)
{
    struct loop *l = x->w->loop;

    if (x->slow && takes_more(x))
        return true;
    wait_for_client(x);
    if (!x->slow && x->service->cfg->response_buffer > 0)
        loop_timer_set(l, &x->timer, loop_now(l) + (mono_us)SLOW_MS * US_PER_MS);
    return false;
}

void ahead_late(struct exchange *x)
{
    x->slow = true;
    if (takes_more(x))
        x->up->ops->resume(x->up);
}

void ahead_room(struct exchange *x)
{
    struct tier_stats *t;
    mono_us now = loop_now(x->w->loop);

    x->ahead = 0;
    if (x->blocked_at == 0)
        return;
    t = &x->stats->tier[x->tier];
    loop_timer_clear(&x->timer);
    STATS_ADD(t->blocked, -1);
    STATS_ADD(t->busy_base, -now);
    x->blocked_us += now - x->blocked_at;
    x->blocked_at = 0;
}
