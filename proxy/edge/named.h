/*
 * named.h - fields of a head by names that msg.h has no id for.
 *
 * Pure.  Names are given in lower case; dropped fields are not there.
 */
#ifndef PROXY_EDGE_NAMED_H
#define PROXY_EDGE_NAMED_H

#include "proxy/msg.h"

bool named_is(const struct msg *m, const struct field *f, const char *name);

/* The first of that name behind `after`, or from the beginning (NULL); NULL: no more. */
const struct field *named_next(const struct msg *m, const char *name,
                               const struct field *after);
static inline const struct field *named_first(const struct msg *m, const char *name)
{
    return named_next(m, name, NULL);
}
/* NULL: none, or several. */
const struct field *named_only(const struct msg *m, const char *name);

/* Is the word an element of any of them, as lists? */
bool named_says(const struct msg *m, const char *name, const char *word);

/* Is its content gRPC's messages, or those of its kin?  They are compressed one by one, if
 * at all, and what became of the call stands behind them. */
bool named_grpc(const struct msg *m);

void named_drop(struct msg *m, const char *name);

/* Drops all that an application behind CGI would take for that name: "X_User" too. */
void named_drop_alike(struct msg *m, const char *name);

#endif
