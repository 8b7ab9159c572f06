/*
 * segment.h - the pieces of a path between slashes, and which of them are names.
 *
 * Pure.
 */
#ifndef PROFILER_SEGMENT_H
#define PROFILER_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>

#define SEGMENT_MAX 12 /* the 12th stands for itself and all behind it: an identifier */

struct segment {
    const char *p;
    size_t len;
    bool identifier; /* looks like one of many: a number, a UUID, ... */
};

/*
 * Splits "/a/b" into a, b and "/a/" into a and an empty one.  `cut`: the text's
 * end is missing, so its last segment is nobody's name.  Returns how many; 0 when
 * the text does not begin with a slash.  The pieces are views.
 */
size_t segment_split(const char *text, size_t len, bool cut,
                     struct segment out[SEGMENT_MAX]);

#endif
