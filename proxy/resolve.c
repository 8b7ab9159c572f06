#include "proxy/resolve.h"

#include <ares.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define TRY_MS       2000 /* one question to one server */
#define TRIES        3
#define RETRY_MS     1000
#define RETRY_MAX_MS 30000

struct resolve {
    struct loop *loop;
    ares_channel channel;
    uint32_t min_ttl_ms, max_ttl_ms;
    struct loop_timer timer; /* c-ares' own time-outs */
    struct list socks;
    unsigned n_names;
};

/* A socket of c-ares, which opens and closes it. */
struct sock {
    struct list node;
    struct resolve *r;
    struct loop_io io;
    struct loop_ready ready;
    short wants; /* POLLIN, POLLOUT */
};

struct resolve_name {
    struct resolve *r;
    struct addr name;
    char host[ADDR_TEXT_MAX];
    resolve_fn *fn;
    void *ctx;
    struct loop_timer timer;
    uint32_t fails_in_row;
    bool asking, answered, removed;
};

uint32_t resolve_hold_ms(const struct cfg_resolver *cfg, int ttl_s)
{
    uint64_t ms = ttl_s > 0 ? (uint64_t)ttl_s * MS_PER_S : 0;

    if (ms < cfg->min_ttl_ms)
        return cfg->min_ttl_ms;
    return ms > cfg->max_ttl_ms ? cfg->max_ttl_ms : (uint32_t)ms;
}

uint32_t resolve_retry_ms(uint32_t n)
{
    uint32_t ms = RETRY_MS;

    while (--n > 0 && ms < RETRY_MAX_MS)
        ms *= 2;
    return ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
}

/* ---- c-ares on the loop ---- */

static void arm(struct resolve *r)
{
    struct timeval room, *tv = ares_timeout(r->channel, NULL, &room);

    if (tv == NULL)
        loop_timer_clear(&r->timer);
    else
        loop_timer_set(r->loop, &r->timer,
                       loop_now(r->loop) + tv->tv_sec * US_PER_S + tv->tv_usec);
}

static void on_timeout(struct loop_timer *t)
{
    struct resolve *r = CONTAINER_OF(t, struct resolve, timer);

    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(r);
}

static struct sock *find_sock(const struct resolve *r, int fd)
{
    for (struct list *n = r->socks.next; n != &r->socks; n = n->next) {
        struct sock *s = CONTAINER_OF(n, struct sock, node);

        if (loop_io_fd(&s->io) == fd)
            return s;
    }
    return NULL;
}

/*
 * The loop tells changes (edges), c-ares reads a part and expects to be told again what
 * is still there.  So the socket is asked until it has nothing more.
 */
static void on_sock_ready(struct loop_ready *ready)
{
    struct sock *s = CONTAINER_OF(ready, struct sock, ready);
    struct resolve *r = s->r;
    int fd = loop_io_fd(&s->io);
    struct pollfd p = {.fd = fd, .events = s->wants};

    if (poll(&p, 1, 0) <= 0)
        return;
    ares_process_fd(r->channel, p.revents & ~POLLOUT ? fd : ARES_SOCKET_BAD,
                    p.revents & POLLOUT ? fd : ARES_SOCKET_BAD);
    s = find_sock(r, fd); /* c-ares may have closed it */
    if (s != NULL)
        loop_ready_add(r->loop, &s->ready);
    arm(r);
}

static void on_sock(struct loop_io *io, unsigned what)
{
    struct sock *s = CONTAINER_OF(io, struct sock, io);

    (void)what;
    loop_ready_add(s->r->loop, &s->ready);
}

static struct sock *add_sock(struct resolve *r, int fd)
{
    struct sock *s = MEM_NEW(struct sock);

    s->r = r;
    list_add_tail(&r->socks, &s->node);
    loop_ready_init(&s->ready, on_sock_ready);
    loop_io_add(r->loop, &s->io, fd, on_sock);
    return s;
}

static void remove_sock(struct sock *s)
{
    loop_io_remove(&s->io);
    loop_ready_cancel(&s->ready);
    list_remove(&s->node);
    free(s);
}

