/* Mirrors conf/cfg_value.c. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/cfg.h"
#include "conf/cfg_template.h"
#include "conf/cfg_value.h"
#include "conf/cfg_walk.h"

union field {
    bool boolean;
    unsigned word;
    char *text;
    wall_ms at;
    struct addr addr;
    struct addr_block block;
    struct cfg_identity identity;
    struct cfg_template template;
};

static const struct cfg_template_var variable = {"host", 0, CFG_TEMPLATE_NONE, ""};
static const struct cfg_template_set variables = {&variable, 1};

static const char *const words[] = {"lmdb", "memory", NULL};
static const struct cfg_key kinds[] = {
    [CFG_T_BOOL] = {.type = CFG_T_BOOL},
    [CFG_T_TIME] = {.type = CFG_T_TIME, .zero = "now"},
    [CFG_T_ENUM] = {.type = CFG_T_ENUM, .words = words},
    [CFG_T_TEXT] = {.type = CFG_T_TEXT, .def = ""},
    [CFG_T_PATH] = {.type = CFG_T_PATH},
    [CFG_T_HOST] = {.type = CFG_T_HOST},
    [CFG_T_TOKEN] = {.type = CFG_T_TOKEN},
    [CFG_T_ADDR] = {.type = CFG_T_ADDR},
    [CFG_T_BLOCK] = {.type = CFG_T_BLOCK},
    [CFG_T_IDENTITY] = {.type = CFG_T_IDENTITY},
    [CFG_T_TEMPLATE] = {.type = CFG_T_TEMPLATE, .def = "", .variables = &variables},
    [CFG_T_STATUS] = {.type = CFG_T_STATUS},
    [CFG_T_LIMIT_KEY] = {.type = CFG_T_LIMIT_KEY},
    [CFG_T_USER] = {.type = CFG_T_USER},
};

Test(cfg_value, what_is_read_is_written_in_one_form)
{
    static const struct {
        enum cfg_type t;
        const char *in, *out;
    } cases[] = {
        {CFG_T_BOOL, "true", "true"},
        {CFG_T_BOOL, "on", "true"},
        {CFG_T_BOOL, "yes", "true"},
        {CFG_T_BOOL, "false", "false"},
        {CFG_T_BOOL, "off", "false"},
        {CFG_T_BOOL, "no", "false"},
        {CFG_T_TIME, "now", "now"},
        {CFG_T_TIME, "2026-03-02T06:07:08Z", "2026-03-02T06:07:08Z"},
        {CFG_T_ENUM, "memory", "memory"},
        {CFG_T_TEXT, "any \"text\" $ \xc3\xa9", "any \"text\" $ \xc3\xa9"},
        {CFG_T_TEXT, "", ""},
        {CFG_T_PATH, "/a/b?c=d", "/a/b?c=d"},
        {CFG_T_HOST, "WWW.Example.ORG", "www.example.org"},
        {CFG_T_HOST, "192.0.2.1", "192.0.2.1"},
        {CFG_T_HOST, "[0::1]", "[::1]"},
        {CFG_T_TOKEN, "a-Z0!#$%&'*+.^_`|~", "a-Z0!#$%&'*+.^_`|~"},
        {CFG_T_ADDR, "[0::1]:80", "[::1]:80"},
        {CFG_T_BLOCK, "10.0.0.0/8", "10.0.0.0/8"},
        {CFG_T_BLOCK, "10.1.2.3", "10.1.2.3/32"},
        {CFG_T_IDENTITY, "address", "address"},
        {CFG_T_IDENTITY, "header:X-User-Id", "header:x-user-id"},
        {CFG_T_IDENTITY, "cookie:SID", "cookie:SID"},
        {CFG_T_TEMPLATE, "a {host} {{b}", "a {host} {{b}"},
        {CFG_T_TEMPLATE, "", ""},
        {CFG_T_STATUS, "404", "404"},
        {CFG_T_STATUS, "5xx", "5xx"},
        {CFG_T_STATUS, "400-499", "4xx"},
        {CFG_T_STATUS, "500-504", "500-504"},
        {CFG_T_LIMIT_KEY, "client", "client"},
        {CFG_T_LIMIT_KEY, "user", "user"},
        {CFG_T_LIMIT_KEY, "header:X-Key", "header:x-key"},
        {CFG_T_LIMIT_KEY, "cookie:SID", "cookie:SID"},
        {CFG_T_USER, "/etc/htpasswd", "/etc/htpasswd"},
        {CFG_T_USER, "anna:$1$a:b", "anna:" CFG_REDACTED},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        const struct cfg_key *k = &kinds[cases[i].t];
        union field f;
        struct why w = {0};
        char *text;

        memset(&f, 0, sizeof(f));
        cr_assert_eq(cfg_value_parse(k, cases[i].in, &f, &w), RC_OK, "%s: %s", cases[i].in,
                     w.text);
        text = cfg_value_text(k, &f);
        cr_expect_str_eq(text, cases[i].out, "%s: %s", cases[i].in, text);
        free(text);
        cfg_value_clear(k->type, &f);
    }
}

Test(cfg_value, what_is_not_of_the_kind_is_refused_with_the_reason)
{
    static const struct {
        enum cfg_type t;
        const char *in, *why;
    } cases[] = {
        {CFG_T_BOOL, "True", "'True' is not true or false"},
        {CFG_T_BOOL, "1", "'1' is not true or false"},
        {CFG_T_TIME, "yesterday", "'yesterday' is not a time such as 2026-03-01T12:00:00Z"},
        {CFG_T_TIME, "2026-03-02", "is not a time"},
        {CFG_T_TIME, "2026-02-30T06:07:08Z", "is not a time"},
        {CFG_T_TIME, "2026-3-2T06:07:08Z", "is not a time"},
        {CFG_T_TIME, "2026-03-02T06:07:08", "is not a time"},
        {CFG_T_TIME, "2026-03-02T06:07:08Z ", "is not a time"},
        {CFG_T_TIME, "1969-12-31T23:59:59Z", "is not a time"},
        {CFG_T_ENUM, "memroy",
         "'memroy' is not one of lmdb, memory; did you mean 'memory'?"},
        {CFG_T_ENUM, "redis", "'redis' is not one of lmdb, memory"},
        {CFG_T_ENUM, "", "'' is not one of lmdb, memory"},
        {CFG_T_TEXT, "a\nb", "control characters are not allowed"},
        {CFG_T_TEXT, "a\x7f", "control characters are not allowed"},
        {CFG_T_TEXT, "a\xc2\x85", "control characters are not allowed"},
        {CFG_T_PATH, "a/b", "'a/b' is not a path that begins with /"},
        {CFG_T_PATH, "/a b", "is not a path"},
        {CFG_T_PATH, "", "must not be empty"},
        {CFG_T_PATH, "/\xc3\xa9", "is not a path"},
        {CFG_T_HOST, "example.org:80", "is not a host name or address without a port"},
        {CFG_T_HOST, "unix:/x", "is not a host name or address without a port"},
        {CFG_T_HOST, "::1", "is not a host name or address without a port"},
        {CFG_T_TOKEN, "a b", "'a b' has characters other than letters, digits and"},
        {CFG_T_TOKEN, "a/b", "'a/b' has characters other than"},
        {CFG_T_ADDR, "1.2.3.4", "'1.2.3.4': a port is missing: HOST:PORT"},
        {CFG_T_ADDR, "unix:/a\nb", "control characters are not allowed"},
        {CFG_T_BLOCK, "10.0.0.1/8",
         "'10.0.0.1/8': the address has bits set after the first 8"},
        {CFG_T_IDENTITY, "Header:x",
         "'Header:x' is not header:NAME, cookie:NAME or address"},
        {CFG_T_IDENTITY, "header:", "'' is not the name of a header"},
        {CFG_T_IDENTITY, "header: x", "' x' is not the name of a header"},
        {CFG_T_IDENTITY, "cookie:a b", "'a b' is not the name of a cookie"},
        {CFG_T_TEMPLATE, "a\n{host}", "control characters are not allowed"},
        {CFG_T_TEMPLATE, "a {hosts}", "column 4: no variable is named 'hosts'; did you"},
        {CFG_T_STATUS, "299", "'299' is not between 300 and 599"},
        {CFG_T_STATUS, "6xx", "'6xx' is not a range such as 500-504 or 5xx"},
        {CFG_T_STATUS, "504-500", "'504-500' is not a range"},
        {CFG_T_LIMIT_KEY, "users", "'users' is not client, user, header:NAME or"},
        {CFG_T_LIMIT_KEY, "header:", "'' is not the name of a header"},
        {CFG_T_USER, ":hash", "a user is written as name:HASH"},
        {CFG_T_USER, "anna:", "a user is written as name:HASH"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        union field f;
        struct why w = {0};

        memset(&f, 0, sizeof(f));
        cr_expect_eq(cfg_value_parse(&kinds[cases[i].t], cases[i].in, &f, &w), RC_INVALID,
                     "%s", cases[i].in);
        cr_expect(strstr(w.text, cases[i].why) != NULL, "%s: %s", cases[i].in, w.text);
    }
}

Test(cfg_value, a_refused_value_leaves_the_field_as_it_was)
{
    char *text = NULL;

    cr_assert_eq(cfg_value_parse(&kinds[CFG_T_PATH], "/old", &text, NULL), RC_OK);
    cr_expect_eq(cfg_value_parse(&kinds[CFG_T_PATH], "new", &text, NULL), RC_INVALID);
    cr_expect_str_eq(text, "/old");
    cr_expect_eq(cfg_value_parse(&kinds[CFG_T_PATH], "/new", &text, NULL), RC_OK);
    cr_expect_str_eq(text, "/new");
    cfg_value_clear(CFG_T_PATH, &text);
}

Test(cfg_value, texts_and_addresses_can_be_unset)
{
    char *text = (char[]){""};
    struct addr addr = {0};
    struct cfg_template template = {0};
    double number = 0;

    cr_expect(cfg_value_unset(CFG_T_TEXT, &text));
    cr_expect(cfg_value_unset(CFG_T_ADDR, &addr));
    cr_expect(cfg_value_unset(CFG_T_TEMPLATE, &template));
    template.n_pieces = 1;
    cr_expect_not(cfg_value_unset(CFG_T_TEMPLATE, &template));
    cr_expect_not(cfg_value_unset(CFG_T_NUMBER, &number));
    text = (char[]){"x"};
    addr.text[0] = 'x';
    cr_expect_not(cfg_value_unset(CFG_T_TEXT, &text));
    cr_expect_not(cfg_value_unset(CFG_T_ADDR, &addr));
}
