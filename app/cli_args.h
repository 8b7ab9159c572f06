/*
 * cli_args.h - the options that commands share, read in one place.
 */
#ifndef APP_CLI_ARGS_H
#define APP_CLI_ARGS_H

#include <stdbool.h>

#include "app/cli.h"

/* What a command understands, and what it was given. */
struct cli_args {
    /* in */
    const char *usage; /* one line, behind "usage: tidegate " */
    bool may_print;    /* understands -T, --print */
    int max_operands;  /* what is not an option; more are refused */
    /* out */
    const char *config; /* -c FILE, --config FILE; never NULL */
    bool print;
    char **operands;
    int n_operands;
};

/* False: the command ends with *status; -h was answered or the reason is on stderr. */
bool cli_args_read(int argc, char **argv, struct cli_args *a, enum cli_status *status);

#endif
