/* A file of the source as text; the tests run in its root. */
#ifndef TESTS_APP_ADMIN_SOURCE_FILE_H
#define TESTS_APP_ADMIN_SOURCE_FILE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* The whole of it; free() it. */
static inline char *source_file(const char *name)
{
    char *text = calloc(1, 1 << 20);
    FILE *f = fopen(name, "r");

    cr_assert_not_null(f, "%s", name);
    cr_assert_gt(fread(text, 1, (1 << 20) - 1, f), 0, "%s", name);
    fclose(f);
    return text;
}

#endif