/* c-ares says what it waits for; neither means that it closes the socket next. */
static void on_sock_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct resolve *r = data;
    struct sock *s = find_sock(r, fd);

    if (!readable && !writable) {
        if (s != NULL)
            remove_sock(s);
        return;
    }
    if (s == NULL)
        s = add_sock(r, fd);
    s->wants = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    loop_ready_add(r->loop, &s->ready);
}

/* ---- life ---- */

static int use_servers(struct resolve *r, const struct cfg_resolver *cfg, struct why *w)
{
    char *csv = mem_str("");
    int rc;

    for (size_t i = 0; i < cfg->n_servers; i++) {
        char *longer = mem_printf("%s%s%s", csv, i > 0 ? "," : "", cfg->servers[i]);

        free(csv);
        csv = longer;
    }
    rc = cfg->n_servers > 0 ? ares_set_servers_ports_csv(r->channel, csv) : ARES_SUCCESS;
    if (rc != ARES_SUCCESS)
        rc = why_set(w, RC_INVALID, "resolver servers %s: %s", csv, ares_strerror(rc));
    free(csv);
    return rc;
}

int resolve_start(struct why *w)
{
    int rc = ares_library_init(ARES_LIB_INIT_ALL);

    return rc == ARES_SUCCESS ? RC_OK : why_set(w, RC_SYS, "c-ares: %s", ares_strerror(rc));
}

void resolve_stop(void)
{
    ares_library_cleanup();
}

int resolve_new(struct loop *l, const struct cfg_resolver *cfg, struct resolve **out,
                struct why *w)
{
    struct resolve *r = MEM_NEW(struct resolve);
    struct ares_options opt = {.timeout = TRY_MS,
                               .tries = TRIES,
                               .sock_state_cb = on_sock_state,
                               .sock_state_cb_data = r};
    int rc;

    *out = NULL;
    r->loop = l;
    r->min_ttl_ms = cfg->min_ttl_ms;
    r->max_ttl_ms = cfg->max_ttl_ms;
    list_init(&r->socks);
    loop_timer_init(&r->timer, on_timeout);
    rc = ares_library_init(ARES_LIB_INIT_ALL);
    if (rc == ARES_SUCCESS)
        rc =
            ares_init_options(&r->channel, &opt,
                              ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (rc != ARES_SUCCESS) {
        free(r);
        return why_set(w, RC_SYS, "resolver: %s", ares_strerror(rc));
    }
    rc = use_servers(r, cfg, w);
    if (rc != RC_OK) {
        resolve_free(r);
        return rc;
    }
    *out = r;
    return RC_OK;
}

void resolve_free(struct resolve *r)
{
    if (r == NULL)
        return;
    ares_destroy(r->channel); /* ends open look-ups, closes sockets */
    CHECK(r->n_names == 0 && list_empty(&r->socks));
    loop_timer_remove(&r->timer);
    free(r);
}

/* ---- names ---- */

static void free_name(struct resolve_name *n)
{
    loop_timer_remove(&n->timer);
    n->r->n_names--;
    free(n);
}

static void look_again_in(struct resolve_name *n, uint32_t ms)
{
    loop_timer_set(n->r->loop, &n->timer, loop_now(n->r->loop) + (mono_us)ms * US_PER_MS);
}

static void lookup_failed(struct resolve_name *n, const char *reason)
{
    uint32_t ms = resolve_retry_ms(++n->fails_in_row);

    log_warn("resolve", "name not resolved name=%s reason=\"%s\" retry_ms=%u", n->host,
             reason, ms);
    look_again_in(n, ms);
}

/* Copies the addresses; *ttl_s is the shortest of theirs. */
static size_t take_addrs(const struct resolve_name *n, const struct ares_addrinfo *info,
                         struct addr *out, int *ttl_s)
{
    size_t got = 0;

