/*
 * refusal.h - what an HTTP/1 client is told whose request could not be read, and how that
 * is counted.
 */
#ifndef PROXY_REFUSAL_H
#define PROXY_REFUSAL_H

#include "proxy/h1/head.h"
#include "proxy/stats.h"

#define REFUSAL_TEXT_MAX 512

/* A whole answer as it goes out, after which the connection ends; its length, and in *body
 * how much of it is the body.  `date` is 29 characters. */
size_t refusal_text(unsigned status, const char *date, char out[REFUSAL_TEXT_MAX],
                    size_t *body);

enum stats_refusal refusal_of(const struct head_fault *f);

#endif
