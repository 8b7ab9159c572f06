/*
 * access_set.h - the access logs of one configuration, as workers and the log thread use
 * them: which list a request goes to, what its lines need to know, who wants it.
 *
 * Immutable after access_set_new(); any thread.
 */
#ifndef PROXY_ACCESS_SET_H
#define PROXY_ACCESS_SET_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/rng.h"
#include "proxy/access/access_line.h"
#include "proxy/access/access_sink.h"

struct access_log {
    const struct cfg_access_log *how;
    struct access_sink *sink; /* access.c keeps it */
};

struct access_list {
    struct access_log logs[CFG_LOGS_MAX];
    size_t n;
    uint32_t texts; /* bits 1 << enum access_text_id: those that some line has */
    bool load;      /* some line shows struct access_load */
    struct access_fields request_fields, response_fields;
};

struct access_set {
    struct cfg *cfg;                      /* a reference */
    struct access_list *lists;            /* private */
    size_t n_lists;                       /* private */
    const struct access_list *top;        /* NULL: none; so below */
    const struct access_list **listeners; /* by index */
    const struct access_list **services;  /* by index; the listener's where not `own` */
    const bool *own;
    _Atomic unsigned refs; /* private */
    struct list node;      /* access.c's */
};

/* NULL: no request is logged anywhere.  The logs have no sinks yet. */
struct access_set *access_set_new(struct cfg *cfg);
void access_set_free(struct access_set *s); /* NULL is fine */

struct access_set *access_set_ref(struct access_set *s);
/* The last one leaves it to the log thread to free it. */
void access_set_unref(struct access_set *s);
bool access_set_is_left(const struct access_set *s);

/* Where requests through a listener go that reach no service; NULL: nowhere.  The listener
 * may be an earlier configuration's. */
const struct access_list *access_set_of_listener(const struct access_set *s,
                                                 const struct cfg_listener *l);
/* The same for requests of a service; `via` is what the listener gave. */
static inline const struct access_list *access_set_of_service(const struct access_set *s,
                                                              uint16_t service,
                                                              const struct access_list *via)
{
    return s->own[service] ? s->services[service] : via;
}

/* What decides whether a line is written. */
struct access_case {
    uint16_t status;
    uint8_t ending, attempts;
    bool empty; /* a connection that sent nothing */
    mono_us total_us;
};

/* Bits: the logs of the list that want it.  Chance is the caller's. */
uint8_t access_set_want(const struct access_list *l, const struct access_case *c,
                        struct rng *rng);

#endif
