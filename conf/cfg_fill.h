/*
 * cfg_fill.h - a YAML tree into a struct cfg, by the table.
 *
 * First the table's defaults, then what is inherited from `defaults`, then what the
 * text says; the later wins, key by key.  Every value is checked by itself; whether
 * they fit one another is cfg_check.h's question.  Pure.
 */
#ifndef CONF_CFG_FILL_H
#define CONF_CFG_FILL_H

#include "conf/cfg.h"
#include "conf/cfg_errors.h"
#include "conf/cfg_places.h"
#include "conf/yaml.h"

#define CFG_SERVICE_NONE UINT16_MAX /* a route whose service is not known */

/* `out` is zeroed; afterwards it may be freed with cfg_unref() whatever was wrong. */
void cfg_fill(const struct yaml_node *root, struct cfg *out, struct cfg_places *places,
              struct cfg_errors *errs);

#endif
