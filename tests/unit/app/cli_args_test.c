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

Test(cli_args, an_option_of_the_commands_own_has_a_value)
{
    const char *format = "auto", *service = NULL;
    const struct cli_option own[] = {{"format", &format}, {"service", &service}};
    struct cli_args a = {.usage = "learn", .own = own, .n_own = 2, .max_operands = 1};
    char **argv = ARGS("--service", "shop", "log");

    cr_expect_eq(reads(&a, argv), -1);
    cr_expect_str_eq(format, "auto");
    cr_expect_str_eq(service, "shop");
    cr_expect(a.n_operands == 1 && strcmp(a.operands[0], "log") == 0);
    cr_expect_eq(reads(&a, ARGS("-c", "t.yaml", "--format=tsv")), -1);
    cr_expect_str_eq(format, "tsv");
    cr_expect_str_eq(a.config, "t.yaml");
    cr_expect_eq(reads(&a, ARGS("--format")), CLI_USAGE);
}

Test(cli_args, an_option_of_another_command_is_refused)
{
    const char *format = NULL;
    const struct cli_option own[] = {{"format", &format}};
    struct cli_args a = {.usage = "check", .may_print = true};
    struct cli_args b = {.usage = "learn", .own = own, .n_own = 1};

    cr_expect_eq(reads(&a, ARGS("--format", "tsv")), CLI_USAGE);
    cr_expect_eq(reads(&b, ARGS("--print")), CLI_USAGE);
}

Test(cli_args, help_has_the_commands_own_text)
{
    struct cli_args a = {.usage = "learn LOG", .help = "Learns.\n"};

    cr_expect_eq(reads(&a, ARGS("-h")), CLI_OK);
    fflush(stdout);
    cr_assert_stdout_eq_str("usage: tidegate learn LOG\n\nLearns.\n");
}
