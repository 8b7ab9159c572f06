#include "proxy/route.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* FNV-1a (Fowler, Noll, Vo), 64 bits: grows with the path, byte by byte.  Only the
 * configuration puts keys into the table, so nobody can make it degenerate. */
#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

struct entry {
    uint64_t hash;                 /* of host and path */
    const struct cfg_route *route; /* NULL: free */
    size_t host_len, path_len;
};

struct route_index {
    struct entry *entries;
    size_t mask; /* number of entries, a power of two, less one */
    size_t longest_path;
};

struct key {
    uint64_t hash;
    const char *host, *path;
    size_t host_len, path_len;
};

static uint64_t mix(uint64_t hash, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)s[i]) * FNV_PRIME;
    return hash;
}

static bool same(const struct entry *e, const struct key *k)
{
    return e->hash == k->hash && e->host_len == k->host_len && e->path_len == k->path_len &&
           memcmp(e->route->host, k->host, k->host_len) == 0 &&
           memcmp(e->route->path, k->path, k->path_len) == 0;
}

/* The key's entry, or the free one where it would be. */
static struct entry *lookup(const struct route_index *x, const struct key *k)
{
    size_t i = (size_t)(k->hash ^ k->hash >> 32) & x->mask;

    while (x->entries[i].route != NULL && !same(&x->entries[i], k))
        i = (i + 1) & x->mask;
    return &x->entries[i];
}

static void insert(struct route_index *x, const struct cfg_route *r)
{
    struct key k = {.host = r->host,
                    .host_len = strlen(r->host),
                    .path = r->path,
                    .path_len = strlen(r->path)};
    struct entry *e;

    k.hash = mix(mix(FNV_START, k.host, k.host_len), k.path, k.path_len);
    e = lookup(x, &k);
    if (e->route == NULL)
        *e = (struct entry){k.hash, r, k.host_len, k.path_len};
    if (k.path_len > x->longest_path)
        x->longest_path = k.path_len;
}

struct route_index *route_index_new(const struct cfg_route *routes, size_t n)
{
    struct route_index *x = MEM_NEW(struct route_index);
    size_t room = 4;

    while (room < 2 * n)
        room *= 2;
    x->entries = MEM_NEW_N(struct entry, room);
    x->mask = room - 1;
    for (size_t i = 0; i < n; i++)
        insert(x, &routes[i]);
    return x;
}

void route_index_free(struct route_index *x)
{
    if (x == NULL)
        return;
    free(x->entries);
    free(x);
}

/* May a prefix end after `at` bytes of the path? */
static bool boundary(const char *path, size_t len, size_t at)
{
    return at == len || path[at] == '/' || path[at - 1] == '/';
}

static const struct cfg_route *find_for_host(const struct route_index *x, struct key *k,
                                             size_t path_len)
{
    const struct cfg_route *longest = NULL;
    size_t end = path_len < x->longest_path ? path_len : x->longest_path;

    k->hash = mix(FNV_START, k->host, k->host_len);
    for (size_t at = 1; at <= end; at++) {
        const struct entry *e;

        k->hash = mix(k->hash, &k->path[at - 1], 1);
        if (!boundary(k->path, path_len, at))
            continue;
        k->path_len = at;
        e = lookup(x, k);
        if (e->route != NULL)
            longest = e->route;
    }
    return longest;
}

const struct cfg_route *route_index_find(const struct route_index *x, const char *host,
                                         size_t host_len, const char *path, size_t path_len)
{
    struct key k = {.host = host, .host_len = host_len, .path = path};
    const struct cfg_route *r = host_len > 0 ? find_for_host(x, &k, path_len) : NULL;

    if (r == NULL) {
        k.host = "";
        k.host_len = 0;
        r = find_for_host(x, &k, path_len);
    }
    return r;
}
