/* Loads configurations from text for the units of conf/. */
#ifndef TESTS_UNIT_CONF_LOADING_H
#define TESTS_UNIT_CONF_LOADING_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/cfg_load.h"

/* Three lines that are a whole configuration; more may follow in line 4. */
#define LOADING_GOOD                                                                       \
    "listeners: [ 127.0.0.1:8080 ]\n"                                                      \
    "services: { s: { pools: { baseline: { backends: 127.0.0.1:9001 } } } }\n"             \
    "routes: [ { service: s } ]\n"

static inline char *loading_error_text(const struct cfg_errors *errs)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    cfg_errors_print(errs, f);
    fclose(f);
    return text;
}

/* Everything that is wrong with the text, as it is printed for the file "t"; to free(). */
static inline char *loading_errors(const char *text)
{
    struct cfg_errors errs;
    struct cfg *c;
    char *all;
    int rc;

    cfg_errors_init(&errs);
    rc = cfg_load_text("t", text, strlen(text), &c, &errs);
    all = loading_error_text(&errs);
    cr_expect_eq(rc == RC_OK, errs.n == 0);
    cr_expect_eq(c != NULL, rc == RC_OK);
    cfg_unref(c);
    cfg_errors_fini(&errs);
    return all;
}

static inline void loading_expect(const char *text, const char *errors)
{
    char *all = loading_errors(text);

    cr_expect_str_eq(all, errors, "of\n%s\ngot\n%swanted\n%s", text, all, errors);
    free(all);
}

static inline struct cfg *loading_good(const char *text)
{
    struct cfg_errors errs;
    struct cfg *c;

    cfg_errors_init(&errs);
    if (cfg_load_text("t", text, strlen(text), &c, &errs) != RC_OK)
        cr_assert_fail("%s\n%s", text, loading_error_text(&errs));
    cfg_errors_fini(&errs);
    return c;
}

#endif
