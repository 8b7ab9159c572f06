/* The rules that every row of app/admin/metric_table.h keeps, and its documentation. */
#include "app/admin/metric_table.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "source_file.h"

struct row {
    const char *name, *type, *labels, *help;
};

#define X(sym, text) static const char labels_##sym[] = text;
METRIC_SCOPES(X)
#undef X

static const char type_COUNTER[] = "counter", type_GAUGE[] = "gauge",
                  type_HISTOGRAM[] = "histogram";

static const struct row rows[] = {
#define X(scope, name, type, help, value)                                                  \
    {METRIC_NAME(name), type_##type, labels_##scope, help},
    METRIC_TABLE(X)
#undef X
};

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);

    return n >= k && strcmp(s + n - k, end) == 0;
}

Test(metric_table, exactly_the_counters_end_in_total)
{
    for (size_t i = 0; i < N_ELEMS(rows); i++)
        cr_expect_eq(ends_in(rows[i].name, "_total"), strcmp(rows[i].type, "counter") == 0,
                     "%s", rows[i].name);
}

/* "_word" at the end or before another "_". */
static bool has_word(const char *name, const char *word)
{
    const char *at = strstr(name, word);
    char after = at != NULL ? at[strlen(word)] : 'x';

    return after == 0 || after == '_';
}

Test(metric_table, names_are_unique_and_in_base_units)
{
    static const char *const derived[] = {"_ms",      "_us",  "_kb",   "_percent",
                                          "_minutes", "_rps", "_hours"};

    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        for (size_t k = i + 1; k < N_ELEMS(rows); k++)
            cr_expect_str_neq(rows[i].name, rows[k].name);
        for (size_t k = 0; k < N_ELEMS(derived); k++)
            cr_expect_not(has_word(rows[i].name, derived[k]), "%s", rows[i].name);
    }
}

Test(metric_table, each_metric_is_documented_with_its_words)
{
    char *doc = source_file("docs/admin.md"), line[400];
    size_t lines = 0;

    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        snprintf(line, sizeof(line), "| `%s` | %s | %s | %s |\n", rows[i].name,
                 rows[i].type, rows[i].labels, rows[i].help);
        cr_expect_not_null(strstr(doc, line), "docs/admin.md lacks: %s", line);
    }
    for (const char *at = doc; (at = strstr(at, "\n| `tidegate_")) != NULL; at++)
        lines++;
    cr_expect_eq(lines, N_ELEMS(rows), "docs/admin.md has %zu metrics, there are %zu",
                 lines, N_ELEMS(rows));
    free(doc);
}
