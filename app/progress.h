/*
 * progress.h - one line on a terminal that says how far the work is.
 *
 * Drawn over itself, at most five times a second; nothing at all where no person looks.
 */
#ifndef APP_PROGRESS_H
#define APP_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"

struct progress {
    FILE *to; /* NULL: nobody looks */
    mono_us began, drawn;
};

/* How far. */
struct progress_at {
    const char *name; /* of what is read now */
    double share;     /* of it, 0..1; below 0: not known */
    uint64_t lines, damaged;
};

/* Draws when `to` is a terminal. */
void progress_init(struct progress *p, FILE *to, mono_us now);

/* Whether it is time to draw again. */
bool progress_due(const struct progress *p, mono_us now);
void progress_draw(struct progress *p, const struct progress_at *at, mono_us now);
void progress_clear(const struct progress *p); /* leaves an empty line */

/* " 42 %  1234567 lines  98765 lines/s  0 damaged  NAME", cut to size; returns out. */
char *progress_text(const struct progress_at *at, mono_us took, char *out, size_t size);

#endif
