#include <stdio.h>

#include "app/cli_args.h"
#include "conf/cfg_schema.h"

/* For editors: what a configuration may be, as JSON Schema. */
int cli_schema(int argc, char **argv)
{
    struct cli_args a = {.usage = "schema"};
    enum cli_status status;

    if (!cli_args_read(argc, argv, &a, &status))
        return status;
    cfg_schema_print(stdout);
    return CLI_OK;
}
