/* Mirrors app/cli_args.c. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "app/cli_args.h"

/* Literals stand for the strings of argv, which are not const. */
#pragma GCC diagnostic ignored "-Wdiscarded-qualifiers"

#define ARGS(...) ((char *[]){"check", __VA_ARGS__, NULL})

/* Reads the arguments behind the command's name; -1: go on, else the exit status. */
static int reads(struct cli_args *a, char **argv)
{
    enum cli_status status;
    int argc = 0;

    while (argv[argc] != NULL)
        argc++;
    return cli_args_read(argc, argv, a, &status) ? -1 : (int)status;
}

static void quiet(void)
{
    cr_redirect_stdout();
    cr_redirect_stderr();
}

TestSuite(cli_args, .init = quiet);

Test(cli_args, without_options_the_file_is_the_usual_one)
{
    struct cli_args a = {.usage = "check"};

    cr_expect_eq(reads(&a, (char *[]){"check", NULL}), -1);
    cr_expect_str_eq(a.config, CLI_DEFAULT_CONFIG);
    cr_expect_not(a.print);
    cr_expect_eq(a.n_operands, 0);
}

Test(cli_args, the_file_is_named_in_any_of_the_usual_ways)
{
    char *const ways[][4] = {
        {"check", "-c", "F", NULL},
        {"check", "-cF", NULL},
        {"check", "--config", "F", NULL},
        {"check", "--config=F", NULL},
    };

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct cli_args a = {.usage = "check"};
        char *argv[4];

        memcpy(argv, ways[i], sizeof(argv));
        cr_expect_eq(reads(&a, argv), -1);
        cr_expect_str_eq(a.config, "F");
    }
}

Test(cli_args, print_is_known_only_where_it_means_something)
{
    struct cli_args with = {.usage = "check", .may_print = true},
                    without = {.usage = "run"};

    cr_expect_eq(reads(&with, ARGS("-T")), -1);
    cr_expect(with.print);
    cr_expect_eq(reads(&with, ARGS("--print")), -1);
    cr_expect(with.print);
    cr_expect_eq(reads(&without, ARGS("-T")), CLI_USAGE);
    cr_expect_eq(reads(&without, ARGS("--print")), CLI_USAGE);
}

Test(cli_args, operands_are_taken_up_to_their_number)
{
    struct cli_args a = {.usage = "learn", .max_operands = 2};
    char *argv[] = {"learn", "x", "-c", "F", "y", NULL};

    cr_expect_eq(reads(&a, argv), -1);
    cr_assert_eq(a.n_operands, 2);
    cr_expect_str_eq(a.operands[0], "x");
    cr_expect_str_eq(a.operands[1], "y");
    cr_expect_str_eq(a.config, "F");
    cr_expect_eq(reads(&a, ARGS("x", "y", "z")), CLI_USAGE);
}

Test(cli_args, what_is_not_understood_ends_with_2_and_help_with_0)
{
    struct cli_args a = {.usage = "check"};

    cr_expect_eq(reads(&a, ARGS("-x")), CLI_USAGE);
    cr_expect_eq(reads(&a, ARGS("--verbose")), CLI_USAGE);
    cr_expect_eq(reads(&a, ARGS("-c")), CLI_USAGE);
    cr_expect_eq(reads(&a, ARGS("-h")), CLI_OK);
    cr_expect_eq(reads(&a, ARGS("--help")), CLI_OK);
}
