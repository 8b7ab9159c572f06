#include "proxy/edge_set.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/rng.h"
#include "conf/cfg_origin.h"
#include "proxy/edge/bucket.h"
#include "proxy/edge/htpasswd.h"
#include "proxy/edge/jwk.h"
#include "proxy/edge/memo.h"
#include "proxy/edge/slurp.h"

#define MEMO_ENTRIES 8192
#define HASH_TEXT    65

/*
 * What may go over from one set to the next: it has a name that says all that it was made
 * from.  One of the pointers is set, or two.
 */
struct edge_thing {
    _Atomic unsigned refs;
    char *id;
    struct bucket_table *buckets;
    struct sip_key secret;
    struct htpasswd *users;
    struct jwk_set *keys;
    struct memo *memo;
    struct slurp page;
};

/* A file that was read, and is looked at again. */
struct edge_file {
    const char *path; /* of the set's configuration */
    struct slurp_mark mark;
};

struct make {
    struct edge_set *set;
    const struct edge_set *old;
    bool again;
    struct cfg_errors *errs;
};

/* ---- things -------------------------------------------------------------------------- */

static struct edge_thing *thing_new(char *id_take)
{
    struct edge_thing *t = MEM_NEW(struct edge_thing);

    atomic_store_explicit(&t->refs, 1, memory_order_relaxed);
    t->id = id_take;
    return t;
}

static void thing_unref(struct edge_thing *t)
{
    if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    bucket_table_free(t->buckets);
    htpasswd_free(t->users);
    jwk_set_free(t->keys);
    memo_free(t->memo);
    free(t->page.text);
    free(t->id);
    free(t);
}

static struct edge_thing *add_thing(struct make *m, struct edge_thing *t)
{
    struct edge_set *s = m->set;

    s->things = mem_grow(s->things, s->n_things + 1, sizeof(struct edge_thing *));
    s->things[s->n_things++] = t;
    return t;
}

static bool has_thing(const struct edge_set *s, const struct edge_thing *t)
{
    for (size_t i = 0; i < s->n_things; i++)
        if (s->things[i] == t)
            return true;
    return false;
}

/* The old set's thing of that name that nobody in the new one has yet, now in both. */
static struct edge_thing *take_over(struct make *m, const char *id)
{
    for (size_t i = 0; m->old != NULL && i < m->old->n_things; i++) {
        struct edge_thing *t = m->old->things[i];

        if (strcmp(t->id, id) != 0 || has_thing(m->set, t))
            continue;
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
        return add_thing(m, t);
    }
    return NULL;
}

static void fault(struct make *m, const void *field, const void *object, const char *what,
                  const char *why)
{
    cfg_errors_add(m->errs, cfg_origin_at(m->set->cfg, field, object), "%s: %s", what, why);
}

static void note_file(struct make *m, const char *path, const struct slurp_mark *mark)
{
    struct edge_set *s = m->set;

    s->files = mem_grow(s->files, s->n_files + 1, sizeof(struct edge_file));
    s->files[s->n_files++] = (struct edge_file){path, *mark};
}

/* ---- names by content ---------------------------------------------------------------- */

static void hash_text(const char *text, size_t len, char out[HASH_TEXT])
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned n;

    CHECK(EVP_Digest(text, len, hash, &n, EVP_sha256(), NULL) == 1 && n == 32);
    for (unsigned i = 0; i < n; i++)
        snprintf(out + (size_t)2 * i, 3, "%02x", hash[i]);
}

/* ---- pages --------------------------------------------------------------------------- */

static const struct edge_thing *page_thing(struct make *m, const struct cfg_error_page *p)
{
    char *id = mem_printf("page %s", p->file);
    struct edge_thing *t = m->again ? take_over(m, id) : NULL;
    struct slurp page;
    struct why w;

    if (t != NULL) {
        free(id);
        return t;
    }
    if (slurp_file(p->file, EDGE_PAGE_MAX, &page, &w) != RC_OK) {
        free(id);
        fault(m, &p->file, p, "file", w.text);
        return NULL;
    }
    t = thing_new(id);
    t->page = page;
    return add_thing(m, t);
}

static struct edge_pages make_pages(struct make *m, const struct cfg_error_page *cfg,
                                    size_t n)
{
    struct edge_pages out = {.n = n};

    if (n == 0)
        return out;
    out.list = MEM_NEW_N(struct edge_page, n);
    for (size_t i = 0; i < n; i++) {
        const struct edge_thing *t = page_thing(m, &cfg[i]);

        out.list[i] = (struct edge_page){.cfg = &cfg[i],
                                         .body = t != NULL ? t->page.text : "",
                                         .len = t != NULL ? t->page.len : 0,
                                         .type_len = strcspn(cfg[i].content_type, "; ")};
    }
    return out;
}

/* ---- limits -------------------------------------------------------------------------- */

