/*
 * cfg_check.h - do the values of a filled configuration fit one another?
 *
 * Rules between settings, each a function in cfg_check.c; what concerns one value
 * alone is a limit in cfg_table.c.  Reads the list of time zones; otherwise pure.
 */
#ifndef CONF_CFG_CHECK_H
#define CONF_CFG_CHECK_H

#include "conf/cfg.h"
#include "conf/cfg_errors.h"
#include "conf/cfg_places.h"

/* `file` is named for what is written nowhere. */
void cfg_check(const struct cfg *c, const char *file, const struct cfg_places *places,
               struct cfg_errors *errs);

#endif
