#include "proxy/edge.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/auth.h"
#include "proxy/auth_basic.h"
#include "proxy/auth_forward.h"
#include "proxy/edge/bucket.h"
#include "proxy/edge/coder.h"
#include "proxy/edge/cookie.h"
#include "proxy/edge/named.h"
#include "proxy/forward.h"
#include "proxy/mirror.h"
#include "proxy/subreq.h"

#define SPARE_MAX    256
#define KEY_TEXT_MAX 4096 /* of a field that is a rate limit's key, that is looked at */

/* ---- the worker's part --------------------------------------------------------------- */

struct edge_worker *edge_worker(struct worker *w)
{
    struct edge_worker *e = w->edge;

    if (e != NULL)
        return e;
    e = w->edge = MEM_NEW(struct edge_worker);
    list_init(&e->spare);
    list_init(&e->subreqs);
    e->coders = coder_pool_new();
    return e;
}

void edge_worker_close(struct worker *w)
{
    if (w->edge == NULL)
        return;
    LIST_EACH (n, &w->edge->subreqs)
        subreq_abort(CONTAINER_OF(n, struct subreq, node));
}

void edge_worker_free(struct worker *w)
{
    struct edge_worker *e = w->edge;

    if (e == NULL)
        return;
    CHECK(list_empty(&e->subreqs));
    while (!list_empty(&e->spare)) {
        struct edge *spare = LIST_FIRST(&e->spare, struct edge, node);

        list_remove(&spare->node);
        free(spare);
    }
    coder_pool_free(e->coders);
    free(e);
    w->edge = NULL;
}

struct msg edge_head_room(struct worker *w)
{
    struct edge_worker *e = edge_worker(w);

    return (struct msg){.fields = e->fields,
                        .fields_room = EDGE_HEAD_FIELDS,
                        .text = e->text,
                        .text_room = EDGE_HEAD_TEXT};
}

struct msg edge_head_copy(struct worker *w, const struct msg *m)
{
    struct msg to = edge_head_room(w);

    msg_copy(&to, m);
    return to;
}

/* ---- the exchange's part ----------------------------------------------------------- */

static bool needs_state(const struct edge_route *r)
{
    return r->compression != NULL || r->intercepts || r->auth.cfg != NULL ||
           r->mirror != NULL;
}

static void edge_new(struct exchange *x, const struct edge_route *r)
{
    struct edge_worker *w = edge_worker(x->w);
    struct edge *e;

    if (w->n_spare > 0) {
        e = LIST_FIRST(&w->spare, struct edge, node);
        list_remove(&e->node);
        w->n_spare--;
    } else {
        e = MEM_NEW(struct edge);
    }
    e->x = x;
    e->rules = r;
    e->check = NULL;
    e->ask = NULL;
    e->challenge = EDGE_NO_CHALLENGE;
    e->wrong = "";
    e->overfull = false;
    e->mirror = NULL;
    e->cover.page = NULL;
    e->zip.coder = NULL;
    x->edge = e;
}

void edge_unwrap(struct exchange *x)
{
    struct edge *e = x->edge;

    if (x->down == &e->zip.stream && e->zip.coder != NULL)
        x->down = e->zip.next;
    else if (x->down == &e->cover.stream && e->cover.page != NULL)
        x->down = e->cover.next;
}

void edge_free(struct exchange *x)
{
    struct edge *e = x->edge;
    struct edge_worker *w = x->w->edge;

    auth_basic_forget(x);
    auth_forward_forget(x);
    mirror_drop(x);
    zip_free(&e->zip);
    x->edge = NULL;
    x->user_name = NULL;
    if (w->n_spare >= SPARE_MAX) {
        free(e);
        return;
    }
    list_init(&e->node);
    list_add_head(&w->spare, &e->node);
    w->n_spare++;
}

void edge_set_user(struct exchange *x, const char *name, size_t len)
{
    struct edge *e = x->edge;

    if (len == 0 || len > EDGE_USER_MAX)
        return;
    memcpy(e->user, name, len);
    e->user[len] = 0;
    x->user_name = e->user;
}

/* ---- who may enter ----------------------------------------------------------------- */

static bool is_in(const struct addr_block *blocks, size_t n, const struct sockaddr *sa)
{
    for (size_t i = 0; i < n; i++)
        if (addr_block_has(&blocks[i], sa))
            return true;
    return false;
}

static bool may_enter(const struct edge_rules *r, const struct sockaddr *client)
{
    const struct cfg_edge *c = r->cfg;

    return !is_in(c->deny, c->n_deny, client) &&
           (c->n_allow == 0 || is_in(c->allow, c->n_allow, client));
}

/* ---- how often --------------------------------------------------------------------- */

struct key {
    const void *p;
    size_t len;
};

/* An IPv6 client has a whole /64, and its addresses are as good as endless. */
static struct key address_key(const struct sockaddr *sa)
{
    const struct sockaddr_in *v4 = (const void *)sa;
    const struct sockaddr_in6 *v6 = (const void *)sa;

    if (sa->sa_family == AF_INET)
        return (struct key){&v4->sin_addr, 4};
    if (sa->sa_family != AF_INET6)
        return (struct key){"", 0};
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        return (struct key){v6->sin6_addr.s6_addr + 12, 4};
    return (struct key){v6->sin6_addr.s6_addr, 8};
}

