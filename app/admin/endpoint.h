/*
 * endpoint.h - the one table of what the admin endpoint answers.
 *
 * docs/admin.md lists the same paths; a unit test compares.
 */
#ifndef APP_ADMIN_ENDPOINT_H
#define APP_ADMIN_ENDPOINT_H

#include <stddef.h>

struct ask;
struct parts;

struct endpoint {
    const char *path; /* one that ends in a slash takes whatever follows, at least a byte */
    void (*get)(const struct parts *p, struct ask *a);  /* NULL: changes only */
    void (*post)(const struct parts *p, struct ask *a); /* NULL: reads only */
    const char *does;                                   /* for docs/admin.md */
};

/* NULL: no such thing. */
const struct endpoint *endpoint_find(const char *path);

/* All, in the order of the documentation. */
const struct endpoint *endpoint_list(size_t *n);

#endif
