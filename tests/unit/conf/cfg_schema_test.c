/* Mirrors conf/cfg_schema.c. */
#include "conf/cfg_schema.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/app/admin/source_file.h"

Test(cfg_schema, the_kept_one_is_the_one_the_table_gives)
{
    char *made = NULL, *kept = source_file("docs/tidegate.schema.json");
    size_t n = 0;
    FILE *f = open_memstream(&made, &n);

    cfg_schema_print(f);
    fclose(f);
    cr_expect(strcmp(made, kept) == 0,
              "docs/tidegate.schema.json is not what the table says: run `make docs`");
    free(made);
    free(kept);
}