    for (const struct ares_addrinfo_node *a = info->nodes; a != NULL; a = a->ai_next) {
        struct sockaddr_storage sa = {0};

        if (got == RESOLVE_MAX || a->ai_addrlen > sizeof(sa))
            break;
        memcpy(&sa, a->ai_addr, a->ai_addrlen);
        if (sa.ss_family == AF_INET)
            ((struct sockaddr_in *)&sa)->sin_port = htons(n->name.port);
        else
            ((struct sockaddr_in6 *)&sa)->sin6_port = htons(n->name.port);
        addr_from_sockaddr((struct sockaddr *)&sa, a->ai_addrlen, &out[got]);
        if (got == 0 || a->ai_ttl < *ttl_s)
            *ttl_s = a->ai_ttl;
        got++;
    }
    return got;
}

static void lookup_succeeded(struct resolve_name *n, const struct ares_addrinfo *info)
{
    struct cfg_resolver bounds = {.min_ttl_ms = n->r->min_ttl_ms,
                                  .max_ttl_ms = n->r->max_ttl_ms};
    struct addr addrs[RESOLVE_MAX];
    int ttl_s = 0;
    size_t got = take_addrs(n, info, addrs, &ttl_s);

    if (got == 0) {
        lookup_failed(n, "no addresses");
        return;
    }
    if (n->fails_in_row > 0)
        log_info("resolve", "name resolved again name=%s addresses=%zu", n->host, got);
    n->fails_in_row = 0;
    look_again_in(n, resolve_hold_ms(&bounds, ttl_s));
    n->fn(n->ctx, addrs, got);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct resolve_name *n = arg;

    (void)timeouts;
    n->asking = false;
    n->answered = true;
    if (n->removed)
        free_name(n);
    else if (status != ARES_SUCCESS)
        lookup_failed(n, ares_strerror(status));
    else
        lookup_succeeded(n, info);
    if (info != NULL)
        ares_freeaddrinfo(info);
}

static bool is_localhost(const char *host)
{
    static const char name[] = ".localhost";
    size_t len = strlen(host), tail = sizeof(name) - 1;

    return strcasecmp(host, name + 1) == 0 ||
           (len > tail && strcasecmp(host + len - tail, name) == 0);
}

/* Nobody is asked for it, whatever files or servers there are (RFC 6761, 6.3). */
static void answer_localhost(struct resolve_name *n)
{
    struct sockaddr_in ip4 = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons(n->name.port)};
    struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6,
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                               .sin6_port = htons(n->name.port)};
    struct addr addrs[2];

    addr_from_sockaddr((struct sockaddr *)&ip4, sizeof(ip4), &addrs[0]);
    addr_from_sockaddr((struct sockaddr *)&ip6, sizeof(ip6), &addrs[1]);
    n->answered = true;
    n->fn(n->ctx, addrs, N_ELEMS(addrs));
}

static void on_due(struct loop_timer *t)
{
    struct resolve_name *n = CONTAINER_OF(t, struct resolve_name, timer);
    struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
    struct resolve *r = n->r;

    if (is_localhost(n->host)) {
        answer_localhost(n);
        return;
    }
    n->asking = true;
    ares_getaddrinfo(r->channel, n->host, NULL, &hints, on_answer, n);
    arm(r);
}

struct resolve_name *resolve_add(struct resolve *r, const struct addr *name, resolve_fn *fn,
                                 void *ctx)
{
    struct resolve_name *n = MEM_NEW(struct resolve_name);
    const char *colon = strrchr(name->text, ':');

    CHECK(name->kind == ADDR_NAME && colon != NULL);
    n->r = r;
    n->name = *name;
    memcpy(n->host, name->text, (size_t)(colon - name->text));
    n->fn = fn;
    n->ctx = ctx;
    r->n_names++;
    loop_timer_init(&n->timer, on_due);
    look_again_in(n, 0);
    return n;
}

void resolve_remove(struct resolve_name *n)
{
    n->removed = true;
    loop_timer_clear(&n->timer);
    if (!n->asking)
        free_name(n);
}

bool resolve_answered(const struct resolve_name *n)
{
    return n->answered;
}
