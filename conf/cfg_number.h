/*
 * cfg_number.h - the types of value that are one number: counts, durations, sizes,
 * shares, rates, decimals.
 *
 * Numbers are handled as double, which is exact for every limit in cfg_table.c.  Pure.
 */
#ifndef CONF_CFG_NUMBER_H
#define CONF_CFG_NUMBER_H

#include "base/rc.h"
#include "conf/cfg_table.h"

/* As in cfg_value.h. */
int cfg_number_parse(const struct cfg_key *k, const char *text, void *field, struct why *w);
char *cfg_number_text(const struct cfg_key *k, const void *field);

/* Two uint16_t, first and last of a range, both in k's limits. */
int cfg_number_parse_range(const struct cfg_key *k, const char *text, void *field,
                           struct why *w);
char *cfg_number_range_text(const struct cfg_key *k, const void *field);

/* What one of the table's own texts (min, max) is in the field's unit. */
double cfg_number_limit(enum cfg_type t, const char *text);

#endif
