/*
 * Finds the command and hands over to it.  The flags of nginx's kind (-t, -T, -v, -V)
 * are commands by another name.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/version.h"
#include "base/check.h"
#include "base/mem.h"
#include "conf/nearest.h"

#define DEFAULT_COMMAND "run"

static const struct command {
    const char *name;
    int (*fn)(int argc, char **argv);
    const char *help; /* NULL: not shown */
} commands[] = {
    {"run", cli_run, "serve (the default)"},
    {"learn", cli_learn, "learn users and demand from access logs"},
    {"check", cli_check, "read the configuration and say what is wrong"},
    {"schema", cli_schema, "JSON Schema of the configuration, for editors"},
    {"version", cli_version, "version and build options"},
    {"docs", cli_docs, NULL},
};

/* What stands before the command. */
struct global {
    const char *command; /* that a flag stands for, or NULL */
    const char *config;  /* NULL: not given */
    bool print;
};

static void print_usage(FILE *to)
{
    fputs("usage: tidegate [-c FILE] [COMMAND] [ARGUMENTS]\n\n", to);
    for (size_t i = 0; i < N_ELEMS(commands); i++)
        if (commands[i].help != NULL)
            fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].help);
    fputs("\n  -c FILE   configuration, by default " CLI_DEFAULT_CONFIG "\n"
          "  -t        test the configuration (as check)\n"
          "  -T        test it and print it with all defaults\n"
          "  -v, -V    version; with build options\n"
          "  -h        this; COMMAND -h for a command's own\n",
          to);
}

static const struct command *find_command(const char *name)
{
    char hint[NEAREST_HINT_MAX];
    struct nearest near;

    nearest_init(&near, name);
    for (size_t i = 0; i < N_ELEMS(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
        nearest_offer(&near, commands[i].name);
    }
    fprintf(stderr, "tidegate: unknown command '%s'%s\n", name,
            near.best != NULL ? nearest_hint(&near, hint) : "; tidegate -h lists them");
    return NULL;
}

/* The options as the command would have got them, and what stands behind it. */
static int run_command(const struct command *c, const struct global *g, int n, char **rest)
{
    char **argv = MEM_NEW_N(char *, (size_t)n + 5);
    char config[] = "--config", print[] = "--print";
    int argc = 0, status;

    argv[argc++] = (char *)c->name;
    if (g->config != NULL) {
        argv[argc++] = config;
        argv[argc++] = (char *)g->config;
    }
    if (g->print)
        argv[argc++] = print;
    for (int i = 0; i < n; i++)
        argv[argc++] = rest[i];
    status = c->fn(argc, argv);
    free(argv);
    return status;
}

/* True: go on.  Otherwise *status is the end. */
static bool read_flag(int flag, struct global *g, int *status)
{
    *status = CLI_OK;
    switch (flag) {
    case 'c':
        g->config = optarg;
        return true;
    case 'T':
        g->print = true;
        /* fallthrough */
    case 't':
        g->command = "check";
        return true;
    case 'V':
        g->command = "version";
        return true;
    case 'v':
        printf("tidegate %s\n", version_text());
        return false;
    case 'h':
        print_usage(stdout);
        return false;
    default:
        print_usage(stderr);
        *status = CLI_USAGE;
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    const struct command *c;
    struct global g = {0};
    int flag, status;

    while ((flag = getopt_long(argc, argv, "+c:tTvVh", longs, NULL)) != -1)
        if (!read_flag(flag, &g, &status))
            return status;
    if (g.command == NULL)
        g.command = optind < argc ? argv[optind++] : DEFAULT_COMMAND;
    c = find_command(g.command);
    if (c == NULL)
        return CLI_USAGE;
    return run_command(c, &g, argc - optind, argv + optind);
}