static struct edge_limit make_limit(struct make *m, const struct cfg_rate_limit *cfg,
                                    const char *scope)
{
    char *id = mem_printf("limit %s %.17g %u %d:%s %u", scope, cfg->rate, cfg->burst,
                          (int)cfg->key.kind, cfg->key.name, cfg->entries);
    struct edge_thing *t = take_over(m, id);

    if (t != NULL) {
        free(id);
    } else {
        t = add_thing(m, thing_new(id));
        t->buckets = bucket_table_new(cfg->rate, cfg->burst, cfg->entries);
        rng_secret(&t->secret, sizeof(t->secret));
    }
    return (struct edge_limit){cfg, t->buckets, t->secret};
}

static void make_rules(struct make *m, struct edge_rules *out, const struct cfg_edge *cfg,
                       const char *scope)
{
    out->cfg = cfg;
    out->pages = make_pages(m, cfg->errors, cfg->n_errors);
    if (cfg->n_limits > 0)
        out->limits = MEM_NEW_N(struct edge_limit, cfg->n_limits);
    for (size_t i = 0; i < cfg->n_limits; i++)
        out->limits[i] = make_limit(m, &cfg->limits[i], scope);
}

/* ---- users and keys ------------------------------------------------------------------ */

/* All lines, those of files included, as one text; NULL: something could not be read. */
static char *users_text(struct make *m, const struct cfg_basic *cfg)
{
    char *text = NULL;
    size_t len = 0;
    FILE *all = open_memstream(&text, &len);
    bool good = true;

    CHECK(all != NULL);
    for (size_t i = 0; i < cfg->n_users; i++) {
        const char *entry = cfg->users[i];
        struct slurp file;
        struct why w;

        if (strchr(entry, ':') != NULL) {
            fprintf(all, "%s\n", entry);
        } else if (slurp_file(entry, EDGE_USERS_MAX, &file, &w) == RC_OK) {
            fprintf(all, "%s\n", file.text);
            note_file(m, entry, &file.mark);
            free(file.text);
        } else {
            good = false;
        }
    }
    CHECK(fclose(all) == 0);
    if (good)
        return text;
    free(text);
    return NULL;
}

/* Which of the entries it is that cannot be read or understood. */
static void blame_users(struct make *m, const struct cfg_basic *cfg)
{
    struct htpasswd *h = htpasswd_new();
    size_t faults = m->errs->n;

    for (size_t i = 0; i < cfg->n_users; i++) {
        const char *entry = cfg->users[i];
        struct slurp file = {.text = NULL};
        const char *what = "users";
        struct why w;
        int rc;

        if (strchr(entry, ':') != NULL)
            rc = htpasswd_add(h, entry, strlen(entry), &w);
        else
            rc = slurp_file(entry, EDGE_USERS_MAX, &file, &w);
        if (rc == RC_OK && file.text != NULL) {
            rc = htpasswd_add_text(h, file.text, &w);
            what = entry;
        }
        if (rc != RC_OK)
            fault(m, &cfg->users[i], cfg, what, w.text);
        free(file.text);
    }
    if (m->errs->n == faults)
        fault(m, &cfg->users, cfg, "users", "a file changed while it was read");
    htpasswd_free(h);
}

static const struct edge_thing *users_thing(struct make *m, const struct cfg_basic *cfg)
{
    char *text = users_text(m, cfg), hash[HASH_TEXT], *id;
    struct edge_thing *t;

    if (text == NULL) {
        blame_users(m, cfg);
        return NULL;
    }
    hash_text(text, strlen(text), hash);
    id = mem_printf("users %s", hash);
    t = take_over(m, id);
    if (t != NULL) {
        free(id);
        free(text);
        return t;
    }
    t = add_thing(m, thing_new(id));
    t->users = htpasswd_new();
    t->memo = memo_new(MEMO_ENTRIES);
    if (htpasswd_add_text(t->users, text, NULL) != RC_OK)
        blame_users(m, cfg);
    free(text);
    return t;
}

/* What was remembered of signatures holds for these keys and these algorithms. */
static char *keys_id(const struct cfg_jwt *cfg, const struct slurp *file)
{
    char hash[HASH_TEXT];
    unsigned algorithms = 0;

    hash_text(file->text, file->len, hash);
    for (size_t i = 0; i < cfg->n_algorithms; i++)
        algorithms |= 1u << cfg->algorithms[i];
    return mem_printf("keys %s %x", hash, algorithms);
}

static const struct edge_thing *keys_thing(struct make *m, const struct cfg_jwt *cfg)
{
    struct edge_thing *t;
    struct slurp file;
    struct why w;
    char *id;

    if (slurp_file(cfg->keys, EDGE_KEYS_MAX, &file, &w) != RC_OK) {
        fault(m, &cfg->keys, cfg, "keys", w.text);
        return NULL;
    }
    note_file(m, cfg->keys, &file.mark);
    id = keys_id(cfg, &file);
    t = take_over(m, id);
    if (t != NULL) {
        free(id);
    } else {
        t = add_thing(m, thing_new(id));
        t->memo = memo_new(MEMO_ENTRIES);
        if (jwk_set_read(file.text, file.len, &t->keys, &w) != RC_OK)
            fault(m, &cfg->keys, cfg, cfg->keys, w.text);
    }
    OPENSSL_cleanse(file.text, file.len);
    free(file.text);
    return t;
}

