/*
 * cfg_walk.h - through a configuration in the order of its table.
 *
 * One walk for everything that shows a configuration, so that all show the same:
 * what was not given and has no default is left out, secrets are redacted, what is
 * computed (`auto`) is shown as it was computed.
 */
#ifndef CONF_CFG_WALK_H
#define CONF_CFG_WALK_H

#include <stdbool.h>

#include "conf/cfg.h"
#include "conf/cfg_table.h"

/* Long enough to pass for any secret when a printed configuration is read again. */
#define CFG_REDACTED "<redacted-by-tidegate>"

/* `name` is NULL for an entry of a list and for the outermost map. */
struct cfg_visitor {
    void *ctx;
    void (*open)(void *ctx, const char *name, bool list);
    void (*close)(void *ctx, bool list);
    void (*value)(void *ctx, const char *name, const struct cfg_key *k, const char *text);
};

void cfg_walk(const struct cfg *c, const struct cfg_visitor *v);

/* Frees what an object of the section holds, not the object. */
void cfg_walk_clear(const struct cfg_section *s, void *object);

/* The same for one list or map. */
void cfg_walk_clear_entries(const struct cfg_key *k, void *object);

/* Size of one entry of a list or map. */
size_t cfg_walk_entry_size(const struct cfg_key *k);

#endif
