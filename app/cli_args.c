#include "app/cli_args.h"

#include <getopt.h>
#include <stdio.h>

static bool refuse(const struct cli_args *a, enum cli_status *status)
{
    fprintf(stderr, "usage: tidegate %s\n", a->usage);
    *status = CLI_USAGE;
    return false;
}

static bool read_option(int c, struct cli_args *a, enum cli_status *status)
{
    switch (c) {
    case 'c':
        a->config = optarg;
        return true;
    case 'T':
        a->print = true;
        return true;
    case 'h':
        printf("usage: tidegate %s\n", a->usage);
        *status = CLI_OK;
        return false;
    default: /* getopt has said what is wrong */
        return refuse(a, status);
    }
}

bool cli_args_read(int argc, char **argv, struct cli_args *a, enum cli_status *status)
{
    static const struct option with_print[] = {
        {"print", no_argument, NULL, 'T'},
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int c;

    a->config = CLI_DEFAULT_CONFIG;
    a->print = false;
    optind = 0; /* start anew: main() has read options before the command */
    while ((c = getopt_long(argc, argv, a->may_print ? "c:hT" : "c:h",
                            a->may_print ? with_print : with_print + 1, NULL)) != -1)
        if (!read_option(c, a, status))
            return false;
    a->operands = argv + optind;
    a->n_operands = argc - optind;
    if (a->n_operands <= a->max_operands)
        return true;
    fprintf(stderr, "%s: '%s' is too much\n", argv[0], a->operands[a->max_operands]);
    return refuse(a, status);
}
