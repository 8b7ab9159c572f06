/*
 * access_json.h - one object a line, with the keys of docs/logging.md.  Pure.
 */
#ifndef PROXY_ACCESS_JSON_H
#define PROXY_ACCESS_JSON_H

#include "proxy/access/access_line.h"

void access_json_put(struct access_text *to, const struct access_line *l);

#endif
