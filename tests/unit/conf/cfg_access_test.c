/* Mirrors conf/cfg_access.c; docs/logging.md says the same. */
#include "conf/cfg_access.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/unit/app/admin/source_file.h"

static enum cfg_access_format format_of(const char *source)
{
    struct cfg_template t = {.source = NULL};
    enum cfg_access_format f;

    cr_assert_eq(cfg_template_parse(source, &cfg_access_variables, &t, NULL), RC_OK);
    f = cfg_access_format_of(&t);
    cfg_template_clear(&t);
    return f;
}

Test(cfg_access, a_text_without_variables_names_a_format)
{
    cr_expect_eq(format_of("common"), CFG_ACCESS_COMMON);
    cr_expect_eq(format_of("json"), CFG_ACCESS_JSON);
    cr_expect_eq(format_of("jsn"), CFG_ACCESS_UNKNOWN);
    cr_expect_eq(format_of("json "), CFG_ACCESS_UNKNOWN);
    cr_expect_eq(format_of(""), CFG_ACCESS_UNKNOWN);
    cr_expect_eq(format_of("{status}"), CFG_ACCESS_CUSTOM);
    cr_expect_eq(format_of("json {status}"), CFG_ACCESS_CUSTOM);
}

Test(cfg_access, each_format_is_found_by_its_name)
{
    for (int f = 0; f < CFG_ACCESS_CUSTOM; f++)
        cr_expect_eq(format_of(cfg_access_format_name((enum cfg_access_format)f)), f);
}

Test(cfg_access, each_variable_is_documented_with_its_words)
{
    char *doc = source_file("docs/logging.md"), line[300];

    for (size_t i = 0; i < cfg_access_variables.n; i++) {
        const struct cfg_template_var *v = &cfg_access_variables.vars[i];

        snprintf(line, sizeof(line), "| `{%s%s}` | %s |\n", v->name,
                 v->argument == CFG_TEMPLATE_NONE ? "" : ":NAME", v->doc);
        cr_expect_not_null(strstr(doc, line), "docs/logging.md lacks: %s", line);
        cr_expect_eq(v->id, i);
    }
    free(doc);
}
