/*
 * access_clf.h - common and combined, as nginx writes them.  Pure.
 */
#ifndef PROXY_ACCESS_CLF_H
#define PROXY_ACCESS_CLF_H

#include "proxy/access/access_line.h"

void access_clf_put(struct access_text *to, const struct access_line *l, bool combined);

#endif