static void make_auth(struct make *m, struct edge_auth *out, const struct cfg_auth *cfg)
{
    const struct edge_thing *t = NULL;

    if (!cfg->present)
        return;
    out->cfg = cfg;
    if (cfg->basic.present)
        t = users_thing(m, &cfg->basic);
    else if (cfg->jwt.present)
        t = keys_thing(m, &cfg->jwt);
    if (t == NULL)
        return;
    out->users = t->users;
    out->keys = t->keys;
    out->memo = t->memo;
}

/* ---- fields that say who somebody is ----------------------------------------------- */

static void strip_name(struct edge_route *r, const char *name)
{
    for (size_t i = 0; i < r->n_strip; i++)
        if (strcmp(r->strip[i], name) == 0)
            return;
    if (name[0] == 0)
        return;
    r->strip = mem_grow(r->strip, r->n_strip + 1, sizeof(char *));
    r->strip[r->n_strip++] = name;
}

/* Those that any route of the same service sets. */
static void make_strip(struct edge_route *r, const struct cfg *cfg, uint16_t service)
{
    for (size_t i = 0; i < cfg->n_routes; i++) {
        const struct cfg_auth *a = &cfg->routes[i].auth;

        if (cfg->routes[i].service != service || !a->present)
            continue;
        strip_name(r, a->user_header);
        for (size_t k = 0; k < a->jwt.n_forward; k++)
            strip_name(r, a->jwt.forward[k].header);
        for (size_t k = 0; k < a->forward.n_response_headers; k++)
            strip_name(r, a->forward.response_headers[k]);
    }
}

/* ---- sets ---------------------------------------------------------------------------- */

static bool intercepts(const struct edge_pages *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->list[i].cfg->intercept)
            return true;
    return false;
}

static void make_route(struct make *m, size_t i)
{
    struct edge_set *s = m->set;
    const struct cfg_route *cfg = &s->cfg->routes[i];
    struct edge_route *r = &s->routes[i];
    char *scope = mem_printf("route %s%s", cfg->host, cfg->path);

    make_rules(m, &s->route_rules[i], &cfg->edge, scope);
    free(scope);
    r->compression = cfg_edge_compression(s->cfg, cfg);
    r->rules[0] = &s->services[cfg->service];
    r->rules[1] = &s->route_rules[i];
    make_auth(m, &r->auth, &cfg->auth);
    r->mirror = cfg->mirror.present && cfg->mirror.share > 0 ? &cfg->mirror : NULL;
    make_strip(r, s->cfg, cfg->service);
    r->intercepts = intercepts(&r->rules[0]->pages) || intercepts(&r->rules[1]->pages) ||
                    intercepts(&s->pages);
}

static void make_all(struct make *m)
{
    struct edge_set *s = m->set;
    const struct cfg *cfg = s->cfg;

    s->services = MEM_NEW_N(struct edge_rules, cfg->n_services);
    s->routes = MEM_NEW_N(struct edge_route, cfg->n_routes);
    s->route_rules = MEM_NEW_N(struct edge_rules, cfg->n_routes);
    s->pages = make_pages(m, cfg->errors, cfg->n_errors);
    for (size_t i = 0; i < cfg->n_services; i++) {
        char *scope = mem_printf("service %s", cfg->services[i].name);

        make_rules(m, &s->services[i], &cfg->services[i].edge, scope);
        free(scope);
    }
    for (size_t i = 0; i < cfg->n_routes; i++)
        make_route(m, i);
}

struct edge_set *edge_set_new(struct cfg *cfg, const struct edge_set *old, bool again,
                              struct cfg_errors *errs)
{
    struct make m = {
        .set = MEM_NEW(struct edge_set), .old = old, .again = again, .errs = errs};
    size_t faults = errs->n;

    atomic_store_explicit(&m.set->refs, 1, memory_order_relaxed);
    m.set->cfg = cfg_ref(cfg);
    make_all(&m);
    if (errs->n == faults)
        return m.set;
    cfg_errors_sort(errs);
    edge_set_unref(m.set);
    return NULL;
}

struct edge_set *edge_set_ref(struct edge_set *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

static void rules_fini(struct edge_rules *r)
{
    free(r->pages.list);
    free(r->limits);
}

void edge_set_unref(struct edge_set *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < s->cfg->n_services; i++)
        rules_fini(&s->services[i]);
    for (size_t i = 0; i < s->cfg->n_routes; i++) {
        rules_fini(&s->route_rules[i]);
        free(s->routes[i].strip);
    }
    for (size_t i = 0; i < s->n_things; i++)
        thing_unref(s->things[i]);
    free(s->things);
    free(s->files);
    free(s->pages.list);
    free(s->services);
    free(s->routes);
    free(s->route_rules);
    cfg_unref(s->cfg);
    free(s);
}

bool edge_set_changed(struct edge_set *s)
{
    bool changed = false;

    for (size_t i = 0; i < s->n_files; i++)
        changed = slurp_changed(s->files[i].path, &s->files[i].mark) || changed;
    return changed;
}
