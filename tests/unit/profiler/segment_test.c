#include "profiler/segment.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Names as they are, identifiers as *. */
static void expect(const char *path, bool cut, const char *want)
{
    struct segment g[SEGMENT_MAX];
    size_t n = segment_split(path, strlen(path), cut, g);
    char got[256] = "";

    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(got);

        snprintf(got + at, sizeof(got) - at, "/%.*s", g[i].identifier ? 1 : (int)g[i].len,
                 g[i].identifier ? "*" : g[i].p);
    }
    cr_expect_str_eq(got, want, "%s: %s", path, got);
}

Test(segment, identifiers_are_told_from_names)
{
    static const struct {
        const char *path, *want;
    } cases[] = {
        {"/", "/"},
        {"/a", "/a"},
        {"/a/", "/a/"},
        {"/a//b", "/a//b"},
        {"/product/8813", "/product/*"},
        {"/product/8813/reviews", "/product/*/reviews"},
        {"/product/8813.html", "/product/*"},
        {"/2024-11-24/x", "/*/x"},
        {"/1.2.3", "/*"},
        {"/v1/users", "/v1/users"},
        {"/o/123e4567-e89b-12d3-a456-426614174000", "/o/*"},
        {"/c/deadbeef00", "/c/*"},
        {"/c/deadbeef", "/c/deadbeef"},
        {"/c/abc1", "/c/abc1"},
        {"/apollo-13/apollo-13.html", "/apollo-13/apollo-13.html"},
        {"/s/Xk2pQ9rT4mZ8wV1c", "/s/*"},
        {"/s/a-very-long-name-without", "/s/a-very-long-name-without"},
        {"/.well-known/security.txt", "/.well-known/security.txt"},
        {"/a*b", "/*"},
        {"/caf\xc3\xa9", "/*"},
        {"/a b", "/*"},
        {"", ""},
        {"*", ""},
        {"http://x/", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(cases[i].path, false, cases[i].want);
}

Test(segment, a_cut_text_has_no_last_name)
{
    expect("/a/bcd", true, "/a/*");
    expect("/a/", true, "/a/*");
}

Test(segment, what_is_very_deep_is_one_identifier)
{
    expect("/1/a/b/c/d/e/f/g/h/i/j/k/l/m", false, "/*/a/b/c/d/e/f/g/h/i/j/*");
    expect("/a/b/c/d/e/f/g/h/i/j/k", false, "/a/b/c/d/e/f/g/h/i/j/k");
}
