/*
 * cfg_print.h - the effective configuration as YAML that loads to the same thing.
 *
 * Every setting is written, defaults too; included files are one file now and
 * variables are replaced.  Secrets are written as CFG_REDACTED.
 */
#ifndef CONF_CFG_PRINT_H
#define CONF_CFG_PRINT_H

#include <stdio.h>

#include "conf/cfg.h"

void cfg_print(const struct cfg *c, FILE *to);

#endif
