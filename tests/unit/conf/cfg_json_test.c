/* Mirrors conf/cfg_json.c. */
#include <criterion/criterion.h>
#include <jansson.h>

#include "conf/cfg_json.h"
#include "conf/cfg_print.h"
#include "tests/unit/conf/loading.h"

static json_t *shown(const char *text)
{
    struct cfg *c = loading_good(text);
    json_t *j = cfg_json(c);

    cfg_unref(c);
    return j;
}

/* The value at a path of keys, separated by slashes. */
static const json_t *at(const json_t *j, const char *path)
{
    while (j != NULL && *path != 0) {
        size_t n = strcspn(path, "/");
        char *key = strndup(path, n);

        j = json_is_array(j) ? json_array_get(j, strtoul(key, NULL, 10))
                             : json_object_get(j, key);
        free(key);
        path += n + (path[n] == '/');
    }
    return j;
}

Test(cfg_json, the_shape_is_that_of_the_yaml)
{
    json_t *j = shown(LOADING_GOOD);

    cr_expect_str_eq(json_string_value(at(j, "listeners/0/bind")), "127.0.0.1:8080");
    cr_expect_str_eq(
        json_string_value(at(j, "services/s/pools/baseline/backends/0/address")),
        "127.0.0.1:9001");
    cr_expect_str_eq(json_string_value(at(j, "routes/0/service")), "s");
    cr_expect_str_eq(json_string_value(at(j, "profiler/identity/0")), "address");
    json_decref(j);
}

Test(cfg_json, counts_and_decimals_are_numbers_and_the_rest_is_text)
{
    json_t *j = shown(LOADING_GOOD "defaults: { listener: { limits: { target: 512 } } }\n");

    cr_expect_str_eq(json_string_value(at(j, "listeners/0/limits/target")), "512");
    cr_expect_eq(json_integer_value(at(j, "listeners/0/backlog")), 4096);
    cr_expect(json_is_integer(at(j, "listeners/0/backlog")));
    cr_expect_eq(json_real_value(at(j, "services/s/scaling/quantile")), 0.95);
    cr_expect(json_is_true(at(j, "services/s/ejection/enabled")));
    cr_expect_str_eq(json_string_value(at(j, "drain_timeout")), "30s");
    cr_expect_str_eq(json_string_value(at(j, "services/s/retries/budget")), "20%");
    cr_expect_str_eq(json_string_value(at(j, "listeners/0/limits/connections")), "auto");
    json_decref(j);
}

Test(cfg_json, secrets_are_not_shown)
{
    json_t *j = shown(LOADING_GOOD "admin: { bind: 127.0.0.1:1, token: swordfish }\n");
    char *text = json_dumps(j, 0);

    cr_expect_null(strstr(text, "swordfish"));
    cr_expect_not_null(at(j, "admin/token"));
    free(text);
    json_decref(j);
}

/* JSON is YAML: what the admin endpoint shows can be used as a file. */
Test(cfg_json, it_loads_as_a_configuration)
{
    struct cfg *c = loading_good(LOADING_GOOD "log: warn\n"), *again;
    json_t *j = cfg_json(c);
    char *text = json_dumps(j, JSON_REAL_PRECISION(15) | JSON_INDENT(1)), *a = NULL,
         *b = NULL;
    size_t n;
    FILE *f;

    again = loading_good(text);
    f = open_memstream(&a, &n);
    cfg_print(c, f);
    fclose(f);
    f = open_memstream(&b, &n);
    cfg_print(again, f);
    fclose(f);
    cr_expect_str_eq(a, b);
    cfg_unref(c);
    cfg_unref(again);
    json_decref(j);
    free(text);
    free(a);
    free(b);
}
