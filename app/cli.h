/*
 * cli.h - the command line: one function per command.
 *
 * main.c finds the command; each cli_NAME.c reads its own arguments (cli_args.h), does
 * its work and returns the exit status.
 */
#ifndef APP_CLI_H
#define APP_CLI_H

#define CLI_DEFAULT_CONFIG "/etc/tidegate/tidegate.yaml"

enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1, /* it was understood and did not work */
    CLI_USAGE = 2,  /* it was not understood; a line on stderr says why */
};

/* argv[0] is the command's name. */
int cli_check(int argc, char **argv);
int cli_docs(int argc, char **argv);
int cli_learn(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_schema(int argc, char **argv);
int cli_version(int argc, char **argv);

#endif
