/*
 * cfg_json.h - the effective configuration as JSON, in the shape of the YAML.
 *
 * Durations, sizes and shares are text as in YAML ("10s", "16k", "70%"); counts
 * and plain numbers are numbers.  Secrets are redacted.
 */
#ifndef CONF_CFG_JSON_H
#define CONF_CFG_JSON_H

#include "conf/cfg.h"

struct json_t;

struct json_t *cfg_json(const struct cfg *c); /* a new reference, never NULL */

#endif
