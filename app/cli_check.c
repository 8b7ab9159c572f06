#include <stdio.h>

#include "app/cli_args.h"
#include "conf/cfg_load.h"
#include "conf/cfg_print.h"
#include "proxy/proxy.h"

/* All that is wrong goes to stderr, and so does "OK": stdout is for -T alone. */
int cli_check(int argc, char **argv)
{
    struct cli_args a = {.usage = "check [-c FILE] [-T]", .may_print = true};
    struct cfg_errors errs;
    enum cli_status status;
    struct cfg *c;

    if (!cli_args_read(argc, argv, &a, &status))
        return status;
    cfg_errors_init(&errs);
    status = cfg_load(a.config, &c, &errs) == RC_OK && proxy_check(c, &errs) == RC_OK
                 ? CLI_OK
                 : CLI_FAILED;
    cfg_errors_print(&errs, stderr);
    cfg_errors_fini(&errs);
    if (status == CLI_OK) {
        fprintf(stderr, "%s: configuration OK\n", a.config);
        if (a.print)
            cfg_print(c, stdout);
    }
    cfg_unref(c);
    return status;
}
