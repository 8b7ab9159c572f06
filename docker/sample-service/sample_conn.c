#include "docker/sample-service/sample.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct sample_stats stats;
struct conn conns = {.prev = &conns, .next = &conns};
struct conn *line_first;
unsigned n_making;
int epoll_fd;

static struct conn **line_last = &line_first;

bool sample_inflight(const struct conn *c)
{
    bool counted = c->req.kind != KIND_HEALTH && c->req.kind != KIND_STATS;

    return counted && c->state >= STATE_BODY && c->state <= STATE_TUNNEL;
}

static void line_remove(struct conn *c)
{
    struct conn **at = &line_first;

    while (*at != c)
        at = &(*at)->line_next;
    *at = c->line_next;
    if (line_last == &c->line_next)
        line_last = at;
}

static void line_append(struct conn *c)
{
    c->line_next = NULL;
    *line_last = c;
    line_last = &c->line_next;
}

void sample_go(struct conn *c, enum state to)
{
    bool was = sample_inflight(c);

    if (c->state == STATE_LINE)
        line_remove(c);
    n_making -= c->state == STATE_MAKING;
    c->state = to;
    n_making += to == STATE_MAKING;
    if (to == STATE_LINE)
        line_append(c);

    stats.inflight += (unsigned)sample_inflight(c) - (unsigned)was;
    if (stats.inflight > stats.inflight_max)
        stats.inflight_max = stats.inflight;
}

void sample_want(struct conn *c, uint32_t events)
{
    struct epoll_event ev = {.events = events | EPOLLRDHUP, .data.ptr = c};

    if (c->want == events)
        return;
    c->want = events;
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
}

void sample_close(struct conn *c, bool reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (c->state == STATE_DEAD)
        return;
    if (reset)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    sample_go(c, STATE_DEAD);
    close(c->fd);
    stats.connections--;
}

void sample_free_dead(void)
{
    for (struct conn *c = conns.next, *next; c != &conns; c = next) {
        next = c->next;
        if (c->state != STATE_DEAD)
            continue;
        c->prev->next = c->next;
        c->next->prev = c->prev;
        free(c->body);
        free(c);
    }
}
