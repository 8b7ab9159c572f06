/*
 * accept.h - what a client will accept: content codings and media types (RFC 9110, 12.5).
 *
 * Pure.  Weights are in thousandths; an element that cannot be read is as if it were not
 * there.
 */
#ifndef PROXY_EDGE_ACCEPT_H
#define PROXY_EDGE_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/cfg_edge.h"

#define ACCEPT_ONE 1000

/* Start zeroed; add each field line. */
struct accept_codings {
    uint16_t weight[CFG_CODINGS];
    uint16_t identity, star;
    uint8_t listed; /* a bit for each coding */
    bool has_identity, has_star;
};

void accept_codings_add(struct accept_codings *a, const char *value, size_t len);

/*
 * The coding that the client likes best; of several it likes as well, the first of ours.
 * -1: none, or rather the answer as it is.
 */
int accept_codings_choose(const struct accept_codings *a, const unsigned *ours, size_t n);

/* Start with {.type = ..., .len = ...}, a media type without parameters; add each field
 * line of Accept. */
struct accept_media {
    const char *type;
    size_t len;
    uint16_t weight; /* 0: not acceptable */
    uint8_t precision;
};

void accept_media_add(struct accept_media *a, const char *value, size_t len);

/* Does the media type of the value, its parameters left out, fit "a/b" or "a/ *"? */
bool accept_is_type(const char *value, size_t len, const char *type);

#endif
