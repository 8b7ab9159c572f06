/*
 * template.h - which resource is asked for?  /product/8813 is /product/ *.
 *
 * Learns, per service, a tree of path segments.  A segment that looks like an
 * identifier (a number, a UUID, hexadecimal, a long mixture) is a * at once.  Any
 * other one becomes a name in the tree when `users` different users have asked
 * for it there; until then, and for all the rare ones, it is a * too.  A path
 * becomes a template, and gets a token, when that many users have asked for it:
 * no text that fewer people used is ever published.  A node with too many names
 * is taken for a list of things: its names are merged into its *.
 *
 * Paths arrive as text once in a while, observations only with the path's hash:
 * a bounded table joins them.  Only answered requests (2xx, 3xx) create anything.
 * One thread; allocates; no clock.
 */
#ifndef PROFILER_TEMPLATE_H
#define PROFILER_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profiler/token.h"

struct template_limits {
    uint32_t max;    /* templates per service */
    uint32_t users;  /* different ones before a text is published */
    uint64_t secret; /* makes hash collisions unpredictable */
};

struct template_set;

/* `tokens` and the names are borrowed; what tokens holds already becomes the trees. */
struct template_set *template_new(const struct template_limits *limits,
                                  struct token_table *tokens, const char *const *service,
                                  size_t n_services);
void template_free(struct template_set *s); /* NULL is fine */

/*
 * Other services and limits (but the secret) from now on, after token_set_services().
 * What was learned of a service stays with its name.
 */
void template_set_services(struct template_set *s, const struct template_limits *limits,
                           const char *const *service, size_t n_services);

/* The text behind a path hash; cut texts (len >= PATH_TEXT_MAX) are known as such. */
void template_path(struct template_set *s, uint16_t service, uint64_t path,
                   const char *text, size_t len);

/* The token of a request; `answered` by 2xx or 3xx, it also teaches. */
uint16_t template_token(struct template_set *s, uint16_t service, uint64_t path,
                        uint64_t user, bool answered);

/* The service's token for everything without a template. */
uint16_t template_rest(struct template_set *s, uint16_t service);

size_t template_count(const struct template_set *s, uint16_t service);

#endif
