/*
 * h2pool.h - what all HTTP/2 connections of a worker share.
 *
 * The library's memory comes from lists of free blocks, one per size, of one thread:
 * a stream's dozen small blocks are taken and given back with each request.  A session
 * itself and what it has for its frames and for finding streams are whole pages, which go
 * back to the kernel while it rests, without being let go of: most of them is empty, and
 * what is not is kept packed until it goes on.  One field block is unpacked at a time and
 * in one go (sieve.h), so its storage is here too.
 */
#ifndef PROXY_H2POOL_H
#define PROXY_H2POOL_H

#include <nghttp2/nghttp2.h>

#include "base/list.h"
#include "proxy/h2/block.h"
#include "proxy/h2/pairs.h"

struct worker;

#define H2POOL_SIZES  20
#define H2POOL_FIELDS (256 + BLOCK_SPARE_FIELDS)
#define H2POOL_TEXT   (65536 + BLOCK_SPARE_TEXT)

/* The kinds of whole pages: the session and what it is made with, the table of streams, and
 * where frames are written. */
enum { H2POOL_SESSION, H2POOL_TABLE, H2POOL_FRAMES, N_H2POOL_PAGES };
#define H2POOL_SESSION_BYTES 8192
#define H2POOL_TABLE_BYTES   4096
#define H2POOL_FRAMES_BYTES  20480

struct h2pool_packed;

/* Of one session; set while it is made.  NULL: the library let go of it. */
struct h2pool_pages {
    void *at[N_H2POOL_PAGES];
    uint32_t used;                /* bytes of the session's */
    struct h2pool_packed *packed; /* what these held; NULL: they hold it */
};

struct h2pool_run;

struct h2pool {
    nghttp2_mem mem;
    struct h2pool_run *runs[N_H2POOL_PAGES];
    uint8_t *lowest, *highest;            /* all whole pages lie between them */
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

/* A session that has no streams and nothing to send gives back what it does not need, and
 * must not be used until it is roused.  Each is harmless when it was done before. */
void h2pool_rest(struct h2pool_pages *pages);
void h2pool_rouse(struct h2pool_pages *pages);
/* The session is no more. */
void h2pool_end(struct h2pool *p, struct h2pool_pages *pages);

/* Empty storage for a field block. */
struct msg h2pool_storage(struct h2pool *p);

#endif
