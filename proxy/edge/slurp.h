/*
 * slurp.h - a whole small file that a configuration names.
 *
 * Blocks; not for workers.
 */
#ifndef PROXY_EDGE_SLURP_H
#define PROXY_EDGE_SLURP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

struct slurp {
    char *text; /* terminated; to free() */
    size_t len;
    struct slurp_mark {
        int64_t mtime_ns;
        uint64_t size, inode;
    } mark; /* changes when the file does */
};

/* RC_TOO_BIG: it has more than `max` bytes. */
int slurp_file(const char *file, size_t max, struct slurp *out, struct why *w);

/*
 * Was the file written, or put in place of the one of that mark?  *mark is then the new
 * one's, so that the same change is told once.  A file that is not there was not changed.
 */
bool slurp_changed(const char *file, struct slurp_mark *mark);

#endif
