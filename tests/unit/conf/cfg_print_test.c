/* Mirrors conf/cfg_print.c. */
#include <criterion/criterion.h>

#include "base/check.h"
#include "conf/cfg_print.h"
#include "tests/unit/conf/loading.h"

static char *printed(const struct cfg *c)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    cfg_print(c, f);
    fclose(f);
    return text;
}

/* Loads, prints, loads that, prints again: both prints are the same. */
static char *round_trip(const char *text)
{
    struct cfg *c = loading_good(text), *again;
    char *first = printed(c), *second;

    again = loading_good(first);
    second = printed(again);
    cr_expect_str_eq(first, second);
    cfg_unref(c);
    cfg_unref(again);
    free(second);
    return first;
}

static void expect_line(const char *all, const char *line)
{
    cr_expect(strstr(all, line) != NULL, "no\n%s\nin\n%s", line, all);
}

Test(cfg_print, defaults_are_shown)
{
    char *all = round_trip(LOADING_GOOD);

    expect_line(all, "drain_timeout: 30s\n");
    expect_line(all, "    limits:\n      head: 16k\n      target: 8k\n");
    expect_line(all,
                "      body: unlimited\n      body_rate: 100\n      connections: auto\n");
    expect_line(all, "services:\n  s:\n    pools:\n      baseline:\n        backends:\n"
                     "          - address: 127.0.0.1:9001\n            weight: 1\n");
    expect_line(all, "      budget: 20%\n");
    expect_line(all, "  identity:\n    - address\n");
    expect_line(all, "routes:\n  - path: /\n    service: s\n");
    free(all);
}

Test(cfg_print, what_is_not_there_is_not_shown)
{
    static const char *const absent[] = {
        "admin",           "defaults", "predictive:", "providers",
        "trusted_proxies", "token",    "include",     "host:"};
    char *all = round_trip(LOADING_GOOD);

    for (size_t i = 0; i < N_ELEMS(absent); i++)
        cr_expect_null(strstr(all, absent[i]), "%s in\n%s", absent[i], all);
    free(all);
}

Test(cfg_print, secrets_are_not_shown)
{
    char *all = round_trip(LOADING_GOOD "admin: { bind: 127.0.0.1:1, token: swordfish }\n"
                                        "profiler: { key: correct-horse-battery }\n");

    cr_expect_null(strstr(all, "swordfish"));
    cr_expect_null(strstr(all, "correct-horse"));
    expect_line(all, "  token: \"<redacted-by-tidegate>\"\n");
    expect_line(all, "  key: \"<redacted-by-tidegate>\"\n");
    free(all);
}

Test(cfg_print, text_that_yaml_would_take_for_something_else_is_quoted)
{
    static const char *const texts[] = {
        "null",
        "~",
        "- a",
        "a: b",
        "a #b",
        "a",
        "\"q\" \\ 'x'",
        "[a]",
        "{port}",
        "$${HOME}",
        "%x",
        "@x",
        "`x`",
        "!x",
        "*x",
        "&x",
        "|",
        ">",
        "?",
        " x",
        "x ",
        "\xc3\xa9t\xc3\xa9",
        "a,b",
        "x:",
        "true",
        "1",
        "::1",
        "=",
        "<<",
        "$${$${X}}",
        "/a\xf0\x9f\x8c\x8a",
        "...",
    };

    for (size_t i = 0; i < N_ELEMS(texts); i++) {
        struct cfg *c, *again;
        char text[400], *p;
        size_t n;

        n = (size_t)snprintf(text, sizeof(text), LOADING_GOOD "store: { path: \"");
        for (const char *s = texts[i]; *s != 0; s++) {
            if (*s == '"' || *s == '\\')
                text[n++] = '\\';
            text[n++] = *s;
        }
        snprintf(text + n, sizeof(text) - n, "\" }\n");
        c = loading_good(text);
        p = printed(c);
        again = loading_good(p);
        cr_expect_str_eq(c->store.path, again->store.path, "%s", texts[i]);
        cfg_unref(c);
        cfg_unref(again);
        free(p);
    }
}

Test(cfg_print, everything_that_can_be_set_survives_a_round_trip)
{
    FILE *f = fopen("tests/fuzz/corpus/cfg/everything", "r");
    char *text = NULL, *all;
    size_t room = 0;

    cr_assert_not_null(f);
    cr_assert_gt(getdelim(&text, &room, EOF, f), 0);
    fclose(f);
    all = round_trip(text);
    expect_line(all, "    bind: \"[::1]:8081\"\n");
    expect_line(all, "      - fd00::/8\n");
    expect_line(all, "    proxy_protocol: true\n");
    expect_line(all, "      - 192.0.2.0/24\n");
    expect_line(all, "        proxy_protocol: v2\n");
    expect_line(all, "      grpc: off\n");
    expect_line(all, "      grpc: \"\"\n");
    expect_line(all, "      status: 204\n");
    expect_line(all, "      target_utilisation: 66.5%\n");
    expect_line(all, "  start: 2026-03-02T06:00:00Z\n");
    expect_line(all, "          - \"anna:<redacted-by-tidegate>\"\n"
                     "          - /etc/htpasswd\n");
    expect_line(all, "      types:\n        - \"text/*\"\n        - application/json\n");
    expect_line(all, "            values:\n              - admin\n"
                     "              - \"a b\"\n");
    expect_line(all, "          - 404\n          - 5xx\n          - 500-501\n");
    expect_line(all, "        burst: 5\n        key: client\n");
    expect_line(all, "        key: header:x-api-key\n");
    cr_expect_null(strstr(all, "$2b$05"));
    expect_line(all, "        command: \"./app --port {port} --name {service}-{tier}-{id} "
                     "\\\"a b\\\" x $${HOME}\"\n");
    free(all);
    free(text);
}
