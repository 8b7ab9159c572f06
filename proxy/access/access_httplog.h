/*
 * access_httplog.h - HAProxy's HTTP log (its configuration manual, 8.2.3).  Pure.
 */
#ifndef PROXY_ACCESS_HTTPLOG_H
#define PROXY_ACCESS_HTTPLOG_H

#include "proxy/access/access_line.h"

void access_httplog_put(struct access_text *to, const struct access_line *l);

#endif
