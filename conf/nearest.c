#include "conf/nearest.h"

#include <stdio.h>
#include <string.h>

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Rows of the table of distances between beginnings of a and of b.  Only three are
 * needed: the one being filled, the one before, and the one before that for swaps.
 */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][NEAREST_WORD_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= nb; j++)
        above[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *reused = before;

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t replaced = above[j - 1] + (a[i - 1] != b[j - 1]);

            row[j] = min(replaced, min(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
        row = reused;
    }
    return above[nb];
}

void nearest_init(struct nearest *n, const char *word)
{
    size_t allowed = min((strlen(word) + 2) / 3, 3);

    *n = (struct nearest){.word = word, .distance = allowed + 1};
}

void nearest_offer(struct nearest *n, const char *candidate)
{
    size_t na = strlen(n->word), nb = strlen(candidate), d;

    if (na > NEAREST_WORD_MAX || nb > NEAREST_WORD_MAX)
        return;
    d = distance(n->word, na, candidate, nb);
    if (d >= n->distance)
        return;
    n->distance = d;
    n->best = candidate;
}

const char *nearest_hint(const struct nearest *n, char out[static NEAREST_HINT_MAX])
{
    out[0] = '\0';
    if (n->best != NULL)
        snprintf(out, NEAREST_HINT_MAX, "; did you mean '%s'?", n->best);
    return out;
}
