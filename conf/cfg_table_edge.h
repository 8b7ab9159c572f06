/*
 * cfg_table_edge.h - the part of the table that is about the edge: compression, access,
 * error pages, mirrors.  As in cfg_table.h; for cfg_table.c.
 */
#ifndef CONF_CFG_TABLE_EDGE_H
#define CONF_CFG_TABLE_EDGE_H

#include "conf/cfg_rows.h"

extern const struct cfg_section cfg_table_edge_compression, cfg_table_edge_errors,
    cfg_table_edge_limit, cfg_table_edge_auth, cfg_table_edge_mirror;

#define CFG_TABLE_EDGE_ERRORS                                                              \
    "Pages in place of the short texts that tidegate answers errors with."

/* The rows that services and routes share; S is the struct of either. */
#define CFG_TABLE_EDGE_ROWS                                                                \
    SECTION("compression", edge.compression, cfg_table_edge_compression,                   \
            "Answers are compressed for clients that understand it."),                     \
        LIST_OF_IN("errors", edge, errors, cfg_table_edge_errors, CFG_TABLE_EDGE_ERRORS),  \
        LIST_IN("allow", edge, allow, BLOCK,                                               \
                "Client addresses that may ask; without it all that `deny` does not "      \
                "have.  Others are answered 403.",                                         \
                .example = "[ 10.0.0.0/8, \"fd00::/8\" ]"),                                \
        LIST_IN("deny", edge, deny, BLOCK,                                                 \
                "Client addresses that may not ask, whatever `allow` says.",               \
                .example = "192.0.2.7"),                                                   \
        LIST_OF_IN("rate_limit", edge, limits, cfg_table_edge_limit,                       \
                   "How often a client may ask; all that are given hold.")

#endif
