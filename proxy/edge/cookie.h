/*
 * cookie.h - one cookie of a request (RFC 6265, 4.2).  Pure.
 */
#ifndef PROXY_EDGE_COOKIE_H
#define PROXY_EDGE_COOKIE_H

#include "proxy/msg.h"

/* The value of the first cookie of that name, without quotes around it; NULL: none. */
const char *cookie_value(const struct msg *m, const char *name, size_t *len);

#endif
