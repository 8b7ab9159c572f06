/* Mirrors conf/cfg_errors.c. */
#include <criterion/criterion.h>

#include "tests/unit/conf/loading.h"

static void expect_printed(const struct cfg_errors *e, const char *text)
{
    char *all = loading_error_text(e);

    cr_expect_str_eq(all, text, "got\n%s", all);
    free(all);
}

Test(cfg_errors, a_place_is_printed_as_far_as_it_is_known)
{
    struct cfg_errors e;

    cfg_errors_init(&e);
    cfg_errors_add(&e, (struct cfg_at){"a.yaml", 3, 7}, "bad %s", "thing");
    cfg_errors_add(&e, (struct cfg_at){"a.yaml", 0, 0}, "missing");
    expect_printed(&e, "a.yaml:3:7: bad thing\na.yaml: missing\n");
    cfg_errors_fini(&e);
}

Test(cfg_errors, the_order_is_by_file_then_line_then_column)
{
    struct cfg_errors e;

    cfg_errors_init(&e);
    cfg_errors_add(&e, (struct cfg_at){"main", 9, 1}, "e");
    cfg_errors_add(&e, (struct cfg_at){"inc", 1, 1}, "f");
    cfg_errors_add(&e, (struct cfg_at){"main", 2, 5}, "d");
    cfg_errors_add(&e, (struct cfg_at){"main", 2, 3}, "b");
    cfg_errors_add(&e, (struct cfg_at){"main", 2, 3}, "c");
    cfg_errors_add(&e, (struct cfg_at){"main", 0, 0}, "a");
    cfg_errors_sort(&e);
    expect_printed(&e, "main: a\nmain:2:3: b\nmain:2:3: c\nmain:2:5: d\nmain:9:1: e\n"
                       "inc:1:1: f\n");
    cfg_errors_fini(&e);
}

Test(cfg_errors, the_same_at_the_same_place_is_kept_once)
{
    struct cfg_errors e;

    cfg_errors_init(&e);
    for (int i = 0; i < 3; i++)
        cfg_errors_add(&e, (struct cfg_at){"f", 1, 1}, "x");
    cfg_errors_add(&e, (struct cfg_at){"f", 1, 2}, "x");
    cfg_errors_add(&e, (struct cfg_at){"f", 1, 1}, "y");
    cfg_errors_add(&e, (struct cfg_at){"g", 1, 1}, "x");
    cr_expect_eq(e.n, 4);
    cfg_errors_fini(&e);
}

Test(cfg_errors, beyond_the_limit_they_are_counted)
{
    struct cfg_errors e;
    char *all;

    cfg_errors_init(&e);
    for (unsigned i = 0; i < CFG_ERRORS_MAX + 5; i++)
        cfg_errors_add(&e, (struct cfg_at){"f", i + 1, 1}, "x");
    cr_expect_eq(e.n, CFG_ERRORS_MAX);
    all = loading_error_text(&e);
    cr_expect(strstr(all, "and 5 more\n") != NULL, "%s", all);
    free(all);
    cfg_errors_fini(&e);
}

Test(cfg_errors, control_characters_do_not_reach_the_terminal)
{
    struct cfg_errors e;

    cfg_errors_init(&e);
    cfg_errors_add(&e, (struct cfg_at){"f", 1, 1}, "key '%s'", "a\x1b[2J\nb");
    expect_printed(&e, "f:1:1: key 'a?[2J?b'\n");
    cfg_errors_fini(&e);
}

Test(cfg_errors, an_emptied_list_can_be_used_again)
{
    struct cfg_errors e;

    cfg_errors_init(&e);
    cfg_errors_add(&e, (struct cfg_at){"f", 1, 1}, "x");
    cfg_errors_fini(&e);
    cr_expect_eq(e.n, 0);
    cfg_errors_add(&e, (struct cfg_at){"f", 1, 1}, "x");
    cr_expect_eq(e.n, 1);
    cfg_errors_fini(&e);
}
