#include <stdio.h>
#include <string.h>

#include "app/cli_args.h"
#include "conf/cfg_doc.h"

/* Writes the pages that are made from tables; for `make docs`. */
int cli_docs(int argc, char **argv)
{
    struct cli_args a = {.usage = "docs config", .max_operands = 1};
    enum cli_status status;

    if (!cli_args_read(argc, argv, &a, &status))
        return status;
    if (a.n_operands != 1 || strcmp(a.operands[0], "config") != 0) {
        fprintf(stderr, "usage: tidegate %s\n", a.usage);
        return CLI_USAGE;
    }
    cfg_doc_print(stdout);
    return CLI_OK;
}
