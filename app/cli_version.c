#include <stdio.h>

#include "app/cli_args.h"
#include "app/version.h"

int cli_version(int argc, char **argv)
{
    struct cli_args a = {.usage = "version"};
    enum cli_status status;

    if (!cli_args_read(argc, argv, &a, &status))
        return status;
    version_print_build(stdout);
    return CLI_OK;
}
