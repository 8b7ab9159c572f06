/* Mirrors conf/cfg_env.c. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/check.h"
#include "conf/cfg_env.h"
#include "tests/unit/conf/loading.h"

static void set_variables(void)
{
    setenv("TG_HOST", "app.internal", 1);
    setenv("TG_EMPTY", "", 1);
    setenv("TG_YAML", "a: [b]", 1);
    setenv("TG_BAD", "\xff", 1);
    unsetenv("TG_NONE");
}

/* The value of `a` after replacement, or the errors; to free(). */
static char *expanded(const char *text)
{
    struct cfg_errors errs;
    struct yaml_node *n;
    char *out;

    cfg_errors_init(&errs);
    n = yaml_parse("f", text, strlen(text), &errs);
    cr_assert_eq(errs.n, 0, "%s", text);
    cfg_env_expand(n, &errs);
    out = errs.n > 0 ? loading_error_text(&errs) : strdup(yaml_find(n, "a")->value->text);
    cr_expect_eq(yaml_find(n, "a")->value->faulty, errs.n > 0, "%s", text);
    yaml_free(n);
    cfg_errors_fini(&errs);
    return out;
}

Test(cfg_env, a_variable_is_replaced_wherever_it_stands, .init = set_variables)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a: ${TG_HOST}", "app.internal"},
        {"a: \"x ${TG_HOST}:80 y\"", "x app.internal:80 y"},
        {"a: ${TG_HOST}${TG_HOST}", "app.internalapp.internal"},
        {"a: x${TG_EMPTY}y", "xy"},
        {"a: ${TG_NONE:-default}", "default"},
        {"a: ${TG_NONE:-}", ""},
        {"a: ${TG_HOST:-default}", "app.internal"},
        {"a: ${TG_EMPTY:-default}", ""},
        {"a: '${TG_NONE:-a b ${c}'", "a b ${c"},
        {"a: $TG_HOST costs $5 {x}", "$TG_HOST costs $5 {x}"},
        {"a: '$${TG_HOST}'", "${TG_HOST}"},
        {"a: '$$${TG_HOST}'", "$${TG_HOST}"},
        {"a: $$", "$$"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        char *got = expanded(cases[i].in);

        cr_expect_str_eq(got, cases[i].out, "%s: %s", cases[i].in, got);
        free(got);
    }
}

Test(cfg_env, what_cannot_be_replaced_is_named_with_its_place, .init = set_variables)
{
    static const struct {
        const char *in, *why;
    } cases[] = {
        {"a: ${TG_NONE}",
         "f:1:4: environment variable 'TG_NONE' is not set and has no default\n"},
        {"b: 1\na: ${TG_BAD}", "f:2:4: environment variable 'TG_BAD' is not UTF-8 text\n"},
        {"a: '${'",
         "f:1:4: '${' is not ${NAME} or ${NAME:-default}; write $${ for ${ itself\n"},
        {"a: '${X'",
         "f:1:4: '${X' is not ${NAME} or ${NAME:-default}; write $${ for ${ itself\n"},
        {"a: '${}'",
         "f:1:4: '${}' is not ${NAME} or ${NAME:-default}; write $${ for ${ itself\n"},
        {"a: '${1}'",
         "f:1:4: '${1}' is not ${NAME} or ${NAME:-default}; write $${ for ${ itself\n"},
        {"a: '${A-b}'",
         "f:1:4: '${A-b}' is not ${NAME} or ${NAME:-default}; write $${ for ${ itself\n"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        char *got = expanded(cases[i].in);

        cr_expect_str_eq(got, cases[i].why, "%s", got);
        free(got);
    }
}

Test(cfg_env, a_variable_adds_no_structure, .init = set_variables)
{
    char *got = expanded("a: ${TG_YAML}");

    cr_expect_str_eq(got, "a: [b]");
    free(got);
}

Test(cfg_env, an_empty_variable_is_a_text_and_not_a_missing_value, .init = set_variables)
{
    struct cfg *c =
        loading_good(LOADING_GOOD "admin: { bind: 127.0.0.1:1, token: '${TG_EMPTY}' }\n");

    cr_expect_str_eq(c->admin.token, "");
    cfg_unref(c);
}

Test(cfg_env, variables_work_in_every_kind_of_value, .init = set_variables)
{
    struct cfg *c;

    setenv("TG_N", "3", 1);
    c = loading_good(
        "workers: ${TG_N}\n"
        "drain_timeout: ${TG_N}s\n"
        "listeners: [ '127.0.0.1:808${TG_N}' ]\n"
        "services: { s: { pools: { baseline: { backends: [ '${TG_HOST}:80' ] } } } }\n"
        "routes: [ { service: '${TG_NONE:-s}' } ]\n");
    cr_expect_eq(c->workers, 3);
    cr_expect_eq(c->drain_timeout_ms, 3000);
    cr_expect_eq(c->listeners[0].bind.port, 8083);
    cr_expect_str_eq(c->services[0].pools[0].backends[0].addr.text, "app.internal:80");
    cfg_unref(c);
}
