/* Mirrors proxy/tls/tls_name.c. */
#include "proxy/tls/tls_name.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/check.h"

static bool is_name(const char *text, bool wild, const char *normal)
{
    char out[TLS_NAME_MAX];

    return tls_name_normal(text, strlen(text), wild, out) && strcmp(out, normal) == 0;
}

static bool is_none(const char *text, bool wild)
{
    char out[TLS_NAME_MAX];

    return !tls_name_normal(text, strlen(text), wild, out);
}

Test(tls_name, case_and_a_last_dot_make_no_difference)
{
    cr_expect(is_name("WWW.Example.ORG.", false, "www.example.org"));
    cr_expect(is_name("localhost", false, "localhost"));
    cr_expect(is_name("a_b.example", false, "a_b.example"));
}

Test(tls_name, what_is_no_name_is_none)
{
    static const char *const bad[] = {"",    ".",      "a..b", ".a",    "a b.example",
                                      "a/b", "a\200b", "..",   "a.b..", "*.example.org"};

    for (size_t i = 0; i < N_ELEMS(bad); i++)
        cr_expect(is_none(bad[i], false), "%s", bad[i]);
}

Test(tls_name, a_nul_inside_ends_nothing)
{
    char out[TLS_NAME_MAX];

    cr_expect_not(tls_name_normal("good.example\0.evil.example", 26, true, out));
}

Test(tls_name, lengths_have_limits)
{
    char label[65], name[300] = "";
    char out[TLS_NAME_MAX];

    memset(label, 'a', 64);
    label[64] = 0;
    cr_expect(is_none(label, false), "a label of 64");
    label[63] = 0;
    cr_expect(is_name(label, false, label), "a label of 63");
    for (int i = 0; i < 4; i++) {
        strncat(name, label, 63);
        strncat(name, i < 3 ? "." : "", 2);
    }
    cr_expect_not(tls_name_normal(name, strlen(name), false, out), "255 in all");
    cr_expect(tls_name_normal(name, 253, false, out), "253 in all");
}

Test(tls_name, a_star_is_a_whole_leftmost_label_of_three_or_more)
{
    cr_expect(is_name("*.Example.org", true, "*.example.org"));
    cr_expect(is_none("*.org", true));
    cr_expect(is_none("*", true));
    cr_expect(is_none("a*.example.org", true));
    cr_expect(is_none("*a.example.org", true));
    cr_expect(is_none("a.*.org", true));
    cr_expect(is_none("*.*.example.org", true));
}

static void found(const struct tls_names *names, const char *host, int value)
{
    const struct tls_name *n = tls_name_find(names, host);

    cr_expect_eq(n != NULL ? (int)n->value : -1, value, "%s: %d", host,
                 n != NULL ? (int)n->value : -1);
}

Test(tls_name, exact_before_wildcard_and_one_label_only)
{
    struct tls_names names = {0};

    tls_name_add(&names, "www.example.org", 3);
    tls_name_add(&names, "*.example.org", 2);
    tls_name_add(&names, "www.example.org", 1);
    tls_name_add(&names, "example.org", 4);
    tls_name_add(&names, "aaa.example.com", 5);
    tls_name_sort(&names);
    found(&names, "www.example.org", 1);
    found(&names, "api.example.org", 2);
    found(&names, "example.org", 4);
    found(&names, "a.b.example.org", -1);
    found(&names, "example.com", -1);
    found(&names, "org", -1);
    found(&names, "zzz", -1);
    tls_name_clear(&names);
    found(&names, "www.example.org", -1);
}
