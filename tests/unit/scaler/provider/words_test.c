#include <criterion/criterion.h>
#include <stdio.h>

#include "scaler/provider/words.h"

static void expect(const char *line, const char *want)
{
    static const struct words_value values[] = {{"port", "9001"},
                                                {"service", "a b'; rm x"}};
    char **argv, got[512] = "";
    size_t n = 0;

    cr_assert_eq(words_split(line, values, 2, &argv, NULL), RC_OK, "%s", line);
    for (char **a = argv; *a != NULL; a++)
        n += (size_t)snprintf(got + n, sizeof(got) - n, "[%s]", *a);
    cr_expect_str_eq(got, want, "%s", line);
    words_free(argv);
}

Test(words, blanks_separate)
{
    expect("  ./app \t --port\n9001 ", "[./app][--port][9001]");
}

Test(words, quotes_keep_blanks_together)
{
    expect("sh -c 'echo \"x\"; exec app'", "[sh][-c][echo \"x\"; exec app]");
    expect("a \"b c\"d 'e'\"f\"", "[a][b cd][ef]");
    expect("a '' \"\"", "[a][][]");
}

Test(words, a_backslash_keeps_the_next_character)
{
    expect("a\\ b \\'c \"d\\\"e\\\\f\\g\"", "[a b]['c][d\"e\\f\\g]");
    expect("'a\\b' c\\", "[a\\b][c\\]");
}

Test(words, values_stay_within_their_word)
{
    expect("app {port} --name={service} {nobody} {port",
           "[app][9001][--name=a b'; rm x][{nobody}][{port]");
    expect("app '{port}{port}'", "[app][90019001]");
}

Test(words, nothing_else_is_special)
{
    expect("a $HOME *.c | b > c & `d` ~", "[a][$HOME][*.c][|][b][>][c][&][`d`][~]");
}

Test(words, an_open_quote_and_an_empty_line_are_refused)
{
    static const char *const bad[] = {"", "   ", "a 'b", "a \"b", "a \"b\\\""};
    struct why w;
    char **argv;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_eq(words_split(bad[i], NULL, 0, &argv, &w), RC_INVALID, "%s", bad[i]);
        cr_expect_eq(argv, NULL);
    }
}
