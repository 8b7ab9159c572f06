/*
 * cfg_value.h - single values: text to field and field to text, by type.
 *
 * Sections, maps and lists are not values; cfg_fill.h and cfg_walk.h take them
 * apart.  What is printed is parsed back to the same field.  Pure.
 */
#ifndef CONF_CFG_VALUE_H
#define CONF_CFG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"
#include "conf/cfg_table.h"

bool cfg_value_is(enum cfg_type t); /* false: a section, map, list or reference */

/*
 * Parses `text` as k says and checks k's limits.  RC_INVALID leaves *field as it was;
 * the reason reads on after "key: ".
 */
int cfg_value_parse(const struct cfg_key *k, const char *text, void *field, struct why *w);
char *cfg_value_text(const struct cfg_key *k, const void *field); /* to free() */

size_t cfg_value_size(enum cfg_type t); /* of the field, which is zeroed before first use */
void cfg_value_clear(enum cfg_type t, void *field); /* frees what it holds */
bool cfg_value_unset(enum cfg_type t,
                     const void *field); /* text, template or address that is "" */

#endif
