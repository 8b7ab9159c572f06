/*
 * tls_name.h - which certificate's name does a client ask for?
 *
 * Pure.  Names of certificates (RFC 9525): a DNS name, or one whose leftmost label is "*"
 * and stands for exactly one label.  An exact name goes before a wildcard.
 */
#ifndef PROXY_TLS_TLS_NAME_H
#define PROXY_TLS_TLS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_NAME_MAX 254 /* of a DNS name, terminated */

/*
 * Lower case, without a dot at the end.  False: no DNS name, or too long; a "*" is taken
 * for the whole leftmost of three or more labels when `wild`.
 */
bool tls_name_normal(const char *name, size_t len, bool wild, char out[TLS_NAME_MAX]);

struct tls_name {
    char *text; /* owned; normal */
    uint32_t value;
};

/* Sorted by text once it is complete; zeroed it is empty. */
struct tls_names {
    struct tls_name *list; /* owned */
    size_t n;
};

void tls_name_add(struct tls_names *names, const char *normal, uint32_t value);
void tls_name_sort(struct tls_names *names); /* of equal texts the lowest value is found */
void tls_name_clear(struct tls_names *names);

/* The entry for a normal host name, or NULL. */
const struct tls_name *tls_name_find(const struct tls_names *names, const char *host);

#endif
