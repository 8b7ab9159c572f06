#include "proxy/membership.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "proxy/resolve.h"
#include "proxy/roster.h"
#include "proxy/slots.h"
#include "proxy/tls/tls_set.h"

#define SWEEP_US US_PER_S /* between looks at backends that leave */

/* Tells main that another thread changed the list of instances. */
struct letter {
    struct loop_mail mail;
    struct membership *m; /* NULL: it is gone */
};

struct membership {
    /* fixed after new */
    struct loop *loop;
    struct membership_out out;
    struct slots *slots;
    /* main thread */
    struct rng rng;
    struct resolve *resolver; /* NULL: no names yet */
    struct cfg *resolver_cfg; /* a reference; what it was made from */
    struct tls_set *tls;      /* a reference; NULL: none */
    struct loop_timer sweep;
    struct loop_ready news; /* publishes once for all changes of a turn */
    struct {
        pthread_mutex_t lock;
        struct roster *roster; /* NULL before the first configuration; main changes it */
        struct letter *letter; /* under way; NULL: none is */
    } shared;
};

static void lock(struct membership *m)
{
    pthread_mutex_lock(&m->shared.lock);
}

static void unlock(struct membership *m)
{
    pthread_mutex_unlock(&m->shared.lock);
}

/* ---- publishing ---- */

static void publish(struct membership *m)
{
    loop_ready_cancel(&m->news);
    m->out.publish(m->out.ctx, roster_topology(m->shared.roster));
}

static void on_news(struct loop_ready *r)
{
    publish(CONTAINER_OF(r, struct membership, news));
}

static void sweep_later(struct membership *m)
{
    loop_timer_set(m->loop, &m->sweep, loop_now(m->loop) + SWEEP_US);
}

static void on_sweep(struct loop_timer *t)
{
    struct membership *m = CONTAINER_OF(t, struct membership, sweep);
    bool more;

    lock(m);
    more = roster_sweep(m->shared.roster);
    unlock(m);
    if (more)
        sweep_later(m);
}

/* Brings one pool in line; main thread, locked. */
static void compare(struct membership *m, struct roster_pool *p)
{
    if (roster_compare(p))
        loop_ready_add(m->loop, &m->news);
}

static void compare_all(struct membership *m)
{
    struct roster *r = m->shared.roster;

    for (size_t i = 0; i < r->n_services; i++)
        for (int t = 0; t < N_TIERS; t++)
            compare(m, &r->services[i].pools[t]);
    sweep_later(m);
}

/* ---- names ---- */

static void on_found(void *ctx, const struct addr *addrs, size_t n)
{
    struct roster_name *name = ctx;
    struct membership *m = name->owner;

    lock(m);
    roster_found(name, addrs, n);
    compare(m, name->pool);
    unlock(m);
    sweep_later(m);
}

static void for_names(struct membership *m,
                      void (*fn)(struct membership *m, struct roster_name *n))
{
    struct roster *r = m->shared.roster;

    for (size_t i = 0; i < r->n_services; i++)
        for (int t = 0; t < N_TIERS; t++)
            LIST_EACH (n, &r->services[i].pools[t].names)
                fn(m, CONTAINER_OF(n, struct roster_name, node));
}

static void end_lookup(struct membership *m, struct roster_name *n)
{
    (void)m;
    if (n->lookup != NULL)
        resolve_remove(n->lookup);
    n->lookup = NULL;
}

static void begin_lookup(struct membership *m, struct roster_name *n)
{
    struct why why;

    if (m->resolver == NULL &&
        resolve_new(m->loop, &m->resolver_cfg->resolver, &m->resolver, &why) != RC_OK) {
        log_error("pool", "name not looked up name=%s reason=\"%s\"", n->addr.text,
                  why.text);
        return;
    }
    n->owner = m;
    if (n->lookup == NULL)
        n->lookup = resolve_add(m->resolver, &n->addr, on_found, n);
}

static bool same_resolver(const struct cfg_resolver *a, const struct cfg_resolver *b)
{
    if (a->n_servers != b->n_servers || a->min_ttl_ms != b->min_ttl_ms ||
        a->max_ttl_ms != b->max_ttl_ms)
        return false;
    for (size_t i = 0; i < a->n_servers; i++)
        if (strcmp(a->servers[i], b->servers[i]) != 0)
            return false;
    return true;
}

/* With other servers the look-ups begin anew; the addresses stay meanwhile. */
static void follow_resolver(struct membership *m, struct cfg *cfg)
{
    if (m->resolver_cfg != NULL &&
        same_resolver(&m->resolver_cfg->resolver, &cfg->resolver))
        return;
    for_names(m, end_lookup);
    resolve_free(m->resolver);
    m->resolver = NULL;
    cfg_unref(m->resolver_cfg);
    m->resolver_cfg = cfg_ref(cfg);
}

/* ---- configuration ---- */

void membership_use_tls(struct membership *m, struct tls_set *tls)
{
    tls_set_unref(m->tls);
    m->tls = tls_set_ref(tls);
}

