#include "app/admin/admin.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/admin/ask.h"
#include "app/admin/callers.h"
#include "app/admin/endpoint.h"
#include "app/admin/gate.h"
#include "app/admin/parts.h"
#include "app/admin/trail.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/unixsock.h"

#define BACKLOG     64
#define IDLE_S      30
#define HEAD_MAX    16384
#define PAUSE_US    (100 * US_PER_MS) /* after an accept that failed */
#define SOCKET_MODE 0600
#define HANDLED_HERE                                                                       \
    (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |                 \
     EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH)

struct admin {
    struct parts parts;
    struct addr bind;
    struct evhttp *http;
    struct evconnlistener *listener; /* part of http */
    struct loop_timer resume;
    struct callers callers;
    struct bufferevent *newest; /* of the connection accepted in this turn, or NULL */
    struct loop_ready accepted;
};

/* ---- requests ---- */

static enum gate_verdict judge(const struct admin *ad, const struct ask *a,
                               const struct sockaddr *peer)
{
    struct gate_request r = {.peer = peer,
                             .host = ask_field(a, "Host"),
                             .origin = ask_field(a, "Origin"),
                             .authorization = ask_field(a, "Authorization")};
    enum gate_verdict v;
    struct cfg *cfg;

    if (ask_method(a) != ASK_POST)
        return gate_read(&ad->bind, &r);
    cfg = proxy_cfg_mt(ad->parts.wire->proxy);
    v = gate_change(&ad->bind, cfg->admin.token, &r);
    cfg_unref(cfg);
    return v;
}

static void refuse(struct ask *a, enum gate_verdict v)
{
    if (v == GATE_TOKEN)
        ask_header(a, "WWW-Authenticate", "Bearer realm=\"tidegate\"");
    ask_reply_problem(a, gate_status(v), "%s", gate_text(v));
}

static void refuse_method(struct ask *a, const struct endpoint *e)
{
    ask_header(a, "Allow", e->get == NULL ? "POST" : "GET, HEAD");
    ask_reply_problem(a, 405, "%s",
                      e->get == NULL ? "changes are made by POST"
                                     : "this is for reading only");
}

static void dispatch(const struct admin *ad, struct ask *a, const struct sockaddr *peer)
{
    const struct endpoint *e = endpoint_find(ask_path(a));
    enum ask_method m = ask_method(a);
    enum gate_verdict v = judge(ad, a, peer);

    if (v != GATE_OPEN)
        refuse(a, v);
    else if (e == NULL)
        ask_reply_problem(a, 404, "there is nothing at this path");
    else if (m == ASK_POST && e->post != NULL)
        e->post(&ad->parts, a);
    else if ((m == ASK_GET || m == ASK_HEAD) && e->get != NULL)
        e->get(&ad->parts, a);
    else
        refuse_method(a, e);
}

static void on_request(struct evhttp_request *req, void *ctx)
{
    const struct admin *ad = ctx;
    struct evhttp_connection *conn = evhttp_request_get_connection(req);
    const struct sockaddr *peer = evhttp_connection_get_addr(conn);
    struct ask *a = ask_new(req);

    if (a == NULL)
        return;
    loop_now(ad->parts.wire->loop); /* a turn is timed from the first call of this */
    dispatch(ad, a, peer);
    ask_free(a);
}

/* ---- listening ---- */

static int bind_fd(int fd, const struct addr *bind_to)
{
    const char *path = bind_to->sa.un.sun_path;
    int one = 1;

    if (bind_to->kind == ADDR_IP6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind_to->kind != ADDR_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    else if (unixsock_stale(bind_to))
        unlink(path);
    if (bind(fd, &bind_to->sa.any, bind_to->len) < 0)
        return -1;
    if (bind_to->kind == ADDR_UNIX && path[0] != 0 && chmod(path, SOCKET_MODE) < 0)
        return -1;
    return listen(fd, BACKLOG);
}

static int open_socket(const struct addr *bind_to, struct why *why)
{
    int fd =
        socket(bind_to->sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind_fd(fd, bind_to) == 0)
        return fd;
    why_set(why, RC_SYS, "admin on %s: %s", bind_to->text, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* libevent would try again at once, for ever. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
    struct admin *ad = ctx;
    struct loop *loop = ad->parts.wire->loop;

    log_error("admin", "accept on %s: %s", ad->bind.text, strerror(errno));
    evconnlistener_disable(listener);
    loop_timer_set(loop, &ad->resume, loop_now(loop) + PAUSE_US);
}

static void on_resume(struct loop_timer *t)
{
    struct admin *ad = CONTAINER_OF(t, struct admin, resume);

    evconnlistener_enable(ad->listener);
}

/* One is accepted a turn: evhttp closes what callers_add() ends in the next one. */
static struct bufferevent *on_connection(struct event_base *base, void *ctx)
{
    struct admin *ad = ctx;

    evconnlistener_disable(ad->listener);
    ad->newest = bufferevent_socket_new(base, -1, 0);
    CHECK(ad->newest != NULL);
    loop_ready_add(ad->parts.wire->loop, &ad->accepted);
    return ad->newest;
}

/* By now evhttp has given it its descriptor, and nothing has come from it yet. */
static void on_accepted(struct loop_ready *r)
{
    struct admin *ad = CONTAINER_OF(r, struct admin, accepted);

    callers_add(&ad->callers, bufferevent_getfd(ad->newest));
    ad->newest = NULL;
    evconnlistener_enable(ad->listener);
}

static void serve(struct admin *ad, int fd)
{
    struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(ad->http, fd);

    CHECK(bound != NULL);
    ad->listener = evhttp_bound_socket_get_listener(bound);
    evconnlistener_set_error_cb(ad->listener, on_accept_error);
    evhttp_set_allowed_methods(ad->http, HANDLED_HERE);
    evhttp_set_max_headers_size(ad->http, HEAD_MAX);
    evhttp_set_max_body_size(ad->http, ASK_BODY_MAX);
    evhttp_set_timeout(ad->http, IDLE_S);
    evhttp_set_bevcb(ad->http, on_connection, ad);
    evhttp_set_gencb(ad->http, on_request, ad);
}

int admin_new(struct wire *w, const struct cfg_admin *cfg, struct admin **out,
              struct why *why)
{
    int fd = open_socket(&cfg->bind, why);
    struct admin *ad;

    *out = NULL;
    if (fd < 0)
        return RC_SYS;
    ad = MEM_NEW(struct admin);
    ad->parts.wire = w;
    ad->parts.trail = trail_new(w);
    ad->parts.started = clock_wall() - (clock_mono() - w->started) / US_PER_MS;
    ad->bind = cfg->bind;
    loop_timer_init(&ad->resume, on_resume);
    loop_ready_init(&ad->accepted, on_accepted);
    ad->http = evhttp_new(loop_base(w->loop));
    CHECK(ad->http != NULL);
    serve(ad, fd);
    *out = ad;
    return RC_OK;
}

void admin_free(struct admin *ad)
{
    if (ad == NULL)
        return;
    loop_timer_remove(&ad->resume);
    loop_ready_cancel(&ad->accepted);
    evhttp_free(ad->http);
    trail_free(ad->parts.trail);
    if (ad->bind.kind == ADDR_UNIX && ad->bind.sa.un.sun_path[0] != 0)
        unlink(ad->bind.sa.un.sun_path);
    free(ad);
}
