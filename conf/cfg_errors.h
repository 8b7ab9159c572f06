/*
 * cfg_errors.h - everything that is wrong with a configuration, each with its place.
 *
 * Collects, so that one run shows all faults.  The same fault at the same place is
 * kept once; beyond CFG_ERRORS_MAX the rest are only counted.  One thread.
 */
#ifndef CONF_CFG_ERRORS_H
#define CONF_CFG_ERRORS_H

#include <stddef.h>
#include <stdio.h>

#define CFG_ERRORS_MAX 100

/* Where something was written.  Line and column count from 1; line 0: in no line. */
struct cfg_at {
    const char *file; /* borrowed; not NULL */
    unsigned line, col;
};

struct cfg_error {
    char *file, *text; /* owned */
    unsigned line, col;
};

struct cfg_errors {
    struct cfg_error *list; /* owned */
    size_t n;
    size_t left_out;
};

void cfg_errors_init(struct cfg_errors *e);
void cfg_errors_fini(struct cfg_errors *e); /* ready for use again afterwards */

void cfg_errors_add(struct cfg_errors *e, struct cfg_at at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* By file in order of first mention, then by line and column. */
void cfg_errors_sort(struct cfg_errors *e);

/* FILE:LINE:COL: message, one a line; without a line FILE: message. */
void cfg_errors_print(const struct cfg_errors *e, FILE *to);

#endif
