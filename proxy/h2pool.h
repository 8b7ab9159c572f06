/*
 * h2pool.h - what all HTTP/2 connections of a worker share.
 *
 * The library's memory comes from lists of free blocks, one per size, of one thread:
 * a stream's dozen small blocks are taken and given back with each request.  What a
 * session has for its frames and for finding streams are whole pages, which an idle one
 * gives back to the kernel without letting go of them.  One field
 * block is unpacked at a time and in one go (sieve.h), so its storage is here too.
 */
#ifndef PROXY_H2POOL_H
#define PROXY_H2POOL_H

#include <nghttp2/nghttp2.h>

#include "base/list.h"
#include "proxy/h2/block.h"
#include "proxy/h2/pairs.h"

struct worker;

#define H2POOL_SIZES  19
#define H2POOL_FIELDS (256 + BLOCK_SPARE_FIELDS)
#define H2POOL_TEXT   (65536 + BLOCK_SPARE_TEXT)

/* The two kinds of whole pages: the table of streams, and where frames are written. */
enum { H2POOL_TABLE, H2POOL_FRAMES, N_H2POOL_PAGES };
#define H2POOL_TABLE_BYTES  4096
#define H2POOL_FRAMES_BYTES 20480

/* Of one session; set while it is made.  NULL: the library let go of it. */
struct h2pool_pages {
    void *at[N_H2POOL_PAGES];
};

struct h2pool_run;

struct h2pool {
    nghttp2_mem mem;
    struct h2pool_run *runs[N_H2POOL_PAGES];
    struct h2pool_pages *making;          /* of the session being made, or NULL */
    nghttp2_session_callbacks *callbacks; /* made by h2link.c */
    nghttp2_option *options;
    void *free[H2POOL_SIZES];
    uint32_t n_free[H2POOL_SIZES];
    struct list spare; /* streams */
    uint32_t n_spare;
    struct block block;
    struct pairs pairs;
    char *out; /* text being gathered in h2link_flush(), or NULL */
    size_t n_out;
    struct field fields[H2POOL_FIELDS];
    char text[H2POOL_TEXT];
};

/* The worker's; made when it is first asked for. */
struct h2pool *h2pool_of(struct worker *w);
void h2pool_free(struct h2pool *p); /* NULL is fine */

/* What a session that has no streams and nothing to send does not need to hold. */
void h2pool_shed(struct h2pool_pages *pages);

/* Empty storage for a field block. */
struct msg h2pool_storage(struct h2pool *p);

#endif
