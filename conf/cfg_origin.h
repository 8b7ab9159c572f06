/*
 * cfg_origin.h - where a loaded configuration was written, kept for as long as it lives.
 *
 * What is found wrong only later, such as a certificate that does not match its key, can
 * then still be told with the line that asked for it.  One thread writes, any reads.
 */
#ifndef CONF_CFG_ORIGIN_H
#define CONF_CFG_ORIGIN_H

#include "conf/cfg.h"
#include "conf/cfg_files.h"
#include "conf/cfg_places.h"

struct cfg_origin {
    struct cfg_files files; /* the places borrow their names */
    struct cfg_places places;
};

struct cfg_origin *cfg_origin_new(void);
void cfg_origin_free(struct cfg_origin *o); /* NULL is fine */

/*
 * Where the field was set, or else where the object around it begins; without a line when
 * neither is in the text.
 */
struct cfg_at cfg_origin_at(const struct cfg *c, const void *field, const void *object);

#endif