/* Requests without the field share one bucket. */
static struct key field_key(const struct msg *m, const struct cfg_limit_key *cfg)
{
    struct key k = {"", 0};
    const struct field *f;
    const char *value;

    if (cfg->kind == CFG_LIMIT_COOKIE) {
        value = cookie_value(m, cfg->name, &k.len);
        k.p = value != NULL ? value : k.p;
    } else {
        f = named_first(m, cfg->name);
        if (f != NULL)
            k = (struct key){msg_value(m, f), f->value_len};
    }
    if (k.len > KEY_TEXT_MAX)
        k.len = KEY_TEXT_MAX;
    return k;
}

static struct key key_of(const struct exchange *x, const struct cfg_limit_key *cfg,
                         const struct sockaddr *client)
{
    if (cfg->kind == CFG_LIMIT_USER)
        return (struct key){x->user_name != NULL ? x->user_name : "",
                            x->user_name != NULL ? strlen(x->user_name) : 0};
    if (cfg->kind == CFG_LIMIT_CLIENT)
        return address_key(client);
    return field_key(&x->head, cfg);
}

/* False: x was answered.  `client` is NULL once the user is known, and limits by user are
 * looked at. */
static bool within(struct exchange *x, const struct edge_rules *r,
                   const struct sockaddr *client)
{
    for (size_t i = 0; i < r->cfg->n_limits; i++) {
        const struct edge_limit *l = &r->limits[i];
        struct key k;
        mono_us wait;

        if ((l->cfg->key.kind == CFG_LIMIT_USER) != (client == NULL))
            continue;
        k = key_of(x, &l->cfg->key, client);
        if (bucket_take(l->table, siphash(&l->secret, k.p, k.len), loop_now(x->w->loop),
                        &wait))
            continue;
        edge_deny(x, DENIAL_RATE, l->cfg->status, "too many requests",
                  (double)wait / US_PER_S);
        return false;
    }
    return true;
}

/* ---- fields that say who somebody is ----------------------------------------------- */

/* Only we say who somebody is. */
static void drop_claims(const struct edge_route *r, struct msg *m)
{
    for (size_t i = 0; i < r->n_strip; i++)
        named_drop_alike(m, r->strip[i]);
}

void edge_trailers(const struct exchange *x, struct msg *trailers)
{
    drop_claims(edge_rules(x), trailers);
}

/* ---- admission --------------------------------------------------------------------- */

void edge_deny(struct exchange *x, enum stats_denial why, unsigned status, const char *text,
               double retry_after_s)
{
    STATS_INC(x->stats->edge.denied[why]);
    forward_answer(x, status, text, retry_after_s);
}

/* What is known of the user now is told and counted.  False: x was answered. */
static bool pass(struct exchange *x, const struct edge_route *r)
{
    const struct cfg_auth *auth = r->auth.cfg;

    if (auth != NULL && (!within(x, r->rules[0], NULL) || !within(x, r->rules[1], NULL)))
        return false;
    if (auth != NULL && auth->remove_authorization)
        named_drop_alike(&x->head, "authorization");
    if (auth != NULL && auth->user_header[0] != 0 && x->user_name != NULL) {
        named_drop_alike(&x->head, auth->user_header);
        auth_add_field(x, auth->user_header, x->user_name, strlen(x->user_name));
    }
    if (auth != NULL && x->edge->overfull) {
        forward_answer(x, 431, "head too large", 0);
        return false;
    }
    if (r->mirror != NULL)
        mirror_begin(x);
    return true;
}

bool edge_admit(struct exchange *x, const struct sockaddr *client)
{
    const struct edge_route *r = edge_rules(x);

    for (int i = 0; i < 2; i++)
        if (!may_enter(r->rules[i], client)) {
            edge_deny(x, DENIAL_ADDRESS, 403, "forbidden", 0);
            return false;
        }
    for (int i = 0; i < 2; i++)
        if (!within(x, r->rules[i], client))
            return false;
    drop_claims(r, &x->head);
    if (!needs_state(r))
        return true;
    edge_new(x, r);
    if (r->auth.cfg != NULL && !auth_check(x))
        return false;
    return pass(x, r);
}

void edge_authenticated(struct exchange *x)
{
    if (pass(x, x->edge->rules))
        forward_admitted(x);
}

/* ---- on the way -------------------------------------------------------------------- */

void edge_request_data(struct exchange *x, const uint8_t *p, size_t n)
{
    if (x->edge->mirror != NULL)
        mirror_data(x, p, n);
}

void edge_request_end(struct exchange *x)
{
    if (x->edge->mirror != NULL)
        mirror_send(x);
}

struct msg *edge_response(struct exchange *x, struct msg *head, bool end)
{
    const struct edge_page *page = NULL;
    struct msg *edited;

    if (x->edge->rules->intercepts && !named_grpc(head))
        page = errpage_intercepting(x, head->status);
    if (page == NULL && !zip_concerns(x, head))
        return head;
    edited = &edge_worker(x->w)->head;
    *edited = edge_head_copy(x->w, head);
    if (page != NULL)
        errpage_cover(x, page, edited);
    else
        zip_response(x, edited, end);
    return edited;
}

void edge_down_room(struct exchange *x)
{
    if (x->edge->zip.coder != NULL)
        zip_room(&x->edge->zip);
}
