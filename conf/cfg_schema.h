/*
 * cfg_schema.h - the JSON Schema of a configuration, from the table, for editors.
 *
 * Draft 2020-12.  Says of a key what kind of value it takes, with its default and its
 * meaning; never refuses what tidegate takes.  What depends on other keys, and limits of
 * values with units, are left to `tidegate check`.
 */
#ifndef CONF_CFG_SCHEMA_H
#define CONF_CFG_SCHEMA_H

#include <stdio.h>

void cfg_schema_print(FILE *to);

#endif
