/* Mirrors conf/cfg_doc.c. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/cfg_doc.h"

static char *read_whole(const char *file, size_t *len)
{
    FILE *f = fopen(file, "r");
    char *text = NULL;
    size_t room = 0;
    ssize_t n;

    cr_assert_not_null(f, "%s", file);
    n = getdelim(&text, &room, EOF, f);
    fclose(f);
    cr_assert_gt(n, 0);
    *len = (size_t)n;
    return text;
}

Test(cfg_doc, the_reference_is_the_one_the_table_gives)
{
    char *made = NULL, *kept;
    size_t made_len = 0, kept_len;
    FILE *f = open_memstream(&made, &made_len);

    cfg_doc_print(f);
    fclose(f);
    kept = read_whole("docs/configuration.md", &kept_len);
    cr_expect(made_len == kept_len && memcmp(made, kept, made_len) == 0,
              "docs/configuration.md is not what the table says: run `make docs`");
    free(made);
    free(kept);
}
