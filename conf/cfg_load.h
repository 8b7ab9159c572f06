/*
 * cfg_load.h - YAML text in, a checked configuration out.
 *
 * Reads the file and what it includes, replaces ${VARIABLES}, fills defaults,
 * checks every value and then the whole.  Either *out is complete and obeys every
 * rule of cfg_table.c and cfg_check.h, or it is NULL and *errs says all that is
 * wrong.  Reads files and the environment; blocks; not for workers.
 */
#ifndef CONF_CFG_LOAD_H
#define CONF_CFG_LOAD_H

#include <stddef.h>

#include "base/rc.h"
#include "conf/cfg.h"
#include "conf/cfg_errors.h"

/*
 * RC_OK: *out has one reference, the caller's.  RC_INVALID: errs has at least one
 * entry.  errs must be initialised and is only added to.
 */
int cfg_load(const char *file, struct cfg **out, struct cfg_errors *errs);

/* The same from memory; `name` stands for the file in errors; `include:` is refused. */
int cfg_load_text(const char *name, const char *text, size_t len, struct cfg **out,
                  struct cfg_errors *errs);

#endif
