#include "proxy/client.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/sock.h"

struct client_more {
    struct proxyproto_ends ends;
    struct list ties;
};

void client_init(struct client *c, int fd, const union proxyproto_addr *from, uint16_t port)
{
    *c = (struct client){.fd = fd, .port = port, .from = *from};
}

static struct client_more *more_new(const struct proxyproto_ends *ends)
{
    struct client_more *m = MEM_NEW(struct client_more);

    m->ends = *ends;
    list_init(&m->ties);
    return m;
}

/* The connection's own ends, until a header says something else. */
static struct client_more *more_of(struct client *c)
{
    struct proxyproto_ends ends = {.from = c->from};
    socklen_t len = sizeof(ends.to);

    if (c->more != NULL)
        return c->more;
    getsockname(c->fd, &ends.to.any, &len);
    c->more = more_new(&ends);
    return c->more;
}

static uint16_t port_of(const union proxyproto_addr *a)
{
    switch (a->any.sa_family) {
    case AF_INET:
        return ntohs(a->ip4.sin_port);
    case AF_INET6:
        return ntohs(a->ip6.sin6_port);
    default:
        return 0;
    }
}

void client_told(struct client *c, const struct proxyproto *p)
{
    if (!p->told)
        return;
    more_of(c)->ends = p->ends;
    c->from = p->ends.from;
    c->port = port_of(&p->ends.to);
}

void client_copy(struct client *to, struct client *from)
{
    client_init(to, -1, &from->from, from->port);
    to->more = more_new(&more_of(from)->ends);
}

void client_announce(struct client *c, struct sock *s, unsigned version)
{
    uint8_t header[PROXYPROTO_OUT_MAX];

    sock_begin(s, header, proxyproto_write(version, &more_of(c)->ends, header));
}

/* ---- ties ---- */

void client_tie_init(struct client_tie *t, void (*on_gone)(struct client_tie *t))
{
    *t = (struct client_tie){.on_gone = on_gone};
    list_init(&t->node);
}

void client_tie(struct client *c, struct client_tie *t)
{
    CHECK(t->client == NULL);
    t->client = c;
    list_add_tail(&more_of(c)->ties, &t->node);
}

void client_untie(struct client_tie *t)
{
    t->client = NULL;
    list_remove(&t->node);
}

const struct list *client_ties(struct client *c)
{
    return &more_of(c)->ties;
}

void client_gone(struct client *c)
{
    struct client_more *m = c->more;

    if (m == NULL)
        return;
    while (!list_empty(&m->ties)) {
        struct client_tie *t = LIST_FIRST(&m->ties, struct client_tie, node);

        client_untie(t);
        t->on_gone(t);
    }
    c->more = NULL;
    free(m);
}
