/*
 * words.h - a command line into words, without a shell.
 *
 * Blanks separate words; '...' keeps everything, "..." keeps everything but \" and \\, a
 * backslash outside quotes keeps the next character.  Nothing else is special: no
 * variables, no globbing, no pipes; who needs those writes sh -c '...'.  {NAME} is
 * replaced after splitting, so that a value is always part of one word.
 *
 * Pure.
 */
#ifndef SCALER_PROVIDER_WORDS_H
#define SCALER_PROVIDER_WORDS_H

#include <stddef.h>

#include "base/rc.h"

struct words_value {
    const char *name, *value; /* {name} becomes value */
};

/* RC_INVALID: an open quote, or no word at all.  *argv ends with NULL; words_free() it. */
int words_split(const char *line, const struct words_value *values, size_t n, char ***argv,
                struct why *w);
void words_free(char **argv); /* NULL is fine */

#endif
