/*
 * h2pool.h - what all HTTP/2 connections of a worker share.
 *
 * The library's memory comes from lists of free blocks, one per size, of one thread:
 * a stream's dozen small blocks are taken and given back with each request.  One field
 * block is unpacked at a time and in one go (sieve.h), so its storage is here too.
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

struct h2pool {
    nghttp2_mem mem;
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

/* Empty storage for a field block. */
struct msg h2pool_storage(struct h2pool *p);

#endif
