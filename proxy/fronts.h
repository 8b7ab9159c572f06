/*
 * fronts.h - how many connections each listener has, over all workers.
 *
 * A listener is a socket of each worker; what it counts together lies here, by its bind
 * text, for as long as the proxy lives.  Any thread.
 */
#ifndef PROXY_FRONTS_H
#define PROXY_FRONTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"

struct front {
    struct list node;         /* private */
    char bind[ADDR_TEXT_MAX]; /* private */
    char name[ADDR_TEXT_MAX]; /* private: cut where it is longer */
    _Atomic uint32_t open;    /* connections */
};

struct fronts {
    pthread_mutex_t lock; /* private */
    struct list list;     /* private */
};

void fronts_init(struct fronts *f);
void fronts_fini(struct fronts *f);

/* That of this bind text, made if need be; from now on it has that name. */
struct front *fronts_get(struct fronts *f, const char *bind, const char *name);
/* Connections of the listener of that name; 0: there is none. */
uint32_t fronts_open(struct fronts *f, const char *name, size_t len);

#endif
