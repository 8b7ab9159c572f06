/*
 * cfg_check_edge.h - do the settings of the edge fit one another?  As cfg_check.h; pure.
 */
#ifndef CONF_CFG_CHECK_EDGE_H
#define CONF_CFG_CHECK_EDGE_H

#include "conf/cfg.h"
#include "conf/cfg_errors.h"
#include "conf/cfg_places.h"

void cfg_check_edge(const struct cfg *c, const char *file, const struct cfg_places *places,
                    struct cfg_errors *errs);

/* The media type of what is in a file of that name; NULL: none is known. */
const char *cfg_check_edge_type(const char *file);

#endif
