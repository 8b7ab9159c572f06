/*
 * access_custom.h - a configured text with variables.  Pure.
 */
#ifndef PROXY_ACCESS_CUSTOM_H
#define PROXY_ACCESS_CUSTOM_H

#include "proxy/access/access_line.h"

void access_custom_put(struct access_text *to, const struct access_line *l);

#endif
