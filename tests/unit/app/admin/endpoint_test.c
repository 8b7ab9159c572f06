/* Mirrors app/admin/endpoint.c; its table and docs/admin.md say the same. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/admin/endpoint.h"
#include "source_file.h"

static const char *found(const char *path)
{
    const struct endpoint *e = endpoint_find(path);

    return e != NULL ? e->path : "";
}

Test(endpoint, a_path_is_found_only_when_it_is_whole)
{
    cr_expect_str_eq(found("/"), "/");
    cr_expect_str_eq(found("/healthz"), "/healthz");
    cr_expect_str_eq(found("/api/v1/users"), "/api/v1/users");
    cr_expect_str_eq(found(""), "");
    cr_expect_str_eq(found("/healthz/"), "");
    cr_expect_str_eq(found("/health"), "");
    cr_expect_str_eq(found("/api/v1/usersx"), "");
    cr_expect_str_eq(found("/api/v1"), "");
}

Test(endpoint, a_path_that_ends_in_a_slash_takes_what_follows_but_not_nothing)
{
    cr_expect_str_eq(found("/api/v1/users/a"), "/api/v1/users/");
    cr_expect_str_eq(found("/api/v1/users/a/b"), "/api/v1/users/");
    cr_expect_str_eq(found("/api/v1/users/"), "");
    cr_expect_str_eq(found("/x"), "");
}

Test(endpoint, each_path_is_documented_with_its_words)
{
    char *doc = source_file("docs/admin.md"), line[300];
    const struct endpoint *list;
    size_t n, lines = 0;

    list = endpoint_list(&n);
    for (size_t i = 0; i < n; i++) {
        size_t end = strlen(list[i].path) - 1;

        snprintf(line, sizeof(line), "| `%s %s%s` | %s |\n",
                 list[i].get != NULL ? "GET" : "POST", list[i].path,
                 end > 0 && list[i].path[end] == '/' ? "ID" : "", list[i].does);
        cr_expect_not_null(strstr(doc, line), "docs/admin.md lacks: %s", line);
    }
    for (const char *at = doc; (at = strstr(at, "\n| `GET /")) != NULL; at++)
        lines++;
    for (const char *at = doc; (at = strstr(at, "\n| `POST /")) != NULL; at++)
        lines++;
    cr_expect_eq(lines, n, "docs/admin.md has %zu paths, there are %zu", lines, n);
    free(doc);
}
