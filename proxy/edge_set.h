/*
 * edge_set.h - what a configuration needs of the edge while it is in force: its files read,
 * its tables made.
 *
 * Immutable but for the tables, which are shared by all workers.  A topology has a
 * reference.  What did not change, and what counts (buckets, remembered verdicts), goes
 * over from one set to the next.  Making one reads files; it blocks and is the main
 * thread's.
 */
#ifndef PROXY_EDGE_SET_H
#define PROXY_EDGE_SET_H

#include <stdatomic.h>

#include "base/siphash.h"
#include "conf/cfg.h"
#include "conf/cfg_errors.h"

/* Bytes.  Of a page: a client that is slow to take it has a copy waiting. */
#define EDGE_PAGE_MAX  (64 << 10)
#define EDGE_USERS_MAX (4 << 20)
#define EDGE_KEYS_MAX  (256 << 10)

struct bucket_table;
struct edge_file;
struct edge_thing;
struct htpasswd;
struct jwk_set;
struct memo;

struct edge_page {
    const struct cfg_error_page *cfg;
    const char *body;
    size_t len;
    size_t type_len; /* of cfg->content_type without parameters */
};

struct edge_pages {
    struct edge_page *list;
    size_t n;
};

struct edge_limit {
    const struct cfg_rate_limit *cfg;
    struct bucket_table *table;
    struct sip_key secret; /* of its keys */
};

struct edge_rules { /* of a service or a route */
    const struct cfg_edge *cfg;
    struct edge_pages pages;
    struct edge_limit *limits; /* cfg->n_limits */
};

struct edge_auth {
    const struct cfg_auth *cfg; /* NULL: everybody may ask */
    const struct htpasswd *users;
    const struct jwk_set *keys;
    struct memo *memo;
};

struct edge_route {
    const struct cfg_compression *compression; /* NULL: none */
    const struct edge_rules *rules[2];         /* of the service, of the route */
    struct edge_auth auth;
    const struct cfg_mirror *mirror; /* NULL: none */
    _Atomic uint32_t mirrored;       /* copies under way */
    const char **strip;              /* fields that clients must not send, lower case */
    size_t n_strip;
    bool intercepts; /* some page stands for answers of the service */
};

struct edge_set {
    struct cfg *cfg; /* a reference */
    struct edge_route *routes;
    struct edge_pages pages; /* at the top */
    _Atomic unsigned refs;   /* private, as what follows */
    struct edge_rules *services, *route_rules;
    struct edge_thing **things;
    struct edge_file *files;
    size_t n_things, n_files;
};

/*
 * NULL: errs says what is wrong.  `old` may be NULL.  With `again` it is the same
 * configuration, some of whose files changed; pages are then left as they are.
 */
struct edge_set *edge_set_new(struct cfg *cfg, const struct edge_set *old, bool again,
                              struct cfg_errors *errs);
struct edge_set *edge_set_ref(struct edge_set *s);
void edge_set_unref(struct edge_set *s); /* any thread; NULL is fine */

/* Did a file of users or keys change since it was read, or since this said so?  Looks at
 * each: a system call. */
bool edge_set_changed(struct edge_set *s);

#endif
