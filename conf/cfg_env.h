/*
 * cfg_env.h - ${NAME} and ${NAME:-default} in the values of a YAML tree.
 *
 * Replaced after parsing, so that no variable can add structure.  A variable that is
 * empty counts as set; $${ stands for ${ itself.  Keys are left alone.
 */
#ifndef CONF_CFG_ENV_H
#define CONF_CFG_ENV_H

#include "conf/cfg_errors.h"
#include "conf/yaml.h"

/* What cannot be replaced is added to errs, and its node is marked faulty. */
void cfg_env_expand(struct yaml_node *n, struct cfg_errors *errs);

#endif
