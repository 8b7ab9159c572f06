/*
 * cli_args.h - the options that commands share, read in one place.
 */
#ifndef APP_CLI_ARGS_H
#define APP_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "app/cli.h"

/* An option of one command's own: --NAME VALUE. */
struct cli_option {
    const char *name;
    const char **value; /* set when it is given */
};

#define CLI_OPTIONS_MAX 8 /* of one command */

/* What a command understands, and what it was given. */
struct cli_args {
    /* in */
    const char *usage; /* one line, behind "usage: tidegate " */
    const char *help;  /* what -h shows behind it; NULL: no more */
    const struct cli_option *own;
    size_t n_own;
    bool may_print;   /* understands -T, --print */
    int max_operands; /* what is not an option; more are refused */
    /* out */
    const char *config; /* -c FILE, --config FILE; never NULL */
    bool print;
    char **operands;
    int n_operands;
};

/* False: the command ends with *status; -h was answered or the reason is on stderr. */
bool cli_args_read(int argc, char **argv, struct cli_args *a, enum cli_status *status);

#endif