void membership_configure(struct membership *m, struct cfg *cfg)
{
    struct roster_tools tools = {
        .loop = m->loop, .rng = &m->rng, .slots = m->slots, .tls = m->tls};

    lock(m);
    m->shared.roster = roster_new(cfg, &tools, m->shared.roster);
    follow_resolver(m, cfg);
    for_names(m, begin_lookup);
    compare_all(m);
    unlock(m);
    publish(m);
}

void membership_republish(struct membership *m)
{
    publish(m);
}

/* ---- changes by other threads ---- */

static void on_letter(struct loop_mail *mail)
{
    struct letter *letter = CONTAINER_OF(mail, struct letter, mail);
    struct membership *m = letter->m;

    if (m != NULL) {
        lock(m);
        m->shared.letter = NULL;
        compare_all(m);
        unlock(m);
    }
    free(letter);
}

/* Locked. */
static void send_letter(struct membership *m)
{
    if (m->shared.letter != NULL)
        return;
    m->shared.letter = MEM_NEW(struct letter);
    m->shared.letter->m = m;
    m->shared.letter->mail.fn = on_letter;
    loop_post_mt(m->loop, &m->shared.letter->mail);
}

int membership_change_mt(struct membership *m, const struct pool_change *c)
{
    struct roster_pool *p = NULL;
    int rc = RC_NOT_FOUND;

    lock(m);
    if (m->shared.roster != NULL)
        p = roster_find(m->shared.roster, c->service, c->tier);
    if (p != NULL)
        rc = roster_change(p, c);
    if (rc == RC_OK)
        send_letter(m);
    unlock(m);
    return rc;
}

int membership_drain(struct membership *m, const char *service, const char *addr,
                     bool drain)
{
    struct roster_service *s = NULL;
    int rc = RC_NOT_FOUND;

    lock(m);
    if (m->shared.roster != NULL)
        s = roster_named(m->shared.roster, service);
    for (int t = 0; s != NULL && t < N_TIERS; t++) {
        struct member *member = roster_member(&s->pools[t], addr);

        if (member != NULL) {
            member_drain(member, drain);
            rc = RC_OK;
        }
    }
    unlock(m);
    return rc;
}

/* ---- questions ---- */

static size_t view_members(const struct roster_pool *p, struct backend_view *out,
                           size_t max)
{
    mono_us now = clock_mono();
    size_t n = 0;

    LIST_EACH (node, &p->members) {
        if (n < max)
            backend_view(CONTAINER_OF(node, struct member, node)->be, now, &out[n]);
        n++;
    }
    return n;
}

size_t membership_backends_mt(struct membership *m, uint16_t service, enum tier tier,
                              struct backend_view *out, size_t max)
{
    struct roster_pool *p = NULL;
    size_t n = 0;

    lock(m);
    if (m->shared.roster != NULL)
        p = roster_find(m->shared.roster, service, tier);
    if (p != NULL)
        n = view_members(p, out, max);
    unlock(m);
    return n;
}

static bool pool_settled(const struct roster_pool *p)
{
    LIST_EACH (n, &p->names) {
        const struct roster_name *name = CONTAINER_OF(n, struct roster_name, node);

        if (name->lookup != NULL && !resolve_answered(name->lookup))
            return false;
    }
    LIST_EACH (n, &p->members)
        if (!member_settled(CONTAINER_OF(n, struct member, node)))
            return false;
    return true;
}

bool membership_settled(const struct membership *m)
{
    const struct roster *r = m->shared.roster;

    for (size_t i = 0; r != NULL && i < r->n_services; i++)
        for (int t = 0; t < N_TIERS; t++)
            if (!pool_settled(&r->services[i].pools[t]))
                return false;
    return r != NULL;
}

/* ---- life ---- */

int membership_new(struct loop *main_loop, const struct membership_out *out,
                   struct membership **made, struct why *w)
{
    struct membership *m;
    uint64_t seed;
    int rc = resolve_start(w);

    *made = NULL;
    if (rc != RC_OK)
        return rc;
    m = MEM_NEW(struct membership);
    m->loop = main_loop;
    m->out = *out;
    m->slots = slots_new();
    rng_secret(&seed, sizeof(seed));
    rng_init(&m->rng, seed);
    loop_timer_init(&m->sweep, on_sweep);
    loop_ready_init(&m->news, on_news);
    pthread_mutex_init(&m->shared.lock, NULL);
    *made = m;
    return RC_OK;
}

void membership_free(struct membership *m)
{
    if (m == NULL)
        return;
    lock(m);
    if (m->shared.letter != NULL)
        m->shared.letter->m = NULL;
    unlock(m);
    loop_timer_remove(&m->sweep);
    loop_ready_cancel(&m->news);
    roster_free(m->shared.roster);
    tls_set_unref(m->tls);
    resolve_free(m->resolver);
    resolve_stop();
    cfg_unref(m->resolver_cfg);
    slots_close(m->slots);
    pthread_mutex_destroy(&m->shared.lock);
    free(m);
}
