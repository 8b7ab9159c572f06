#include "proxy/client.h"

#include <sys/socket.h>

#include "base/check.h"
#include "proxy/sock.h"

void client_init(struct client *c, int fd, const union proxyproto_addr *from, uint16_t port)
{
    *c = (struct client){.fd = fd, .port = port, .ends = {.from = *from}};
    list_init(&c->ties);
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
    c->ends = p->ends;
    c->port = port_of(&p->ends.to);
}

const struct proxyproto_ends *client_ends(struct client *c)
{
    socklen_t len = sizeof(c->ends.to);

    if (c->ends.to.any.sa_family == AF_UNSPEC)
        getsockname(c->fd, &c->ends.to.any, &len);
    return &c->ends;
}

void client_announce(struct client *c, struct sock *s, unsigned version)
{
    uint8_t header[PROXYPROTO_OUT_MAX];

    sock_begin(s, header, proxyproto_write(version, client_ends(c), header));
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
    list_add_tail(&c->ties, &t->node);
}

void client_untie(struct client_tie *t)
{
    t->client = NULL;
    list_remove(&t->node);
}

void client_gone(struct client *c)
{
    while (!list_empty(&c->ties)) {
        struct client_tie *t = LIST_FIRST(&c->ties, struct client_tie, node);

        client_untie(t);
        t->on_gone(t);
    }
}
