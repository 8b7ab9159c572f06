#include "app/cli_args.h"

#include <getopt.h>
#include <stdio.h>

#include "base/check.h"

#define OWN 256 /* what getopt says for the first of the command's own; no letter */

static bool refuse(const struct cli_args *a, enum cli_status *status)
{
    fprintf(stderr, "usage: tidegate %s\n", a->usage);
    *status = CLI_USAGE;
    return false;
}

static bool read_option(int c, struct cli_args *a, enum cli_status *status)
{
    if (c >= OWN) {
        *a->own[c - OWN].value = optarg;
        return true;
    }
    switch (c) {
    case 'c':
        a->config = optarg;
        return true;
    case 'T':
        a->print = true;
        return true;
    case 'h':
        printf("usage: tidegate %s\n", a->usage);
        if (a->help != NULL)
            printf("\n%s", a->help);
        *status = CLI_OK;
        return false;
    default: /* getopt has said what is wrong */
        return refuse(a, status);
    }
}

/* `out` has room for all; it ends with zeros. */
static void list_options(const struct cli_args *a, struct option *out)
{
    *out++ = (struct option){"config", required_argument, NULL, 'c'};
    *out++ = (struct option){"help", no_argument, NULL, 'h'};
    if (a->may_print)
        *out++ = (struct option){"print", no_argument, NULL, 'T'};
    CHECK(a->n_own <= CLI_OPTIONS_MAX);
    for (size_t i = 0; i < a->n_own; i++)
        *out++ = (struct option){a->own[i].name, required_argument, NULL, OWN + (int)i};
    *out = (struct option){0};
}

bool cli_args_read(int argc, char **argv, struct cli_args *a, enum cli_status *status)
{
    struct option options[CLI_OPTIONS_MAX + 4];
    int c;

    list_options(a, options);
    a->config = CLI_DEFAULT_CONFIG;
    a->print = false;
    optind = 0; /* start anew: main() has read options before the command */
    while ((c = getopt_long(argc, argv, a->may_print ? "c:hT" : "c:h", options, NULL)) !=
           -1)
        if (!read_option(c, a, status))
            return false;
    a->operands = argv + optind;
    a->n_operands = argc - optind;
    if (a->n_operands <= a->max_operands)
        return true;
    fprintf(stderr, "%s: '%s' is too much\n", argv[0], a->operands[a->max_operands]);
    return refuse(a, status);
}
