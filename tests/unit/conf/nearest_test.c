/* Mirrors conf/nearest.c. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "conf/nearest.h"

static const char *nearest_of(const char *word)
{
    static const char *const known[] = {"listeners", "services", "routes", "via", "log"};
    struct nearest n;

    nearest_init(&n, word);
    for (size_t i = 0; i < N_ELEMS(known); i++)
        nearest_offer(&n, known[i]);
    return n.best;
}

Test(nearest, each_kind_of_slip_finds_its_word)
{
    static const struct {
        const char *word, *best;
    } cases[] = {
        {"lisenters", "listeners"}, /* two letters that moved */
        {"listener", "listeners"},  /* one is missing */
        {"routess", "routes"},      /* one is too much */
        {"rootes", "routes"},       /* one is another */
        {"lgo", "log"},             /* two neighbours swapped */
        {"vis", "via"},
        {"servces", "services"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++)
        cr_expect_str_eq(nearest_of(cases[i].word), cases[i].best, "%s", cases[i].word);
}

Test(nearest, a_word_that_is_nothing_like_it_has_no_near_one)
{
    static const char *const words[] = {"", "x", "timeouts", "lxyzaners", "vxx", "lo g x"};

    for (size_t i = 0; i < N_ELEMS(words); i++)
        cr_expect_null(nearest_of(words[i]), "%s: %s", words[i], nearest_of(words[i]));
}

Test(nearest, of_two_equally_near_the_first_offered_is_taken)
{
    struct nearest n;

    nearest_init(&n, "bat");
    nearest_offer(&n, "cat");
    nearest_offer(&n, "rat");
    cr_expect_str_eq(n.best, "cat");
}

Test(nearest, the_nearer_one_replaces_the_near_one)
{
    struct nearest n;

    nearest_init(&n, "response");
    nearest_offer(&n, "resoonce");
    nearest_offer(&n, "respond");
    nearest_offer(&n, "responses");
    cr_expect_str_eq(n.best, "responses");
}

Test(nearest, words_beyond_the_table_of_distances_are_left_alone)
{
    char longer[200], as_long[NEAREST_WORD_MAX + 1];
    struct nearest n;

    snprintf(longer, sizeof(longer), "%0*d", NEAREST_WORD_MAX + 1, 0);
    snprintf(as_long, sizeof(as_long), "%0*d", NEAREST_WORD_MAX, 0);
    nearest_init(&n, longer);
    nearest_offer(&n, as_long);
    cr_expect_null(n.best);
    nearest_init(&n, as_long);
    nearest_offer(&n, longer);
    cr_expect_null(n.best);
    nearest_offer(&n, as_long);
    cr_expect_str_eq(n.best, as_long);
}

Test(nearest, the_hint_names_the_best_or_nothing)
{
    char hint[NEAREST_HINT_MAX];
    struct nearest n;

    nearest_init(&n, "rotes");
    cr_expect_str_eq(nearest_hint(&n, hint), "");
    nearest_offer(&n, "routes");
    cr_expect_str_eq(nearest_hint(&n, hint), "; did you mean 'routes'?");
}

Test(nearest, the_longest_word_fits_into_the_hint)
{
    char word[NEAREST_WORD_MAX + 1] = "", hint[NEAREST_HINT_MAX];
    struct nearest n;

    memset(word, 'w', NEAREST_WORD_MAX);
    nearest_init(&n, word);
    nearest_offer(&n, word);
    nearest_hint(&n, hint);
    cr_expect_eq(strlen(hint), NEAREST_WORD_MAX + strlen("; did you mean ''?"));
}
