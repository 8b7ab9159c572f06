/*
 * pipes.h - pipes through which bytes move from one socket to another without being seen.
 *
 * Of one worker.  A pipe is in use only while something is in it: between two turns those
 * of clients that do not keep up, else none.
 */
#ifndef PROXY_PIPES_H
#define PROXY_PIPES_H

#include <stddef.h>
#include <stdint.h>

struct pipe {
    int in, out; /* descriptors: what is put in, and what comes out */
    size_t held; /* bytes */
    struct pipe *next;
};

struct pipes {
    struct pipe *spare;
    uint32_t n_spare, n_used;
};

void pipes_init(struct pipes *p);
void pipes_fini(struct pipes *p); /* every pipe must be back */

/* NULL: as many are in use as may be, or no descriptors are left. */
struct pipe *pipes_get(struct pipes *p);
/* Gives it back, with what is still in it. */
void pipes_put(struct pipes *p, struct pipe *pipe);

#endif
