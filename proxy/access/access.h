/*
 * access.h - the access logs' thread: takes what workers note, writes lines.
 *
 * A worker lays a record into its ring and goes on: no lock, no system call (one, when the
 * ring is half full and the thread sleeps), no formatting.  The thread looks every 50 ms
 * while there is something to write, every 250 ms otherwise; a full ring drops the record
 * and counts it.
 *
 * Thread: main, except where a name ends in _mt.
 */
#ifndef PROXY_ACCESS_H
#define PROXY_ACCESS_H

#include "base/bytering.h"
#include "proxy/access/access_set.h"

struct access;

/* What the thread asks of the proxy, on its own thread. */
struct access_in {
    void *ctx;
    /* Connections and requests now; the names are not terminated. */
    void (*load)(void *ctx, struct access_piece listener, struct access_piece service,
                 struct access_load *out);
};

/* No thread and no ring before a configuration has a log. */
struct access *access_new(unsigned n_workers, const struct access_in *in);
/* The workers must have ended.  Writes what is left, for a second at most; NULL is fine. */
void access_free(struct access *a);

/*
 * The logs of a configuration; *out is a reference, or NULL when it has none.  Opens files
 * that are not open yet; RC_SYS: one cannot be, nothing has changed.
 */
int access_use(struct access *a, struct cfg *cfg, struct access_set **out, struct why *w);
/* From now on the thread runs whenever there are logs. */
int access_start(struct access *a, struct why *w);

/* The worker's ring; NULL as long as no configuration had a log. */
struct bytering *access_ring(struct access *a, unsigned worker);

/* After a record was laid into a ring. */
void access_noted_mt(struct access *a, const struct bytering *ring);

void access_reopen_mt(struct access *a);

/* Records that found a ring full. */
uint64_t access_lost_mt(struct access *a);
/* Figures of each place lines go to; how many there are.  *out is to free(), the paths in
 * it are copies. */
struct access_place {
    char path[256];
    struct access_figures figures;
};
size_t access_places_mt(struct access *a, struct access_place **out);

#endif
