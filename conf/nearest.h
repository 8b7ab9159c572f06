/*
 * nearest.h - "did you mean": the candidate that a mistyped word was probably for.
 *
 * Optimal string alignment distance (insert, delete, replace, swap of neighbours;
 * Damerau, 1964).  A candidate is near when at most a third of the word, and never
 * more than three letters, would have to change.  Pure.
 */
#ifndef CONF_NEAREST_H
#define CONF_NEAREST_H

#include <stddef.h>

#define NEAREST_WORD_MAX 64 /* longer words have no near ones */

struct nearest {
    const char *word;
    const char *best; /* NULL: none is near */
    size_t distance;  /* private; of best */
};

void nearest_init(struct nearest *n, const char *word);
void nearest_offer(struct nearest *n, const char *candidate); /* borrowed, like word */

#define NEAREST_HINT_MAX (NEAREST_WORD_MAX + 24)

/* "; did you mean 'BEST'?" to put behind a complaint, or "" when none is near. */
const char *nearest_hint(const struct nearest *n, char out[static NEAREST_HINT_MAX]);

#endif
